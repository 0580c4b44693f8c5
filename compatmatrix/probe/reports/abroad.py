"""Labels in other languages: what a German, Spanish, French, Portuguese, Russian, Chinese, Japanese or Korean names."""

from __future__ import annotations

import re

_VERSION = (
    r"(?:versi[oó]n|vers[ãa]o|versione|version|\u0432\u0435\u0440\u0441\u0438\u044f|\u7248\u672c\u53f7?|"
    r"\u7248\u672c|\u30d0\u30fc\u30b8\u30e7\u30f3|"
    r"\ubc84\uc804)"
)
_PACKAGES = r"(py ?torch|torchvision|torchaudio|fastai|fastcore|numpy|pillow|python)"
_NAMED = re.compile(
    rf"(?:{_VERSION}[ -]?(?:d[eou]s? |di |von |der )?)?{_PACKAGES}(?:[ -]|\u306e|\u7684)?{_VERSION}?$", re.IGNORECASE
)
_FACTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), fact)
    for pattern, fact in (
        # Operating system, system (version); Russian, Chinese, Japanese and Korean in escapes.
        (r"(?:betriebssystem|syst[eè]me(?: d.exploitation)?|sistema(?: operativ[oa]| operacional)?|"
         r"\u043e\u043f\u0435\u0440\u0430\u0446\u0438\u043e\u043d\u043d\u0430\u044f "
         r"\u0441\u0438\u0441\u0442\u0435\u043c\u0430|\u043e\u0441|\u64cd\u4f5c\u7cfb\u7edf(?:\u7248\u672c)?|"
         r"\u7cfb\u7edf(?:\u7248\u672c)?|"
         r"\u4f5c\u696d\u7cfb\u7d71|\u30aa\u30da\u30ec\u30fc\u30c6\u30a3\u30f3\u30b0\u30b7\u30b9\u30c6\u30e0|"
         r"\uc6b4\uc601\uccb4\uc81c)$", "os"),
        # Graphics card (model).
        (r"(?:grafikkarte|carte graphique|tarjeta(?: gr[aá]fica)?|placa (?:de v[ií]deo|gr[aá]fica)|scheda video|"
         r"\u0432\u0438\u0434\u0435\u043e\u043a\u0430\u0440\u0442\u0430|(?:gpu)?\u663e\u5361(?:\u578b\u53f7)?|"
         r"gpu ?\u578b\u53f7|\u986f\u793a\u5361|\u986f\u5361|"
         r"\u30b0\u30e9\u30d5\u30a3\u30c3\u30af(?:\u30dc\u30fc\u30c9|\u30ab\u30fc\u30c9)|\u30b0\u30e9\u30dc|"
         r"\uadf8\ub798\ud53d ?\uce74\ub4dc)$", "gpu"),
        # Driver (version).
        (rf"(?:(?:nvidia|gpu|grafik|\u663e\u5361)[ -]?)?(?:{_VERSION} (?:du |del |do )?)?"
         rf"(?:treiber(?:version)?|pilotes?|controlador(?:es)?|\u0434\u0440\u0430\u0439\u0432\u0435\u0440|"
         rf"\u9a71\u52a8(?:\u7a0b\u5e8f)?|\u9a45\u52d5(?:\u7a0b\u5f0f)?|\u30c9\u30e9\u30a4\u30d0\u30fc?|"
         rf"\ub4dc\ub77c\uc774\ubc84)(?: nvidia)?(?:\u306e|[ -])?{_VERSION}?$", "driver"),
        (r"(?:imagen|imagem|immagine|\u043e\u0431\u0440\u0430\u0437|\u955c\u50cf|\u93e1\u50cf|"
        r"\u30a4\u30e1\u30fc\u30b8|\uc774\ubbf8\uc9c0)$",
         "image"),
        # How it was installed.
        (r"(?:installiert (?:mit|per|[uü]ber)|instalado con|instalado com|install[eé] avec|"
        r"\u0443\u0441\u0442\u0430\u043d\u043e\u0432\u043b\u0435\u043d\u043e \u0447\u0435\u0440\u0435\u0437|"
         r"\u5b89\u88c5(?:\u65b9\u5f0f|\u65b9\u6cd5)|\u5b89\u88dd\u65b9\u5f0f|"
         r"\u30a4\u30f3\u30b9\u30c8\u30fc\u30eb\u65b9\u6cd5|\uc124\uce58 ?\ubc29\ubc95)$", "installer"),
        # What nvidia-smi shows, in whatever words between the two names.
        (r"(?:nvidia-smi\b.{0,24}\bcuda\b.{0,12}|cuda\b.{0,24}\bnvidia-smi\)?)$", "driver-cuda"),
    )
)  # fmt: skip


def fact_of(label: str) -> str:
    """The fact that a label of another language stands for: a package, "os", "gpu", "driver"; empty where unknown."""
    plain = label.strip(" -*\u2022\u30fb")
    named = _NAMED.match(plain)
    if named:
        name = named[1].lower().replace(" ", "")
        return "torch" if name == "pytorch" else name
    return next((fact for pattern, fact in _FACTS if pattern.match(plain)), "")

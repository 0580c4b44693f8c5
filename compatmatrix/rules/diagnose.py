"""The diagnosis of a report: what the rules find from facts, what error texts imply, joined and weighed.

Certain: from facts alone, or a text that states its cause. Likely: a text that usually means this, or facts of which
one is assumed. Unknown: a fact is missing. A likely text never stands beside a certain cause as a second error.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from compatmatrix.matrix.tokens import Token, load_tokens
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.observed import Sign
from compatmatrix.rules.case import Case, Rule, judge
from compatmatrix.rules.echoes import without_echoes
from compatmatrix.rules.signs import implied


class Confidence(StrEnum):
    CERTAIN = "certain"
    LIKELY = "likely"
    UNKNOWN = "unknown"


class Diagnosed(NamedTuple):
    """A finding, how sure it is, and the error texts that speak for it."""

    finding: Finding
    confidence: Confidence
    signs: tuple[Sign, ...] = ()


class Diagnosis(NamedTuple):
    """All of it. confidence: in the verdict. ask_next: the one fact to ask the reporter for, empty for none."""

    diagnosed: tuple[Diagnosed, ...]
    confidence: Confidence
    ask_next: str = ""


QUESTIONS = {
    "torch": "the versions: python -c 'import torch; print(torch.__version__, torch.version.cuda)'",
    "build": "the build of torch: python -c 'import torch; print(torch.version.cuda)'",
    "gpu": "the GPU: nvidia-smi --query-gpu=name,driver_version --format=csv",
    "driver": "the driver: nvidia-smi --query-gpu=name,driver_version --format=csv",
    "python": "the Python: python -VV, and whether it has 64 bits",
    "os": "the operating system and its version",
    "machine": "the processor: python -c 'import platform; print(platform.machine())'",
    "libc": "the C library: ldd --version",
    "torchvision": "the versions: pip list | grep -i torch",
    "torchaudio": "the versions: pip list | grep -i torch",
    "fastai": "the versions: pip list | grep -i fast",
    "fastcore": "the versions: pip list | grep -i fast",
    "numpy": "the versions: pip list | grep -iE 'numpy|torch'",
    "pillow": "the versions: pip list | grep -iE 'pillow|torchvision'",
    "library-path": "the library path: echo $LD_LIBRARY_PATH",
    "image": "the image's full name and tag",
    "installer": "how it was installed: pip list and conda list",
}


_ALWAYS = ("torch", "build", "gpu", "driver", "python")
_DECIDES = {
    "platform-unsupported": ("os", "machine", "python"),
    "known-bad": ("torch", "python"),
    "python-unsupported": ("python", "os", "machine"),
    "glibc-too-old": ("libc", "os"),
    "driver-too-old": ("driver", "torch", "build", "os"),
    "container-driver": ("driver", "image", "gpu"),
    "arch-missing": ("gpu", "torch", "build"),
    "cpu-build-on-gpu": ("gpu", "build", "torch", "os"),
    "torchvision-mismatch": ("torchvision", "torch"),
    "torchaudio-mismatch": ("torchaudio", "torch"),
    "fastai-mismatch": ("fastai", "fastcore", "torch"),
    "numpy-abi": ("numpy", "torch"),
    "pillow": ("pillow",),
    "cuda-libs-conflict": ("library-path", "torch"),
    "conda-mixed": ("installer", "torch"),
}
"""The facts that would make a likely finding certain, the most telling first."""


def diagnose(case: Case, rules: Sequence[Rule], guessed: Sequence[str] = (), spoken: Sequence[str] = ()) -> Diagnosis:
    """Judge a report's case. guessed: which of its facts are assumed; findings from facts are then likely only.

    spoken: facts of the host that a sentence alone names; the findings that they decide are likely only.
    """
    found: list[Diagnosed] = []
    for finding in without_echoes(case, judge(case, rules)):
        unsure = guessed or set(spoken) & set(_DECIDES.get(finding.code, ()))
        sure = Confidence.LIKELY if unsure else Confidence.CERTAIN
        sure = Confidence.UNKNOWN if finding.severity is Severity.UNKNOWN else sure
        found.append(Diagnosed(finding, sure))
    # Texts that another one may explain come last: which row stands first in the file must not decide.
    for sign, token, finding in sorted(implied(case), key=lambda one: bool(one[1].explained_by)):
        place = _explaining(found, token, finding)
        if place is not None:
            known = found[place]
            confidence = Confidence.CERTAIN if known.finding.code == token.code else known.confidence
            found[place] = known._replace(confidence=confidence, signs=(*known.signs, sign))
            continue
        confidence = Confidence.CERTAIN if token.certain and not _is_one_side(token, case) else Confidence.LIKELY
        if finding.severity is not Severity.ERROR:
            confidence = Confidence.UNKNOWN
        found.append(Diagnosed(finding, confidence, (sign,)))
    weighed = _weighed(found)
    return Diagnosis(tuple(weighed), *_verdict(case, weighed, (*guessed, *spoken)))


def _is_one_side(token: Token, case: Case) -> bool:
    """Whether a text states only half of its cause: a CPU build is a fault where there is a GPU."""
    wanted = any((pin.flavour or "").startswith("cu") for pin in case.observed.requested)
    return token.code == "cpu-build-on-gpu" and not case.host.gpus.known and not wanted


def _explaining(found: Sequence[Diagnosed], token: Token, finding: Finding) -> int | None:
    """The place of what was found already and explains a text: the same code, a code that the token names, or the
    general code known-bad for the same packages, which the text then names better."""
    for wanted in ((token.code,), token.explained_by):
        for place, one in enumerate(found):
            if one.finding.code in wanted and one.finding.severity is finding.severity:
                return place
    return None


def _weighed(found: list[Diagnosed]) -> list[Diagnosed]:
    """known-bad gives way to a text's own code for the same packages; likely texts give way to certain causes."""
    named = {frozenset(one.finding.packages) for one in found if one.signs and one.finding.code != "known-bad"}
    found = [one for one in found if one.finding.code != "known-bad" or frozenset(one.finding.packages) not in named]
    certain = any(one.confidence is Confidence.CERTAIN and one.finding.severity is Severity.ERROR for one in found)
    facts = any(not one.signs and one.finding.severity is Severity.ERROR for one in found)
    weighed = []
    for one in found:
        likely_text = one.signs and one.confidence is Confidence.LIKELY and one.finding.severity is Severity.ERROR
        if likely_text and (certain or facts):
            one = one._replace(finding=one.finding._replace(severity=Severity.WARNING))
        weighed.append(one)
    order = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.UNKNOWN: 2}
    sure = {Confidence.CERTAIN: 0, Confidence.LIKELY: 1, Confidence.UNKNOWN: 2}
    return sorted(weighed, key=lambda one: (order[one.finding.severity], sure[one.confidence]))


def _verdict(case: Case, found: Sequence[Diagnosed], guessed: Sequence[str]) -> tuple[Confidence, str]:
    """How sure, and the question. Without an error: certain only where the facts that decide are known and none is
    assumed; unknown where there was nothing to compare torch with.
    """
    errors = [one for one in found if one.finding.severity is Severity.ERROR]
    certain = [one for one in errors if one.confidence is Confidence.CERTAIN]
    if certain:
        return Confidence.CERTAIN, _to_repair(certain[0], case)
    tokens = load_tokens().tokens
    asked = [tokens[sign.name].ask for sign in case.observed.signs if sign.name in tokens and tokens[sign.name].ask]
    wanted = [fact for one in errors for fact in _DECIDES.get(one.finding.code, ())]
    amd = case.observed.amd or case.observed.rocm
    nvidia = ("gpu", "driver") if amd else ()
    missing = [ask for ask in (*asked, *(wanted or _ALWAYS)) if not _known(ask, case) and ask not in nvidia]
    question = QUESTIONS.get(missing[0], "") if missing else ""
    if errors:
        return Confidence.LIKELY, question
    open_points = case.observed.signs or any(one.finding.severity is Severity.UNKNOWN for one in found)
    if open_points or not _compared(case):
        return Confidence.UNKNOWN, question
    wanting = [fact for fact in ("python", "os", "machine", "gpu") if not _told(fact, case)]
    if wanting:
        return Confidence.LIKELY, next((QUESTIONS[fact] for fact in wanting if fact not in nvidia), "")
    return (Confidence.LIKELY if guessed else Confidence.CERTAIN), ""


def _compared(case: Case) -> bool:
    """Whether there is something to judge: torch or fastai, and at least one fact beside it."""
    known = [name for name in _JUDGED if name in case.stack]
    if "torch" not in known and "fastai" not in known:
        return False
    return len(known) > 1 or any(_told(fact, case) for fact in ("python", "gpu"))


_JUDGED = ("torch", "torchvision", "torchaudio", "fastai", "fastcore", "numpy", "pillow")


def _told(fact: str, case: Case) -> bool:
    """Whether a fact is known, or does not matter: a GPU to a build without CUDA."""
    pin = case.stack.get("torch")
    cpu = case.observed.torch_cpu or (pin is not None and pin.flavour == "cpu")
    macos = (case.host.platform.value or "").startswith("macos")
    return _known(fact, case) or (fact == "gpu" and (cpu or macos))


def _to_repair(one: Diagnosed, case: Case) -> str:
    """What to ask where a text states the cause, and the fact that decides the repair is missing."""
    if not one.signs or one.finding.fix:
        return ""
    first = _DECIDES.get(one.finding.code, ())[:2]
    host_only = any(sign.name in _OF_THE_HOST for sign in one.signs)
    wanted = [fact for fact in first if not (host_only and fact == "image")]
    return next((QUESTIONS[fact] for fact in wanted if not _known(fact, case)), "")


_OF_THE_HOST = frozenset({"fabric-manager"})
"""Texts of container-driver that appear without a container as well: no image decides their repair."""


def _known(fact: str, case: Case) -> bool:
    host = case.host
    if fact == "gpu":
        return host.gpus.known
    if fact == "driver":
        return host.driver.known or host.driver_cuda.known or host.has_gpu is False
    if fact == "python":
        return host.python.known
    if fact == "os":
        return host.platform.origin != "assumed"
    if fact == "machine":
        return host.platform.known and host.platform.origin != "assumed"
    if fact == "libc":
        return host.libc.known
    if fact == "build":
        pin = case.stack.get("torch")
        return bool(case.observed.rocm or case.observed.torch_cuda or case.observed.torch_cpu or (pin and pin.flavour))
    if fact == "library-path":
        return bool(case.observed.library_path)
    if fact == "image":
        return bool(case.observed.image)
    if fact == "installer":
        return bool(case.observed.installer)
    return fact in case.stack

"""Label and value: collect_env in all its versions, and its kin (mmcv, detectron2, Lightning, transformers, vLLM,
ultralytics), issue templates, and `key: value` lines of whatever origin.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from compatmatrix.probe.reports import abroad
from compatmatrix.probe.reports.seen import Seen, Trust
from compatmatrix.probe.reports.text import Line

_LABEL = re.compile(
    r"([A-Za-z][A-Za-z0-9 ._/()?,&'-]{0,70}?)\s*(?:\((?:e\.?g\.?|i\.e\.|used|"
    r"GPU\?)[^)]{0,60}\))?\s*[:=]\s+(\S.{0,400})$"
)
_ABROAD = re.compile(r"([^\s:=|][^:=|]{0,40}?)\s*[:=]\s*(\S.{0,400})$")
_CELLS = re.compile(r"([A-Za-z][^|]{1,50}?)\s+\|\s+([^|]{1,200})$")
"""A row of a table with two columns; the bars at its ends are gone."""
_CUDA_BUILD = re.compile(
    r"(?:cuda used to build py?torch|torch[. ]version[. ]cuda|torch cuda(?: version)?|"
    r"pytorch cuda(?: version)?|cuda \(?torch\)?|built with cuda|compiled with cuda|cuda version \(pytorch\))$"
)
_LABELS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), fact)
    for pattern, fact in (
        (r"(?:py?torch|torch)(?:[ _]version)?(?: \(gpu\?\))?$", "torch"),
        (r"torch\.__version__$", "torch"),
        (r"torch ?vision(?:[ _]version)?$|torchvision\.__version__$", "torchvision"),
        (r"torchaudio(?:[ _]version)?$", "torchaudio"),
        (r"fast\.?ai(?:[ _]version)?$|fastai\.__version__$", "fastai"),
        (r"fastcore(?:[ _]version)?$", "fastcore"),
        (r"numpy(?:[ _]version)?$|np\.__version__$|numpy\.__version__$", "numpy"),
        (r"(?:pillow|pil)(?:[ _]version)?$|pil\.__version__$", "pillow"),
        (r"(?:python|python3)(?:[ _]version)?$", "python"),
        (r"(?:os|operating system|system|os version|platform|python platform|distro|os name)$", "os"),
        (r"(?:machine|architecture|processor architecture|cpu architecture|arch)$", "machine"),
        (r"(?:libc version|glibc(?: version)?|libc)$", "libc"),
        (r"(?:nvidia )?(?:gpu )?driver(?: ?version)?$|(?:nvidia|cuda|gpu|graphics) driver(?:[ _]version)?$", "driver"),
        (r"(?:gpu models? and configuration|gpu models?|gpus?(?: ?#?\d+)?(?:(?:,\d+)*)|gpu (?:name|type|"
         r"device|used)|graphics card|video card|nvidia gpus?|cuda device|device name|gpu ?\d?(?: name)?|"
         r"torch devices? name|hardware|gpu/vram|gpu model and memory)$", "gpu"),
        (r"rocm used to build pytorch$|hip runtime version$", "rocm"),
        (r"(?:is )?cuda (?:is )?available$|torch\.cuda\.is_available(?:\(\))?$|gpu available$|"
         r"cuda_available$|available$", "cuda-available"),
        (r"cuda (?:runtime|compiler|toolkit)(?: version)?$|cuda_home$|nvcc(?: version)?$|system_cuda$", "toolkit"),
        (r"(?:compute|cuda|gpu) capabilit(?:y|ies)$|cuda compute capability$|capability$", "capability"),
        (r"ld_library_path$", "library-path"),
        (r"container image$|docker image$|base image$|image$", "image"),
        (r"installed with$|how you installed py?torch.{0,40}$|installed via$|install method$|"
         r"installation method$|package manager$|installer$", "installer"),
    )
)  # fmt: skip
_VERSION = re.compile(r"v?(\d+(?:\.\d+){1,3}(?:\.?(?:a|b|rc|post|dev)\d*)*(?:\+[A-Za-z0-9.]+)?)(?![\d])")
_CUDA = re.compile(r"(\d{1,2}\.\d{1,2})\b")


def read(lines: Sequence[Line]) -> Iterator[Seen]:
    """Every labelled fact."""
    gpus = 0
    section = ""
    for line in lines:
        if line.text.endswith(":") and len(line.text) < 40:
            heading = line.text[:-1].strip("-* \t").lower()
            if (section, heading) != ("cuda", "gpu"):  # Lightning lists the GPUs inside its section CUDA
                section = heading
        more = re.match(r"GPU\s?#?(\d{1,3})\s*[:=]\s*(\S.{0,150})", line.text)
        if more:
            yield from _gpu(more[2], line.number)
            gpus += 1
            continue
        match = _LABEL.match(line.text) or _CELLS.match(line.text)
        if not match and not line.text.isascii():
            match = _ABROAD.match(line.text)
        if match:
            yield from labelled(match[1].strip().lower(), match[2].strip(), line, section)
            continue
        bare = re.match(r"(TorchVision|PyTorch|Numpy|Pillow|Python|GPU available)\s{2,}(\S.{0,200})$", line.text)
        if bare and not bare[2].startswith(("version", "Build")):
            yield from labelled(bare[1].lower(), bare[2].strip(), line, section)
            continue
        gpu = re.match(r"GPU\s(?:\d+,?)+\s{2,}(\S.{0,100})$", line.text)
        if gpu:
            yield from _gpu(gpu[1], line.number)


def labelled(label: str, value: str, line: Line, section: str = "") -> Iterator[Seen]:
    """What a label in lower case and its value tell. section: the heading above it, empty for none."""
    if _CUDA_BUILD.search(label) or (label == "version" and section == "cuda"):
        yield from cuda_build(value, line.number)
        return
    fact = next((fact for pattern, fact in _LABELS if pattern.match(label)), "") or abroad.fact_of(label)
    if not fact:
        return
    if fact in ("torch", "torchvision", "torchaudio", "fastai", "fastcore", "numpy", "pillow"):
        if fact == "torch" and label == "available":
            return
        trust = Trust.IMPORTED if label in ("pytorch version", "pytorch", "torch.__version__") else Trust.TOLD
        version = version_in(value)
        if version:
            yield Seen(fact, version, line.number, trust, package=True)
        told = re.search(r"\((True|False)\)", value)
        if fact == "torch" and told:
            yield Seen("cuda-available", told[1], line.number)
    elif fact == "python":
        match = re.match(r"(?:CPython |Python )?(\d\.\d{1,2}(?:\.\d{1,2})?(?:(?:a|b|rc)\d+)?t?)(?!\d)", value)
        if match:
            yield Seen("python", match[1], line.number)
        if "32-bit" in value or "32 bit" in value:
            yield Seen("machine", "32-bit", line.number)
    elif fact == "driver":
        match = re.match(r"(\d{2,3}\.\d{1,3}(?:\.\d{1,3})?)\b|(\d{3})$", value)
        if match:
            yield Seen("driver", match[0], line.number)
        elif value.lower().startswith("could not collect"):
            yield Seen("no-driver", value[:60], line.number)
    elif fact == "driver-cuda":
        match = _CUDA.match(value)
        if match:
            yield Seen(fact, match[1], line.number)
    elif fact == "gpu":
        yield from _gpu(re.sub(r"^GPU\s?#?\d+\s*[:=]\s*", "", value), line.number)
    elif fact == "cuda-available":
        match = re.match(r"(true|yes|false|no)\b", value.lower())
        if match:
            yield Seen(fact, "True" if match[1] in ("true", "yes") else "False", line.number)
    elif fact == "rocm":
        if re.match(r"\d", value):
            yield Seen(fact, value[:40], line.number)
    elif fact == "capability":
        for capability in re.findall(r"\b(\d{1,2}\.\d)\b", value)[:16]:
            yield Seen(fact, capability, line.number)
    elif fact == "toolkit":
        match = _CUDA.search(value)
        if match:
            yield Seen(fact, match[1], line.number)
    else:
        yield Seen(fact, value[:200], line.number)


def cuda_build(value: str, number: int) -> Iterator[Seen]:
    """The CUDA that torch says it was built with; "cpu" where it says that there is none."""
    told = value.strip().strip("'\"")
    match = re.match(r"v?(\d{1,2}\.\d{1,2})\b", told)
    if match:
        yield Seen("torch-cuda", match[1], number, Trust.IMPORTED)
    elif re.match(r"(?:None|cpu|Could not collect)\b", told, re.IGNORECASE):  # collect_env's word for None
        yield Seen("torch-cuda", "cpu", number, Trust.IMPORTED)
    if re.search(r"is available|not available", told, re.IGNORECASE):
        yield Seen("cuda-available", str("not available" not in told.lower()), number)


def version_in(text: str) -> str:
    """The version at the head of a value: "1.13.1+cu117", "1.7.0 @/usr/lib"; empty where there is none."""
    match = _VERSION.match(text.strip().strip("'\""))
    return match[1] if match else ""


def _gpu(value: str, number: int) -> Iterator[Seen]:
    """One GPU, or several in one value ("2x RTX 3090", "A, B"); "No CUDA" and "N/A" say nothing of the machine."""
    told = re.sub(
        r"^\d+\s?Mi?B\s*\|\s*|\(UUID:.*$|\s*[,;]\s*(?:driver|cuda|(?:py)?torch|python)\b.*$",
        "",
        value,
        flags=re.IGNORECASE,
    )
    told = told.strip()
    if re.match(r"(?:no cuda|none|no gpu|no\b)", told, re.IGNORECASE):
        if re.match(r"(?:no cuda|no gpu|none)", told, re.IGNORECASE):
            yield Seen("no-gpu", told[:60], number)
        return
    if re.match(r"(?:n/a|unknown|could not collect|\?|-|true|false|yes|\d+$)", told, re.IGNORECASE):
        return
    for name in re.split(r"\s*[,;/]\s*(?=[A-Z])|\\n(?:GPU \d+: )?", told)[:16]:
        count = re.match(r"(\d{1,2})\s?[x\u00d7*]\s?(.+)$", name)
        plain = re.sub(r"^GPU\s?#?\d+\s*[:=]\s*", "", (count[2] if count else name).strip())
        if plain:
            yield Seen("gpu", plain[:100], number)

"""A pasted report as a whole: what its lines tell, joined to a stack, a host and the rest, contradictions noted."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.tokens import Token
from compatmatrix.model.cuda import Arch, Capability, Cuda
from compatmatrix.model.host import Host
from compatmatrix.model.observed import Conflict, Observed, Sign, Wheel
from compatmatrix.model.stack import Pin, Stack
from compatmatrix.probe.installed import flavour_of
from compatmatrix.probe.reports import (
    containers,
    disputes,
    forms,
    labels,
    listing,
    packages,
    resolver,
    session,
    show_install,
    smi,
    system,
    trouble,
    wishes,
)
from compatmatrix.probe.reports.build_hint import other_build_told
from compatmatrix.probe.reports.guides import without_guides
from compatmatrix.probe.reports.machine import host_of
from compatmatrix.probe.reports.not_known import not_known
from compatmatrix.probe.reports.seen import PACKAGES, Reader, Seen, Trust
from compatmatrix.probe.reports.text import Line, clean

READERS: tuple[Reader, ...] = (
    show_install.read, labels.read, forms.read, packages.read, smi.read, system.read, session.read, resolver.read,
    disputes.read, containers.read, listing.read, trouble.read, wishes.read,
)  # fmt: skip

FAMILY = ("torch", "torchvision", "torchaudio")


@dataclass(frozen=True, slots=True)
class Report:
    """A report. understood: (line, fact, value), by line. notes: what a reader should know of how it was read.

    guessed: why torch's build, or the platform, is not certain; empty where it is.
    spoken: which of "python", "gpu" and "driver" are named in a sentence only.
    not_known: errors that no known text explains, (line, text).
    """

    stack: Stack
    host: Host
    observed: Observed
    understood: tuple[tuple[int, str, str], ...]
    notes: tuple[str, ...] = ()
    guessed: tuple[str, ...] = ()
    spoken: tuple[str, ...] = ()
    not_known: tuple[tuple[int, str], ...] = ()


def read_report(text: str, matrix: Matrix, tokens: Iterable[Token]) -> Report:
    """Read a report. tokens: the error texts to look for. Never raises: what is not understood is left out."""
    lines = of_the_broken_one(clean(text))
    seen = [one for read in READERS for one in read(lines)]
    signs = tuple(_signs(without_guides(lines), tokens))
    stack, copies, named = _stack(seen)
    host, machine_notes = host_of(seen, lines, matrix)
    build_open = other_build_told(seen, lines, stack, host.platform.value or "", matrix)
    observed = _observed(seen, signs, copies)._replace(build_open=build_open or "torch" in named)
    guessed = tuple(f"{name} is named in a sentence only" for name in named)
    if host.platform.origin == "assumed":
        guessed = (*guessed, "the platform is assumed")
    if build_open:
        guessed = (*guessed, "torch is named without its build, beside a CUDA that several of its builds may have")
    spoken = tuple(_spoken(host, seen))
    firm = {(one.line, one.fact) for one in seen if one.trust > Trust.PROSE}
    understood = {
        (one.line, one.fact, one.value)
        for one in seen
        if (one.package is False or one.fact in PACKAGES or one.fact.startswith("nvidia-"))
        and (one.trust > Trust.PROSE or (one.line, one.fact) not in firm)
    }
    understood |= {(sign.line, "error", sign.name) for sign in signs}
    notes = (*machine_notes, *_spoken_notes(spoken))
    unexplained = tuple(not_known(lines, signs))
    return Report(stack, host, observed, tuple(sorted(understood)), notes, guessed, spoken, unexplained)


def _spoken(host: Host, seen: Sequence[Seen]) -> Iterator[str]:
    """Which facts of the host stand on a sentence only."""
    for fact, known in (("python", host.python.known), ("gpu", host.gpus.known), ("driver", host.driver.known)):
        trusts = [one.trust for one in seen if one.fact == fact]
        if known and trusts and max(trusts) is Trust.PROSE:
            yield fact


def _spoken_notes(spoken: Sequence[str]) -> Iterator[str]:
    names = {"python": "Python", "gpu": "the GPU", "driver": "the driver"}
    for fact in spoken:
        yield f"{names[fact]} is named in a sentence only"


def of_the_broken_one(lines: Sequence[Line]) -> Sequence[Line]:
    """Without the environments that are shown to work, where a report shows several by collect_env.

    People compare: "in this one it works". Only a report with exactly one that lacks CUDA is cut.
    """
    starts = [place for place, line in enumerate(lines) if re.match(r"PyTorch version\s*:", line.text)]
    if len(starts) < 2:
        return lines
    blocks = [lines[start:end] for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)]
    broken = [
        block for block in blocks if any(re.match(r"Is CUDA available\s*:\s*(?:No|False)", line.text) for line in block)
    ]
    if len(broken) != 1:
        return lines
    return [*lines[: starts[0]], *broken[0]]


def _signs(lines: Sequence[Line], tokens: Iterable[Token]) -> Iterator[Sign]:
    """The first place of each known error text."""
    starts, place = [], 0
    for line in lines:
        starts.append(place)
        place += len(line.text) + 1
    whole = "\n".join(line.text for line in lines)
    lower = whole.lower()
    for token in tokens:
        match = token.search(whole, lower)
        if match:
            line = lines[bisect_right(starts, match.start()) - 1]
            yield Sign(token.name, line.number, " ".join(match[0].split())[:120])


def _stack(seen: Sequence[Seen]) -> tuple[Stack, tuple[Pin, ...], tuple[str, ...]]:
    """The stack, by the most trusted telling of each package; other copies of the torch family; which packages are
    named in a sentence only."""
    told: dict[str, list[Seen]] = {}
    seen = [_of_conda(one) for one in seen] if _pip_is_elsewhere(seen) else seen
    for one in seen:
        if one.package and one.trust > Trust.REQUESTED:
            told.setdefault(one.fact, []).append(one)
        elif one.package and one.trust is Trust.PROSE:
            told.setdefault(one.fact, [])
        elif one.package and one.fact in ("cudatoolkit", "pytorch-cuda"):
            told.setdefault(one.fact, []).append(one)
    pins: dict[str, Pin] = {}
    copies: list[Pin] = []
    named: list[str] = []
    for name, tellings in told.items():
        made = [(pin, one) for one in sorted(tellings, key=lambda one: -one.trust) if (pin := _pin(name, one))]
        if not made:
            prose = {one.value for one in seen if one.package and one.fact == name and one.trust is Trust.PROSE}
            only = next((one for one in seen if one.fact == name and one.trust is Trust.PROSE), None)
            # Several versions in sentences are a story, not a state.
            if len(prose) == 1 and only and (pin := _pin(name, only)):
                pins[name] = pin
                named.append(name)
            continue
        pins[name] = made[0][0]
        if name in FAMILY:
            copies += [
                pin
                for pin, one in made[1:]
                if pin.release != made[0][0].release and one.trust in (Trust.CONDA, Trust.PIP)
            ]
            fuller = next((pin for pin, _ in made if pin.release == made[0][0].release and pin.flavour), None)
            if fuller and made[0][0].flavour is None:
                pins[name] = fuller
    # Where torch is known, a command that asks for another one tells of something else: a repair, an earlier try.
    wishes = tuple(_requested(seen))
    if "torch" in named and any(pin.name == "torch" and pin.release == pins["torch"].release for pin in wishes):
        del pins["torch"]  # the sentence that names it tells of the wish
    if "torch" not in pins:
        for pin in wishes:
            pins.setdefault(pin.name, pin)
    torch = pins.get("torch")
    build = next((one.value for one in seen if one.fact == "torch-cuda"), "") or next(
        (one.value for one in seen if one.fact == "conda-torch"), ""
    )
    if torch and build and torch.flavour is None:
        pins["torch"] = torch._replace(flavour="cpu" if build == "cpu" else Cuda.parse(build).tag)
    return Stack(pins.values()), tuple(dict.fromkeys(copies)), tuple(named)


def _pip_is_elsewhere(seen: Sequence[Seen]) -> bool:
    """Whether the imported torch is conda's, and pip lists another: collect_env asks the pip that is first on PATH,
    which may belong to another Python."""
    by = {
        trust: {one.value.partition("+")[0] for one in seen if one.fact == "torch" and one.trust is trust}
        for trust in Trust
    }
    imported, conda, pip = by[Trust.IMPORTED], by[Trust.CONDA], by[Trust.PIP]
    return bool(imported & conda) and bool(pip) and not imported & pip


def _of_conda(one: Seen) -> Seen:
    return one._replace(trust=Trust.LIST) if one.package and one.trust is Trust.PIP else one


def _requested(seen: Sequence[Seen]) -> Iterator[Pin]:
    """What was asked for: the failed requests, else the one version that was asked for."""
    wanted = [one for one in seen if one.fact == "requested"]
    failed = [one for one in wanted if one.trust is Trust.LIST]
    for one in failed or wanted:
        name, _, text = one.value.partition("==")
        others = {other.value for other in (failed or wanted) if other.value.startswith(f"{name}==")}
        if len({other.partition("+")[0] for other in others}) > 1 and not failed:
            continue
        pin = _pin(name, one._replace(value=text))
        if pin:
            yield pin._replace(origin=f"line {one.line}, requested")


def _pin(name: str, one: Seen) -> Pin | None:
    try:
        version = Version(one.value)
    except InvalidVersion:
        return None
    return Pin(name, version, flavour_of(version) if name in FAMILY else None, f"line {one.line}")


def _observed(seen: Sequence[Seen], signs: tuple[Sign, ...], copies: tuple[Pin, ...]) -> Observed:
    def first(fact: str) -> str:
        found = sorted((one for one in seen if one.fact == fact), key=lambda one: -one.trust)
        return found[0].value if found else ""

    build = first("torch-cuda")
    available = first("cuda-available")
    capabilities = tuple(
        dict.fromkeys(
            Capability.parse(one.value)
            for one in seen
            if one.fact == "capability" and re.fullmatch(r"\d{1,2}\.\d", one.value)
        )
    )
    return Observed(
        signs=signs,
        conflicts=tuple(_conflicts(seen)),
        torch_cuda=Cuda.parse(build) if build and build != "cpu" else None,
        torch_cpu=build == "cpu",
        cuda_available=available == "True" if available else None,
        archs=_archs(first("archs")),
        capabilities=capabilities,
        image=_image(seen),
        library_path=first("library-path"),
        installer=_installer([one.value for one in seen if one.fact == "installer"]),
        copies=copies,
        requested=tuple(_requested(seen)),
        offered=_offered(first("offered")),
        offered_cut=first("offered").rstrip().endswith("..."),
        offered_of=first("offered-of") or "torch",
        unmet=first("unmet"),
        index_tag=first("index-tag"),
        refused=_refused(seen),
        amd=bool(first("amd")),
        driver_sought=bool(first("no-driver")),
        rocm=bool(first("rocm")) or any("+rocm" in one.value for one in seen if one.fact == "torch"),
    )


def _image(seen: Sequence[Seen]) -> str:
    """The image that matters: one that has to do with CUDA or torch before others."""
    images = [one.value for one in seen if one.fact == "image"]
    return next((image for image in images if re.search(r"cuda|torch", image)), images[0] if images else "")


def _conflicts(seen: Sequence[Seen]) -> Iterator[Conflict]:
    for one in seen:
        if one.fact in ("conflict", "dispute"):
            owner, name, spec, version = one.value.split("|")
            yield Conflict(owner.lower(), name.lower(), spec, version, one.line, one.fact == "dispute")


def _refused(seen: Sequence[Seen]) -> Wheel | None:
    for one in seen:
        if one.fact == "refused":
            name, version, python, platform = one.value.split("|")
            return Wheel(name, version, python, platform, one.line)
    return None


def _archs(text: str) -> tuple[Arch, ...]:
    found = []
    for word in re.findall(r"(?:sm|compute)_\d{2,3}[af]?", text):
        try:
            found.append(Arch.parse(word))
        except ValueError:
            continue
    return tuple(found) if ".." not in text else ()


def _installer(told: Sequence[str]) -> str:
    whole = " ".join(told).lower()
    # "pip in a conda environment" is pip; "conda python + pip" as well.
    for name in ("poetry", "uv", "pip"):
        if re.search(rf"\b{name}3?\b", whole):
            return "pip" if name == "pip" else name
    return "conda" if re.search(r"conda|mamba", whole) else ""


def _offered(text: str) -> tuple[Version, ...] | None:
    if not text:
        return None
    found = []
    for word in re.findall(r"\d[\w.+]*", text):
        try:
            found.append(Version(word))
        except InvalidVersion:
            continue
    return tuple(found)

"""What a file's own lines say against each other: two versions of one package, wheels of another Python or CUDA."""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from compatmatrix.manifests.manifest import Entry, Part
from compatmatrix.matrix.matrix import TORCH_FAMILY
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.target import Target, applies
from compatmatrix.rules import Case
from compatmatrix.rules.cuda_libs_conflict import SAME_FILES

_PARTNERS = ("torchvision", "torchaudio")


def file_findings(part: Part, case: Case) -> Iterator[Finding]:
    """Findings on a section's lines. case: of its pins on the host that it is for."""
    if part.section.at_once:
        yield from _twice(part, case)
    yield from _other_wheels(part, case)
    yield from _half_named(part, case)
    yield from _nvidia(part, case)
    yield from _no_links(part)


def _no_links(part: Part) -> Iterator[Finding]:
    """Folders of the PyTorch index named with -f: pip reads them as pages of links and finds none.

    Source: pip, `_internal/index/collector.py`, and the pages themselves, which list projects (PEP 503).
    """
    family = [name for name in TORCH_FAMILY if name in part.places]
    for url, place in part.section.idle if family else ():
        yield Finding(
            "other",
            Severity.WARNING,
            f"-f {url}: an index's folder lists projects and no wheels: pip finds nothing there, and takes what the "
            "other indexes have",
            f"name it as an index: --extra-index-url {url}",
            packages=tuple(family),
            where=place,
        )


def _twice(part: Part, case: Case) -> Iterator[Finding]:
    """Pins that another line for the same package does not admit. pip refuses such a file."""
    target = Target.of(case.host)
    lines: dict[str, list[Entry]] = {}
    for entry in part.section.entries:
        if not entry.conda and applies(entry.marker, target):
            lines.setdefault(entry.name, []).append(entry)
    for name, entries in lines.items():
        pinned = next((entry for entry in entries if entry.exact), None)
        other = next((entry for entry in entries if pinned and not _admits(entry, pinned)), None)
        if pinned and other:
            first, second = sorted((pinned, other), key=lambda entry: entry.place.line)
            yield Finding(
                "other",
                Severity.ERROR,
                f"{name}{first.specifier} in line {first.place.line} and {name}{second.specifier} in line "
                f"{second.place.line}{_of(second, first)}: pip refuses a file with both",
                "leave one of the two lines",
                packages=(name,),
                where=second.place,
            )


def _of(entry: Entry, beside: Entry) -> str:
    return f" of {entry.place.file}" if entry.place.file != beside.place.file else ""


def _admits(entry: Entry, pinned: Entry) -> bool:
    exact = pinned.exact
    if exact is None or entry is pinned or not entry.specifier:
        return True
    if entry.exact and entry.exact.local and exact.local is None:
        return entry.exact.public == exact.public
    try:
        return SpecifierSet(entry.specifier).contains(exact, prereleases=True)
    except InvalidSpecifier:
        return True


def _other_wheels(part: Part, case: Case) -> Iterator[Finding]:
    """Wheels named by their address that are for another Python."""
    python = case.host.python.value
    if python is None:
        return
    for entry in part.section.entries:
        minors = entry.pythons
        if python.minor in _without_wheels(entry, case):
            continue  # said already, of all wheels of the release
        if len(minors) != 1 or python.minor.rstrip("t") in minors or not applies(entry.marker, Target.of(case.host)):
            continue
        yield Finding(
            "python-unsupported",
            Severity.ERROR,
            f"the wheel of {entry.name} {entry.exact} is for Python {min(minors)}, this is {python.minor}",
            "take the wheel for this Python, or name the version and an index instead of an address",
            packages=(entry.name,),
            where=entry.place,
        )


def _without_wheels(entry: Entry, case: Case) -> tuple[str, ...]:
    """The Python of the host, where no wheel of the release is for it."""
    python, release = case.host.python.value, case.stack.release(entry.name)
    partners = {"torchvision": case.matrix.torchvisions, "torchaudio": case.matrix.torchaudios}.get(entry.name, {})
    row = partners.get(release) if release else None
    pythons = row.pythons if row else case.build.pythons if case.build and entry.name == "torch" else ()
    return (python.minor,) if python and pythons and python.minor not in pythons else ()


def _half_named(part: Part, case: Case) -> Iterator[Finding]:
    """One of torch and a partner names its build, the other leaves it to PyPI, whose build is another.

    A warning: an index given on pip's command line may bring the same build of both.
    """
    torch = part.stack.get("torch")
    usual = case.matrix.default_build(torch.release, case.host.platform.value or "") if torch else None
    if torch is None or usual is None or "torch" in part.conda | part.opaque:
        return
    for name in _PARTNERS:
        partner = part.stack.get(name)
        if partner is None or name in part.conda | part.opaque or bool(torch.flavour) == bool(partner.flavour):
            continue
        made = case.matrix.partner(name, torch.release)
        if made is None or made.version != partner.release:
            continue
        named = torch.flavour or partner.flavour or ""
        ours, theirs = Cuda.from_tag(named), usual.cuda
        if named == usual.build or (ours and theirs and ours.major == theirs.major):
            continue
        whole, half = (torch, partner) if torch.flavour else (partner, torch)
        yield Finding(
            f"{name}-mismatch",
            Severity.WARNING,
            f"{whole.name} {whole.version} is built for {named} and {half.name} {half.version} names no build: "
            f"PyPI's is for {usual.build}, and its compiled operators will not load",
            "name the same build for both, and the index that has them",
            fix=(f"{half.name}=={half.version}+{named}",),
            packages=(half.name, whole.name),
        )


def _nvidia(part: Part, case: Case) -> Iterator[Finding]:
    """nvidia-* wheels of a CUDA major beside a torch that brings those of another. An error where both write the same
    files."""
    build = case.build
    if build is None or build.cuda is None or "torch" in part.conda | part.opaque:
        return
    wanted = build.cuda.major
    others = [
        (name, match[1], match[2])
        for name in (*part.stack, *part.ranges)
        if (match := re.fullmatch(r"(nvidia-[a-z0-9-]+?)-cu(\d{2})", name)) and int(match[2]) != wanted
    ]
    if not others:
        return
    clash = [name for name, stem, _ in others if stem in SAME_FILES]
    names = [name for name, _, _ in others]
    what = f"{', '.join(clash or names)}: torch {build.torch} ({build.build}) brings wheels for CUDA {wanted}"
    yield Finding(
        "cuda-libs-conflict",
        Severity.ERROR if clash else Severity.WARNING,
        f"{what}, which write the same files" if clash else f"{what}, and does not use these",
        f"leave out {', '.join(names)}",
        packages=tuple(names),
        evidence=(build.evidence,),
    )

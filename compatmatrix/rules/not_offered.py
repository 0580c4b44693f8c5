"""The index did not offer the torch that was asked for: what it offered tells whether Python or the platform is why.

An offer that ends with the very release with which a platform's wheels end was made to that platform, whatever the
reporter says of the machine: pip under Rosetta on an Apple processor is one of an Intel Mac.
"""

from __future__ import annotations

from collections.abc import Iterator

from packaging.version import Version

from compatmatrix.matrix.rows import admits
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope

_FIRST_STABLE = Version("1.0")
"""Every Python that torch had wheels for has this one, or a later one."""

INTEL_MAC = "macos-x86_64"

FIRST_WHEELS = Version("0.2")
"""Below it PyPI has sources only, which refuse to build: pip lists them where no wheel fits."""


def check(case: Case) -> Iterator[Finding]:
    offered = case.observed.offered
    wanted = next((pin for pin in case.observed.requested if pin.name == "torch"), None)
    libc = case.host.libc.value
    if offered is None or (libc is not None and libc.kind == "musl"):
        return
    platform = case.host.platform.value or ""
    told = case.host.platform.origin not in ("assumed", "")
    if told and platform and platform not in case.matrix.platforms:
        if "torch" not in case.stack:  # else the rule of that name says so
            yield Finding(
                "platform-unsupported", Severity.ERROR, f"torch has no wheels for {platform}",
                "take a machine, or an emulated Python, for which there are some", packages=("torch",),
            )  # fmt: skip
        return
    if case.observed.offered_of != "torch":
        yield from _partner(case, case.observed.offered_of, offered)
        return
    offered = tuple(version for version in offered if version >= FIRST_WHEELS)
    if not offered:
        yield _nothing(case, platform)
        return
    release = wanted.release if wanted else _unmet(case, offered)
    if release is None:
        return
    asked = f"torch {release}" if wanted else f"torch{case.observed.unmet}"
    public = [Version(version.public) for version in offered]
    if release in public:
        if wanted and wanted.version.local:
            mac = libc is not None and libc.kind == "macos"
            if mac or (told and _elsewhere_only(case, wanted.version.local, platform)):
                yield Finding(
                    "platform-unsupported", Severity.ERROR,
                    f"torch {release} is offered; its build {wanted.version.local} is made for other platforms "
                    f"than {platform or 'a Mac'}",
                    f"take PyPI's torch {release}, without +{wanted.version.local}",
                    packages=("torch",),
                )  # fmt: skip
                return
            yield Finding(
                "other", Severity.ERROR,
                f"torch {release} is offered, its build {wanted.version.local} is not: the index that was "
                f"asked has none",
                f"add the index that has it: --extra-index-url {case.matrix.pytorch_index}/{wanted.version.local}",
                packages=("torch",),
            )  # fmt: skip
        return
    if wanted and _never_was(case, release):
        yield Finding(
            "other", Severity.ERROR, f"there is no torch {release}: no release has that number",
            "look at the number again: the program's own notes may have a mistake", packages=("torch",),
        )  # fmt: skip
        return
    stable = [version for version in public if not version.is_prerelease] or public
    first, last = min(stable), max(stable)
    if told and case.matrix.has_builds(release) and not case.matrix.builds_for(release, platform):
        return  # platform-unsupported says so
    if wanted and wanted.version.dev is not None:
        yield Finding(
            "other", Severity.ERROR,
            f"torch {wanted.version} is a nightly, and the index that was asked does not have it: nightlies are "
            "deleted after some weeks",
            "take a release, or a nightly of these days",
            packages=("torch",),
        )  # fmt: skip
        return
    if release > last and not case.observed.offered_cut and (ended := _ended(case, last)):
        yield Finding(
            "platform-unsupported", Severity.ERROR,
            f"{asked} has no wheel for {ended}: {last}, the newest that is offered, was the last there",
            f"take torch {last} or older" + _RUNS_ELSEWHERE.get(ended, ""),
            packages=("torch",),
        )  # fmt: skip
        return
    if release < first:
        yield _finding(
            f"{asked} has no wheel for this Python{_python(case)}: the oldest that is offered is {first}",
            f"take an older Python, or torch {first} or later",
        )
    elif release > last and last < _FIRST_STABLE and not case.observed.offered_cut:
        if case.observed.sign("fastai-wants-other"):
            return  # fastai's own range, of days when no such torch was there
        yield Finding(
            "other", Severity.ERROR,
            f"the index that was asked ends with torch {last}, older than what it has for any Python: a mirror or a "
            f"cache of older days",
            "ask PyPI itself: name it with --index-url, and add --no-cache-dir",
            packages=("torch",),
        )  # fmt: skip
    elif release > last and last < max(case.matrix.torches) and not case.observed.offered_cut:
        yield _finding(
            f"{asked} has no wheel for this Python{_python(case)}: the newest that is offered is {last}",
            f"take a newer Python, or torch {last} or older",
        )


def _nothing(case: Case, platform: str) -> Finding:
    """No torch at all is offered: the Python is too new or too old, unless other builds are known to have it; else it
    has 32 bits, as on many a Raspberry Pi."""
    python, tag = case.host.python.value, case.observed.index_tag
    if tag and (nearest := _no_such_index(case, tag)):
        return Finding(
            "other", Severity.ERROR, f"the index offers nothing: PyTorch has none for {tag}",
            f"name one that exists: {case.matrix.pytorch_index}/{nearest}", packages=("torch",),
        )  # fmt: skip
    has_wheels = python is not None and any(
        python.minor in build.pythons and (not tag or build.build == tag)
        for torch in case.matrix.torches
        for build in case.matrix.builds_for(torch, platform)
    )
    if "Raspberry Pi" in case.host.notes and (python is None or has_wheels or python.minor < _newest(case)):
        return Finding(
            "platform-unsupported", Severity.ERROR,
            "the index offers no torch at all for this Raspberry Pi: its system, or its Python, has 32 bits",
            "install the 64-bit system (Raspberry Pi OS arm64), for which PyPI has wheels", packages=("torch",),
        )  # fmt: skip
    if has_wheels and platform.startswith("windows"):
        return Finding(
            "platform-unsupported", Severity.ERROR,
            f"the index offers no torch at all, although there are wheels for 64-bit Python {python}: this one has "
            "32 bits, or the index that was asked is a mirror without them",
            "python -c 'import struct; print(struct.calcsize(\"P\") * 8)' tells the bits; take a 64-bit Python",
            packages=("torch",),
        )  # fmt: skip
    if python is not None and (platform == INTEL_MAC or "Mac" in case.host.notes):
        last = _newest(case, INTEL_MAC)
        if last and Version(python.minor) > Version(last) and _newest(case, "macos-arm64", python.minor):
            return Finding(
                "platform-unsupported", Severity.ERROR,
                f"the index offers no torch at all: for Python {python} it has wheels for Apple processors only",
                f"take Python {last} or older, for which Intel Macs had wheels" + _RUNS_ELSEWHERE[INTEL_MAC],
                packages=("torch",),
            )  # fmt: skip
    return _finding(
        f"the index offers no torch at all for this Python{_python(case)}",
        "take a 64-bit Python that torch has wheels for",
    )


def _elsewhere_only(case: Case, tag: str, platform: str) -> bool:
    """Whether builds of this name are known, and no release has one for the platform."""
    having = {build.platform for builds in case.matrix.builds.values() for build in builds if build.build == tag}
    return bool(having) and platform not in having


def _no_such_index(case: Case, tag: str) -> str:
    """The build nearest below a CUDA that lies among those of PyTorch's builds and is none of them; else empty."""
    cuda = Cuda.from_tag(tag)
    known = {build.cuda: build.build for builds in case.matrix.builds.values() for build in builds if build.cuda}
    if cuda is None or cuda in known or not min(known) < cuda < max(known):
        return ""
    return known[max(one for one in known if one < cuda)]


def _newest(case: Case, platform: str = "linux-aarch64", only: str = "") -> str:
    """The newest Python that any torch has wheels for; only: whether it has some for this one."""
    builds = (build for torch in case.matrix.torches for build in case.matrix.builds_for(torch, platform))
    pythons = (minor for build in builds for minor in build.pythons if only in ("", minor))
    return max(pythons, key=lambda minor: Version(minor.removesuffix("t")), default="")


def _partner(case: Case, name: str, offered: tuple[Version, ...]) -> Iterator[Finding]:
    """torchvision or torchaudio in torch's place: only that the offers begin later tells of Python."""
    wanted = next((pin for pin in case.observed.requested if pin.name == name), None)
    stable = [Version(version.public) for version in offered if not version.is_prerelease]
    if wanted and stable and FIRST_WHEELS < wanted.release < min(stable):
        yield _finding(
            f"{name} {wanted.release} has no wheel for this Python{_python(case)}: the oldest that is offered is "
            f"{min(stable)}",
            f"take an older Python, or {name} {min(stable)} or later",
            name,
        )


_RUNS_ELSEWHERE = {
    INTEL_MAC: "; on an Apple processor, take a Python for arm64 (python -c 'import platform; "
    "print(platform.machine())' tells which it is)"
}


def _never_was(case: Case, release: Version) -> bool:
    """Whether a number lies within the releases of the matrix, and no release has its first two parts."""
    known = case.matrix.torches
    return min(known) < release < max(known) and all(release.release[:2] != torch.release[:2] for torch in known)


def _ended(case: Case, last: Version) -> str:
    """The platform whose wheels ended with this release; empty where that is none, or the report tells of another."""
    told = case.host.platform
    for platform in sorted(case.matrix.platforms):
        newest = next((torch for torch in case.matrix.torches if case.matrix.builds_for(torch, platform)), None)
        if newest == last and newest != max(case.matrix.torches):
            system = platform.partition("-")[0]
            fits = told.value is None or told.origin in ("assumed", "") or told.value.startswith(system)
            return platform if fits else ""
    return ""


def _unmet(case: Case, offered: tuple[Version, ...]) -> Version | None:
    """The oldest torch of a range that was asked for and of which nothing was offered."""
    spec = case.observed.unmet
    if not spec or any(admits(spec, Version(version.public)) for version in offered):
        return None
    return min((torch for torch in case.matrix.torches if admits(spec, torch)), default=None)


def _python(case: Case) -> str:
    python = case.host.python.value
    return f" ({python})" if python else ""


def _finding(message: str, hint: str, name: str = "torch") -> Finding:
    return Finding(RULE.code, Severity.ERROR, message, hint, packages=(name,))


RULE = Rule("python-unsupported", "the index offers other releases than the one asked for", Scope.VERSIONS, check)

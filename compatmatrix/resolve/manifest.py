"""A file's pins and ranges judged by the rules: for the host that is known, and for what the file itself says of it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from compatmatrix.manifests.manifest import Manifest, Part, Section, settle
from compatmatrix.matrix.matrix import TORCH_FAMILY, Matrix
from compatmatrix.model.fact import Fact
from compatmatrix.model.finding import Finding, Place, Severity
from compatmatrix.model.host import Host, Python
from compatmatrix.model.stack import Stack
from compatmatrix.model.target import Target
from compatmatrix.resolve.given import GIVEN, intended
from compatmatrix.rules import (
    RULES,
    Case,
    Rule,
    fastai_mismatch,
    judge,
    known_bad,
    numpy_abi,
    torchaudio_mismatch,
    torchvision_mismatch,
)

FOREIGN_RULES = (torchvision_mismatch.RULE, torchaudio_mismatch.RULE, fastai_mismatch.RULE, known_bad.RULE)
"""What can be said of a torch that is no wheel of an index we know: conda's packages have other contents."""
CONDA_RULES = (torchvision_mismatch.CONDA_RULE, torchaudio_mismatch.CONDA_RULE, fastai_mismatch.RULE, known_bad.RULE)
"""The same where conda's solver puts torch and its partners together."""


# On Windows and macOS, containers are a Linux of the same machine.
_DOCKER_ON = {"amd64": "x86_64", "arm64": "aarch64"}


class JudgedPart(NamedTuple):
    """A section on the host that it was judged for. stack: with the builds that its indexes lead to."""

    part: Part
    stack: Stack
    host: Host
    findings: tuple[Finding, ...]


def judge_manifest(manifest: Manifest, host: Host, matrix: Matrix) -> tuple[JudgedPart, ...]:
    """Judge each section of a file; a finding that several sections share is told once."""
    judged = []
    seen: set[tuple[str, str, Place | None]] = set()
    for section in manifest.sections:
        if _elsewhere(section, host):
            continue
        for part in settle(section, Target(*_python_and_platform(section, host))):
            one = judge_part(part, host, matrix)
            fresh = []
            for finding in one.findings:
                key = finding.code, finding.message, finding.where
                if key not in seen:
                    seen.add(key)
                    fresh.append(finding)
            judged.append(one._replace(findings=tuple(fresh)))
    return tuple(judged)


def judge_part(part: Part, host: Host, matrix: Matrix) -> JudgedPart:
    """Judge one section's stack."""
    stack = with_builds(part, matrix)
    where = host_of(part, stack, host, matrix)
    foreign = "torch" in part.conda | part.opaque
    # An image has the release's own build, whose window of NumPy is that of its wheels.
    rules: tuple[Rule, ...] = (*FOREIGN_RULES, numpy_abi.RULE) if foreign else RULES
    if "torch" in part.conda:
        rules = CONDA_RULES
    case = Case.of(stack, where, matrix)
    if foreign:
        case = case._replace(build=None)
    found = [finding for finding in judge(case, rules) if not intended(finding, where)]
    if part.section.image or part.section.cuda:
        from compatmatrix.resolve.manifest_containers import container_findings
        from compatmatrix.resolve.manifest_images import left_behind, worded

        found = [worded(finding, part) for finding in found]
        found += container_findings(part.section, where, matrix)
        found += left_behind(part, matrix)
    found += _mixed(part)
    from compatmatrix.resolve.manifest_files import file_findings

    found += file_findings(part, case)
    if "torch" in part.conda:
        from compatmatrix.resolve.manifest_conda import cpu_only, never_there, no_python_there

        found += never_there(part, matrix)
        found += cpu_only(part, where, matrix)
        found += no_python_there(part, where, matrix)
    if not foreign and not where.python.known:
        from compatmatrix.resolve.manifest_pythons import no_python

        found += no_python(part, case)
    if not foreign and any(finding.fix for finding in found):
        from compatmatrix.resolve.manifest_fixes import of_the_index

        found = of_the_index(found, part, case)
    if part.ranges and not any(finding.severity is Severity.ERROR for finding in found):
        from compatmatrix.resolve.manifest_ranges import closed_ranges

        found += closed_ranges(part, case, rules)
    placed = [
        finding if finding.where else finding._replace(where=part.place_of(_concerned(finding))) for finding in found
    ]
    return JudgedPart(part, stack, where, tuple(placed))


def _concerned(finding: Finding) -> tuple[str, ...]:
    """Packages of a finding, those first that its fix changes: their lines are the ones to look at."""
    changed = [match[0] for text in finding.fix if (match := re.match(r"[\w.-]+", text))]
    return (*changed, *finding.packages)


def with_builds(part: Part, matrix: Matrix) -> Stack:
    """The stack with the builds that it will have. A further index brings its build only where it has the release."""
    torch = part.stack.get("torch")
    loose = (
        torch is not None
        and torch.flavour is not None
        and not torch.version.local
        and "torch" not in part.only
        and not any(build.build == torch.flavour for build in matrix.builds.get(torch.release, ()))
    )
    return Stack(
        pin._replace(flavour=None) if loose and pin.name in TORCH_FAMILY and not pin.version.local else pin
        for pin in part.stack.values()
    )


def host_of(part: Part, stack: Stack, host: Host, matrix: Matrix) -> Host:
    """The host that a section is for: what the user gave counts first, then what the file says, then what is here."""
    section = part.section
    python, platform = _python_and_platform(section, host)
    changes: dict[str, Fact[object]] = {}
    if python != host.python.value:
        changes["python"] = (
            Fact.of(python, "file") if python else Fact.unknown("the file does not say: name it with --python-version")
        )
    if platform and platform != host.platform.value:
        changes |= {"platform": Fact.of(platform, "file"), **_unknown_machine()}
    elif section.platform == "linux-" and host.libc.origin not in GIVEN:
        changes["libc"] = Fact.unknown("the image's")
    torch = stack.get("torch")
    if torch and torch.flavour and host.platform.origin not in GIVEN and not section.platform:
        # A build that exists for another platform only says for which one the file is.
        platforms = [b.platform for b in matrix.builds.get(torch.release, ()) if b.build == torch.flavour]
        if platforms and host.platform.value not in platforms:
            changes |= {"platform": Fact.of(platforms[0], "file"), **_unknown_machine()}
    return replace(host, **changes) if changes else host  # type: ignore[arg-type]


def _unknown_machine() -> dict[str, Fact[object]]:
    reason = "the file is for another machine"
    return {"libc": Fact.unknown(reason), "driver": Fact.unknown(reason), "gpus": Fact.unknown(reason)}


def _python_and_platform(section: Section, host: Host) -> tuple[Python | None, str | None]:
    platform = host.platform.value
    if host.platform.origin not in GIVEN:
        if section.platform == "linux-":
            machine = (platform or "").partition("-")[2]
            platform = f"linux-{_DOCKER_ON.get(machine, machine)}" if machine else None
        elif section.platform:
            platform = section.platform
    if host.python.origin in GIVEN:
        return host.python.value, platform
    stated = exact_python(section.python)
    if stated:
        return stated, platform
    if section.platform or (host.python.value and not _admitted(section.python, host.python.value)):
        return None, platform
    return host.python.value, platform


def exact_python(specifier: str) -> Python | None:
    """The Python that a specifier leaves no choice about: "==3.11.*" and "==3.11.4"; None for a range."""
    clauses = [clause.strip() for clause in specifier.split(",")]
    for clause in clauses:
        if clause.startswith("=="):
            try:
                return Python.parse(clause.lstrip("=").strip().removesuffix(".*"))
            except ValueError:
                return None
    return None


def _admitted(specifier: str, python: Python) -> bool:
    try:
        return SpecifierSet(specifier).contains(python.version, prereleases=True)
    except InvalidSpecifier:
        return True


def _elsewhere(section: Section, host: Host) -> bool:
    """A section for a platform other than the one that the user named."""
    given = host.platform.value if host.platform.origin in GIVEN else None
    return bool(given and section.platform and section.platform not in (given, "linux-"))


def _mixed(part: Part) -> Iterator[Finding]:
    torch_by_conda = "torch" in part.conda
    named: Iterable[str] = (*part.stack, *part.ranges)
    if "torch" not in named or "torch" in part.opaque:
        return
    for name in TORCH_FAMILY[1:]:
        if name in named and (name in part.conda) != torch_by_conda:
            first, second = ("conda", "pip") if torch_by_conda else ("pip", "conda")
            yield Finding(
                "conda-mixed",
                Severity.WARNING,
                f"torch comes from {first} and {name} from {second}: each is compiled for the other torch",
                f"take both from {first}",
                packages=(name, "torch"),
            )

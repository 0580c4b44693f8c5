"""What a file's finding proposes, worded for the index that the file names: PyPI's own build needs no such index, and
"torch==2.6.0" may be what stands there."""

from collections.abc import Sequence

from compatmatrix.manifests.manifest import Part
from compatmatrix.model.finding import Finding
from compatmatrix.rules import Case
from compatmatrix.rules.coverage import fitting_builds, pins_of_build


def of_the_index(found: Sequence[Finding], part: Part, case: Case) -> list[Finding]:
    """The findings, those that propose another build of the same torch with one of the PyTorch index where it has one.

    Nothing changes where the part names no such index.
    """
    torch, platform = case.torch, case.host.platform.value
    named = any(entry.name == "torch" and entry.flavour for entry in part.section.entries)
    if not named or torch is None or platform is None:
        return list(found)
    plain = f"torch=={torch}"
    if not any(finding.fix[:1] == (plain,) for finding in found):
        return list(found)
    builds = fitting_builds(case.matrix.builds_for(torch, platform), case)
    build = next((build for build in builds if build.index == "pytorch"), None)
    if build is None:
        return list(found)
    pins = pins_of_build(case, build)
    return [
        finding._replace(fix=pins, hint=finding.hint.replace(plain, pins[0]))
        if finding.fix[:1] == (plain,)
        else finding
        for finding in found
    ]

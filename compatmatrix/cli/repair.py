"""The repair of a set of findings as one exact command for the installer that made the environment."""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.requirements import Requirement
from packaging.version import Version

from compatmatrix.cli.output import command_line
from compatmatrix.model.finding import Finding
from compatmatrix.model.stack import Stack
from compatmatrix.probe.interpreter import Interpreter


def requirements_of(findings: Iterable[Finding]) -> list[str]:
    """What the findings ask for, one requirement a package: an exact pin wins, ranges are joined."""
    wanted: dict[str, list[str]] = {}
    for finding in findings:
        for text in finding.fix:
            specs = wanted.setdefault(Requirement(text).name, [])
            spec = str(Requirement(text).specifier)
            if spec not in specs:
                specs.append(spec)
    lines = []
    for name, specs in wanted.items():
        exact = [spec for spec in specs if spec.startswith("==")]
        lines.append(name + (exact[0] if exact else ",".join(spec for spec in specs if spec)))
    return lines


def repair_command(requirements: list[str], interpreter: Interpreter, stack: Stack, pytorch_index: str) -> str:
    """One command line. It names the PyTorch index where a build needs it, and forces a reinstall where the installer
    would otherwise take another build of the same version as good enough."""
    builds = sorted({match[1] for text in requirements if (match := re.search(r"\+([a-z0-9.]+)$", text))})
    index = [word for build in builds for word in ("--extra-index-url", f"{pytorch_index}/{build}")]
    forced = [Requirement(text).name for text in requirements if _counts_as_satisfied(text, stack)]
    if interpreter.installer == "uv":
        words = ["uv", "pip", "install", "--python", str(interpreter.path)]
        if index:
            # Without it uv takes the first index that has the package at all, and never looks for the other builds.
            words += ["--index-strategy", "unsafe-best-match"]
        words += [word for name in forced for word in ("--reinstall-package", name)]
        return command_line([*words, *index, *requirements])
    words = [str(interpreter.path), "-m", "pip", "install", *(["--force-reinstall", "--no-deps"] if forced else [])]
    return command_line([*words, *index, *requirements])


def _counts_as_satisfied(text: str, stack: Stack) -> bool:
    requirement = Requirement(text)
    pin = stack.get(requirement.name)
    if pin is None or not any(spec.operator == "==" for spec in requirement.specifier):
        return False
    return requirement.specifier.contains(Version(str(pin.version)), prereleases=True)

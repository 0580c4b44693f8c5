"""A decision as a question to uv: the project file, the options, the target platform."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from compatmatrix.emit.python import requires_python
from compatmatrix.errors import UsageError
from compatmatrix.model.decision import Decision
from compatmatrix.model.host import Host, Libc
from compatmatrix.model.target import platform_marker

PROJECT = "the-requested-stack"
BOUND = ("torch", "torchaudio", "torchvision")
"""What comes from the PyTorch index and from nowhere else; everything else never comes from there."""

# glibc minors for which uv has a target; a host in between gets the next lower one.
_GLIBC = (17, 28, *range(31, 41))
_DEFAULT_GLIBC = Libc("glibc", 2, 28)
_TARGETS = {
    "windows-amd64": "x86_64-pc-windows-msvc",
    "windows-arm64": "aarch64-pc-windows-msvc",
    "macos-arm64": "aarch64-apple-darwin",
    "macos-x86_64": "x86_64-apple-darwin",
}


class Question(NamedTuple):
    """What uv is asked. direct: the names required at top level; sources: packages that may be built."""

    project: str
    options: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    direct: frozenset[str]


def ask(decision: Decision, *, added: Iterable[str] = (), from_source: Iterable[str] = ()) -> Question:
    """Word the question. added: names to require besides; from_source: packages without wheels, to be built.

    Raises UsageError for a requirement that cannot be locked, or a host without Python version or platform.
    """
    requirements = [*decision.requirements, *sorted(added)]
    direct = _names(requirements)
    _names(decision.constraints)
    platform = "--universal" if decision.elsewhere else f"--python-platform={target(decision.host)}"
    options = [
        "--generate-hashes",
        "--format=pylock.toml",
        "--no-header",
        f"--python-version={_python_version(decision)}",
        platform,
        "--only-binary=:all:",
        *(f"--no-binary={name}" for name in sorted(from_source)),
    ]
    return Question(
        _project(requirements, decision, direct),
        tuple(options),
        _deployment_target(decision.host),
        direct,
    )


def target(host: Host) -> str:
    """uv's name for the host's platform, with the highest glibc that uv knows and the host has."""
    name = host.platform.value
    if name is None:
        raise UsageError(f"platform unknown: {host.platform.reason}", hint="name it with --platform")
    if name in _TARGETS:
        return _TARGETS[name]
    system, _, machine = name.partition("-")
    if system != "linux" or machine not in ("x86_64", "aarch64"):
        raise UsageError(f"no closure can be resolved for {name}", hint="--core decides the stack alone")
    libc = host.libc.value or _DEFAULT_GLIBC
    if libc.kind == "musl":
        return f"{machine}-unknown-linux-musl"
    fitting = [minor for minor in _GLIBC if (2, minor) <= (libc.major, libc.minor)]
    return f"{machine}-manylinux_2_{max(fitting, default=_GLIBC[0])}"


def _deployment_target(host: Host) -> tuple[tuple[str, str], ...]:
    libc = host.libc.value
    if libc is None or libc.kind != "macos":
        return ()
    return (("MACOSX_DEPLOYMENT_TARGET", f"{libc.major}.{libc.minor}"),)


def _python_version(decision: Decision) -> str:
    python = decision.host.python.value
    if python is None:
        raise UsageError(f"Python unknown: {decision.host.python.reason}", hint="name it with --python-version")
    return python.version.base_version


def _names(requirements: Iterable[str]) -> frozenset[str]:
    names = set()
    problems = []
    for text in requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            problems.append(f"not a requirement: {text!r} ({str(error).splitlines()[0]})")
            continue
        if requirement.url:
            problems.append(f"{requirement.name}: a direct URL cannot be locked with hashes from an index")
        names.add(canonicalize_name(requirement.name))
    if problems:
        raise UsageError(problems, hint="write requirements as pip takes them from an index: name>=1,<2")
    return frozenset(names)


def _project(requirements: Iterable[str], decision: Decision, direct: frozenset[str]) -> str:
    """The project file. An explicit index serves only the packages bound to it: no dependency confusion."""
    lines = [
        "[project]",
        f"name = {_toml(PROJECT)}",
        'version = "0"',
    ]
    if decision.elsewhere:
        lines.append(f"requires-python = {_toml(requires_python(decision))}")
    lines += [
        f"dependencies = [{', '.join(map(_toml, requirements))}]",
        "[tool.uv]",
        f"constraint-dependencies = [{', '.join(map(_toml, decision.constraints))}]",
    ]
    here = platform_marker(decision.platforms[0]) if decision.elsewhere else ""
    if decision.elsewhere:
        lines.append(f"environments = [{', '.join(_toml(platform_marker(name)) for name in decision.platforms)}]")
    bound = [name for name in BOUND if name in direct]
    if decision.index_url and bound:
        lines += ["[[tool.uv.index]]", 'name = "pytorch"', f"url = {_toml(decision.index_url)}", "explicit = true"]
        source = f'{{ index = "pytorch"{f", marker = {_toml(here)}" if here else ""} }}'
        lines += ["[tool.uv.sources]", *(f"{name} = {source}" for name in bound)]
    return "\n".join(lines) + "\n"


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)

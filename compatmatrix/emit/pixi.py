"""pixi.toml: Python from conda-forge, the wheels of the lock, and what the system must have."""

from __future__ import annotations

from compatmatrix.emit import toml
from compatmatrix.emit.format import Format
from compatmatrix.emit.header import comment
from compatmatrix.emit.platform import applies, conda_platform
from compatmatrix.emit.python import python_minor
from compatmatrix.index import without_credentials
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.lock import Lock, Package


def render(lock: Lock) -> str:
    """A workspace of one platform. Only packages of the PyTorch index ask that index; pixi.lock holds the hashes."""
    decision = lock.decision
    platform = conda_platform(decision)
    requirements = _system(lock)
    lines = [
        *comment(decision),
        "[workspace]",
        'name = "the-locked-stack"',
        'channels = ["conda-forge"]',
        f"platforms = {toml.value([platform] if platform else [])}",
    ]
    if requirements:
        lines += ["", "[system-requirements]", *requirements]
    lines += ["", "[dependencies]", *_python(lock), "", "[pypi-dependencies]"]
    lines += [_entry(package) for package in lock.packages if applies(package.marker, decision)]
    return "\n".join(lines) + "\n"


def _system(lock: Lock) -> list[str]:
    """The virtual packages. CUDA by its major: within one, an older driver runs a newer build."""
    lines = []
    libc = lock.decision.host.libc.value
    if libc and libc.kind == "macos":
        lines.append(f"macos = {toml.value(f'{libc.major}.{libc.minor}')}")
    elif libc:
        lines.append(f"libc = {toml.value({'family': libc.kind, 'version': f'{libc.major}.{libc.minor}'})}")
    # A host without GPU has no `__cuda`, and PyPI's build runs there all the same.
    cuda = Cuda.from_tag(lock.decision.build) if lock.decision.host.has_gpu else None
    return [*([f"cuda = {toml.value(str(cuda.major))}"] if cuda else []), *lines]


def _python(lock: Lock) -> list[str]:
    minor = python_minor(lock.decision)
    if not minor:
        return ['python = "*"']
    free_threaded = ['python-freethreading = "*"'] if minor.endswith("t") else []
    return [f"python = {toml.value(minor.removesuffix('t') + '.*')}", *free_threaded]


def _entry(package: Package) -> str:
    version = f"=={package.version}"
    spec: toml.Value = {"version": version, "index": without_credentials(package.index)} if package.index else version
    return f"{toml.key(package.name)} = {toml.value(spec)}"


FORMAT = Format("pixi", "pixi.toml", render)

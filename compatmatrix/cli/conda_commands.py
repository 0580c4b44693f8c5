"""The commands by which conda carries out a repair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from compatmatrix.model.cuda import Cuda
from compatmatrix.model.stack import Stack
from compatmatrix.probe.conda import PROGRAMS, channels_of, conda_program, records_of
from compatmatrix.probe.interpreter import Interpreter
from compatmatrix.probe.trouble import TORCH_FAMILY
from compatmatrix.resolve.conda_builds import channel_name
from compatmatrix.resolve.moves import Change

_FOR_CPU = ("cpuonly", "pytorch-cpu")
_FOR_CUDA = ("pytorch-gpu",)
"""Packages that hold one kind of build; nothing else depends on them (pytorch/builder, pytorch-cpu-feedstock)."""
_CUDA = ("pytorch-cuda", "cudatoolkit", "cuda-version")
"""Packages whose version is the CUDA of the builds."""
_NVIDIA = {"pytorch": "nvidia"}
"""Where the CUDA libraries of a channel's builds are."""


def conda_commands(changes: Sequence[Change], interpreter: Interpreter) -> list[tuple[str, ...]]:
    """By conda, or by its like where only that is there.

    A package that holds the kind of build which torch leaves has to go first: it was asked for by name, so that no
    solver takes it out by itself. By force: that asks no solver, which would take the chance to move other packages to
    the channels that it is given.
    """
    program = conda_program()
    name = program.name if program else PROGRAMS[0]
    prefix = ("--yes", "--prefix", str(interpreter.prefix))
    records = records_of(interpreter.prefix)
    channels = _channels(changes, interpreter)
    specs = [*map(_spec, changes), *_cuda_specs(changes, records)]
    held = [one for one in _held(changes) if one in records]
    named = [word for channel in channels for word in ("--channel", channel)]
    install = (name, "install", *prefix, *named, *specs)
    return [(name, "remove", "--force", *prefix, *held), install] if held else [install]


def conda_again(changes: Sequence[Change], covered: Stack, interpreter: Interpreter) -> tuple[str, ...]:
    """The command that puts back what conda has recorded and another installer has overwritten: the same build."""
    program = conda_program()
    prefix = ("--yes", "--prefix", str(interpreter.prefix))
    named = [word for channel in _channels(changes, interpreter) for word in ("--channel", channel)]
    entries = [Path(covered[change.name].origin).name.removesuffix(".json").rsplit("-", 2) for change in changes]
    specs = [f"{name}={version}={build}" for name, version, build in entries]
    return (program.name if program else PROGRAMS[0], "install", "--force-reinstall", *prefix, *named, *specs)


def _channels(changes: Sequence[Change], interpreter: Interpreter) -> list[str]:
    """All that the environment's packages came from, so that none of them is moved for want of its channel.

    The first one comes before the others where they have the same package: torch's, then NVIDIA's, then those of the
    other changes; conda's defaults come last, as in PyTorch's own instructions.
    """
    prefix = interpreter.prefix
    every = channels_of(prefix)
    torch = next((change for change in changes if change.name == "torch"), None)
    source = torch.source.partition(":")[2] if torch else ""
    first = [channel for channel in every if channel_name(channel) == source] or channels_of(prefix, ["pytorch"])
    found = list(dict.fromkeys((*first, *channels_of(prefix, [change.name for change in changes]), *every)))
    found.sort(key=lambda channel: "/pkgs/" in channel)
    nvidia = _NVIDIA.get(channel_name(found[0])) if found else None
    if nvidia:
        beside = [channel for channel in found if channel_name(channel) == nvidia]
        if not beside and torch and torch.pin.flavour not in (None, "cpu"):
            # Mirrors keep both side by side.
            beside = [found[0].removesuffix(channel_name(found[0])) + nvidia]
        found = list(dict.fromkeys((found[0], *beside, *found)))
    return found


def _held(changes: Sequence[Change]) -> tuple[str, ...]:
    for change in changes:
        if change.name == "torch" and change.pin.flavour and change.pin.flavour != change.old.flavour:
            return _FOR_CUDA if change.pin.flavour == "cpu" else _FOR_CPU
    return ()


def _cuda_specs(changes: Sequence[Change], records: dict[str, str]) -> Iterator[str]:
    """The CUDA anew, where a package that names it is there: the user may have asked for that one."""
    for change in changes:
        cuda = Cuda.from_tag(change.pin.flavour) if change.name == "torch" and change.pin.flavour else None
        if cuda:
            yield from (f"{name}={cuda}" for name in _CUDA if name in records)


def _spec(change: Change) -> str:
    """In conda's form. In every channel the build's name tells CPU from CUDA: "cpu_…" and "py310_cpu" are CPU builds,
    "cuda126_…", "py3.10_cuda12.1_…" and "py310_cu121" are not.

    conda-forge builds a partner for each minor of torch and not for each release, and takes care itself that the
    kinds agree.
    """
    if change.name not in TORCH_FAMILY:
        return change.requirement
    name = "pytorch" if change.name == "torch" else change.name
    channel, flavour = change.source.partition(":")[2], change.pin.flavour
    cuda = Cuda.from_tag(flavour) if flavour else None
    kind = {None: "", "cpu": "=*cpu*"}.get(flavour, "=*cu*")
    if cuda and channel == "pytorch":
        kind = f"=*cuda{cuda}*" if change.name == "torch" else f"=*{cuda.tag}*"
    elif cuda and channel and change.name == "torch":
        kind = f"={cuda.tag.replace('cu', 'cuda')}*"
    release = change.pin.release
    if channel and channel != "pytorch" and change.name != "torch":
        return f"{name}={release.major}.{release.minor}.*{kind}"
    return f"{name}={release}{kind}"

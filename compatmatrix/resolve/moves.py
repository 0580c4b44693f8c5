"""What may move: every torch with the partners that it needs, every fastai, each with its distance from what is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from compatmatrix.matrix.matrix import TORCH_FAMILY, Matrix
from compatmatrix.matrix.rows import Build, admits
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.host import Host
from compatmatrix.model.stack import Pin, Stack
from compatmatrix.resolve.candidates import with_build
from compatmatrix.resolve.nearby import steps_between
from compatmatrix.resolve.question import IndexPolicy
from compatmatrix.rules.case import find_build


class Change(NamedTuple):
    """One package that moves.

    old: the pin that is there. requirement: the new one in pip's form; pin: what is expected to come of it. source:
    "pypi", "pytorch", or empty where any may serve.
    """

    name: str
    old: Pin
    requirement: str
    pin: Pin
    source: str = ""


class TorchChoice(NamedTuple):
    """One choice of torch. build: None where torch is absent or unknown. changes: of it and of its partners."""

    build: Build | None
    changes: tuple[Change, ...]
    steps: int = 0
    rank: int = 0

    def pins(self, stack: Stack) -> dict[str, Pin]:
        """The stack's pins with these changes."""
        return {**stack, **{change.name: change.pin for change in self.changes}}


class FastaiChoice(NamedTuple):
    """One choice of fastai. moves: the packages that its declared ranges set in motion, itself among them; family: its
    ranges on the torch family."""

    pin: Pin | None
    moved: bool
    steps: int = 0
    moves: tuple[str, ...] = ()
    family: tuple[tuple[str, str], ...] = ()

    def takes(self, pins: Mapping[str, Pin]) -> bool:
        """Whether it admits this torch and its partners, by what it declares."""
        return all(name not in pins or admits(spec, pins[name].release) for name, spec in self.family)


def torch_choices(stack: Stack, host: Host, matrix: Matrix, index: IndexPolicy) -> Iterator[TorchChoice]:
    """Every torch that may be: the one that is there first, then the matrix's builds."""
    pin, platform = stack.get("torch"), host.platform.value or ""
    if pin is None:
        yield TorchChoice(None, ())
        return
    here = find_build(pin, platform, matrix)
    found = [TorchChoice(here, tuple(_partners(stack, pin, here, host, matrix, index)))]
    python = host.python.value
    releases = list(matrix.torches)
    for torch, row in matrix.torches.items():
        if row.yanked:
            continue
        steps = steps_between(releases, pin.release, torch)
        for place, build in enumerate(matrix.builds_for(torch, platform)):
            if python and python.minor not in build.pythons:
                continue
            if build is here or (torch == pin.release and build.build == pin.flavour):
                continue
            other = Pin("torch", build.full_version, build.build, "repair")
            change = Change("torch", pin, str(other), other, build.index)
            partners = _partners(stack, other, build, host, matrix, index)
            found.append(TorchChoice(build, (change, *partners), steps, _rank(pin.flavour, build, place)))
    for one in found:
        if index is IndexPolicy.AUTO or all(change.source == index for change in one.changes):
            yield one


def _rank(flavour: str | None, build: Build, place: int) -> int:
    """How far a build is from the flavour that is there: the same, the same kind, another; then the matrix's order."""
    if flavour is None or build.build == flavour:
        return place if flavour is None else 0
    ours = Cuda.from_tag(flavour)
    return place + 1 + (100 if (build.cuda is None) != (ours is None) else 0)


def fastai_choices(stack: Stack, host: Host, matrix: Matrix) -> Iterator[FastaiChoice]:
    """Every fastai that may be: the one that is there first, then the others that the Python admits."""
    pin, python = stack.get("fastai"), host.python.value
    if pin is None or pin.release not in matrix.fastais:
        yield FastaiChoice(pin, False)
    if pin is None:
        return
    releases = list(matrix.fastais)
    for release, row in matrix.fastais.items():
        moved = release != pin.release
        if (moved and row.yanked) or (python and row.python and not admits(row.python, python.version)):
            continue
        moves = [
            name
            for name, spec in row.requires.items()
            if name in stack and name not in TORCH_FAMILY and not admits(spec, stack[name].release)
        ]
        family = tuple((name, spec) for name, spec in row.requires.items() if name in TORCH_FAMILY)
        here = Pin("fastai", release, None, "repair") if moved else pin
        steps = steps_between(releases, pin.release, release)
        yield FastaiChoice(here, moved, steps, (*(["fastai"] if moved else []), *moves), family)


def _partners(
    stack: Stack, torch: Pin, build: Build | None, host: Host, matrix: Matrix, index: IndexPolicy
) -> Iterator[Change]:
    """Where torchvision or torchaudio do not fit a torch: what must come instead."""
    if torch.release not in matrix.torches:
        return
    python = host.python.value
    for name, rows in (("torchvision", matrix.torchvisions), ("torchaudio", matrix.torchaudios)):
        here = stack.get(name)
        row = rows.get(here.release) if here else None
        # What the matrix does not know stays, unless torch moves away from under it.
        if here is None or (row is None and torch == stack["torch"]):
            continue
        served = row is not None and (not row.pythons or python is None or python.minor in row.pythons)
        # A plain pin follows torch to an index of builds: whether it would get that build by itself is left to nobody.
        follows = torch != stack["torch"] and here.flavour is None and build is not None and build.index == "pytorch"
        fits = row and served and admits(row.torch, torch.release) and not _clash(torch.flavour, here.flavour)
        if fits and not follows:
            continue
        partner = matrix.partner(name, torch.release)
        if partner is None:
            continue
        source = _source(torch, build, host, matrix, index)
        release = with_build(partner.version, source) if source else partner.version
        pin = Pin(name, release, torch.flavour, "repair")
        yield Change(name, here, str(pin), pin, source.index if source else "pypi")


def _source(torch: Pin, build: Build | None, host: Host, matrix: Matrix, index: IndexPolicy) -> Build | None:
    """The build whose index the partners come from: PyPI's wherever it has the same flavour and may be asked."""
    platform = host.platform.value or ""
    if index is IndexPolicy.PYTORCH:
        same = (one for one in matrix.builds_for(torch.release, platform) if one.build == torch.flavour)
        return next((one for one in same if one.index == index), build)
    own = matrix.default_build(torch.release, platform)
    return own if own and own.build == torch.flavour else build


def _clash(torch: str | None, partner: str | None) -> bool:
    if torch is None or partner is None or torch == partner:
        return False
    ours, theirs = Cuda.from_tag(torch), Cuda.from_tag(partner)
    return ours is None or theirs is None or ours.major != theirs.major

"""The host as a whole: what was given on the command line, and for the rest what can be seen here."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Gpu, Host, Libc, Python
from compatmatrix.probe.kernel import surroundings
from compatmatrix.probe.platform import detect_libc, detect_platform

if TYPE_CHECKING:
    from compatmatrix.probe.driver import CapabilityOf, DriverView, Run
    from compatmatrix.probe.interpreter import Interpreter

_NAME_DRIVER = "not given: name it with --driver"
_NAME_GPU = "not given: name it with --gpu, or say --no-gpu"


class Given(NamedTuple):
    """Facts about the host that the user gave; None for those to be detected. gpus: empty for "no GPU"."""

    python: Python | None = None
    platform: str | None = None
    libc: Libc | None = None
    driver: DriverVersion | None = None
    gpus: tuple[Gpu, ...] | None = None


NOTHING_GIVEN = Given()


def detect_host(
    interpreter: Interpreter | None,
    capability_of: CapabilityOf,
    given: Given = NOTHING_GIVEN,
    *,
    root: Path = Path("/"),
    environ: Mapping[str, str] | None = None,
    system: str = sys.platform,
    run: Run | None = None,
) -> Host:
    """Join what is given with what is detected; a given fact has the origin "given" and is not looked for.

    The facts of two machines are never mixed: naming a GPU or a platform speaks of a machine that may not be this
    one, so nothing of this one's driver is told then. A given driver alone is tried on this machine's GPUs.
    root, environ, system, run: the machine to look at (for tests).
    """
    here, notes = detect_platform(interpreter.path if interpreter else None, system=system)
    platform = Fact.of(given.platform, "given") if given.platform else here
    elsewhere = platform.value != here.value
    if elsewhere:
        notes = ()
    if given.python:
        python = Fact.of(given.python, "given")
    else:
        python = interpreter.python if interpreter else Fact.unknown("no interpreter: name one with --python")
    libc: Fact[Libc]
    if given.libc:
        libc = Fact.of(given.libc, "given")
    elif elsewhere:
        libc = Fact.unknown("not given: name it with --glibc")
    else:
        libc = detect_libc(interpreter.path if interpreter else None, root=root, system=system)
    view = _driver(given, platform.value or "", capability_of, root, environ, system, run)
    if not given.platform and not given.gpus:
        notes += surroundings(root)
    notes = tuple(dict.fromkeys(notes + view.notes))
    return Host(python, platform, libc, view.driver, view.gpus, view.driver_cuda, notes)


def _driver(
    given: Given,
    platform: str,
    capability_of: CapabilityOf,
    root: Path,
    environ: Mapping[str, str] | None,
    system: str,
    run: Run | None,
) -> DriverView:
    from compatmatrix.probe.driver import DriverView, detect_driver

    driver: Fact[DriverVersion] = Fact.of(given.driver, "given") if given.driver else Fact.unknown(_NAME_DRIVER)
    if given.gpus is not None:
        if not given.gpus and not given.driver:
            driver = Fact.unknown("no NVIDIA GPU")
        return DriverView(driver, Fact.of(given.gpus, "given"))
    if given.platform:
        if platform.startswith("macos-"):
            return DriverView(driver, Fact.of((), "macOS"))
        return DriverView(driver, Fact.unknown(_NAME_GPU))
    view = detect_driver(capability_of, root=root, environ=environ, system=system, run=run)
    if not given.driver:
        return view
    # Who names a driver has a GPU: that this machine shows none says nothing about the one that is meant.
    gpus: Fact[tuple[Gpu, ...]] = view.gpus if view.gpus.value else Fact.unknown(_NAME_GPU)
    return DriverView(driver, gpus)

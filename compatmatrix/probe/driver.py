"""The NVIDIA driver and its GPUs: a ladder of sources, each asked only for what the ones above did not tell.

 1. nvidia-smi by query, one call (on PATH, then in the usual places; a time limit each).
 2. nvidia-smi by query without compute_cap, where the driver is too old for it (470 and older): capability by name.
 3. nvidia-smi's XML, where it understands neither query.
 4. /proc/driver/nvidia/version, /proc/driver/nvidia/gpus/*/information: the loaded kernel module.
 5. /sys/module/nvidia/version: the same, where /proc is hidden.
 6. /sys/bus/pci/devices: an NVIDIA display controller without a working driver.
 7. none: no NVIDIA GPU.

"Not there" falls to the next rung in silence. "Broken" falls too, but leaves its reason behind: in the fact that
stays unknown, or in the notes. macOS has no NVIDIA GPU; nothing is run there. CUDA_VISIBLE_DEVICES changes what a
program sees, not which wheel the machine needs: it becomes a note.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from compatmatrix.model.cuda import Capability, Cuda
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Gpu
from compatmatrix.probe import kernel, nvidia_smi
from compatmatrix.probe.files import is_file
from compatmatrix.probe.nvidia_smi import Answer
from compatmatrix.probe.nvidia_trouble import Trouble, classify

if TYPE_CHECKING:
    from compatmatrix.process import Finished

TIME_LIMIT = 5.0
"""Seconds that one call of nvidia-smi may take."""

_ENOUGH = 1 << 22
"""Characters read of any one answer."""

CapabilityOf = Callable[[str], Capability | None]
"""A GPU's capability by the name that the driver prints."""

_PERHAPS_ANOTHER = frozenset(
    {Trouble.NO_LIBRARY, Trouble.BLOCKED, Trouble.UNREADABLE, Trouble.NOT_LOADED, Trouble.NOT_STARTED}
)
_PLACES = ("usr/bin", "usr/lib/wsl/lib", "usr/local/bin", "usr/local/nvidia/bin", "run/current-system/sw/bin")


class Run(Protocol):
    """How a child process is started: `compatmatrix.process.run`, or a stand-in for it."""

    def __call__(self, argv: Sequence[str], *, timeout: float, env: Mapping[str, str] | None = None) -> Finished: ...


class DriverView(NamedTuple):
    """What can be seen of the NVIDIA driver.

    driver: its version. driver_cuda: the newest CUDA that it offers, known only where XML was asked. gpus: an
    empty tuple where there is none. notes: "MIG" and sentences on what was broken.
    """

    driver: Fact[DriverVersion]
    gpus: Fact[tuple[Gpu, ...]]
    driver_cuda: Fact[Cuda] = Fact.unknown("not asked")
    notes: tuple[str, ...] = ()


def detect_driver(
    capability_of: CapabilityOf,
    *,
    root: Path = Path("/"),
    environ: Mapping[str, str] | None = None,
    system: str = sys.platform,
    run: Run | None = None,
    time_limit: float = TIME_LIMIT,
) -> DriverView:
    """Climb down the ladder (see the module).

    root: where /proc, /sys and the usual places are looked for. environ: for PATH. system: as sys.platform.
    time_limit: seconds for each call. Never raises for what it finds.
    """
    environ = os.environ if environ is None else environ
    if system == "darwin":
        return DriverView(Fact.unknown("no NVIDIA driver exists for macOS"), Fact.of((), "macOS"))
    answer, origin = _ask_nvidia_smi(root, environ, system, run or _run, time_limit)
    notes = list(answer.notes)
    driver: Fact[DriverVersion] = Fact.of(answer.driver, origin) if answer.driver else Fact.unknown("not seen")
    gpus: Fact[tuple[Gpu, ...]] = Fact.unknown("not seen")
    if answer.gpus is not None:
        gpus = Fact.of(_with_capabilities(answer.gpus, capability_of), origin)
    if not (driver.known and gpus.known):
        driver, gpus, more = _ask_kernel(root, system, answer, driver, gpus, capability_of)
        notes += more
    if gpus.value:
        if "MIG" not in notes and kernel.has_mig(root):
            notes.append("MIG")
        if "CUDA_VISIBLE_DEVICES" in environ:
            notes.append("CUDA_VISIBLE_DEVICES is set: it hides GPUs from programs, not from this report")
    cuda: Fact[Cuda] = Fact.of(answer.driver_cuda, origin) if answer.driver_cuda else Fact.unknown("not asked")
    return DriverView(driver, gpus, cuda, tuple(notes))


def _run(argv: Sequence[str], *, timeout: float, env: Mapping[str, str] | None = None) -> Finished:
    from compatmatrix.process import run

    return run(argv, timeout=timeout, env=env)


def _programs(root: Path, environ: Mapping[str, str], system: str) -> Iterator[Path]:
    """Every nvidia-smi, that on PATH first, each file once."""
    seen = set()
    for path in _candidates(root, environ, system):
        if os.access(path, os.X_OK) and is_file(path) and (real := os.path.realpath(path)) not in seen:
            seen.add(real)
            yield path


def _candidates(root: Path, environ: Mapping[str, str], system: str) -> Iterator[Path]:
    path = environ.get("PATH", os.defpath)
    if system == "win32":
        yield from (Path(folder, "nvidia-smi.exe") for folder in path.split(";") if folder)
        yield Path(environ.get("SystemRoot", "C:/Windows"), "System32", "nvidia-smi.exe")
        yield Path(environ.get("ProgramW6432", "C:/Program Files"), "NVIDIA Corporation", "NVSMI", "nvidia-smi.exe")
    else:
        yield from (Path(folder, "nvidia-smi") for folder in path.split(":") if folder)
        yield from (root / place / "nvidia-smi" for place in _PLACES)


def _ask_nvidia_smi(root: Path, environ: Mapping[str, str], system: str, run: Run, limit: float) -> tuple[Answer, str]:
    """Rungs 1 to 3. The best answer and its origin; an empty Answer where there is no nvidia-smi at all."""
    best = Answer()
    for program in _programs(root, environ, system):
        answer, origin = _ask_program(program, environ, run, limit)
        if answer.driver or answer.gpus is not None:
            return answer, origin
        best = best if best.trouble else answer
        # Another copy may do better only where this one lacks its library or belongs to another driver (WSL with a
        # distribution's nvidia-smi on PATH).
        if answer.trouble not in _PERHAPS_ANOTHER:
            break
    return best, "nvidia-smi"


def _ask_program(program: Path, environ: Mapping[str, str], run: Run, limit: float) -> tuple[Answer, str]:
    def ask(arguments: Sequence[str], parse: Callable[[str], Answer]) -> Answer:
        done = run([str(program), *arguments], timeout=limit, env={**environ, "LC_ALL": "C"})
        said = done.stdout[:_ENOUGH]
        answer = parse(said)
        if done.error:
            return Answer(trouble=Trouble.NOT_STARTED, reason=f"nvidia-smi cannot be started ({done.error})")
        if done.timed_out:
            reason = f"nvidia-smi gives {done.describe()}: the driver hangs; see the kernel log, or reboot"
            return Answer(answer.driver, answer.driver_cuda, None, Trouble.HANGS, reason)
        if answer.driver is None and answer.gpus is None:
            trouble, reason = classify(f"{said}\n{done.stderr[:_ENOUGH]}", done.status)
            return answer._replace(trouble=trouble, reason=reason)
        return answer

    origin = "nvidia-smi"
    answer = ask(nvidia_smi.QUERY, nvidia_smi.parse_query)
    if answer.trouble is Trouble.TOO_OLD:
        answer = ask(nvidia_smi.QUERY_OLD, lambda text: nvidia_smi.parse_query(text, capability=False))
        origin = "nvidia-smi, capability by name"
    if answer.trouble in {Trouble.TOO_OLD, Trouble.UNREADABLE} and answer.driver is None:
        detailed = ask(nvidia_smi.XML, nvidia_smi.parse_xml)
        if detailed.driver or detailed.gpus is not None:
            return detailed, "nvidia-smi -q -x"
    return answer, origin


def _with_capabilities(gpus: Sequence[Gpu], capability_of: CapabilityOf) -> tuple[Gpu, ...]:
    return tuple(gpu if gpu.capability else gpu._replace(capability=capability_of(gpu.name)) for gpu in gpus)


def _ask_kernel(
    root: Path,
    system: str,
    answer: Answer,
    driver: Fact[DriverVersion],
    gpus: Fact[tuple[Gpu, ...]],
    capability_of: CapabilityOf,
) -> tuple[Fact[DriverVersion], Fact[tuple[Gpu, ...]], list[str]]:
    """Rungs 4 to 7, for the facts that nvidia-smi did not tell."""
    why = answer.reason
    if system == "win32":
        missing: Fact[DriverVersion] = Fact.unknown(why or "no NVIDIA driver: there is no nvidia-smi")
        nothing: Fact[tuple[Gpu, ...]] = Fact.unknown(why) if why else Fact.of((), "no nvidia-smi")
        return (driver if driver.known else missing), (gpus if gpus.known else nothing), []
    version, origin, broken = kernel.loaded_driver(root)
    notes = [] if driver.known and not why else list(broken)
    if not driver.known and version:
        driver = Fact.of(version, origin)
    if not gpus.known:
        gpus = _kernel_gpus(root, answer, driver.known, capability_of)
    if not driver.known:
        nothing_there = "no NVIDIA driver" if gpus.value == () else "no NVIDIA driver is loaded"
        driver = Fact.unknown(why if why and gpus.value != () else "; ".join(broken) or nothing_there)
    if why and why not in driver.reason and why not in gpus.reason and gpus.value != ():
        notes.append(why)
    if driver.known and gpus.value and not kernel.has_device_nodes(root):
        notes.append(
            "the driver is loaded, but programs cannot reach it here (no /dev/nvidiactl): "
            "in a container, start it with its GPUs (docker run --gpus all)"
        )
    return driver, gpus, notes


def _kernel_gpus(root: Path, answer: Answer, has_driver: bool, capability_of: CapabilityOf) -> Fact[tuple[Gpu, ...]]:
    no_devices = answer.trouble is Trouble.NO_DEVICES
    names = kernel.driver_gpus(root)
    if names and not no_devices:
        gpus = [Gpu(name or nvidia_smi.NAMELESS) for name in names]
        return Fact.of(_with_capabilities(gpus, capability_of), kernel.PROC_GPUS)
    cards = kernel.pci_gpus(root)
    if cards:
        why = answer.reason or ("the driver does not list it" if has_driver else "no driver is loaded for it")
        return Fact.unknown(
            f"an NVIDIA GPU is there (PCI {', '.join(cards)}), but: {why}; or name it with --gpu", kernel.PCI_DEVICES
        )
    if kernel.is_tegra(root):
        return Fact.unknown("a Jetson's GPU cannot be asked here: name it with --gpu")
    if no_devices and not names:
        return Fact.of((), "nvidia-smi")
    # WSL shows its GPU on no bus; elsewhere an empty bus means that there is none, whatever nvidia-smi complains of.
    if answer.trouble and (cards is None or names or kernel.is_wsl(root)):
        return Fact.unknown(f"{answer.reason}; or name the GPU with --gpu")
    if has_driver and (names is None or cards is None):
        return Fact.unknown("the driver is loaded, but its GPUs cannot be listed: name them with --gpu")
    return Fact.of((), "no NVIDIA driver, no NVIDIA device")

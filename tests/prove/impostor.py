"""Stands in for NVIDIA GPUs, so that the branches of the smoke script that need one run on a machine without.

Run in place of an interpreter, in front of a script or `-m module`. It is no GPU: every tensor lies in the memory of
the CPU. A mode of torch only keeps book of which ones claim to be on which GPU, refuses to mix them with others as CUDA
does, and counts their bytes as the caching allocator does. So it shows that the logic of the probes is right, that a
fault of a GPU fails the right probe in the right words, and that no probe mixes devices. It shows nothing about
hardware, drivers or kernels, and what it gives out is never evidence of a training on a GPU. torch.compile is left
out: it looks below the mode.

Environment IMPOSTOR: {"gpus": [[name, [major, minor], MiB]], "arch": [names], "faults": [names of `FAULTS`]}
"""

from __future__ import annotations

import builtins
import io
import os
import runpy
import sys
import weakref
from typing import Any

import torch
from impostor_memory import (
    ARCH,
    FAULT,
    GPUS,
    LEDGERS,
    LOCK,
    MIB,
    STATE,
    TOO_OLD,
    Ledger,
    gpu_of,
    index_of,
    put,
    tensors,
)
from impostor_mode import Impostor


class Properties:
    def __init__(self, index: int) -> None:
        self.name, (self.major, self.minor), size = GPUS[index]
        self.total_memory, self.multi_processor_count = size * MIB, 1
        self.is_integrated = int("integrated" in FAULT)


def synchronize(device: Any = None) -> None:
    if STATE["dead"]:
        raise RuntimeError("CUDA error: device-side assert triggered")


def is_available() -> bool:
    if "old-driver" in FAULT:
        import warnings

        warnings.warn("CUDA initialization: " + TOO_OLD, stacklevel=2)
        return False
    return True


def init() -> None:
    if "old-driver" in FAULT:
        raise RuntimeError(TOO_OLD)


def measured(read: Any) -> Any:
    def ask(device: Any = None) -> Any:
        with LOCK:
            return read(LEDGERS[index_of(device)])

    return ask


def set_fraction(fraction: float, device: Any = None) -> None:
    if not isinstance(fraction, float) or not 0 <= fraction <= 1:
        raise ValueError(f"Invalid fraction value: {fraction}. Allowed range: 0~1")
    ledger = LEDGERS[index_of(device)]
    ledger.limit = int(ledger.size * fraction)


def reset_peak(ledger: Ledger) -> None:
    ledger.peak = ledger.allocated


def empty_cache() -> None:
    with LOCK:
        for ledger in LEDGERS:
            ledger.give_back()


def snapshot(*args: Any, **kwargs: Any) -> list[dict[str, Any]]:
    with LOCK:
        return [segment for index, ledger in enumerate(LEDGERS) for segment in ledger.snapshot(index)]


def install() -> None:
    """Put the impostor in front of torch.cuda, autocast, torch.load and nccl."""
    cuda = torch.cuda
    fakes = {
        "is_available": is_available,
        "init": init,
        "_lazy_init": init,
        "is_initialized": lambda: True,
        "device_count": lambda: len(GPUS),
        "current_device": lambda: STATE["current"],
        "set_device": lambda device: STATE.update(current=index_of(device)),
        "get_device_name": lambda device=None: GPUS[index_of(device)][0],
        "get_device_capability": lambda device=None: tuple(GPUS[index_of(device)][1]),
        "get_device_properties": lambda device=None: Properties(index_of(device)),
        "get_arch_list": lambda: list(ARCH),
        "synchronize": synchronize,
        "empty_cache": empty_cache,
        "memory_allocated": measured(lambda ledger: ledger.allocated),
        "memory_reserved": measured(lambda ledger: ledger.reserved),
        "max_memory_allocated": measured(lambda ledger: ledger.peak),
        "reset_peak_memory_stats": measured(reset_peak),
        "mem_get_info": measured(lambda ledger: (ledger.size - ledger.reserved, ledger.size)),
        "memory_snapshot": snapshot,
        "set_per_process_memory_fraction": set_fraction,
        "is_bf16_supported": lambda *args: True,
        "manual_seed_all": lambda seed: None,
        "manual_seed": lambda seed: None,
    }
    for name, fake in fakes.items():
        setattr(cuda, name, fake)
    if "unbounded" in FAULT:
        del cuda.mem_get_info, cuda.set_per_process_memory_fraction
    if "integrated" in FAULT:
        wrap_meminfo()
    wrap_autocast()
    wrap_load()
    wrap_nccl()
    mode = Impostor()
    mode.__enter__()
    weakref.finalize(torch, mode.__exit__, None, None, None).atexit = False


def wrap_autocast() -> None:
    kind = torch.amp.autocast_mode.autocast
    right = kind.__init__

    def begin(self: Any, device_type: str, dtype: Any = None, enabled: bool = True, **kwargs: Any) -> None:
        if device_type == "cuda":
            device_type, dtype = "cpu", dtype or torch.float16
            enabled = enabled and "no-amp" not in FAULT
        right(self, device_type, dtype=dtype, enabled=enabled, **kwargs)

    kind.__init__ = begin


def wrap_meminfo() -> None:
    """Let the machine tell that 64 MiB of its memory are left."""
    right = open

    def tell(file: Any, *args: Any, **kwargs: Any) -> Any:
        return io.StringIO("MemAvailable: 65536 kB\n") if file == "/proc/meminfo" else right(file, *args, **kwargs)

    builtins.open = tell


def wrap_nccl() -> None:
    right = torch.distributed.init_process_group

    def start(backend: Any = None, *args: Any, **kwargs: Any) -> Any:
        if backend == "nccl" and "shm" in FAULT:
            raise torch.distributed.DistBackendError(
                "NCCL error in: ../torch/csrc/distributed/c10d/NCCLUtils.hpp:268, unhandled system error (run with "
                "NCCL_DEBUG=INFO for details), NCCL version 2.21.5\n"
                "ncclSystemError: System call (e.g. socket, malloc) or external library call failed or device error. \n"
                "Last error:\nError while creating shared memory segment /dev/shm/nccl-CsYXMW (size 9637888)"
            )
        return right("gloo" if backend == "nccl" else backend, *args, **kwargs)

    torch.distributed.init_process_group = start


def wrap_load() -> None:
    right = torch.load

    def load(file: Any, map_location: Any = None, *args: Any, **kwargs: Any) -> Any:
        index = gpu_of(map_location)
        found = right(file, torch.device("cpu") if index is not None else map_location, *args, **kwargs)
        for one in tensors(found) if index is not None and index >= 0 else ():
            put(one, index)
        return found

    torch.load = load


def main(argv: list[str]) -> None:
    """Do what an interpreter does with these arguments, as far as the smoke script needs it."""
    sys.executable = os.environ["IMPOSTOR_PYTHON"]
    while argv and argv[0].startswith("-") and argv[0] != "-m":
        del argv[: 2 if argv[0] == "-X" else 1]
    install()
    if argv[0] == "-m":
        sys.argv = argv[1:]
        runpy.run_module(argv[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = argv
        runpy.run_path(argv[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])

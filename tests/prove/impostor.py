"""Stands in for NVIDIA GPUs, so that the branches of the smoke script that need one run on a machine without.

Run in place of an interpreter, in front of a script or `-m module`. It is no GPU: every tensor lies in the memory of
the CPU. A mode of torch only keeps book of which ones claim to be on which GPU, refuses to mix them with others as CUDA
does, and counts their bytes as the caching allocator does. So it shows that the logic of the probes is right, that a
fault of a GPU fails the right probe in the right words, and that no probe mixes devices. It shows nothing about
hardware, drivers or kernels, and what it gives out is never evidence of a training on a GPU. torch.compile is left
out: it looks below the mode.

Environment IMPOSTOR: {"gpus": [[name, [major, minor], MiB]], "arch": [names], "faults": [names, see `FAULTS`]}
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import threading
import weakref
from typing import Any

ASKED = json.loads(os.environ.get("IMPOSTOR", "{}"))
GPUS = ASKED.get("gpus", [["Impostor 9000", [9, 0], 4096]])
ARCH = ASKED.get("arch", ["sm_80", "sm_90"])
FAULTS = {
    "leak": "what a convolution gives out is kept",
    "reserve": "empty_cache reserves more instead of giving it back",
    "hoard": "large tensors are kept",
    "words": "out of memory is told in other words",
    "conv": "convolutions are wrong",
    "second": "convolutions are NaN on the second GPU",
    "no-kernel": "the second GPU has no code for matmul",
    "sticky": "the first conv2d ends all use of the GPU",
    "no-amp": "autocast does nothing",
    "no-nms": "torchvision is a build without CUDA",
    "old-driver": "the driver is too old",
}
FAULT = set(ASKED.get("faults", []))
MIB = 1 << 20
TOO_OLD = "The NVIDIA driver on your system is too old (found version 11040). Please update your GPU driver."

import torch  # noqa: E402
from torch.multiprocessing.reductions import StorageWeakRef  # noqa: E402
from torch.overrides import TorchFunctionMode  # noqa: E402


class Ledger:
    """The caching allocator of one GPU: 512 byte blocks in segments of 2 MiB, 20 MiB or as large as they need be."""

    def __init__(self, size: int) -> None:
        self.size, self.limit = size, size
        self.segments: list[list[Any]] = []  # [bytes, [[offset, bytes, StorageWeakRef or None]]]
        self.peak = self.held = self.taken = 0

    def purge(self) -> None:
        for _, blocks in self.segments:
            blocks[:] = [block for block in blocks if not block[2].expired()]
        self.held = sum(block[1] for _, blocks in self.segments for block in blocks)

    @property
    def allocated(self) -> int:
        self.purge()
        return self.held

    @property
    def reserved(self) -> int:
        return sum(size for size, _ in self.segments)

    def give_back(self) -> None:
        self.purge()
        self.segments = [segment for segment in self.segments if segment[1] or "reserve" in FAULT]
        if "reserve" in FAULT:
            self.segments.append([40 * MIB, []])

    def gaps(self, segment: list[Any]) -> list[tuple[int, int]]:
        size, blocks = segment
        found, at = [], 0
        for offset, length, _ in sorted(blocks, key=lambda block: block[0]):
            found += [(at, offset - at)] if offset > at else []
            at = offset + length
        return found + ([(at, size - at)] if size > at else [])

    def take(self, asked: int, ref: Any, index: int) -> None:
        length = max(512, -(-asked // 512) * 512)
        self.taken += 1
        if self.taken % 64 == 0 or length > MIB:
            self.purge()
        self.held += length
        for segment in self.segments:
            small = segment[0] <= 2 * MIB
            for offset, room in self.gaps(segment) if small == (length <= MIB) else ():
                if room >= length:
                    segment[1].append([offset, length, ref])
                    self.peak = max(self.peak, self.held)
                    return
        size = 2 * MIB if length <= MIB else 20 * MIB if length < 10 * MIB else -(-length // (2 * MIB)) * 2 * MIB
        if self.reserved + size > self.limit:
            self.give_back()
        if self.reserved + size > self.limit:
            words = "no more room" if "words" in FAULT else "CUDA out of memory"
            free = (self.size - self.reserved) / MIB
            raise torch.cuda.OutOfMemoryError(
                f"{words}. Tried to allocate {asked / MIB:.2f} MiB. GPU {index} has a total capacity of "
                f"{self.size / MIB:.2f} MiB of which {free:.2f} MiB is free."
            )
        self.segments.append([size, [[0, length, ref]]])
        self.peak = max(self.peak, self.held)

    def snapshot(self, index: int) -> list[dict[str, Any]]:
        self.purge()
        told = []
        for segment in self.segments:
            blocks = [{"size": block[1], "state": "active_allocated"} for block in segment[1]]
            blocks += [{"size": room, "state": "inactive"} for _, room in self.gaps(segment)]
            told.append({"device": index, "total_size": segment[0], "blocks": blocks})
        return told


LOCK = threading.RLock()
LEDGERS = [Ledger(gpu[2] * MIB) for gpu in GPUS]
PLACES: dict[int, tuple[Any, int]] = {}  # address of a storage: (weak reference that keeps the address, GPU)
KEPT: list[Any] = []
STATE = {"current": 0, "dead": False, "since": 0}
# What may meet tensors of two devices.
MOVES = {
    *("to", "cuda", "cpu", "copy_", "set_", "requires_grad_", "_has_compatible_shallow_copy_type"),
    *("__set__", "__setstate__", "__getitem__", "__setitem__"),
}


def place_of(tensor: torch.Tensor) -> int | None:
    """Which GPU a tensor claims to lie on."""
    try:
        known = PLACES.get(tensor.untyped_storage()._cdata)
    except (RuntimeError, NotImplementedError):
        return None
    return known[1] if known else None


def put(tensor: torch.Tensor, index: int) -> None:
    """Let a tensor lie on a GPU; its bytes are counted there."""
    with LOCK:
        storage = tensor.untyped_storage()
        if storage._cdata in PLACES:
            return
        STATE["since"] += 1
        if STATE["since"] % 256 == 0:
            for key in [key for key, (ref, _) in PLACES.items() if ref.expired()]:
                del PLACES[key]
        ref = StorageWeakRef(storage)
        LEDGERS[index].take(storage.nbytes(), ref, index)
        PLACES[storage._cdata] = (ref, index)
        if "hoard" in FAULT and storage.nbytes() >= 32 * MIB:
            KEPT.append(tensor)


def tensors(values: Any) -> list[torch.Tensor]:
    """The tensors in a value, in lists and tuples and as values of dicts."""
    if isinstance(values, torch.Tensor):
        return [values]
    if isinstance(values, dict):
        values = list(values.values())
    return [one for value in values for one in tensors(value)] if isinstance(values, (list, tuple)) else []


def gpu_of(value: Any) -> int | None:
    """The GPU that a device argument names, -1 for the CPU, None for what names no device."""
    if isinstance(value, str) and value.split(":")[0] in ("cpu", "cuda"):
        value = torch.device(value)
    if not isinstance(value, torch.device):
        return None
    if value.type != "cuda":
        return -1
    return STATE["current"] if value.index is None else value.index


class Impostor(TorchFunctionMode):
    """Keeps book of places; the work is done on the CPU."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.device or getattr(func, "__name__", "") == "_parse_to":
            return func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        if name == "__get__":
            return self._attribute(func, args, kwargs)
        if name in ("is_cuda", "get_device"):
            return (lambda at: -1 if at is None else at)(place_of(args[0]))
        if name in ("numpy", "__array__") and place_of(args[0]) is not None:
            raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy it first.")
        wanted = None
        if name == "cuda":
            wanted, args = STATE["current"], args[:1]
        elif name == "cpu":
            wanted = -1
        elif name == "to" and len(args) > 1 and isinstance(args[1], torch.Tensor):
            wanted = -1 if place_of(args[1]) is None else place_of(args[1])
            args = (args[0], args[1].dtype, *args[2:])
        else:
            found = [gpu_of(value) for value in (*args, kwargs.get("device"))]
            wanted = next((one for one in found if one is not None), None)
            cpu = torch.device("cpu")
            args = tuple(cpu if gpu_of(value) is not None else value for value in args)
            if gpu_of(kwargs.get("device")) is not None:
                kwargs["device"] = cpu
        if name in ("to", "cuda", "cpu"):
            return self._move(args, kwargs, wanted)
        return self._compute(func, name, args, kwargs, wanted)

    def _attribute(self, func: Any, args: Any, kwargs: Any) -> Any:
        at = place_of(args[0])
        asked = getattr(func.__self__, "__name__", "")
        if asked == "device" and at is not None:
            return torch.device("cuda", at)
        if asked == "is_cuda":
            return at is not None
        if asked == "is_cpu":
            return at is None
        found = func(*args, **kwargs)
        if at is not None and isinstance(found, torch.Tensor):
            put(found, at)
        return found

    def _move(self, args: Any, kwargs: Any, wanted: int | None) -> Any:
        tensor = args[0]
        at = -1 if place_of(tensor) is None else place_of(tensor)
        moves = wanted is not None and wanted != at
        rest = [value for value in args[1:] if isinstance(value, torch.dtype)]
        flags = [value for value in args[1:] if isinstance(value, bool)]
        kwargs.update(zip(("non_blocking", "copy"), flags, strict=False))
        kwargs.pop("device", None)
        if moves:
            kwargs["copy"] = True
        moved = tensor.to("cpu", *rest, **kwargs) if moves or rest or kwargs else tensor
        goal = wanted if wanted is not None else at
        if goal is not None and goal >= 0:
            put(moved, goal)
        return moved

    def _compute(self, func: Any, name: str, args: Any, kwargs: Any, wanted: int | None) -> Any:
        given = tensors((args, kwargs))
        places = {place_of(one) for one in given if one.dim() > 0}
        if len(places) > 1 and name not in MOVES:
            named = sorted("cpu" if at is None else f"cuda:{at}" for at in places)
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, "
                f"{' and '.join(named)}! ({name})"
            )
        every = [at for at in (place_of(one) for one in given) if at is not None]
        goal = wanted if wanted is not None else every[0] if every else -1
        if goal >= 0:
            broken_kernels(name, goal)
        out = func(*args, **kwargs)
        if goal >= 0:
            for one in tensors(out):
                put(one, goal)
            if name == "conv2d":
                if "leak" in FAULT:
                    KEPT.append(out.detach().clone())
                    put(KEPT[-1], goal)
                if "conv" in FAULT or ("second" in FAULT and goal == 1):
                    out = out * (-1.0 if "conv" in FAULT else float("nan"))
                    put(out, goal)
        return out


def broken_kernels(name: str, index: int) -> None:
    if STATE["dead"] or ("sticky" in FAULT and name == "conv2d"):
        STATE["dead"] = True
        raise RuntimeError("CUDA error: device-side assert triggered")
    if "no-kernel" in FAULT and index == 1 and name == "matmul":
        raise RuntimeError("CUDA error: no kernel image is available for execution on the device")
    if "no-nms" in FAULT and name.startswith("nms"):
        raise NotImplementedError("Could not run 'torchvision::nms' with arguments from the 'CUDA' backend.")


def index_of(device: Any = None) -> int:
    if device is None:
        return STATE["current"]
    return device if isinstance(device, int) else gpu_of(device) or 0


class Properties:
    def __init__(self, index: int) -> None:
        self.name, (self.major, self.minor), size = GPUS[index]
        self.total_memory, self.multi_processor_count = size * MIB, 1


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
    wrap_autocast()
    wrap_load()
    start = torch.distributed.init_process_group
    torch.distributed.init_process_group = lambda backend=None, *args, **kwargs: start(
        "gloo" if backend == "nccl" else backend, *args, **kwargs
    )
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

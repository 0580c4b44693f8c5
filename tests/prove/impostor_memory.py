"""What the stand-in for GPUs knows: its GPUs and their memory, which tensor claims to lie on which. See `impostor`."""

from __future__ import annotations

import json
import os
import threading
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef

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
    "integrated": "the GPU takes the machine's own memory",
    "nvml": "NVML refuses, and torch trips over it while it words its out of memory",
    "unbounded": "a torch that cannot bound the memory of a process, and does not tell how much is free",
    "engine": "a convolution whose workspace finds no room says so in cuDNN's words",
    "exclusive": "a GPU serves one process at a time",
    "shm": "nccl finds no shared memory",
}
FAULT = set(ASKED.get("faults", []))
MIB = 1 << 20
TOO_OLD = "The NVIDIA driver on your system is too old (found version 11040). Please update your GPU driver."


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
            if "nvml" in FAULT:
                where = 'INTERNAL ASSERT FAILED at "../c10/cuda/CUDACachingAllocator.cpp":995'
                raise RuntimeError(f"NVML_SUCCESS == r {where}, please report a bug to PyTorch. ")
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
WORKSPACES: dict[tuple[str, int], Any] = {}
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


def index_of(device: Any = None) -> int:
    if device is None:
        return STATE["current"]
    return device if isinstance(device, int) else gpu_of(device) or 0

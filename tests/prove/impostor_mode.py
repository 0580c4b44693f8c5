"""The mode of torch by which tensors of the CPU claim to lie on GPUs. See `impostor`."""

from __future__ import annotations

import os
from typing import Any

import torch
from impostor_memory import FAULT, GPUS, KEPT, LEDGERS, MIB, MOVES, STATE, WORKSPACES, gpu_of, place_of, put, tensors
from torch.overrides import TorchFunctionMode

MULTIPLIES = ("linear", "matmul", "mm", "addmm", "bmm")


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
            workspaces(name, goal)
            if name == "empty" and isinstance(args[0], int) and args[0] > LEDGERS[goal].size:
                LEDGERS[goal].take(args[0], None, goal)  # fails, where the CPU's own words would come
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
    ledger = LEDGERS[index]
    if "engine" in FAULT and name == "conv2d" and ledger.allocated > ledger.size // 3:
        raise RuntimeError("GET was unable to find an engine to execute this computation")
    if "exclusive" in FAULT and "LOCAL_RANK" in os.environ:
        raise RuntimeError("CUDA error: CUDA-capable device(s) is/are busy or unavailable")
    if "no-nms" in FAULT and name.startswith("nms"):
        raise NotImplementedError("Could not run 'torchvision::nms' with arguments from the 'CUDA' backend.")


def workspaces(name: str, index: int) -> None:
    """What cuBLAS keeps for good for each thread that multiplies: 8 MiB, on Hopper 32, and 1 MiB of cublasLt."""
    thread = "main" if name in MULTIPLIES else "autograd" if name == "backward" else ""
    if thread and (thread, index) not in WORKSPACES:
        size = 32 * MIB if GPUS[index][1] == [9, 0] else 8 * MIB + 128 * 1024
        kept = [torch.empty(each, dtype=torch.uint8) for each in (size, MIB)]
        WORKSPACES[thread, index] = kept
        for one in kept:
            put(one, index)

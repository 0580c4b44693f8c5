"""Ask torch itself about the GPUs, in the target's own interpreter: python -I gpu_facts.py. JSON on stdout.

What is installed, what the GPUs say of themselves, what a multiplication leaves behind in the GPU's memory, and in
which words memory ends (within 256 MiB of our own). Python 3.7 or later; a question that has no answer here is left
with the reason.
"""

import gc
import json
import platform
import re
import sys

ROOTS = ("fastai", "torch", "torchvision")
BOUND = 256 << 20


def closure():
    """Name and version of everything that the three stand on, as far as it is installed."""
    from importlib import metadata

    found, seen, waiting = {}, set(), [(name, "") for name in ROOTS]
    while waiting:
        wanted = waiting.pop()
        name, extra = re.sub(r"[-_.]+", "-", wanted[0]).lower(), wanted[1]
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            of = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found[name] = of.version
        for line in of.requires or ():
            behind = re.search(r"extra\s*==\s*['\"]([^'\"]+)", line)
            if (behind.group(1) if behind else "") == extra:
                needed, extras = re.match(r"([\w.-]+)\s*(?:\[([^\]]*)\])?", line).groups()
                waiting += [(needed, one.strip()) for one in ["", *(extras or "").split(",")]]
    return dict(sorted(found.items()))


def of_gpu(torch, index):
    properties = torch.cuda.get_device_properties(index)
    row = {
        name: getattr(properties, name)
        for name in ("name", "major", "minor", "total_memory", "multi_processor_count", "is_integrated")
        if hasattr(properties, name)
    }
    if hasattr(torch.cuda, "mem_get_info"):
        row["free"], row["total"] = torch.cuda.mem_get_info(index)
    # The stand-in for GPUs in our tests has properties of another kind.
    return dict(row, kind=type(properties).__name__)


def persisting(torch):
    """Bytes that stay allocated and reserved after each step, once nothing of it is held: workspaces of libraries."""
    cuda, rows = torch.cuda, []

    def look(step):
        gc.collect()
        cuda.synchronize()
        cuda.empty_cache()
        rows.append([step, cuda.memory_allocated(), cuda.memory_reserved()])

    def train():
        net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Flatten(), torch.nn.Linear(8 * 36, 4)).cuda()
        net(torch.randn(9, 3, 8, 8, device="cuda")).sum().backward()

    look("nothing")
    torch.ones(64, 64, device="cuda").matmul(torch.ones(64, 64, device="cuda")).sum().item()
    look("a multiplication")
    for step in ("a training step", "the same once more", "and once more"):
        train()
        look(step)
    return rows


def end_of_memory(torch):
    """How torch words it."""
    cuda = torch.cuda
    if not hasattr(cuda, "set_per_process_memory_fraction"):
        return None
    total = cuda.get_device_properties(0).total_memory
    cuda.set_per_process_memory_fraction(min(1.0, (cuda.memory_reserved() + BOUND) / float(total)), 0)
    kept = []
    try:
        for _ in range(64):
            kept.append(torch.empty(BOUND // 4, dtype=torch.uint8, device="cuda"))
    except RuntimeError as error:
        return [type(error).__name__, str(error)]
    finally:
        del kept
        cuda.set_per_process_memory_fraction(1.0, 0)
    return ["none", "more was given than the bound"]


def asked(action, *args):
    try:
        return action(*args)
    except Exception as error:
        return {"failed": type(error).__name__ + ": " + str(error)}


def main():
    import torch

    said = {"python": platform.python_version(), "torch": str(torch.__version__), "cuda": torch.version.cuda}
    said["closure"] = asked(closure)
    said["cudnn"] = asked(torch.backends.cudnn.version)
    said["arch_list"] = asked(torch.cuda.get_arch_list) if hasattr(torch.cuda, "get_arch_list") else None
    said["available"] = torch.cuda.is_available()
    if said["available"]:
        said["nccl"] = asked(lambda: list(map(int, torch.cuda.nccl.version())))
        said["gpus"] = [asked(of_gpu, torch, index) for index in range(torch.cuda.device_count())]
        said["persisting"] = asked(persisting, torch)
        said["end_of_memory"] = asked(end_of_memory, torch)
    json.dump(said, sys.stdout, indent=1)


if __name__ == "__main__":
    main()

"""Probes of precision and memory. What needs a GPU says so where there is none."""

import gc
import math
import os
import weakref

from smoke_core import Skip, check, kinds_of_outputs, new_learner, quietly, small_net

MIB = 2.0**20
OOM_ROOM = 256 << 20


def to_fp16(run):
    """to_fp16 trains in half precision on a GPU; on a CPU, bfloat16 autocast computes what it has to."""
    torch = run.torch
    if not run.on_gpu:
        if not hasattr(torch, "autocast") or not hasattr(torch, "bfloat16"):
            raise Skip("on the CPU, and this torch has no autocast for it")
        net = small_net(run).eval()
        images = run.dls.one_batch()[0].as_subclass(torch.Tensor)
        with torch.no_grad():
            exact = net(images)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                rough = net(images)
        check(rough.dtype == torch.bfloat16, "autocast on the CPU computed in %s, not in bfloat16" % rough.dtype)
        far = float((rough.float() - exact).abs().max())
        check(math.isfinite(far) and far < 0.2, "bfloat16 differs from float32 by %.3f" % far)
        return "bfloat16 autocast on the CPU, %.4f from float32; to_fp16 itself needs a GPU" % far
    learn = new_learner(run).to_fp16()
    kinds = kinds_of_outputs(learn.model[0])
    with quietly(learn):
        learn.fit(3, 1e-2)
    check("torch.float16" in kinds, "to_fp16 computed in %s, not in half precision" % " ".join(sorted(kinds)))
    losses = [float(loss) for loss in learn.recorder.losses]
    check(all(math.isfinite(loss) for loss in losses), "losses in half precision are not finite: %s" % losses[:8])
    check(losses[-1] < losses[0], "the loss did not fall in half precision: %.3f to %.3f" % (losses[0], losses[-1]))
    kept = {str(parameter.dtype) for parameter in learn.model.parameters()}
    check(kept == {"torch.float32"}, "weights are kept as %s" % " ".join(sorted(kept)))
    return "half precision in the layers, loss %.3f to %.3f" % (losses[0], losses[-1])


def resident():
    """Bytes of this process that lie in memory now, None where the system does not tell."""
    try:
        with open("/proc/self/statm") as stream:
            return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None


def largest_free_block(cuda):
    """Bytes of the largest piece that lies free between used ones, or None where this torch cannot tell."""
    try:
        blocks = [block for segment in cuda.memory_snapshot() for block in segment["blocks"]]
        return max([block["size"] for block in blocks if block["state"] == "inactive"] or [0])
    except (AttributeError, KeyError, RuntimeError):
        return None


def train_once(run):
    """Train a learner that nothing else holds; weak references to its net and to a weight."""
    learn = new_learner(run)
    with quietly(learn):
        learn.fit(1, 1e-3)
    if run.fault:
        run.fault(learn)
    return weakref.ref(learn.model), weakref.ref(learn.model[0].weight)


def memory(run):
    """What a training took is given back: nothing keeps the net, allocated and reserved memory of the GPU fall."""
    train_once(run)  # the first one loads libraries that stay
    if not run.on_gpu:
        gc.collect()
        before = resident()
        refs = train_once(run)
        gc.collect()
        after = resident()
        check(not any(ref() is not None for ref in refs), "something keeps the net after its learner is gone")
        grown = "" if before is None else ", %.1f MiB more resident" % ((after - before) / MIB)
        return "the net is gone with its learner%s; GPU memory: there is no GPU" % grown
    cuda = run.torch.cuda

    def held():
        gc.collect()
        cuda.synchronize()
        loose = cuda.memory_reserved() - cuda.memory_allocated(), largest_free_block(cuda)
        cuda.empty_cache()
        return cuda.memory_allocated(), cuda.memory_reserved(), loose

    before = held()
    cuda.reset_peak_memory_stats()
    refs = train_once(run)
    peak = cuda.max_memory_allocated()
    after = held()
    mib = tuple(value / MIB for value in before[:2] + after[:2] + (peak,))
    numbers = "allocated %.1f to %.1f MiB, reserved %.1f to %.1f MiB" % (mib[0], mib[2], mib[1], mib[3])
    check(not any(ref() is not None for ref in refs), "something keeps the net, memory is not given back: " + numbers)
    check(after[0] <= before[0] + (2 << 20), "memory is not given back: " + numbers)
    check(after[1] <= before[1] + (32 << 20), "reserved memory is not given back: " + numbers)
    free, largest = after[2]
    block = "" if largest is None else ", largest free block %.1f of %.1f MiB" % (largest / MIB, free / MIB)
    return "%s, peak %.1f MiB%s" % (numbers, mib[4], block)


def oom(run):
    """After out of memory, within a bound of our own, the memory is there again and the training goes on."""
    if not run.on_gpu:
        raise Skip("provoked on a GPU only: on a CPU it would end other programs")
    cuda = run.torch.cuda
    gc.collect()
    cuda.empty_cache()
    total = cuda.get_device_properties(0).total_memory
    limited = hasattr(cuda, "set_per_process_memory_fraction")
    if limited:
        cuda.set_per_process_memory_fraction(min(1.0, (cuda.memory_reserved() + OOM_ROOM) / float(total)), 0)
    try:
        before = cuda.memory_allocated()
        words = run_out(run, OOM_ROOM * 4 if limited else total * 2)
        gc.collect()
        cuda.empty_cache()
        left = cuda.memory_allocated() - before
        check(left < (2 << 20), "%.1f MiB are still allocated after out of memory" % (left / MIB))
        learn = new_learner(run)
        with quietly(learn):
            learn.fit(1, 1e-3)
        cuda.synchronize()
    finally:
        if limited:
            cuda.set_per_process_memory_fraction(1.0, 0)
    check(all(math.isfinite(float(loss)) for loss in learn.recorder.losses), "training after out of memory is NaN")
    bound = "within %d MiB of our own" % (OOM_ROOM >> 20) if limited else "by one allocation"
    return "%s; memory given back, training goes on (%s)" % (bound, words)


def run_out(run, size):
    """Ask for more than there is; the library's words. A frame of its own, so that no traceback keeps tensors."""
    torch = run.torch
    kept = []
    try:
        for _ in range(64):
            kept.append(torch.empty(size // 16, dtype=torch.uint8, device=run.device))
        kept.append(torch.empty(size, dtype=torch.uint8, device=run.device))
    except RuntimeError as error:
        check("out of memory" in str(error).lower(), "out of memory came as: %s" % str(error).split("\n")[0])
        return str(error).split(".")[0][:80]
    raise RuntimeError("%d MiB were given where that cannot be" % (size >> 20))


# --- faults, for tests ---------------------------------------------------------------------------

KEPT = []


def break_fp16(run):
    if run.on_gpu:
        run.patch(run.fv.Learner, "to_fp16", lambda self: self)
    else:
        run.patch(run.torch, "autocast", lambda *args, **kwargs: memoryview(b""))


def break_memory(run):
    run.fault = KEPT.append


def break_oom(run):
    right = run.torch.empty
    run.patch(run.torch, "empty", lambda *size, **options: right(1, **options))


PROBES = (
    ("to-fp16", to_fp16, ("learner",), "default", break_fp16),
    ("memory", memory, ("learner",), "default", break_memory),
    ("oom", oom, ("memory",), "default", break_oom),
)

"""Probes of precision and memory. What needs a GPU says so where there is none."""

import contextlib
import gc
import math
import os
import weakref

from smoke_core import Skip, Wrong, check, kinds_of_outputs, new_learner, quietly, small_net

MIB = 2.0**20
OOM_ROOM = 256 << 20
# More than any GPU holds, and any Windows lends it of its own memory: what is asked for where no bound can be set.
BEYOND = 1 << 45
# A first training leaves workspaces for each thread that multiplies: of cuBLAS 8 MiB, on Hopper 32, of cublasLt 1. The
# next one of the same shapes finds them there (CublasHandlePool.cpp), so less than the smallest of them may be new.
SLACK = 1 << 19


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
    return "half precision in the layers, loss %.3f to %.3f%s" % (losses[0], losses[-1], other_forms(run))


def other_forms(run):
    """channels_last in float16, and in bfloat16 where the GPU computes in it, next to float32; in words."""
    torch, said = run.torch, []
    if not hasattr(torch, "autocast"):
        return ""
    net = small_net(run).to(run.device).eval()
    images = run.dls.one_batch()[0].as_subclass(torch.Tensor)
    native = torch.cuda.get_device_capability(0)[0] >= 8
    with torch.no_grad():
        exact = net(images)
        net, images = (part.to(memory_format=torch.channels_last) for part in (net, images))
        for kind in (torch.float16,) + ((torch.bfloat16,) if native else ()):
            with torch.autocast("cuda", dtype=kind):
                rough = net(images)
            check(rough.dtype == kind, "autocast computed in %s, not in %s" % (rough.dtype, kind))
            far = float((rough.float() - exact).abs().max())
            check(math.isfinite(far) and far < 0.2, "%s in channels_last is %.3f from float32" % (kind, far))
            said.append("%s %.4f" % (str(kind).replace("torch.", ""), far))
    return "; channels_last right, from float32: " + ", ".join(said)


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
        here = [segment for segment in cuda.memory_snapshot() if segment.get("device", 0) == 0]
        blocks = [block for segment in here for block in segment["blocks"]]
        return max([block["size"] for block in blocks if block["state"] == "inactive"] or [0])
    except (AttributeError, KeyError, RuntimeError):
        return None


def still_answers(run):
    """Whether the GPU can be used after a failed probe: some of its errors end all use of it by a process."""
    try:
        if run.on_gpu:
            run.torch.cuda.synchronize()
    except RuntimeError:
        return False
    return True


def ran_out(text):
    """Whether these are torch's words for the end of memory.

    From 2.1 on it asks NVML who holds memory before it words that. Where NVML refuses, as on slices of a GPU (MIG), on
    Jetson and in some containers, torch fails over this instead, and out of memory comes as "NVML_SUCCESS == r".
    """
    return any(words in text.lower() for words in ("out of memory", "nvml_success =="))


def integrated(run):
    """Whether the GPU has no memory of its own: what it takes, the whole machine lacks (GB10, Jetson)."""
    return bool(getattr(run.torch.cuda.get_device_properties(0), "is_integrated", 0))


@contextlib.contextmanager
def bounded(cuda, more):
    """Let this process take so many bytes of the GPU on top of what it has reserved, by a bound of torch's own."""
    total = cuda.get_device_properties(0).total_memory
    cuda.set_per_process_memory_fraction(min(1.0, (cuda.memory_reserved() + more) / float(total)), 0)
    try:
        yield
    finally:
        cuda.set_per_process_memory_fraction(1.0, 0)


def room(run):
    """How full the GPU is, in words."""
    cuda = run.torch.cuda
    allocated, reserved, largest = cuda.memory_allocated(), cuda.memory_reserved(), largest_free_block(cuda)
    said = "allocated %.1f MiB of %.1f MiB reserved" % (allocated / MIB, reserved / MIB)
    if largest is not None:
        said += ", largest free block %.1f MiB" % (largest / MIB)
    if hasattr(cuda, "mem_get_info"):
        free, total = cuda.mem_get_info()
        said += "; of %.0f MiB of the GPU %.0f are free" % (total / MIB, free / MIB)
    return said


def hint(run, error, text):
    """What else to say of an error: with out of memory, how full the GPU is and what to do."""
    if not run.on_gpu or isinstance(error, Wrong) or not ran_out(text):
        return ""
    try:
        said = room(run)
    except (RuntimeError, KeyError):
        return ""
    said += "" if "out of memory" in text.lower() else "; so ends memory where NVML does not answer"
    return " (%s; smaller batches or to_fp16 need less, and nvidia-smi shows what other programs hold)" % said


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
    check(after[0] <= before[0] + SLACK, "memory is not given back: " + numbers)
    check(after[1] <= before[1] + (32 << 20), "reserved memory is not given back: " + numbers)
    free, largest = after[2]
    block = "" if largest is None else ", largest free block %.1f of %.1f MiB" % (largest / MIB, free / MIB)
    return "%s, peak %.1f MiB%s" % (numbers, mib[4], block)


def oom(run):
    """After out of memory, within a bound of our own, the memory is there again and the training goes on."""
    if not run.on_gpu:
        raise Skip("provoked on a GPU only: on a CPU it would end other programs")
    cuda = run.torch.cuda
    if os.environ.get("PYTORCH_NO_CUDA_MEMORY_CACHING") is not None:
        raise Skip("PYTORCH_NO_CUDA_MEMORY_CACHING is set: memory is neither counted nor bounded")
    gc.collect()
    cuda.empty_cache()
    limited = hasattr(cuda, "set_per_process_memory_fraction")
    if not limited and integrated(run):
        raise Skip("this GPU takes the machine's own memory, and this torch has no bound for it")
    # Without a bound of our own, one tensor that no GPU holds; many small ones would take other programs' memory.
    sizes = [OOM_ROOM // 4] * 64 if limited else [BEYOND]
    with bounded(cuda, OOM_ROOM) if limited else contextlib.ExitStack():
        before, words = cuda.memory_allocated(), []
        for way, action in (("tensors", run_out), ("a training", run_out_in_training)):
            words.append(action(run, sizes))
            gc.collect()
            cuda.empty_cache()
            left = cuda.memory_allocated() - before
            check(left < (2 << 20), "%.1f MiB are still allocated after %s ran out of memory" % (left / MIB, way))
        learn = new_learner(run)
        with quietly(learn):
            learn.fit(1, 1e-3)
        cuda.synchronize()
    check(all(math.isfinite(float(loss)) for loss in learn.recorder.losses), "training after out of memory is NaN")
    bound = "within %d MiB of our own" % (OOM_ROOM >> 20) if limited else "by one allocation"
    return "%s; memory given back, by a training as well, and the next one goes on (%s)" % (bound, words[0])


def run_out(run, sizes):
    """Ask for more than there is; the library's words. A frame of its own, so that no traceback keeps tensors."""
    kept = []
    try:
        for size in sizes:
            kept.append(run.torch.empty(size, dtype=run.torch.uint8, device=run.device))
    except RuntimeError as error:
        check(ran_out(str(error)), "out of memory came as: %s" % str(error).split("\n")[0])
        said = str(error).strip().split(".")[0][:80]
        if "out of memory" not in said.lower():
            said = "out of memory, told as %s, since NVML does not answer here" % said.split(" INTERNAL")[0]
        return "%s, with %s" % (said, room(run))
    raise RuntimeError("%d MiB were given where that cannot be" % (sum(sizes) >> 20))


def run_out_in_training(run, sizes):
    """The same by a layer, in the middle of a training."""
    nn = run.torch.nn

    class Glutton(nn.Module):
        def forward(self, images):
            self.kept = [run.torch.empty(size, dtype=run.torch.uint8, device=images.device) for size in sizes]
            return images

    learn = new_learner(run, net=nn.Sequential(Glutton(), small_net(run)).to(run.device))
    try:
        with quietly(learn):
            learn.fit(1, 1e-3)
    except RuntimeError as error:
        check(ran_out(str(error)), "out of memory came as: %s" % str(error).split("\n")[0])
        return str(error)
    raise RuntimeError("a training went on with %d MiB where that cannot be" % (sum(sizes) >> 20))


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

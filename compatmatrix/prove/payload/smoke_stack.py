"""Probes of the libraries by themselves, before anything trains."""

import re
import sys
import time
import warnings

from smoke_causes import said_cause
from smoke_core import Skip, Wrong, check, failing, named


def imports(run):
    """torch, torchvision and fastai.vision.all can be imported together."""
    said = []
    for name in ("torch", "torchvision", "fastai.vision.all"):
        started = time.perf_counter()
        try:
            __import__(name)
        except BaseException as error:
            error.while_doing = "import " + name
            raise
        module = sys.modules[name.split(".")[0]]
        # What was imported is the truth, where metadata says something else.
        version = str(module.__version__)
        listed = run.versions.get(module.__name__)
        if listed and listed.split("+")[0] != version.split("+")[0]:
            said.append("metadata says %s %s" % (module.__name__, listed))
            run.versions[module.__name__] = version
        run.versions.setdefault(module.__name__, version)
        said.append("%s %s in %.1f s" % (module.__name__, version, time.perf_counter() - started))
    run.torch, run.torchvision = sys.modules["torch"], sys.modules["torchvision"]
    run.fv = sys.modules["fastai.vision.all"]
    run.torch.set_num_threads(min(4, run.torch.get_num_threads()))
    return ", ".join(said)


def numpy_bridge(run):
    """Arrays cross from numpy to torch and back, by sharing and by copying."""
    import numpy

    torch = run.torch
    array = numpy.arange(6, dtype=numpy.float32)
    shared = torch.from_numpy(array)
    array[0] = 9
    check(shared.tolist() == [9, 1, 2, 3, 4, 5], "from_numpy does not share memory: %s" % shared.tolist())
    check((shared * 2).numpy().tolist() == [18, 2, 4, 6, 8, 10], "Tensor.numpy() gives other values")
    check(torch.tensor(numpy.ones((2, 3))).sum().item() == 6, "torch.tensor(ndarray) gives other values")
    check(numpy.asarray(torch.ones(3)).sum() == 3, "numpy.asarray(Tensor) gives other values")
    return "numpy %s" % numpy.__version__


def serves(arch, capability):
    """Whether machine code or PTX of this name can run on a GPU of this capability."""
    match = re.match(r"(sm|compute)_(\d+)(\d)([af]?)$", arch)
    if not match:
        return False
    kind, compiled, suffix = match.group(1), (int(match.group(2)), int(match.group(3))), match.group(4)
    if suffix == "a":
        return compiled == capability
    return compiled <= capability and (kind == "compute" or compiled[0] == capability[0])


def device(run):
    """torch sees the device that was asked for, and its wheel has code for every GPU."""
    cuda = run.torch.cuda
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        available = cuda.is_available()
    complaint = " ".join(str(w.message).split("\n")[0] for w in caught)
    build = "CUDA %s build" % run.torch.version.cuda if run.torch.version.cuda else "build without CUDA"
    if run.wanted_device == "cuda" and not available:
        cuda.init()
        raise Wrong("cuda was asked for and is not available: " + (complaint or build))
    # Other complaints, such as a CUDA library without any GPU, leave a machine that trains on its CPU.
    if run.wanted_device == "auto" and not available and said_cause(complaint) == "driver-too-old":
        raise Wrong(complaint)
    if available and run.wanted_device != "cpu":
        cuda.init()  # before a GPU is named: a driver's or a GPU's own error comes out here
    use_cuda = available and run.wanted_device != "cpu"
    run.device = run.torch.device("cuda:0" if use_cuda else "cpu")
    run.fv.default_device(use_cuda)
    if not use_cuda:
        why = "available and not asked for" if available else "not available"
        raise Skip("cpu; %s, CUDA %s%s" % (build, why, ": " + complaint if complaint and not available else ""))
    run.device_name = "cuda:0 " + cuda.get_device_name(0)
    compiled = cuda.get_arch_list() if hasattr(cuda, "get_arch_list") else []
    gpus = []
    for index in range(cuda.device_count()):
        capability = tuple(cuda.get_device_capability(index))
        gpus.append("%s (%d.%d)" % ((cuda.get_device_name(index),) + capability))
        served = not compiled or any(serves(arch, capability) for arch in compiled)
        words = "%s is not served by the compiled architectures: %s" % (gpus[-1], " ".join(compiled))
        others = cuda.device_count() > 1
        check(served, words + ("; CUDA_VISIBLE_DEVICES can name the other GPUs alone" if others else ""))
    return "%s; %s; compiled for %s" % (build, ", ".join(gpus), " ".join(compiled))


def kernel(run):
    """The first real kernels run, on every GPU, and compute what they have to."""
    torch = run.torch
    count = torch.cuda.device_count() if run.device.type == "cuda" else 1
    for index in range(count):
        place = torch.device("cuda", index) if run.device.type == "cuda" else run.device
        with named(place):
            ramp = torch.arange(64.0, device=place).reshape(8, 8)
            right = (ramp * 2 + 1).sum().item() == 64 * 63 + 64
            product = ramp.matmul(torch.eye(8, device=place) * 3).cpu()
        check(right, "elementwise kernel is wrong on %s" % place)
        check(torch.equal(product, torch.arange(64.0).reshape(8, 8) * 3), "matmul is wrong on %s" % place)
    return "elementwise and matmul right on %s" % (run.device if count == 1 else "%d GPUs" % count)


def conv(run):
    """A convolution goes forward and backward, with finite gradients."""
    torch = run.torch
    torch.manual_seed(run.seed)
    image = torch.randn(4, 3, 16, 16, device=run.device, requires_grad=True)
    weight = torch.randn(8, 3, 3, 3, device=run.device, requires_grad=True)
    out = torch.nn.functional.conv2d(image, weight, padding=1)
    out.pow(2).mean().backward()
    for name, grad in (("input", image.grad), ("weight", weight.grad)):
        check(bool(torch.isfinite(grad).all()), "the gradient of the %s is not finite" % name)
        check(float(grad.abs().sum()) > 0, "the gradient of the %s is zero" % name)
    reference = torch.nn.functional.conv2d(image.detach().cpu(), weight.detach().cpu(), padding=1)
    check(torch.allclose(out.detach().cpu(), reference, atol=0.05), "conv2d differs from the CPU's")
    cudnn = torch.backends.cudnn.version() if run.device.type == "cuda" else None
    return "finite gradients on %s%s" % (run.device, ", cuDNN %s" % cudnn if cudnn else "")


def torchvision_ops(run):
    """torchvision's compiled operators are there and right: nms and roi_align, on the CPU and on the device."""
    torch = run.torch
    from torchvision.ops import nms, roi_align

    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30]])
    scores = torch.tensor([0.8, 0.9, 0.7])
    grid = torch.arange(16.0).reshape(1, 1, 4, 4)
    whole = torch.tensor([[0.0, 0, 0, 4, 4]])
    places = [torch.device("cpu")] + ([run.device] if run.device.type == "cuda" else [])
    for place in places:
        kept = nms(boxes.to(place), scores.to(place), 0.5).tolist()
        check(kept == [1, 2], "nms keeps %s, not [1, 2], on %s" % (kept, place))
        pooled = roi_align(grid.to(place), whole.to(place), (2, 2), 1.0, 1).reshape(-1).tolist()
        check(pooled == [5, 7, 13, 15], "roi_align gives %s, not [5, 7, 13, 15], on %s" % (pooled, place))
    return "nms and roi_align right on " + " and ".join(map(str, places))


# --- faults, for tests ---------------------------------------------------------------------------


def break_imports(run):
    sys.modules["fastcore"] = None


def break_bridge(run):
    run.patch(run.torch, "from_numpy", failing("Numpy is not available"))


def break_device(run):
    run.wanted_device = "cuda"
    run.patch(run.torch.cuda, "get_arch_list", lambda: ["sm_10"])


def break_kernel(run):
    words = "CUDA error: no kernel image is available for execution on the device"
    run.patch(run.torch.Tensor, "matmul", failing(words))


def break_conv(run):
    right = run.torch.nn.functional.conv2d
    run.patch(run.torch.nn.functional, "conv2d", lambda *args, **kwargs: right(*args, **kwargs) * float("nan"))


def break_ops(run):
    run.patch(sys.modules["torchvision.ops"], "nms", failing("operator torchvision::nms does not exist"))


# name, function, what it stands on, the lowest level that includes it, the fault
PROBES = (
    ("imports", imports, (), "quick", break_imports),
    ("numpy-bridge", numpy_bridge, ("imports",), "quick", break_bridge),
    ("device", device, ("imports",), "quick", break_device),
    ("kernel", kernel, ("device",), "quick", break_kernel),
    ("conv", conv, ("kernel",), "quick", break_conv),
    ("torchvision-ops", torchvision_ops, ("kernel",), "quick", break_ops),
)

"""Train a little in somebody else's interpreter and write down what worked. The foreign half of `smoke`.

Run as `PYTHON -I smoke_payload.py question.json answer.json` with Python 3.7 or later; only the standard library is
imported at start, and nothing is shared with the program that started it but these two files.

question: {"schema": 1,
  "work_dir": folder that exists; everything is written below it, the caller removes it,
  "device": "auto" | "cpu" | "cuda",
  "seed": int,
  "level": "quick" | "default" | "full",
  "probes": [names] or null for all of the level; what they stand on is added,
  "dump_after": seconds until the stacks of all threads go to stderr, or null,
  "inject": null, or a fault for tests: a probe's name breaks that probe for its own reason; "crash", "kill", "hang"
            and "garbage" end the run while it imports, "crash:learner" and so on in another probe}

answer, written again and atomically at every step: {"schema": 1,
  "python": "3.12.1", "versions": {distribution: version},
  "device": "cpu" | "cuda:0 NAME",
  "planned": [names], "running": name or null,
  "probes": [{"name", "status": "pass" | "fail" | "skip", "detail", "seconds",
              "code": finding code of the likely cause or null, "error": tail of the traceback or null}],
  "done": true once nothing more comes}

The exit status is 0 whenever the answer is complete, whatever the probes say.
"""

import contextlib
import faulthandler
import gc
import io
import json
import math
import os
import platform
import random
import re
import signal
import sys
import time
import traceback
import warnings

SCHEMA = 1
LEVELS = ("quick", "default", "full")
CLASSES = ("disc", "frame", "cross")
EPOCHS = 4
DISTRIBUTIONS = (
    "torch torchvision torchaudio fastai fastcore fasttransform fastprogress fastdownload plum-dispatch numpy pillow "
    "pandas scipy scikit-learn spacy matplotlib ipython triton setuptools cloudpickle"
).split()

# (finding code, what the error says); the first that matches is the likely cause.
CAUSES = (
    (
        "numpy-abi",
        r"numpy is not available|_array_api not found|numpy\.core\.multiarray failed to import|compiled using numpy 1"
        r"|numpy\.dtype size changed|module compiled against a(b|p)i version",
    ),
    (
        "torchvision-mismatch",
        r"operator torchvision::|could not run 'torchvision::|couldn't load custom c\+\+ ops"
        r"|module 'torchvision' has no attribute 'extension'|cannot import name .* from '(partially .* )?torchvision",
    ),
    (
        "arch-missing",
        r"no kernel image is available|cudnn_status_\w*arch_mismatch|not compatible with the current pytorch"
        r"|compiled architectures",
    ),
    (
        "driver-too-old",
        r"driver on your system is too old|driver version is insufficient|unsupported toolchain"
        r"|forward compatibility was attempted|unsupported display driver / cuda driver combination",
    ),
    ("cpu-build-on-gpu", r"torch not compiled with cuda enabled"),
    (
        "cuda-libs-conflict",
        r"lib(cudnn|cublas|cudart|cufft|curand|cusparse|cusolver|cupti|nccl|nvjitlink|nvrtc)\w*\.so"
        r"|cudnn version incompat|undefined symbol: _*(nvjitlink|cublas|cudnn|cusparse|nccl|cuda)",
    ),
    ("known-bad", r"undefined symbol: ijit_notifyevent|no module named '(pkg_resources|imp|distutils)\b"),
    ("pillow", r"module 'pil(\.\w+)?' has no attribute|from 'pil\b|_imaging"),
    (
        "fastai-mismatch",
        r"weights only load failed|weights_only|unsupported global"
        r"|from '(fastai|fastcore|fastprogress|fasttransform|plum)\b"
        r"|no module named '(fastcore|fastprogress|fasttransform|plum|fastdownload)\b",
    ),
)
# Where an API error comes from says who does not fit, if its words do not.
PLACES = (
    ("fastai-mismatch", ("fastai", "fastcore", "fastprogress", "fasttransform", "fastdownload", "plum")),
    ("pillow", ("PIL",)),
    ("known-bad", ("pandas", "spacy", "thinc", "sklearn", "scipy", "matplotlib")),
)
API_ERRORS = (ImportError, AttributeError, TypeError, NameError)


class Skip(Exception):
    """This probe has nothing to look at here; the text says why."""


class Wrong(Exception):
    """Everything ran, and the result is not what it has to be."""


class Run:
    """What the probes share: the question, the imported libraries, and what earlier probes have built."""

    def __init__(self, question):
        self.work_dir = question["work_dir"]
        self.wanted_device = question["device"]
        self.seed = question["seed"]
        self.versions = {}
        self.torch = self.torchvision = self.fv = None
        self.device = None
        self.device_name = "cpu"
        self.block = self.dls = self.learn = self.prediction = None
        # Set by faults only.
        self.rate = 1e-2
        self.odd_cell = 0.5
        self.spoil = self.keep = None

    def path(self, *parts):
        return os.path.join(self.work_dir, *parts)


def check(condition, message):
    if not condition:
        raise Wrong(message)


def label_of(path):
    """The class of an image, from its file name. Up here so that an exported learner can name it."""
    return os.path.basename(str(path)).split("_")[0]


# --- the probes, in order ------------------------------------------------------------------------


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
    use_cuda = available and run.wanted_device != "cpu"
    run.device = run.torch.device("cuda:0" if use_cuda else "cpu")
    run.fv.default_device(use_cuda)
    if not use_cuda:
        why = "available and not asked for" if available else "not available"
        raise Skip("cpu; %s, CUDA %s%s" % (build, why, ": " + complaint if complaint and not available else ""))
    run.device_name = "cuda:0 " + cuda.get_device_name(0)
    compiled = cuda.get_arch_list()
    gpus = []
    for index in range(cuda.device_count()):
        capability = tuple(cuda.get_device_capability(index))
        gpus.append("%s (%d.%d)" % ((cuda.get_device_name(index),) + capability))
        served = not compiled or any(serves(arch, capability) for arch in compiled)
        check(served, "%s is not served by the compiled architectures: %s" % (gpus[-1], " ".join(compiled)))
    return "%s; %s; compiled for %s" % (build, ", ".join(gpus), " ".join(compiled))


def kernel(run):
    """The first real kernels run, on every GPU, and compute what they have to."""
    torch = run.torch
    count = torch.cuda.device_count() if run.device.type == "cuda" else 1
    for index in range(count):
        place = torch.device("cuda", index) if run.device.type == "cuda" else run.device
        ramp = torch.arange(64.0, device=place).reshape(8, 8)
        check((ramp * 2 + 1).sum().item() == 64 * 63 + 64, "elementwise kernel is wrong on %s" % place)
        product = ramp.matmul(torch.eye(8, device=place) * 3)
        check(torch.equal(product.cpu(), torch.arange(64.0).reshape(8, 8) * 3), "matmul is wrong on %s" % place)
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


def draw_images(run, folder, each=24, side=32):
    """Pictures of three shapes on noise, the same for the same seed."""
    from PIL import Image, ImageDraw

    rnd = random.Random(run.seed)
    os.makedirs(folder)
    for index in range(each * len(CLASSES)):
        shape = CLASSES[index % len(CLASSES)]
        noise = bytes(rnd.randrange(80) for _ in range(side * side * 3))
        image = Image.frombytes("RGB", (side, side), noise)
        draw = ImageDraw.Draw(image)
        left, top, size = rnd.randrange(2, 8), rnd.randrange(2, 8), rnd.randrange(18, 22)
        box = (left, top, left + size, top + size)
        if shape == "disc":
            draw.ellipse(box, fill=(230, 90, 60))
        elif shape == "frame":
            draw.rectangle(box, outline=(70, 220, 90), width=4)
        else:
            draw.line(box, fill=(90, 110, 240), width=5)
            draw.line((left + size, top, left, top + size), fill=(90, 110, 240), width=5)
        image.save(os.path.join(folder, "%s_%03d.png" % (shape, index)))


def datablock(run):
    """A DataBlock finds, labels, splits and batches images; summary steps through it, show_batch draws it."""
    fv = run.fv
    folder = run.path("images")
    if not os.path.isdir(folder):
        draw_images(run, folder)
    fv.set_seed(run.seed)
    run.block = fv.DataBlock(
        blocks=(fv.ImageBlock, fv.CategoryBlock),
        get_items=fv.get_image_files,
        get_y=label_of,
        splitter=fv.RandomSplitter(0.25, seed=run.seed),
        item_tfms=fv.Resize(32),
    )
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        run.block.summary(fv.Path(folder), bs=4)
    check("Final sample" in printed.getvalue(), "DataBlock.summary does not reach a final sample")
    run.dls = run.block.dataloaders(fv.Path(folder), bs=9, num_workers=0, device=run.device)
    images, labels = run.dls.one_batch()
    check(tuple(images.shape) == (9, 3, 32, 32), "a batch of images has shape %s" % (tuple(images.shape),))
    check(tuple(labels.shape) == (9,), "a batch of labels has shape %s" % (tuple(labels.shape),))
    kinds = type(images).__name__, type(labels).__name__
    check(kinds == ("TensorImage", "TensorCategory"), "a batch has types %s" % (kinds,))
    check(images.device == run.device, "a batch lies on %s, not on %s" % (images.device, run.device))
    check(sorted(run.dls.vocab) == sorted(CLASSES), "the vocabulary is %s" % list(run.dls.vocab))
    from matplotlib import pyplot

    run.dls.show_batch(max_n=4)
    axes = len(pyplot.gcf().axes)
    pyplot.savefig(run.path("batch.png"))
    pyplot.close("all")
    check(axes >= 4, "show_batch drew %d pictures, not 4" % axes)
    sizes = len(run.dls.train_ds), len(run.dls.valid_ds)
    return "%d + %d images, batches of %s %s" % (sizes + (kinds[0], tuple(images.shape)))


def small_net(run, outputs):
    nn = run.torch.nn
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(128, outputs),
    )


def quietly(learn):
    """No progress bars: they draw on whatever the output happens to be."""
    return learn.no_bar() if hasattr(learn, "no_bar") else contextlib.ExitStack()


def define_parts(fv):
    """The custom metric and callback. At module level by name, because an exported learner pickles them so."""
    global RightShare, Witness

    class RightShare(fv.Metric):
        def reset(self):
            self.right, self.seen = 0, 0

        def accumulate(self, learn):
            self.right += int((learn.pred.argmax(dim=-1) == learn.y).sum())
            self.seen += len(learn.y)

        @property
        def value(self):
            return self.right / self.seen if self.seen else None

    class Witness(fv.Callback):
        def __init__(self):
            self.seen = []

        def __call__(self, event_name):
            self.seen.append(event_name.replace("begin_", "before_"))
            return super().__call__(event_name)


# Events that every fastai 2 has, in the order of their first firing.
EVENTS = (
    "before_fit before_epoch before_train before_batch after_pred after_loss after_step after_batch after_train "
    "before_validate after_validate after_epoch after_fit"
).split()


def learner(run):
    """A Learner trains: the loss falls, accuracy is above chance, metrics are numbers, callbacks fire in order."""
    fv = run.fv
    define_parts(fv)
    fv.set_seed(run.seed)
    net = small_net(run, len(CLASSES))
    loss, metrics = fv.CrossEntropyLossFlat(), [fv.accuracy, RightShare()]
    run.learn = learn = fv.Learner(run.dls, net, loss_func=loss, metrics=metrics, path=fv.Path(run.work_dir))
    witness = Witness()
    with quietly(learn):
        learn.fit(EPOCHS, run.rate, cbs=[witness])
    rows = [[float("nan") if value is None else float(value) for value in row] for row in learn.recorder.values]
    check(len(rows) == EPOCHS, "%d rows of metrics for %d epochs" % (len(rows), EPOCHS))
    check(all(math.isfinite(value) for row in rows for value in row), "a loss or metric is not finite: %s" % rows)
    losses, last = [row[0] for row in rows], rows[-1]
    check(losses[-1] < 0.8 * losses[0], "the loss did not fall: %s" % ", ".join("%.3f" % v for v in losses))
    check(last[2] > 0.6, "accuracy %.2f is not above chance (%.2f)" % (last[2], 1.0 / len(CLASSES)))
    check(abs(last[2] - last[3]) < 1e-6, "the custom metric says %.4f, accuracy says %.4f" % (last[3], last[2]))
    missing = [event for event in EVENTS if event not in witness.seen]
    check(not missing, "callbacks did not fire: %s" % " ".join(missing))
    order = [witness.seen.index(event) for event in EVENTS]
    check(order == sorted(order), "callbacks fired out of order: %s" % " ".join(witness.seen[:40]))
    batches = EPOCHS * (len(run.dls.train) + len(run.dls.valid))
    fired = witness.seen.count("after_batch")
    check(fired == batches, "after_batch fired %d times for %d batches" % (fired, batches))
    return "loss %.3f to %.3f, accuracy %.2f in %d epochs" % (losses[0], losses[-1], last[2], EPOCHS)


def predict(run):
    """predict and get_preds answer with the right shapes, and mostly with the right class."""
    learn = run.learn
    with quietly(learn):
        chances, targets = learn.get_preds()
        shape = (len(run.dls.valid_ds), len(CLASSES))
        check(tuple(chances.shape) == shape, "get_preds has shape %s, not %s" % (tuple(chances.shape), shape))
        check(bool(run.torch.isfinite(chances).all()), "get_preds gives numbers that are not finite")
        check(float((chances.sum(dim=1) - 1).abs().max()) < 1e-3, "get_preds does not sum to one")
        right = float((chances.argmax(dim=1) == targets).float().mean())
        check(right > 0.6, "get_preds is right in %.2f only" % right)
        run.prediction = learn.predict(run.path("images", "disc_000.png"))
    name, index, row = run.prediction
    check(tuple(row.shape) == (len(CLASSES),), "predict has shape %s" % (tuple(row.shape),))
    check(str(name) == run.dls.vocab[int(index)], "predict names %s for class %d" % (name, int(index)))
    return "get_preds %s, right in %.2f" % (shape, right)


def export(run):
    """export and load_learner give a learner that predicts the same."""
    fv = run.fv
    run.learn.export("export.pkl")
    size = os.path.getsize(run.path("export.pkl"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = fv.load_learner(run.path("export.pkl"))
    if run.spoil:
        run.spoil(loaded)
    with quietly(loaded):
        name, _, row = loaded.predict(run.path("images", "disc_000.png"))
    far = float((row.cpu() - run.prediction[2].cpu()).abs().max())
    check(far < 1e-3, "the loaded learner predicts otherwise, by %.3f" % far)
    check(str(name) == str(run.prediction[0]), "the loaded learner says %s, not %s" % (name, run.prediction[0]))
    return "%d bytes, same prediction" % size


def memory(run):
    """What a training took of the GPU's memory is given back, allocated and reserved."""
    if run.device.type != "cuda":
        raise Skip("on the CPU there is no GPU memory to give back")
    fv, cuda = run.fv, run.torch.cuda

    def held():
        gc.collect()
        cuda.synchronize()
        cuda.empty_cache()
        return cuda.memory_allocated(), cuda.memory_reserved()

    before = held()
    cuda.reset_peak_memory_stats()
    net = small_net(run, len(CLASSES))
    learn = fv.Learner(run.dls, net, loss_func=fv.CrossEntropyLossFlat(), path=fv.Path(run.work_dir))
    with quietly(learn):
        learn.fit(1, 1e-3)
    peak = cuda.max_memory_allocated()
    if run.keep is not None:
        run.keep.append(run.torch.zeros(1 << 24, device=run.device))
    del learn, net
    after = held()
    mib = tuple(value / 2.0**20 for value in before + after + (peak,))
    numbers = "allocated %.1f to %.1f MiB, reserved %.1f to %.1f MiB" % (mib[0], mib[2], mib[1], mib[3])
    check(after[0] <= before[0] + (2 << 20), "memory is not given back: " + numbers)
    check(after[1] <= before[1] + (32 << 20), "reserved memory is not given back: " + numbers)
    return "%s, peak %.1f MiB" % (numbers, mib[4])


def tabular(run):
    """A tabular learner trains on a data frame with categories and a missing value."""
    import numpy
    import pandas
    from fastai.tabular import all as ft

    rnd = numpy.random.RandomState(run.seed)
    size = 120
    kinds = rnd.choice(["u", "v", "w"], size)
    frame = pandas.DataFrame({"a": rnd.randn(size), "b": rnd.randn(size), "kind": kinds})
    frame["y"] = numpy.where(frame["a"] + (frame["kind"] == "u") > 0.3, "yes", "no")
    frame.loc[3, "b"] = float("nan")
    frame.loc[5, "b"] = run.odd_cell
    fields = {"cat_names": ["kind"], "cont_names": ["a", "b"], "y_names": "y", "y_block": ft.CategoryBlock()}
    procs, valid = [ft.Categorify, ft.FillMissing, ft.Normalize], list(range(90, size))
    ft.set_seed(run.seed)
    dls = ft.TabularDataLoaders.from_df(
        frame, path=run.work_dir, procs=procs, valid_idx=valid, bs=30, num_workers=0, device=run.device, **fields
    )
    learn = ft.tabular_learner(dls, layers=[20, 10], metrics=ft.accuracy)
    with quietly(learn):
        learn.fit(1, 1e-2)
    row = [float(value) for value in learn.recorder.values[-1]]
    check(all(math.isfinite(value) for value in row), "a loss or metric is not finite: %s" % row)
    return "pandas %s, loss %.3f after one epoch" % (pandas.__version__, row[0])


# name, function, what it stands on, the lowest level that includes it
PROBES = (
    ("imports", imports, (), "quick"),
    ("numpy-bridge", numpy_bridge, ("imports",), "quick"),
    ("device", device, ("imports",), "quick"),
    ("kernel", kernel, ("device",), "quick"),
    ("conv", conv, ("kernel",), "quick"),
    ("torchvision-ops", torchvision_ops, ("kernel",), "quick"),
    ("datablock", datablock, ("numpy-bridge", "kernel"), "quick"),
    ("learner", learner, ("datablock", "conv"), "quick"),
    ("predict", predict, ("learner",), "default"),
    ("export", export, ("predict",), "default"),
    ("memory", memory, ("learner",), "default"),
    ("tabular", tabular, ("numpy-bridge", "kernel"), "default"),
)


# --- faults, for tests ---------------------------------------------------------------------------


def failing(message):
    def fail(*args, **kwargs):
        raise RuntimeError(message)

    return fail


def sabotage(run, name):
    """Break one probe for the reason that it is there to find."""
    torch = run.torch
    if name == "imports":
        sys.modules["fastcore"] = None
    elif name == "numpy-bridge":
        torch.from_numpy = failing("Numpy is not available")
    elif name == "device":
        run.wanted_device = "cuda"
        torch.cuda.get_arch_list = lambda: ["sm_10"]
    elif name == "kernel":
        torch.Tensor.matmul = failing("CUDA error: no kernel image is available for execution on the device")
    elif name == "conv":
        right = torch.nn.functional.conv2d
        torch.nn.functional.conv2d = lambda *args, **kwargs: right(*args, **kwargs) * float("nan")
    elif name == "torchvision-ops":
        sys.modules["torchvision.ops"].nms = failing("operator torchvision::nms does not exist")
    elif name == "datablock":
        draw_images(run, run.path("images"))
        for entry in os.listdir(run.path("images")):
            with open(run.path("images", entry), "wb") as stream:
                stream.write(b"no image")
    elif name == "learner":
        run.rate = 0.0
    elif name == "predict":
        run.learn.model[-1] = torch.nn.Linear(128, 5).to(run.device)
    elif name == "export":
        run.spoil = lambda learn: [p.data.zero_() for p in learn.model.parameters()]
    elif name == "memory":
        run.keep = []
    elif name == "tabular":
        run.odd_cell = float("inf")


def end_badly(how, answer_path):
    """End the whole run as a broken stack would."""
    if how == "crash":
        # The default action, so that the parent sees the signal whatever a library has installed.
        faulthandler.disable()
        os.kill(os.getpid(), signal.SIGSEGV)
    elif how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "hang":
        while True:
            time.sleep(60)
    elif how == "garbage":
        with open(answer_path, "w") as stream:
            stream.write('{"schema": 1, "probes": [')
        os._exit(0)


# --- the run -------------------------------------------------------------------------------------


def installed_versions():
    """Versions from the installed metadata, nothing imported for it where Python can tell."""
    try:
        from importlib.metadata import version
    except ImportError:
        try:
            from importlib_metadata import version
        except ImportError:
            return {}
    found = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = str(version(name))
        except Exception:  # broken metadata is not what this run looks for
            continue
    return found


def said_cause(text):
    """The finding code that the words of a message point to, or None."""
    for code, pattern in CAUSES:
        if re.search(pattern, text.lower()):
            return code
    return None


def cause_of(error, text):
    """The finding code that an error points to, by its words or else by where it comes from."""
    code = said_cause(text)
    if code:
        return code
    frames = traceback.extract_tb(error.__traceback__)
    if frames and isinstance(error, API_ERRORS):
        parts = frames[-1].filename.replace("\\", "/").split("/")
        for code, folders in PLACES:
            if any(folder in parts for folder in folders):
                return code
    return "other"


def told(error):
    """An error as one line (type: message), and everything that it and what led to it say."""
    said = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = type(error).__name__ + (": " + said[0][:400] if said else "")
    if isinstance(error, Wrong):
        line = said[0][:400]
    chain, texts = error, []
    while chain is not None and len(texts) < 8:
        texts.append("%s: %s" % (type(chain).__name__, chain))
        chain = chain.__cause__ or chain.__context__
    doing = getattr(error, "while_doing", "")
    return (doing + ": " if doing else "") + line, "\n".join(texts)


def run_probe(run, function):
    """One probe, as a row of the answer without its name."""
    row = {"status": "pass", "detail": "", "code": None, "error": None}
    started = time.perf_counter()
    try:
        row["detail"] = function(run)
    except Skip as reason:
        row.update(status="skip", detail=str(reason))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        detail, text = told(error)
        tail = "".join(traceback.format_exception(type(error), error, error.__traceback__)).splitlines()[-25:]
        row.update(status="fail", detail=detail, code=cause_of(error, text), error="\n".join(tail))
        # A traceback keeps the frames of the probe alive, and with them memory on the GPU.
        error.__traceback__ = None
    row["seconds"] = round(time.perf_counter() - started, 4)
    return row


def plan(level, wanted):
    """The probes to run, in order, with everything that the wanted ones stand on."""
    rank = LEVELS.index(level)
    if wanted is None:
        return [probe for probe in PROBES if LEVELS.index(probe[3]) <= rank]
    names = set(wanted)
    unknown = names - {probe[0] for probe in PROBES}
    if unknown:
        raise SystemExit("unknown probes: " + " ".join(sorted(unknown)))
    for name, _, needs, _ in reversed(PROBES):
        if name in names:
            names.update(needs)
    return [probe for probe in PROBES if probe[0] in names]


def write_answer(path, answer):
    """Replace the answer in one step; a reader sees the old one or the new one."""
    with open(path + ".part", "w") as stream:
        json.dump(answer, stream)
    for attempt in range(50):
        try:
            os.replace(path + ".part", path)
            return
        except PermissionError:  # on Windows while somebody reads it
            if attempt == 49:
                raise
            time.sleep(0.02)


def stay_inside(work_dir):
    """Keep every cache and settings file below the work folder, drawing off the screen, and threads few."""
    home = os.path.join(work_dir, "home")
    os.makedirs(home, exist_ok=True)
    names = "HOME USERPROFILE XDG_CACHE_HOME XDG_CONFIG_HOME MPLCONFIGDIR TORCH_HOME FASTAI_HOME CUDA_CACHE_PATH"
    for name in [*names.split(), "IPYTHONDIR", "TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR"]:
        os.environ[name] = home
    os.environ["MPLBACKEND"] = "Agg"
    threads = str(min(4, os.cpu_count() or 1))
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, threads)
    os.chdir(work_dir)


def main(question_path, answer_path):
    """Answer the question."""
    with open(question_path) as stream:
        question = json.load(stream)
    if question["schema"] != SCHEMA:
        raise SystemExit("this script answers schema %d" % SCHEMA)
    answer_path = os.path.abspath(answer_path)
    probes = plan(question["level"], question["probes"])
    run = Run(question)
    stay_inside(run.work_dir)
    if question["dump_after"]:
        faulthandler.dump_traceback_later(question["dump_after"], file=sys.__stderr__)
    how, _, where = (question["inject"] or "").partition(":")
    run.versions = installed_versions()
    answer = {
        "schema": SCHEMA,
        "python": platform.python_version(),
        "versions": run.versions,
        "device": run.device_name,
        "planned": [probe[0] for probe in probes],
        "running": None,
        "probes": [],
        "done": False,
    }
    blocked = {}  # probe: the failed one that it stands on, or itself
    for name, function, needs, _ in probes:
        answer["running"] = name
        write_answer(answer_path, answer)
        in_the_way = [need for need in needs if need in blocked]
        if in_the_way:
            blocked[name] = blocked[in_the_way[0]]
            detail = "stands on %s, which failed" % blocked[name]
            row = {"status": "skip", "detail": detail, "seconds": 0.0, "code": None, "error": None}
        else:
            if how and name == (where or "imports"):
                end_badly(how, answer_path)
            if how == name:
                sabotage(run, name)
            row = run_probe(run, function)
            if row["status"] == "fail":
                blocked[name] = name
        answer["probes"].append(dict(row, name=name))
        answer["device"] = run.device_name
    answer.update(running=None, done=True)
    write_answer(answer_path, answer)


if __name__ == "__main__":
    if sys.version_info < (3, 7):
        raise SystemExit("Python %s is too old: 3.7 or later is needed" % platform.python_version())
    main(*sys.argv[1:3])

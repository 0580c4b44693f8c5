"""What all probes share: how they end, the run that they read, and a small learner of their own."""

import contextlib
import os
import random
import sys

CLASSES = ("disc", "frame", "cross")


class Skip(Exception):
    """This probe has nothing to look at here; the text says why."""


class Wrong(Exception):
    """Everything ran, and the result is not what it has to be."""


class Run:
    """The question, the imported libraries, what earlier probes have built, and what is kept for the report."""

    def __init__(self, question):
        self.work_dir = question["work_dir"]
        self.wanted_device = question["device"]
        self.seed = question["seed"]
        self.level = question["level"]
        self.bench = question.get("bench") or {}
        self.versions = {}
        self.torch = self.torchvision = self.fv = None
        self.device = None
        self.device_name = "cpu"
        self.block = self.dls = self.learn = self.prediction = None
        self.report = {}
        # Set by faults only.
        self.rate = 1e-2
        self.odd_cell = 0.5
        self.fault = None
        self.spoil = None
        self._undo = []

    def path(self, *parts):
        return os.path.join(self.work_dir, *parts)

    @property
    def on_gpu(self):
        return self.device is not None and self.device.type == "cuda"

    def reseed(self):
        """Set all randomness to the start, so that a probe sees the same numbers whatever ran before it."""
        random.seed(self.seed)
        if self.torch is not None:
            self.torch.manual_seed(self.seed)  # of all GPUs as well
            if hasattr(sys.modules.get("numpy"), "random"):
                sys.modules["numpy"].random.seed(self.seed)
        for loader in getattr(self.dls, "loaders", ()):
            loader.rng = random.Random(self.seed)  # shuffles, and goes on from epoch to epoch

    def patch(self, owner, name, value):
        """Replace an attribute until this probe is over."""
        known = name in vars(owner) if hasattr(owner, "__dict__") else True
        self._undo.append((owner, name, getattr(owner, name, None), known))
        setattr(owner, name, value)

    def restore(self):
        """Take all patches back."""
        self.fault = None
        while self._undo:
            owner, name, value, known = self._undo.pop()
            if known:
                setattr(owner, name, value)
            else:
                delattr(owner, name)


def check(condition, message):
    if not condition:
        raise Wrong(message)


def failing(message, kind=RuntimeError):
    def fail(*args, **kwargs):
        raise kind(message)

    return fail


@contextlib.contextmanager
def named(place):
    """Errors from within are told with this place."""
    try:
        yield
    except RuntimeError as error:
        error.while_doing = str(place)
        raise


def quietly(learn):
    """No progress bars: they draw on whatever the output happens to be."""
    return learn.no_bar() if hasattr(learn, "no_bar") else contextlib.ExitStack()


def small_net(run):
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
        nn.Linear(128, len(CLASSES)),
    )


def new_learner(run, dls=None, **options):
    """A learner of the small net with fresh weights; nothing of it is shared with another probe's but the data."""
    fv = run.fv
    net = options.pop("net", None)
    if net is None:
        # fastai moves it in the first fit only, too late to compare its weights with those after.
        net = small_net(run).to(run.device)
    loss = fv.CrossEntropyLossFlat()
    return fv.Learner(dls or run.dls, net, loss_func=loss, path=fv.Path(run.work_dir), **options)


def copied(net):
    """The weights as they are now, apart from the net."""
    return [parameter.detach().clone() for parameter in net.parameters()]


def farthest(one, other):
    """The largest difference between two lists of tensors; NaN where there is one, which max() would pass over."""
    apart = [float((a - b).abs().max()) for a, b in zip(one, other)]
    return max(apart) if all(value == value for value in apart) else float("nan")


def kinds_of_outputs(layer):
    """A set that fills with the types of number that a layer gives out."""
    kinds = set()
    layer.register_forward_hook(lambda module, given, out: kinds.add(str(out.dtype)))
    return kinds

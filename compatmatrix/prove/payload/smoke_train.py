"""Probes of training: the Learner, its callbacks and metrics, and what people do with it."""

import contextlib
import math
import random

from smoke_core import CLASSES, check, copied, farthest, new_learner, quietly

EPOCHS = 4

# Events that every fastai 2 has, in the order of their first firing.
EVENTS = (
    "before_fit before_epoch before_train before_batch after_pred after_loss after_step after_batch after_train "
    "before_validate after_validate after_epoch after_fit"
).split()


def define_parts(fv):
    """The custom metric and callbacks. At module level by name, because an exported learner pickles them so."""
    global RightShare, Witness, Stopper
    if "Witness" in globals():
        return

    class RightShare(fv.Metric):
        def reset(self):
            self.right, self.seen = 0, 0

        def accumulate(self, learn):
            # As numbers: before fastai 2.7 the two are tensors of different types, and from torch 1.10 on those
            # compare as one plain False.
            pairs = zip(learn.pred.argmax(dim=-1).tolist(), learn.y.tolist())
            self.right += sum(guess == truth for guess, truth in pairs)
            self.seen += len(learn.y)

        @property
        def value(self):
            return self.right / self.seen if self.seen else None

    class Witness(fv.Callback):
        """Writes down every event; with a diary, its name and the event there as well."""

        def __init__(self, called="", order=0, diary=None):
            self.called, self.order, self.diary = called, order, diary
            self.seen = []

        def __call__(self, event_name):
            name = event_name.replace("begin_", "before_")
            self.seen.append(name)
            if self.diary is not None:
                self.diary.append((self.called, name))
            return super().__call__(event_name)

    class Stopper(fv.Callback):
        """Ends the training after its first batch."""

        def after_batch(self):
            raise fv.CancelFitException()


def metric_rows(learn):
    return [[float("nan") if value is None else float(value) for value in row] for row in learn.recorder.values]


def learner(run):
    """A Learner trains: the loss falls, accuracy is above chance, and nothing of it is NaN."""
    fv = run.fv
    define_parts(fv)
    fv.set_seed(run.seed)
    run.learn = learn = new_learner(run, metrics=[fv.accuracy, RightShare()])
    with quietly(learn):
        learn.fit(EPOCHS, run.rate)
    rows = metric_rows(learn)
    check(len(rows) == EPOCHS, "%d rows of metrics for %d epochs" % (len(rows), EPOCHS))
    check(all(math.isfinite(value) for row in rows for value in row), "a loss or metric is not finite: %s" % rows)
    run.report["curves"] = {
        "batches": [round(float(loss), 5) for loss in learn.recorder.losses],
        "names": ["train loss", "valid loss", "accuracy", "custom metric"],
        "epochs": [[round(value, 5) for value in row] for row in rows],
    }
    losses, last = [row[0] for row in rows], rows[-1]
    check(losses[-1] < 0.8 * losses[0], "the loss did not fall: %s" % ", ".join("%.3f" % v for v in losses))
    check(last[2] > 0.6, "accuracy %.2f is not above chance (%.2f)" % (last[2], 1.0 / len(CLASSES)))
    return "loss %.3f to %.3f, accuracy %.2f in %d epochs" % (losses[0], losses[-1], last[2], EPOCHS)


def metrics(run):
    """Metrics, fastai's and a custom one with reset, accumulate and value, are numbers, and the right ones."""
    fv = run.fv
    define_parts(fv)
    own = RightShare()
    learn = new_learner(run, metrics=[fv.accuracy, fv.error_rate, own, fv.F1Score(average="macro")])
    with quietly(learn):
        learn.fit(2, 1e-2)
        rows = metric_rows(learn)  # get_preds would write over them
        seen = own.seen
        chances, targets = learn.get_preds()
    check(all(len(row) == 6 for row in rows), "rows of %s values for two losses and four metrics" % [*map(len, rows)])
    names = "train_loss valid_loss accuracy error_rate RightShare F1Score".split()
    bad = [name for name, column in zip(names, zip(*rows)) if not all(map(math.isfinite, column))]
    wants = "a Metric sets itself back in reset, adds up in accumulate, and gives a number as value"
    check(not bad, "a metric is NaN or missing: %s (%s); %s" % (" ".join(bad), wants, rows))
    pairs = list(zip(chances.argmax(dim=1).tolist(), targets.tolist()))
    right = sum(guess == truth for guess, truth in pairs) / len(pairs)
    _, _, accuracy, wrong, custom, f1 = rows[-1]
    for name, value in (("accuracy", accuracy), ("1 - error_rate", 1 - wrong), ("the custom metric", custom)):
        check(abs(value - right) < 1e-3, "%s says %.4f, counted by hand it is %.4f" % (name, value, right))
    check(0 <= f1 <= 1, "F1Score is %.4f" % f1)
    there = len(run.dls.valid_ds)
    check(seen == there, "the custom metric saw %d of %d: reset or accumulate did not run" % (seen, there))
    return "accuracy, error_rate, F1Score and a custom Metric: no NaN, as counted by hand"


def callbacks(run):
    """Callbacks, given and added, run at every event, in order, and stop the training where they say so."""
    fv, diary = run.fv, []
    define_parts(fv)
    late, early = Witness("late", 5, diary), Witness("early", -5, diary)
    learn = new_learner(run, cbs=[late])
    learn.add_cb(early)
    check(any(cb is early for cb in learn.cbs), "a callback added by add_cb is not in learn.cbs")
    with quietly(learn):
        learn.fit(2, 1e-3)
        before = len(diary)
        learn.remove_cb(early)
        stop = Witness("stopped")
        learn.fit(1, 1e-3, cbs=[stop, Stopper()])
    for witness in (early, late):
        missing = [event for event in EVENTS if event not in witness.seen]
        check(not missing, "callbacks did not fire: %s" % " ".join(missing))
        order = [witness.seen.index(event) for event in EVENTS]
        check(order == sorted(order), "callbacks fired out of order: %s" % " ".join(witness.seen[:40]))
    batches = 2 * (len(run.dls.train) + len(run.dls.valid))
    fired = early.seen.count("after_batch")
    check(fired == batches, "after_batch fired %d times for %d batches" % (fired, batches))
    fits = [called for called, event in diary[:before] if event == "before_batch"]
    # Before fastai 2.2 callbacks had run_after and run_before, and no numbers.
    numbered = hasattr(fv.Callback, "order")
    check(fits[:2] == ["early", "late"] or not numbered, "callbacks of order -5 and 5 ran as %s" % fits[:2])
    check(all(called == "late" for called, _ in diary[before:]), "a callback still fires after remove_cb")
    check(stop.seen.count("before_batch") == 1, "CancelFitException did not stop the training")
    check("after_cancel_fit" in stop.seen and stop.seen[-1] == "after_fit", "after_cancel_fit or after_fit is missing")
    kept = "add_cb, remove_cb, order and" if numbered else "add_cb, remove_cb and"
    return "%d events in order, %s CancelFitException kept" % (len(set(early.seen)), kept)


def lr_find(run):
    """lr_find raises the rate until the loss turns, suggests one, and puts the weights back."""
    torch = run.torch
    run.fv.set_seed(run.seed)
    learn = new_learner(run)
    before = copied(learn.model)
    with quietly(learn):
        suggested = learn.lr_find(num_it=50, show_plot=False)
    rates, losses = ([float(value) for value in row] for row in (learn.recorder.lrs, learn.recorder.losses))
    pairs = [(rate, loss) for rate, loss in zip(rates, losses) if math.isfinite(loss)]
    run.report["lr_find"] = [[float("%.4g" % rate), round(loss, 5)] for rate, loss in pairs]
    check(len(rates) >= 20, "lr_find made %d steps only" % len(rates))
    check(all(a < b for a, b in zip(rates, rates[1:])), "the learning rate did not rise")
    check(len(pairs) >= len(rates) // 2, "most losses of lr_find are not finite")
    check(farthest(before, copied(learn.model)) == 0, "lr_find did not put the weights back")
    first = suggested[0] if isinstance(suggested, tuple) else suggested
    if first is None:
        return "%d rates up to %.2g, no suggestion; weights put back" % (len(rates), rates[-1])
    first = float(first)
    check(torch.isfinite(torch.tensor(first)).item() and first > 0, "lr_find suggests %r" % first)
    run.report["lr_suggested"] = first
    return "%d rates up to %.2g, suggests %.2g; weights put back" % (len(rates), rates[-1], first)


def three_groups(net):
    """Three layer groups of the small net. At module level so that a learner can be pickled."""
    return [list(part.parameters()) for part in (net[:3], net[3:6], net[6:])]


def freeze(run):
    """freeze trains the last layers only, unfreeze all of them, freeze_to a part."""
    learn = new_learner(run, splitter=three_groups)
    first, middle, head = learn.model[0], learn.model[3], learn.model[-1]

    def moved():
        before = [copied(layer) for layer in (first, middle, head)]
        with quietly(learn):
            learn.fit(1, 1e-2)
        return [farthest(old, copied(layer)) > 0 for old, layer in zip(before, (first, middle, head))]

    for name, wanted, action in (
        ("freeze", [False, False, True], learn.freeze),
        ("freeze_to(1)", [False, True, True], lambda: learn.freeze_to(1)),
        ("unfreeze", [True, True, True], learn.unfreeze),
    ):
        action()
        found = moved()
        check(found == wanted, "after %s the layers that learned are %s, not %s" % (name, found, wanted))
    return "freeze, freeze_to and unfreeze move the layers that they should"


def accumulate(run):
    """GradientAccumulation gathers several batches for one step of the optimizer."""
    fv = run.fv
    define_parts(fv)
    witness = Witness()
    learn = new_learner(run, cbs=[fv.GradientAccumulation(n_acc=27)])
    before = copied(learn.model)
    with quietly(learn):
        learn.fit(1, 1e-2, cbs=[witness])
    batches = len(run.dls.train)
    steps, wanted = witness.seen.count("after_step"), batches * 9 // 27
    check(steps == wanted, "%d steps in %d batches of 9, not %d with 27 to gather" % (steps, batches, wanted))
    check(farthest(before, copied(learn.model)) > 0, "the weights did not move")
    return "%d steps in %d batches" % (steps, batches)


def seeds(run):
    """The same seed gives the same training: weights, losses and order of the data."""
    fv, torch = run.fv, run.torch
    settings = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    ends = []
    try:
        for _ in range(2):
            fv.set_seed(run.seed, reproducible=True)
            dls = run.block.dataloaders(fv.Path(run.path("images")), bs=9, num_workers=0, device=run.device)
            learn = new_learner(run, dls)
            with quietly(learn):
                learn.fit(1, 1e-2)
            ends.append((copied(learn.model), [float(loss) for loss in learn.recorder.losses]))
    finally:
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = settings
    far = farthest(ends[0][0], ends[1][0])
    # On a GPU some backward kernels add in an order of their own, and Adam makes whole steps of the smallest difference
    # in a bias whose gradient is zero but for rounding (before a batch norm): there the losses tell more.
    check(far <= (0.2 if run.on_gpu else 1e-6), "two trainings with the same seed end %.2g apart" % far)
    lost = max(abs(a - b) for a, b in zip(ends[0][1], ends[1][1]))
    check(lost <= (0.02 if run.on_gpu else 1e-6), "losses with the same seed differ by %.2g" % lost)
    return "two trainings end %.2g apart" % far


def hooks(run):
    """Hooks give the features of inner layers, the same as a pass by hand, and leave nothing behind."""
    fv, torch = run.fv, run.torch
    net = run.learn.model.eval()
    images = run.dls.one_batch()[0]
    with torch.no_grad():
        with fv.hook_outputs([net[2], net[5]]) as hooked, fv.hook_output(net[7]) as flat:
            net(images)
            first, second = hooked.stored
            last = flat.stored
        by_hand = net[:6](images)
    check(first is not None and second is not None and last is not None, "a hook stored nothing")
    shapes = [tuple(part.shape) for part in (first, second, last)]
    count = len(images)
    wanted = [(count, 16, 16, 16), (count, 32, 8, 8), (count, 128)]
    check(shapes == wanted, "features have shapes %s, not %s" % (shapes, wanted))
    far = float((second - by_hand).abs().max())
    check(far < (1e-2 if run.on_gpu else 1e-4), "features by hook differ from those by hand by %.2g" % far)
    left = [name for name, layer in net.named_modules() if layer._forward_hooks]
    check(not left, "hooks are still there: %s" % left)
    return "features of 3 layers: %s" % ", ".join("x".join(map(str, shape[1:])) for shape in shapes)


# --- faults, for tests ---------------------------------------------------------------------------


def break_rate(run):
    run.rate = 0.0


def break_metric(run):
    run.patch(RightShare, "value", property(lambda self: float("nan")))


def break_add_cb(run):
    run.patch(run.fv.Learner, "add_cb", lambda self, cb: self)


def break_lr_find(run):
    run.patch(run.fv.Learner, "load", lambda self, *args, **kwargs: self)


def break_freeze(run):
    run.patch(run.fv.Learner, "freeze", lambda self: None)


def break_accumulation(run):
    run.patch(run.fv.GradientAccumulation, "before_step", lambda self: None)
    run.patch(run.fv.GradientAccumulation, "after_loss", lambda self: None)


def break_seeds(run):
    run.patch(run.fv, "set_seed", lambda *args, **kwargs: run.torch.manual_seed(random.SystemRandom().randrange(9**9)))


def break_hooks(run):
    run.patch(run.torch.nn.Module, "register_forward_hook", lambda self, *args, **kwargs: contextlib.ExitStack())
    run.patch(contextlib.ExitStack, "remove", lambda self: None)


PROBES = (
    ("learner", learner, ("datablock", "conv"), "quick", break_rate),
    ("metrics", metrics, ("learner",), "default", break_metric),
    ("callbacks", callbacks, ("learner",), "default", break_add_cb),
    ("lr-find", lr_find, ("learner",), "default", break_lr_find),
    ("freeze", freeze, ("learner",), "default", break_freeze),
    ("accumulate", accumulate, ("learner",), "default", break_accumulation),
    ("seeds", seeds, ("learner",), "default", break_seeds),
    ("hooks", hooks, ("learner",), "default", break_hooks),
)

"""Probes of what a training is for: predictions, a learner that travels, and tables."""

import math
import os
import warnings

from smoke_core import CLASSES, check, quietly


def predict(run):
    """predict and get_preds answer with the right shapes, and mostly with the right class."""
    learn = run.learn
    with quietly(learn):
        chances, targets = learn.get_preds()
        shape = (len(run.dls.valid_ds), len(CLASSES))
        check(tuple(chances.shape) == shape, "get_preds has shape %s, not %s" % (tuple(chances.shape), shape))
        check(bool(run.torch.isfinite(chances).all()), "get_preds gives numbers that are not finite")
        check(float((chances.sum(dim=1) - 1).abs().max()) < 1e-3, "get_preds does not sum to one")
        pairs = list(zip(chances.argmax(dim=1).tolist(), targets.tolist()))
        right = sum(guess == truth for guess, truth in pairs) / len(pairs)
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
    # load_learner predicts on the CPU; a GPU may round factors of its convolutions to 10 bits (TF32).
    check(far < (2e-2 if run.on_gpu else 1e-3), "the loaded learner predicts otherwise, by %.3f" % far)
    check(str(name) == str(run.prediction[0]), "the loaded learner says %s, not %s" % (name, run.prediction[0]))
    return "%d bytes, same prediction" % size


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


# --- faults, for tests ---------------------------------------------------------------------------


def break_head(run):
    run.learn.model[-1] = run.torch.nn.Linear(128, 5).to(run.device)


def break_export(run):
    run.spoil = lambda learn: [p.data.zero_() for p in learn.model.parameters()]


def break_table(run):
    run.odd_cell = float("inf")


PROBES = (
    ("predict", predict, ("learner",), "default", break_head),
    ("export", export, ("predict",), "default", break_export),
    ("tabular", tabular, ("numpy-bridge", "kernel"), "default", break_table),
)

"""Probes of the data side: DataBlock, batches, drawing, the errors of a DataLoader, several workers."""

import base64
import contextlib
import io
import multiprocessing
import os
import random
import shutil
import sys
import time

from smoke_core import CLASSES, Skip, check, new_learner, quietly

SIDE = 32
WORKERS = 2


def label_of(path):
    """The class of an image, from its file name. At module level so that an exported learner can name it."""
    return os.path.basename(str(path)).split("_")[0]


def images_of(folder):
    """The pictures below a folder by their names: each file system lists them in an order of its own."""
    from fastai.data.transforms import get_image_files

    return sorted(get_image_files(folder))


def draw_images(run, folder, each=24, side=SIDE):
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


def block_of(run, **changes):
    """The DataBlock of the pictures, with other parts where they are given."""
    fv = run.fv
    parts = {
        "blocks": (fv.ImageBlock, fv.CategoryBlock),
        "get_items": images_of,
        "get_y": label_of,
        "splitter": fv.RandomSplitter(0.25, seed=run.seed),
        "item_tfms": fv.Resize(SIDE),
    }
    parts.update(changes)
    return fv.DataBlock(**parts)


def datablock(run):
    """A DataBlock finds, labels, splits and batches images; summary steps through all of it."""
    fv = run.fv
    folder = run.path("images")
    if not os.path.isdir(folder):
        draw_images(run, folder)
    fv.set_seed(run.seed)
    run.block = block_of(run)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        run.block.summary(fv.Path(folder), bs=4)
    check("Final sample" in printed.getvalue(), "DataBlock.summary does not reach a final sample")
    run.dls = run.block.dataloaders(fv.Path(folder), bs=9, num_workers=0, device=run.device)
    images, labels = run.dls.one_batch()
    check(tuple(images.shape) == (9, 3, SIDE, SIDE), "a batch of images has shape %s" % (tuple(images.shape),))
    check(tuple(labels.shape) == (9,), "a batch of labels has shape %s" % (tuple(labels.shape),))
    kinds = type(images).__name__, type(labels).__name__
    check(kinds == ("TensorImage", "TensorCategory"), "a batch has types %s" % (kinds,))
    check(images.device == run.device, "a batch lies on %s, not on %s" % (images.device, run.device))
    check(sorted(run.dls.vocab) == sorted(CLASSES), "the vocabulary is %s" % list(run.dls.vocab))
    sizes = len(run.dls.train_ds), len(run.dls.valid_ds)
    return "%d + %d images, batches of %s %s" % (sizes + (kinds[0], tuple(images.shape)))


def show_batch(run):
    """show_batch draws a batch with its labels."""
    from matplotlib import pyplot

    pyplot.close("all")
    run.dls.show_batch(max_n=6, nrows=2, ncols=3, figsize=(4.5, 3.2))
    figure = pyplot.gcf()
    titles = [axis.get_title() for axis in figure.axes]
    figure.savefig(run.path("batch.png"), dpi=80)
    pyplot.close("all")
    check(len(titles) >= 6, "show_batch drew %d pictures, not 6" % len(titles))
    named = [title for title in titles if title]
    check(named and set(named) <= set(CLASSES), "show_batch wrote the labels %s" % named)
    with open(run.path("batch.png"), "rb") as stream:
        picture = stream.read()
    check(picture[:8] == b"\x89PNG\r\n\x1a\n", "show_batch did not become a PNG")
    if len(picture) <= 400000:
        run.report["batch_png"] = base64.b64encode(picture).decode("ascii")
    return "%d pictures with labels, matplotlib %s" % (len(titles), sys.modules["matplotlib"].__version__)


class Items:
    """A dataset whose items are what a function gives. At module level so that workers can unpickle it."""

    def __init__(self, size, give):
        self.size, self.give = size, give

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        return self.give(index)


def give_past_the_end(index):
    return [0, 1, 2][index]


def give_wrong_type(index):
    return "%d" % index + index


def give_square(index):
    import torch

    return torch.tensor(float(index * index))


def give_death(index):
    os._exit(3)


def give_nothing(index):
    """What a worker does that hangs."""
    time.sleep(600)


def raised_by(action):
    try:
        action()
    except Exception as error:
        return error
    return None


def loader_errors(run):
    """Wrong indexes, wrong types and items that do not fit into one batch end in an error that names them."""
    fv, said = run.fv, []
    for kind, give in ((IndexError, give_past_the_end), (TypeError, give_wrong_type)):
        loader = fv.DataLoader(Items(8, give), bs=4, num_workers=0)
        error = raised_by(lambda loader=loader: list(loader))
        name = type(error).__name__
        check(isinstance(error, kind), "a dataset's %s came out of the DataLoader as %s" % (kind.__name__, name))
        said.append(name)
    error = raised_by(lambda: run.dls.train_ds[10**6])
    check(isinstance(error, (IndexError, KeyError)), "an index past the end gives %s" % type(error).__name__)
    folder = run.path("uneven")
    shutil.rmtree(folder, ignore_errors=True)
    draw_images(run, folder, each=2)
    draw_images(run, os.path.join(folder, "large"), each=2, side=40)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        error = raised_by(lambda: block_of(run, item_tfms=None).summary(fv.Path(folder), bs=8))
    shutil.rmtree(folder, ignore_errors=True)
    check(error is not None, "DataBlock.summary raised nothing for images of two sizes")
    words = printed.getvalue()
    check("collate" in words, "DataBlock.summary does not say that images of two sizes do not fit into a batch")
    where = "items at the following indices" if "indices" in words else "the batch"
    return "%s told; summary names %s for images of two sizes" % (" and ".join(said), where)


def batch_size(run):
    """The batch size can be changed between trainings, up and down, and the Learner goes on."""
    fv, shapes = run.fv, []
    learn = new_learner(run)
    for size in (4, 18):
        learn.dls = run.block.dataloaders(fv.Path(run.path("images")), bs=size, num_workers=0, device=run.device)
        got = len(learn.dls.one_batch()[1])
        check(got == size, "batches of %d were asked for, and they have %d" % (size, got))
        wanted = len(learn.dls.train_ds) // size
        check(len(learn.dls.train) == wanted, "%d batches of %d, not %d" % (len(learn.dls.train), size, wanted))
        with quietly(learn):
            learn.fit(1, 1e-3)
        shapes.append("%d batches of %d" % (wanted, size))
    return "trained on " + ", then ".join(shapes)


def shared_memory():
    """How much room the workers have to hand over batches, in words, where the system can tell."""
    try:
        room = os.statvfs("/dev/shm")
    except (AttributeError, OSError):
        return ""
    return "; shared memory %d MiB" % (room.f_frsize * room.f_blocks >> 20)


def workers(run):
    """Several worker processes hand over the same batches as none, in the same order, and end."""
    method = multiprocessing.get_start_method()
    if method != "fork" and run.level != "full":
        raise Skip("workers are started by %s here, each imports everything again: the full level tries them" % method)
    torch, give = run.torch, give_nothing if run.fault == "hang" else run.fault or give_square

    def batches(count):
        return [batch.tolist() for batch in run.fv.DataLoader(Items(24, give), bs=5, num_workers=count)]

    try:
        several = batches(WORKERS)
    except RuntimeError as error:
        raise RuntimeError("%s%s" % (str(error).splitlines()[0], shared_memory())) from error
    check(several == batches(0), "batches of %d workers differ from those of none" % WORKERS)
    folder = run.fv.Path(run.path("images"))
    dls = run.block.dataloaders(folder, bs=9, num_workers=WORKERS, device=run.device)
    one, other = ([labels.tolist() for _, labels in loader] for loader in (dls.valid, run.dls.valid))
    check(one == other, "images that %d workers load differ from those that none loads" % WORKERS)
    del dls
    # By torch's own door: fastai's DataLoader takes another way to the same workers.
    plain = torch.utils.data.DataLoader(Items(8, give_square), batch_size=4, num_workers=WORKERS)
    check([len(batch) for batch in plain] == [4, 4], "torch's DataLoader gives other batches")
    return "%d workers by %s, same batches as without%s" % (WORKERS, method, shared_memory())


# --- faults, for tests ---------------------------------------------------------------------------


def break_images(run):
    draw_images(run, run.path("images"))
    for entry in os.listdir(run.path("images")):
        with open(run.path("images", entry), "wb") as stream:
            stream.write(b"no image")


def break_drawing(run):
    run.patch(type(run.dls.train), "show_batch", lambda self, *args, **kwargs: None)


def break_summary(run):
    run.patch(run.fv.DataBlock, "summary", lambda self, *args, **kwargs: None)


def break_batch_size(run):
    right = run.block.dataloaders
    run.patch(run.block, "dataloaders", lambda *args, **kwargs: right(*args, **dict(kwargs, bs=7)))


def break_workers(run):
    run.fault = give_death


PROBES = (
    ("datablock", datablock, ("numpy-bridge", "kernel"), "quick", break_images),
    ("show-batch", show_batch, ("datablock",), "default", break_drawing),
    ("loader-errors", loader_errors, ("datablock",), "default", break_summary),
    ("workers", workers, ("datablock",), "default", break_workers),
    ("batch-size", batch_size, ("learner",), "default", break_batch_size),
)

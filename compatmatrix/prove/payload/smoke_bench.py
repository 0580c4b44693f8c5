"""How long an epoch takes over batch sizes, on the CPU and on the GPU: whether larger batches still pay here."""

import contextlib
import gc
import os
import re
import time

from smoke_core import Skip, check, new_learner, quietly, small_net
from smoke_device import MIB, bounded, integrated, ran_out

SIDE = 32
REPEATS = 5
SHORTEST = 0.1  # seconds of one timed repeat
FIRST, SURE = 32, 1024
LARGEST = {"cpu": 8192, "cuda": 1 << 17}
# A convolution whose workspace finds no room says this and not "out of memory".
NO_ROOM = re.compile(r"alloc|unable to find (an engine|a valid cudnn algo)|cudnn_status_(not_supported|internal_e)")


class Pictures:
    """Noise with labels, in memory: what a DataLoader takes to hand over one item after the other."""

    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index], self.labels[index]


class Meter:
    """Time and peak memory on one device; a GPU's work is waited for before the clock is read."""

    def __init__(self, run, place):
        self.cuda = run.torch.cuda if place.type == "cuda" else None

    def now(self):
        if self.cuda:
            self.cuda.synchronize()
        return time.perf_counter()

    def start_peak(self):
        gc.collect()
        if self.cuda:
            self.cuda.empty_cache()
            self.cuda.reset_peak_memory_stats()
            return
        try:
            with open("/proc/self/clear_refs", "w") as stream:
                stream.write("5")  # sets the high-water mark back
        except OSError:
            pass

    def peak(self):
        """MiB: allocated on the GPU, or of the whole process; None where the system does not tell."""
        if self.cuda:
            return round(self.cuda.max_memory_allocated() / MIB, 1)
        try:
            with open("/proc/self/status") as stream:
                return round([int(line.split()[1]) for line in stream if line.startswith("VmHWM")][0] / 1024.0, 1)
        except (OSError, IndexError, ValueError):
            return None


def available_memory():
    """Bytes that the system would still give, None where it does not tell."""
    try:
        with open("/proc/meminfo") as stream:
            return [int(line.split()[1]) << 10 for line in stream if line.startswith("MemAvailable")][0]
    except (OSError, IndexError, ValueError):
        return None


def politely(run, place):
    """A bound for the GPU: a tenth of what is free stays, since desktops and other programs live there as well."""
    cuda = run.torch.cuda
    if place.type == "cpu" or not hasattr(cuda, "mem_get_info"):
        return contextlib.ExitStack()
    return bounded(cuda, cuda.mem_get_info()[0] * 9 // 10)


def business():
    """That other programs keep this machine busy, in words, where they do."""
    try:
        load, cores = os.getloadavg()[0], os.cpu_count() or 1
    except (AttributeError, OSError):
        return ""
    words = "; the machine is busy (load %.1f on %d cores), these times are too long" % (load, cores)
    return words if load > cores * 1.25 else ""


def time_steps(run, place, meter, net, size):
    """Seconds of one training step with a batch that lies on the device: the shortest of some timed repeats."""
    torch = run.torch
    images = torch.randn(size, 3, SIDE, SIDE, device=place)
    labels = torch.randint(0, 3, (size,), device=place)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(images), labels).backward()
        optimizer.step()

    for _ in range(2):
        step()  # kernels are chosen and memory is taken
    started = meter.now()
    step()
    count = max(1, min(200, int(SHORTEST / max(1e-6, meter.now() - started)) + 1))
    times = []
    for _ in range(REPEATS):
        started = meter.now()
        for _ in range(count):
            step()
        times.append((meter.now() - started) / count)
    return min(times)  # whatever else runs on the machine only makes it longer


def time_learner(run, place, meter, size, data):
    """Seconds of the second training epoch of a fastai Learner that fetches, collates and moves each batch."""
    fv, marks = run.fv, []

    class Clock(fv.Callback):
        def before_train(self):
            marks.append(meter.now())

        begin_train = before_train

        def after_train(self):
            marks.append(meter.now())

    train = fv.DataLoader(data, bs=size, shuffle=True, num_workers=0, drop_last=True)
    dls = fv.DataLoaders(train, fv.DataLoader(Pictures(*data[:4]), bs=4, num_workers=0), device=place)
    learn = new_learner(run, dls, net=small_net(run).to(place))
    with quietly(learn), learn.no_logging():
        learn.fit(2, 1e-3, cbs=[Clock()])
    done = len(train) * size
    return (marks[3] - marks[2]) * len(data) / done


def bench_device(run, place, images, seconds):
    """One table: a row for each batch size, why it ended, and from which size on larger batches do not pay."""
    torch = run.torch
    meter, rows, ended, busy = Meter(run, place), [], "the largest size was reached", business()
    data = Pictures(torch.randn(images, 3, SIDE, SIDE), torch.randint(0, 3, (images,)))
    torch.manual_seed(run.seed)
    deadline, size = time.perf_counter() + seconds, FIRST
    shared = place.type == "cpu" or integrated(run)
    while size <= LARGEST[place.type]:
        free = available_memory() if shared else None
        if size > SURE and time.perf_counter() > deadline:
            ended = "the time of %d s was over" % seconds
            break
        if free is not None and size * 3 * SIDE * SIDE * 4 * 24 > free // 2:
            ended = "half of the free memory would be used"
            break
        meter.start_peak()
        try:
            step = time_steps(run, place, meter, small_net(run).to(place), size)
            peak = meter.peak()
            late = size > images or time.perf_counter() > deadline
            learner = None if late else time_learner(run, place, meter, size, data)
        except RuntimeError as error:
            if not ran_out(str(error)) and not (rows and NO_ROOM.search(str(error).lower())):
                raise
            ended = "memory ended at batch size %d" % size
            break
        row = {"batch": size, "step_ms": round(step * 1e3, 3), "epoch_ms": round(step * 1e3 * images / size, 2)}
        row.update(learner_ms=None if learner is None else round(learner * 1e3, 2))
        row.update(images_per_s=round(size / step, 1), peak_mib=peak)
        rows.append(row)
        size *= 2
    meter.start_peak()
    check(rows, "not even batch size %d could be measured: %s" % (FIRST, ended))
    most = max(row["images_per_s"] for row in rows)
    best = next(row["batch"] for row in rows if row["images_per_s"] >= 0.95 * most)
    name = torch.cuda.get_device_name(0) if place.type == "cuda" else "cpu, %d threads" % torch.get_num_threads()
    return {"device": name, "kind": place.type, "images": images, "rows": rows, "ended": ended + busy, "best": best}


def bench(run):
    """Time of an epoch over batch sizes, warmed up and synchronised, with throughput and peak memory."""
    if run.fault:
        run.fault()
    images, seconds = int(run.bench.get("images", 4096)), float(run.bench.get("seconds", 60))
    places = [run.torch.device("cpu")] if run.wanted_device != "cuda" else []
    if run.on_gpu:
        places.append(run.device)
    tables = run.report["bench"] = []
    for place in places:
        with politely(run, place):
            tables.append(bench_device(run, place, images, seconds))
    said = ["%s: larger batches pay up to %d (%s)" % (t["device"], t["best"], t["ended"]) for t in tables]
    if not said:
        raise Skip("no device to measure")
    return "; ".join(said)


def break_bench(run):
    def fault():
        run.patch(run.torch.optim, "SGD", lambda *args, **kwargs: (_ for _ in ()).throw(MemoryError("no optimizer")))

    run.fault = fault


PROBES = (("bench", bench, ("learner",), "asked", break_bench),)

"""Train a little in somebody else's interpreter and write down what worked. The foreign half of `smoke`.

Run as `PYTHON -I smoke_payload.py question.json answer.json` with Python 3.7 or later; only the standard library is
imported at start, and nothing is shared with the program that started it but these two files. The other files of this
folder, but for run_smoke.py, are parts of this script.

question: {"schema": 1,
  "work_dir": folder that exists; everything is written below it, the caller removes it,
  "device": "auto" | "cpu" | "cuda",
  "seed": int,
  "level": "quick" | "default" | "full",
  "probes": [names] or null for all of the level; what they stand on is added,
  "bench": null, or {"images": of one epoch, "seconds": bound for each device}: the bench is made as well,
  "dump_after": seconds until the stacks of all threads go to stderr, or null,
  "inject": null, or faults for tests, with commas: a probe's name breaks that probe for its own reason; "crash",
            "kill", "hang", "fill" and "garbage" end the run while it imports, "crash:learner" and so on in another
            probe; "hang:ranks" hangs in the processes of the probe "distributed", "hang:items" in those of
            "workers"}

answer, written again and atomically at every step: {"schema": 1,
  "python": "3.12.1", "versions": {distribution: version},
  "device": "cpu" | "cuda:0 NAME",
  "planned": [names], "running": name or null,
  "probes": [{"name", "proves": what a pass says, "status": "pass" | "fail" | "skip", "detail", "at", "seconds",
              "code": finding code of the likely cause or null, "error": tail of the traceback or null,
              "warnings": [what the libraries warned of meanwhile]}],
  "report": {"curves": {"batches": [loss], "names": [columns], "epochs": [[number]]}, "lr_find": [[rate, loss]],
             "lr_suggested": rate, "batch_png": base64, "memory": [[seconds, MiB resident, allocated, reserved]],
             "bench": [{"device", "kind", "images", "rows": [{"batch", "step_ms", "epoch_ms", "learner_ms",
             "images_per_s", "peak_mib"}], "ended", "best"}]}: what there is of it,
  "done": true once nothing more comes}

The exit status is 0 whenever the answer is complete, whatever the probes say.
"""

import faulthandler
import importlib
import json
import os
import platform
import signal
import sys
import time
import traceback

# -I keeps this folder off the path. At its end it hides nothing, and worker processes find the parts there as well.
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(HERE)

from smoke_causes import cause_of, told  # noqa: E402
from smoke_core import Run, Skip  # noqa: E402
from smoke_device import hint, still_answers  # noqa: E402
from smoke_watch import EARLIER, Heard, Watch, tell_workers_stacks  # noqa: E402

# The parts with the probes; a copy of this folder may leave out the last two.
PARTS = ("smoke_stack", "smoke_data", "smoke_train", "smoke_after", "smoke_device", "smoke_full", "smoke_bench")
SCHEMA = 1
HANGING_CHILDREN = (("ranks", "distributed"), ("items", "workers"))
LEVELS = ("quick", "default", "full")
DISTRIBUTIONS = (
    "torch torchvision torchaudio fastai fastcore fasttransform fastprogress fastdownload plum-dispatch numpy pillow "
    "pandas scipy scikit-learn spacy matplotlib ipython triton setuptools cloudpickle accelerate"
).split()
OWN_PLACE = (
    "HOME USERPROFILE XDG_CACHE_HOME XDG_CONFIG_HOME MPLCONFIGDIR TORCH_HOME FASTAI_HOME CUDA_CACHE_PATH IPYTHONDIR "
    "TRITON_CACHE_DIR TORCHINDUCTOR_CACHE_DIR TMPDIR TEMP TMP"
).split()


def in_order(names):
    """The probes of the parts that are here, each after those that it stands on, otherwise in the order given."""
    parts = [importlib.import_module(name) for name in names if os.path.isfile(os.path.join(HERE, name + ".py"))]
    waiting, ready, names = [probe for part in parts for probe in part.PROBES], [], set()
    while waiting:
        probe = next(probe for probe in waiting if names.issuperset(probe[2]))
        waiting.remove(probe)
        ready.append(probe)
        names.add(probe[0])
    return tuple(ready)


# name, function, what it stands on, the lowest level that includes it ("asked": none), the fault that breaks it
PROBES = in_order(PARTS)


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
    elif how == "fill":
        with open(os.path.join(os.path.dirname(answer_path), "work", "filler"), "wb") as stream:
            while True:
                stream.write(b"x" * 65536)
                stream.flush()
    elif how == "garbage":
        with open(answer_path, "w") as stream:
            stream.write('{"schema": 1, "probes": [')
        os._exit(0)


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


def run_probe(run, function):
    """One probe, as a row of the answer without its name."""
    row = {"status": "pass", "detail": "", "code": None, "error": None}
    run.reseed()
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
        detail += hint(run, error, text)
        row.update(status="fail", detail=detail, code=cause_of(error, text), error="\n".join(tail))
        # A traceback keeps the frames of the probe alive, and with them memory on the GPU.
        error.__traceback__ = None
    run.restore()
    row["seconds"] = round(time.perf_counter() - started, 4)
    return row


def plan(level, wanted, bench=False):
    """The probes to run, in order, with everything that the wanted ones stand on."""
    rank = LEVELS.index(level)
    if wanted is None:
        names = {probe[0] for probe in PROBES if probe[3] in LEVELS and LEVELS.index(probe[3]) <= rank}
    else:
        names = set(wanted)
    if bench:
        names.add("bench")
    unknown = names - {probe[0] for probe in PROBES}
    if unknown:
        raise SystemExit("unknown probes: " + " ".join(sorted(unknown)))
    for name, _, needs, _, _ in reversed(PROBES):
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
    for name in OWN_PLACE:
        os.environ[name] = home
    os.environ["MPLBACKEND"] = "Agg"
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # no pool of processes that could outlive this one
    threads = str(min(4, os.cpu_count() or 1))
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, threads)
    # Threads that spin while they wait make a run on a busy machine several times longer.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.chdir(work_dir)


def main(question_path, answer_path):
    """Answer the question."""
    with open(question_path) as stream:
        question = json.load(stream)
    if question["schema"] != SCHEMA:
        raise SystemExit("this script answers schema %d" % SCHEMA)
    answer_path = os.path.abspath(answer_path)
    probes = plan(question["level"], question["probes"], bool(question.get("bench")))
    run, began = Run(question), time.time()
    stay_inside(run.work_dir)
    if question["dump_after"]:
        faulthandler.dump_traceback_later(question["dump_after"], file=sys.__stderr__)
        tell_workers_stacks(question["dump_after"] - EARLIER)
    faults = (question["inject"] or "").split(",")
    how, _, where = faults[0].partition(":")
    run.versions = installed_versions()
    answer = {
        "schema": SCHEMA,
        "python": platform.python_version(),
        "versions": run.versions,
        "device": run.device_name,
        "planned": [probe[0] for probe in probes],
        "running": None,
        "probes": [],
        "report": run.report,
        "done": False,
    }
    blocked = {}  # probe: the failed one that it stands on, or itself
    lost = ""  # the probe after which the GPU answers no more
    watch, heard = Watch(run, began), Heard(run)
    run.report["memory"] = watch.samples
    for name, function, needs, _, fault in probes:
        answer["running"] = name
        write_answer(answer_path, answer)
        in_the_way = [need for need in needs if need in blocked]
        at = round(time.time() - began, 2)
        if in_the_way or lost:
            blocked[name] = blocked[in_the_way[0]] if in_the_way else lost
            detail = "stands on %s, which failed" % blocked[name]
            if not in_the_way:
                detail = "the error of %s has ended all use of the GPU by this process" % lost
            row = {"status": "skip", "detail": detail, "seconds": 0.0, "code": None, "error": None}
        else:
            if how and name == (where or "imports"):
                end_badly(how, answer_path)
            if name in faults:
                fault(run)
            if how == "hang" and (where, name) in HANGING_CHILDREN:
                run.fault = "hang"
            row = run_probe(run, function)
            if row["status"] == "fail":
                blocked[name] = name
                lost = "" if still_answers(run) else name
        proves = " ".join(function.__doc__.split())
        answer["probes"].append(dict(row, name=name, at=at, proves=proves, warnings=heard.take()))
        answer["device"] = run.device_name
    watch.end()
    answer.update(running=None, done=True)
    write_answer(answer_path, answer)


if __name__ == "__main__":
    if sys.version_info < (3, 7):
        raise SystemExit("Python %s is too old: 3.7 or later is needed" % platform.python_version())
    main(*sys.argv[1:3])

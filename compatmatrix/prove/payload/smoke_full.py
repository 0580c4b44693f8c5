"""Probes that take longer: a resnet, torch.compile, every GPU by itself, and several processes at once."""

import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import warnings

from smoke_core import Skip, check, copied, failing, farthest, named, quietly, small_net
from smoke_data import WORKERS, block_of, shared_memory

RANKS = 2
RANKS_LIMIT = 300


def resnet(run):
    """A resnet18 of torchvision trains by vision_learner, with several workers, larger images and one cycle."""
    fv, torchvision = run.fv, run.torchvision
    make = getattr(fv, "vision_learner", None) or fv.cnn_learner
    workers = WORKERS if sys.platform.startswith("linux") else 0
    run.fv.set_seed(run.seed)
    block = block_of(run, item_tfms=fv.Resize(64), batch_tfms=fv.aug_transforms(size=64, max_warp=0.0))
    dls = block.dataloaders(fv.Path(run.path("images")), bs=18, num_workers=workers, device=run.device)
    path = fv.Path(run.work_dir)
    learn = make(dls, torchvision.models.resnet18, pretrained=False, metrics=fv.accuracy, path=path)
    if run.fault:
        run.fault(learn)
    learn.unfreeze()
    with quietly(learn):
        learn.fit_one_cycle(4, 3e-3)
    rows = [[float(value) for value in row] for row in learn.recorder.values]
    first, last = rows[0][0], rows[-1][0]
    check(all(value == value and abs(value) < 1e6 for row in rows for value in row), "not finite: %s" % rows)
    check(last < first, "the loss of a resnet18 did not fall: %.3f to %.3f" % (first, last))
    size = sum(parameter.numel() for parameter in learn.model.parameters())
    return "%.1f million weights, %d workers, loss %.3f to %.3f" % (size / 1e6, workers, first, last)


def no_compiler(run):
    """Why torch.compile cannot work here, or an empty text."""
    if not hasattr(run.torch, "compile"):
        return "this torch has no torch.compile"
    if sys.platform == "win32":
        return "torch.compile needs a compiler's own prompt on Windows"
    if not any(shutil.which(name) for name in ("c++", "g++", "clang++", "gcc", "cc", "clang")):
        return "torch.compile needs a C++ compiler, and there is none"
    header = os.path.join(sysconfig.get_paths()["include"], "Python.h")
    if not os.path.isfile(header):
        return "torch.compile needs Python's headers: no %s" % os.path.basename(header)
    if run.on_gpu:
        try:
            __import__("triton")
        except ImportError as error:
            return "torch.compile needs triton on a GPU: %s" % error
    return ""


UNSUPPORTED = re.compile(
    r"not (yet )?supported (on|for|with) (python|windows)|python 3\.\d+\+? (is )?not (yet )?supported"
    r"|too old to be supported by the triton|requires device.*capability|dynamo is not supported on python",
    re.I,
)


def torch_compile(run):
    """torch.compile trains the small net to the same gradients as without."""
    why = no_compiler(run)
    if why:
        raise Skip(why)
    torch = run.torch
    torch.manual_seed(run.seed)
    net = small_net(run).to(run.device)
    images = torch.randn(8, 3, 32, 32, device=run.device)
    results = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for model in (net, torch.compile(net)):
                net.zero_grad()
                loss = torch.nn.functional.cross_entropy(model(images), torch.arange(8, device=run.device) % 3)
                loss.backward()
                results.append((float(loss), [parameter.grad.clone() for parameter in net.parameters()]))
    except Exception as error:
        if UNSUPPORTED.search(str(error)):
            raise Skip("torch.compile: " + str(error).strip().split("\n")[0][:200]) from None
        raise
    (eager, one), (fast, other) = results
    check(abs(eager - fast) < 1e-2, "a compiled net has loss %.4f, without it is %.4f" % (fast, eager))
    far = farthest(one, other)
    check(far < 1e-2, "a compiled net's gradients differ by %.3g" % far)
    return "same loss and gradients as without, %.1e apart, Python %s" % (far, platform.python_version())


def gpus(run):
    """Every GPU of the host trains by itself, to the same weights and outputs as the first one."""
    if not run.on_gpu:
        raise Skip("on the CPU")
    torch, count = run.torch, run.torch.cuda.device_count()
    ends, names = [], []
    images, labels = (part.as_subclass(torch.Tensor).cpu() for part in run.dls.valid.one_batch())
    for index in range(count):
        place = torch.device("cuda", index)
        with named(place):
            torch.manual_seed(run.seed)
            net = small_net(run).to(place)
            optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
            for _ in range(4):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(net(images.to(place)), labels.to(place)).backward()
                optimizer.step()
            # A few steps move the weights by little: what they make of a batch tells wrong kernels better.
            with torch.no_grad():
                outs = net.eval()(images.to(place)).cpu()
            torch.cuda.synchronize(place)
        ends.append([weights.cpu() for weights in copied(net)] + [outs])
        names.append("cuda:%d %s" % (index, torch.cuda.get_device_name(index)))
        far = farthest(ends[0], ends[-1])
        check(far < 0.05, "%s trains to weights or outputs %.3g away from those of %s" % (names[-1], far, names[0]))
    return "trained on " + ", ".join(names)


def free_port():
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


def distributed(run):
    """Several processes, started by torchrun, train one net together: gloo on CPUs, nccl on the GPUs of the host."""
    torch = run.torch
    if not torch.distributed.is_available():
        raise Skip("this build of torch has no torch.distributed")
    gpus = torch.cuda.device_count() if run.on_gpu else 0
    # One GPU cannot serve two ranks of nccl: there the processes meet on the CPU.
    nccl = gpus > 1 and torch.distributed.is_nccl_available()  # never on Windows
    ranks, backend = (gpus, "nccl") if nccl else (RANKS, "gloo")
    if backend == "gloo" and not getattr(torch.distributed, "is_gloo_available", lambda: True)():
        raise Skip("this build of torch has no gloo")
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "smoke_ranks.py")
    module = "torch.distributed.run" if hasattr(torch.distributed, "elastic") or newer(run) else None
    launch = ["-m", module or "torch.distributed.launch"] + ([] if module else ["--use_env"])
    where = ["--nnodes=1", "--nproc_per_node=%d" % ranks, "--master_addr=127.0.0.1", "--master_port=%d" % free_port()]
    answer = run.path("rank")
    asked = {"answer": answer, "backend": backend, "seed": run.seed, "fault": run.fault, "limit": RANKS_LIMIT}
    argv = [sys.executable, "-B"] + launch + where + [script, json.dumps(asked)]
    environment = dict(os.environ, OMP_NUM_THREADS="1", MASTER_ADDR="127.0.0.1", PYTHONNOUSERSITE="1")
    if backend == "gloo" and sys.platform.startswith("linux"):
        environment.setdefault("GLOO_SOCKET_IFNAME", "lo")
    options = {"env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "cwd": run.work_dir}
    try:
        ran = subprocess.run(argv, timeout=RANKS_LIMIT, **options)
    except subprocess.TimeoutExpired as late:
        stuck = (late.stdout or b"").decode("utf-8", "replace").splitlines()[-20:]
        words = "%d processes over %s did not end within %d s; NCCL_DEBUG=INFO or GLOO_SOCKET_IFNAME may tell why"
        words += "; GPUs that cannot reach each other want NCCL_P2P_DISABLE=1" if nccl else ""
        raise RuntimeError("\n".join([words % (ranks, backend, RANKS_LIMIT)] + stuck)) from None
    if ran.returncode:
        said = ranks_said(ran.stdout.decode("utf-8", "replace"), ran.returncode)
        if nccl and "busy or unavailable" in said:
            raise Skip("the GPUs serve one process at a time (exclusive compute mode), and this one has them")
        raise RuntimeError(said)
    answers = []
    for rank in range(ranks):
        with open("%s%d.json" % (answer, rank)) as stream:
            answers.append(json.load(stream))
    check(sorted(one["rank"] for one in answers) == list(range(ranks)), "ranks are missing: %s" % answers)
    check(all(one["sum"] == ranks * (ranks + 1) / 2 for one in answers), "all_reduce adds wrongly: %s" % answers)
    seen = [one["seen"] for one in answers]
    check(not set(seen[0]) & set(seen[-1]), "two processes trained on the same items")
    weights = [one["weights"] for one in answers]
    far = max(abs(a - b) for other in weights for a, b in zip(weights[0], other))
    check(far < 1e-5, "the processes end with weights that lie %.3g apart" % far)
    check(answers[0]["last"] < answers[0]["first"], "the loss did not fall in %d processes" % ranks)
    return "%d processes by torchrun over %s, same weights; %s" % (ranks, backend, answers[0]["fastai"])


def newer(run):
    return tuple(int(part) for part in re.findall(r"\d+", str(run.torch.__version__))[:2]) >= (1, 10)


def ranks_said(text, status):
    """The error of the processes, out of what their starter printed around it."""
    lines = [re.sub(r"^\[rank\d+\]:\s*", "", line.strip()) for line in text.splitlines()]
    lines = [line for line in lines if line]
    named = re.compile(r"(^|\s)[\w.]*(Error|Exception): ")
    errors = [line for line in lines if named.search(line) and "elastic" not in line]
    said = (errors or lines or ["no word"])[0 if errors else -1][:300]
    # What NCCL itself says comes lines after torch's error.
    last = [after for line, after in zip(lines, lines[1:]) if line == "Last error:"]
    said += ": " + last[0][:200] if last else ""
    return "%s (exit status %d%s)" % (said, status, shared_memory() if "/dev/shm" in said else "")


# --- faults, for tests ---------------------------------------------------------------------------


def break_resnet(run):
    run.fault = lambda learn: setattr(learn, "opt_func", lambda params, **kw: run.fv.SGD(params, **dict(kw, lr=0.0)))
    run.patch(run.fv.Learner, "fit_one_cycle", lambda learn, epochs, rate: learn.fit(epochs, 0.0))


def break_compile(run):
    run.patch(run.torch, "compile", lambda net: lambda images: net(images) * 2)


def break_gpus(run):
    run.patch(run.torch.cuda, "synchronize", failing("CUDA error: no kernel image is available for execution"))


def break_ranks(run):
    run.fault = "apart"


PROBES = (
    ("resnet", resnet, ("learner",), "full", break_resnet),
    ("torch-compile", torch_compile, ("learner",), "full", break_compile),
    ("gpus", gpus, ("learner",), "full", break_gpus),
    ("distributed", distributed, ("learner",), "full", break_ranks),
)

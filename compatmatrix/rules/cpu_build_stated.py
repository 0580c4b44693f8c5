"""A CPU build on a machine with a GPU, by what a report states where the matrix has no build to look at."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.version import Version

from compatmatrix.model.cuda import Cuda
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope
from compatmatrix.rules.stated import torch_cuda

_OTHER_CAUSES = (
    "forward-compatibility", "system-driver-mismatch", "fabric-manager", "container-cli", "unsatisfied-condition",
    "no-driver", "nvml-mismatch", "smi-no-communication", "driver-found-version", "libcuda-symbol", "cuda-code-runs",
)  # fmt: skip
"""Error texts that say themselves why no GPU is seen, or that torch is a CUDA build."""


def check(case: Case) -> Iterator[Finding]:
    host, observed = case.host, case.observed
    pin = case.stack.get("torch")
    blind = (
        observed.sign("cuda-unavailable", "cuda-device-asked") is not None
        or observed.cuda_available is False
        or _runs_on_cpu(case)
        or _compiles_without(case)
    )
    gpus = ", ".join(dict.fromkeys(gpu.name for gpu in host.gpus.value or ()))
    if host.has_gpu is False or observed.cuda_available:
        return
    is_cpu = observed.torch_cpu or bool(pin and pin.flavour == "cpu")
    if is_cpu and not host.gpus.known and not observed.amd and (why := _wants_gpu(case)):
        yield _finding(
            f"torch {pin.version if pin else ''} is a CPU build, and {why}".replace("  ", " "),
            "take a CUDA build; without an NVIDIA GPU, ask for the CPU",
        )
        return
    jetson = "Jetson" in host.notes and host.platform.value == "linux-aarch64"
    if case.build is not None and case.build.cuda is None and not (host.has_gpu or jetson):
        return
    if is_cpu:
        if host.has_gpu and (case.build is None or pin is None):
            yield _finding(
                f"torch says that it was built without CUDA: it leaves the {gpus} unused", "take a CUDA build"
            )
        return
    if _is_said(case) and (host.has_gpu or observed.sign("gpu-wanted", "cuda-unavailable")):
        yield _finding(f"torch is said to be a CPU build: it leaves the {gpus or 'GPU'} unused", "take a CUDA build")
        return
    lost = observed.index_tag and pin is None and not observed.offered and not _is_published(case)
    if lost and host.platform.value == "windows-amd64":
        yield _finding(
            f"there is no PyTorch index for {observed.index_tag}: pip took PyPI's torch, on Windows a CPU build",
            "name an index that exists, of the driver's CUDA major",
        )
        return
    missing = _missing_of_conda(case)
    if missing and blind:
        yield _finding(
            f"there is no build of torch {missing[0]} for CUDA {missing[1]}: conda then takes the CPU build",
            "ask for a CUDA that this release was built for",
        )
        return
    if not blind or observed.image or observed.sign(*_OTHER_CAUSES) or torch_cuda(case):
        return
    if jetson:
        yield _finding(
            f"the general aarch64 wheels have no code for the {gpus or 'Jetson'}: torch leaves its GPU unused",
            "install the torch that NVIDIA builds for this JetPack, and torchvision from source",
        )
        return
    if host.platform.value != "windows-amd64" and observed.installer != "conda":
        return  # PyPI's wheel for Linux is a CUDA build; for Windows it is none, and conda's solver often takes none
    oldest = case.matrix.families[min(case.matrix.families)].drivers.get(case.system)
    driver = host.driver.value
    unnamed = (_runs_on_cpu(case) or _compiles_without(case)) and not host.gpus.known and not observed.amd
    if (host.has_gpu or unnamed) and (driver is None or oldest is None or driver >= oldest):
        yield _finding(
            f"torch does not use the {gpus or 'GPU'}, and nothing says that it is a CUDA build"
            + (f"; driver {driver} would run one" if driver else ""),
            "look at torch.version.cuda: where it is None, install a CUDA build from the PyTorch index",
        )


def _runs_on_cpu(case: Case) -> bool:
    """Whether a program says that it runs on the CPU, and somebody wants it on the GPU."""
    return bool(case.observed.sign("runs-on-cpu") and case.observed.sign("gpu-wanted"))


def _compiles_without(case: Case) -> bool:
    """Whether torch found a CUDA toolkit on Windows, where nobody builds images, and no GPU to compile for.

    Not in pip's isolated build: its torch is another one than the environment's.
    """
    return case.observed.sign("compiles-without-cuda") is not None and case.host.platform.value == "windows-amd64"


def _is_published(case: Case) -> bool:
    """Whether any torch in the matrix has a build of the index that was named."""
    tag = case.observed.index_tag
    return any(build.build == tag for builds in case.matrix.builds.values() for build in builds)


def _is_said(case: Case) -> bool:
    """Whether somebody says that torch is a CPU build, did not ask for one, and nothing speaks against it."""
    observed = case.observed
    asked = observed.index_tag == "cpu" or "cpuonly" in case.stack
    against = torch_cuda(case) or observed.amd or observed.sign(*_OTHER_CAUSES)
    return observed.sign("cpu-build-said") is not None and not asked and not against


def _wants_gpu(case: Case) -> str:
    """What tells that CUDA is wanted where no GPU is named; empty where nothing does."""
    if case.observed.sign("cuda-device-asked"):
        return "a CUDA device was asked for"
    if case.observed.sign("gpu-wanted"):
        return "the GPU is wanted"
    return "an NVIDIA driver is there" if case.host.driver.known or case.host.driver_cuda.known else ""


def _missing_of_conda(case: Case) -> tuple[Version, Cuda] | None:
    """The torch and the CUDA that conda was asked for, where PyTorch built no such pair for any platform.

    Its channel had the CUDA variants of its own index.
    """
    observed = case.observed
    toolkit = case.stack.release("cudatoolkit") or case.stack.release("pytorch-cuda")
    wanted = next((pin.release for pin in observed.requested if pin.name == "torch"), None)
    if observed.installer != "conda" or toolkit is None or wanted is None or len(toolkit.release) < 2:
        return None
    cuda = Cuda(*toolkit.release[:2])
    built = {build.cuda for build in case.matrix.builds.get(wanted, ())} - {None}
    return (wanted, cuda) if built and cuda not in built else None


def _finding(message: str, hint: str) -> Finding:
    return Finding(RULE.code, Severity.ERROR, message, hint, packages=("torch",))


RULE = Rule("cpu-build-on-gpu", "a build without CUDA, as the report states it", Scope.HOST, check)

"""What every container file says of a lock: the image's name, what it asks of the driver, and the smoke run inside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import compatmatrix
from compatmatrix.emit import requirements
from compatmatrix.emit.digest import lock_digest
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.decision import Decision
from compatmatrix.model.lock import Lock

FOLDER = "/opt/compatmatrix"
"""Where an image has its lock and the smoke run."""

_PAYLOAD = Path(compatmatrix.__file__).parent / "prove" / "payload"
_PARTS = ("core", "causes", "stack", "data", "train", "after", "device", "watch")
SCRIPTS = ("smoke_payload.py", *(f"smoke_{name}.py" for name in _PARTS), "run_smoke.py")


def digest(lock: Lock) -> str:
    """The digest that names the lock, whatever the format."""
    return lock_digest(requirements.render(lock))


def image_name(lock: Lock) -> str:
    """A name with a tag that changes with the lock and with nothing else."""
    return f"compatmatrix:{lock.decision.build}-{digest(lock).removeprefix('sha256:')[:12]}"


def labels(lock: Lock) -> Mapping[str, str]:
    """What an image, a service or a job says of itself."""
    decision = lock.decision
    return {
        "org.compatmatrix.lock": digest(lock),
        "org.compatmatrix.matrix": decision.matrix_digest,
        "org.compatmatrix.build": decision.build,
    }


def uses_cuda(decision: Decision) -> bool:
    """Whether it needs the NVIDIA container toolkit."""
    return Cuda.from_tag(decision.build) is not None


def wants_gpu(decision: Decision) -> bool:
    """Whether its smoke is to run on a GPU: PyPI's build has CUDA, and is locked for hosts without a GPU too."""
    return uses_cuda(decision) and any(host.has_gpu is not False for host in decision.hosts)


def requirement(decision: Decision) -> str:
    """The value of NVIDIA_REQUIRE_CUDA: "driver>=525.60.13,arch>=5.0"; empty where the floor is not known.

    The container runtime takes comma for "and", blank for "or", and compares driver and arch number by number
    (libnvidia-container src/cli/dsl.c; nvidia-container-toolkit internal/requirements). `cuda>=12.6` would be compared
    with what the driver offers and turn away drivers of the family that run the build. The Go runtime takes
    semantic versions only, which have no leading zeros.
    """
    floor = decision.floor
    if floor is None or not uses_cuda(decision):
        return ""
    driver = ".".join(map(str, floor.driver.release))
    return f"driver>={driver}" + (f",arch>={floor.capability}" if floor.capability else "")


def smoke_command(device: str) -> list[str]:
    """The smoke run inside an image."""
    return ["python", f"{FOLDER}/run_smoke.py", device]


def script(name: str) -> str:
    """One of the scripts that train inside an image; they need nothing but the stack."""
    return (_PAYLOAD / name).read_text(encoding="utf-8")


def heredoc(text: str, word: str) -> list[str]:
    """A text as the body of a here-document that nothing is replaced in, with the closing word."""
    lines = text.rstrip("\n").split("\n")
    if word in lines:
        raise AssertionError(f"the text contains its own end, {word}")
    return [*lines, word]


def yaml(text: str) -> str:
    """A string as YAML; a JSON string is one."""
    return json.dumps(text, ensure_ascii=False)

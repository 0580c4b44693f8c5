"""The matrix as conda sees it: the builds of its channels in the place of the wheels."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Sequence
from typing import Any

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.repositories import CondaRelease
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.host import Host
from compatmatrix.model.stack import Pin
from compatmatrix.rules.stated import toolkit_reaches

SOURCE = "conda"
"""What a change's source begins with where conda brings it; the channel follows where it is known: "conda:pytorch"."""
_PLATFORM = "linux-x86_64"
"""The one whose builds on the channels are known."""


def channel_name(channel: str) -> str:
    """A channel's name, by which mirrors keep it as well: "pytorch" of https://mirror.example/cloud/pytorch."""
    return channel.rstrip("/").rpartition("/")[2]


def conda_matrix(matrix: Matrix, channels: Sequence[str], torch: Pin | None, host: Host) -> Matrix:
    """The matrix whose builds are those that conda can bring from these channels.

    torch: as installed; its build is there in any case, since it is there. A channel that the matrix does not know
    may have what the wheels have. The architectures are those of the wheel of the same release and CUDA, or of its
    major: of conda's builds they are not known, and no rule for conda looks at them. A CUDA that can write no code for
    one of the host's GPUs is left out.
    """
    platform = host.platform.value or ""
    names = [channel_name(channel) for channel in channels]
    rows = [row for row in matrix.conda_releases if row.channel in names and row.package == "pytorch"]
    wheels = [row for row in matrix.tables["build"] if row["platform"] == platform]
    if rows and platform == _PLATFORM:
        builds = [row for row in _builds(rows, wheels) if _reaches(row["build"], host, matrix)]
        here = [row for row in wheels if torch and row["torch"] == str(torch.release) and row["build"] == torch.flavour]
        there = {(row["torch"], row["build"]) for row in builds}
        builds += [{**row, "index": SOURCE} for row in here[:1] if (row["torch"], row["build"]) not in there]
    else:
        once = {(row["torch"], row["build"]): row for row in wheels}
        builds = [{**row, "index": SOURCE} for row in once.values()]
    return Matrix(ChainMap({"build": builds}, matrix.tables), matrix.digest)  # type: ignore[arg-type]


def _builds(rows: Sequence[CondaRelease], wheels: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Raw rows of builds; every release has a CPU build, too."""
    by_torch: dict[str, list[Any]] = {}
    for wheel in wheels:
        by_torch.setdefault(wheel["torch"], []).append(wheel)
    for row in rows:
        same = by_torch.get(str(row.version), [])
        # The channel pytorch was built for the Pythons of the wheels (pytorch/builder).
        pythons = list(row.pythons) or sorted({minor for wheel in same for minor in wheel["pythons"]})
        for tag in (*(cuda.tag for cuda in row.cudas), "cpu"):
            yield {
                "torch": str(row.version),
                "build": tag,
                "platform": _PLATFORM,
                "index": f"{SOURCE}:{row.channel}",
                "pythons": pythons,
                "wheel": "",
                "archs": _archs(tag, same),
                "method": "documented",
                "source": row.evidence.source,
                "checked": row.evidence.checked,
            }


def _reaches(build: str, host: Host, matrix: Matrix) -> bool:
    cuda = Cuda.from_tag(build)
    found = [gpu.capability for gpu in host.gpus.value or () if gpu.capability]
    return cuda is None or all(toolkit_reaches(cuda, capability, matrix) for capability in found)


def _archs(tag: str, wheels: Sequence[Any]) -> list[str]:
    cuda = Cuda.from_tag(tag)
    alike = [
        wheel for wheel in wheels if cuda and (other := Cuda.from_tag(wheel["build"])) and other.major == cuda.major
    ]
    exact = [wheel for wheel in alike if wheel["build"] == tag]
    return list(next((wheel.get("archs", ()) for wheel in exact or alike), ()))

"""What the small matrix says, published: an index that agrees with it in every cell."""

from __future__ import annotations

from typing import Any

from cases import SMALL

from compatmatrix.matrix import Matrix
from compatmatrix.matrix.validate import parse_and_validate

from .conftest import LayeredIndex

LINUX = "manylinux_2_28_x86_64"
LIBRARY = {"torch/lib/libtorch_python.so": b"\0sm_80 sm_90\0 numpy._core \0"}
OLD_LIBRARY = {"torch/lib/libtorch_python.so": b"\0sm_80 sm_90 compute_90\0"}


def small() -> Matrix:
    return Matrix(parse_and_validate(SMALL.encode(), "small"), "")


def publish_small(index: LayeredIndex) -> None:
    """The releases of the small matrix on "simple"."""
    for version, requirement in (("2.7.0", "nvidia-cuda-runtime-cu12==12.6.77"), ("2.8.0", "cuda-toolkit==12.8.1")):
        marked = f'{requirement}; platform_system == "Linux"'
        for tag in ("cp310-cp310", "cp311-cp311"):
            index.add("simple", f"torch-{version}-{tag}-{LINUX}.whl", [marked], members=LIBRARY)
    index.add("simple", f"torchvision-0.23.0-py3-none-{LINUX}.whl", ["torch==2.8.0", "numpy"])
    index.add("simple", f"torchaudio-2.8.0-py3-none-{LINUX}.whl", ["torch==2.8.0"])
    requires = ["torch<2.9,>=1.10", "torchvision>=0.11", 'pytest; extra == "dev"']
    index.add("simple", "fastai-2.8.4-py3-none-any.whl", requires, python=">=3.10")


def publish_new(index: LayeredIndex) -> None:
    """A torch that the small matrix does not know, its partners, and a fastai; on both indexes."""
    marked = ['cuda-toolkit[cublas]==12.8.1; platform_system == "Linux"', "nvidia-cudnn-cu12==9.10.2.21", "filelock"]
    for tag in ("cp311-cp311", "cp313-cp313t"):
        index.add("simple", f"torch-2.9.0-{tag}-{LINUX}.whl", marked, members=LIBRARY)
        index.add("whl/cu126", f"torch-2.9.0+cu126-{tag}-{LINUX}.whl", ["filelock"], members=OLD_LIBRARY)
    index.add("simple", "torch-2.9.0-cp311-cp311-win_amd64.whl", marked, members={"torch/version.py": b"cuda = None\n"})
    index.add("simple", "torch-2.9.0-cp311-none-macosx_11_0_arm64.whl", ["filelock"])
    index.add("whl/cpu", f"torch-2.9.0+cpu-cp311-cp311-{LINUX}.whl", ["filelock"])
    index.add("simple", f"torchvision-0.24.0-cp311-cp311-{LINUX}.whl", ["torch==2.9.0"])
    index.add("simple", f"torchaudio-2.9.0-py3-none-{LINUX}.whl")
    index.add("simple", "fastai-2.8.5-py3-none-any.whl", ["torch<2.10,>=1.10"], python=">=3.10")


def by_key(rows: Any) -> dict[tuple[str, ...], dict[str, Any]]:
    """Learned rows by table and what names them."""
    return {
        (table, *(cells[key] for key in ("torch", "build", "platform", "index")))
        if table == "build"
        else (table, cells["version"]): cells
        for table, cells in rows
    }

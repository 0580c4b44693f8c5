from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from compatmatrix.probe.installed import Installed, installed_stack, parse_version_py

TORCH = """\
from typing import Optional

__all__ = ['__version__', 'debug', 'cuda', 'git_version', 'hip', 'xpu']
__version__ = '{version}'
debug = False
cuda: Optional[str] = {cuda}
git_version = '0000000000000000000000000000000000000000'
hip: Optional[str] = {hip}
xpu: Optional[str] = {xpu}
"""
VISION = """\
__version__ = '{version}'
git_version = '0000000000000000000000000000000000000000'
from torchvision.extension import _check_cuda_version
if _check_cuda_version() > 0:
    cuda = _check_cuda_version()
"""


def torch(version: str, cuda: str = "None", hip: str = "None", xpu: str = "None") -> str:
    return TORCH.format(version=version, cuda=cuda, hip=hip, xpu=xpu)


def site(folder: Path, *records: str, **version_py: str) -> Path:
    """A site-packages folder with empty records, and packages with a version.py."""
    folder.mkdir(parents=True, exist_ok=True)
    for record in records:
        (folder / record).mkdir()
    for name, text in version_py.items():
        (folder / name).mkdir()
        (folder / name / "version.py").write_text(text)
    return folder


def seen(found: Installed) -> dict[str, tuple[str, str | None, str]]:
    return {name: (str(pin.version), pin.flavour, pin.origin) for name, pin in found.stack.items()}


@pytest.mark.parametrize(
    ("text", "version", "flavour"),
    [
        (torch("1.13.1+cu117", "'11.7'"), "1.13.1+cu117", "cu117"),
        (torch("2.0.1+cu117.with.pypi.cudnn", "'11.7'"), "2.0.1+cu117.with.pypi.cudnn", "cu117"),
        (torch("2.13.0+cpu"), "2.13.0+cpu", "cpu"),
        (torch("2.13.0+cu130", "'13.0'"), "2.13.0+cu130", "cu130"),
        (torch("2.6.0+rocm6.2", hip="'6.2.41133-dd7f95766'"), "2.6.0+rocm6.2", "rocm6.2"),
        (torch("2.7.0+xpu", xpu="'20250101'"), "2.7.0+xpu", "xpu"),
        (torch("2.4.1", "'12.6'"), "2.4.1", "cu126"),
        (torch("2.4.1"), "2.4.1", "cpu"),
        (torch("2.4.1", hip="'6.2.41133-dd7f95766'"), "2.4.1", "rocm6.2"),
        (torch("2.6.0a0+ecf3bae40a.nv25.1", "'12.8'"), "2.6.0a0+ecf3bae40a.nv25.1", "cu128"),
        (torch("2.6.0a0+gitdeadbee"), "2.6.0a0+gitdeadbee", "cpu"),
        ("__version__ = \"1.7.1\"\ncuda = '10.2'\nhip = None\n", "1.7.1", "cu102"),
        (VISION.format(version="0.28.0+cu130"), "0.28.0+cu130", "cu130"),
        (VISION.format(version="0.19.1"), "0.19.1", None),
        ("__version__ = '2.4.1'\ncuda = compute()\n", "2.4.1", None),
        ("__version__ = read('VERSION')\n", None, None),
        ("", None, None),
    ],
)
def test_version_py(text: str, version: str | None, flavour: str | None) -> None:
    assert parse_version_py(text) == (Version(version) if version else None, flavour)


@given(st.text() | st.text().map("__version__ = ".__add__) | st.text().map("__version__ = '1'\ncuda = ".__add__))
def test_no_text_raises(text: str) -> None:
    parse_version_py(text)


def test_names_and_versions_come_from_folder_names(tmp_path: Path) -> None:
    folder = site(
        tmp_path / "s", "numpy-1.26.4.dist-info", "PyYAML-6.0.1.dist-info", "ruamel.yaml_clib-0.2.8.dist-info",
        "Pillow-9.5.0-py3.8-linux-x86_64.egg-info", "fastai-2.7.12-py3.10.egg-info", "__pycache__", "numpy",
        "torch_x-1.0+abc.dist-info", "nvidia_cublas_cu12-12.4.5.8.dist-info", "x-1!2.0.post1.dist-info",
    )  # fmt: skip
    found = installed_stack([folder])
    assert found.stack.versions() == {
        "fastai": "2.7.12",
        "numpy": "1.26.4",
        "nvidia-cublas-cu12": "12.4.5.8",
        "pillow": "9.5.0",
        "pyyaml": "6.0.1",
        "ruamel-yaml-clib": "0.2.8",
        "torch-x": "1.0+abc",
        "x": "1!2.0.post1",
    }
    assert found.stack["numpy"].origin == "numpy-1.26.4.dist-info"
    assert found.notes == ()


def test_pypi_metadata_does_not_contradict_the_local_part(tmp_path: Path) -> None:
    folder = site(
        tmp_path / "s", "torch-2.13.0+cpu.dist-info", "torchvision-0.28.0.dist-info",
        torch=torch("2.13.0+cpu"), torchvision=VISION.format(version="0.28.0+cu130"),
    )  # fmt: skip
    found = installed_stack([folder])
    assert seen(found) == {
        "torch": ("2.13.0+cpu", "cpu", "torch/version.py"),
        "torchvision": ("0.28.0+cu130", "cu130", "torchvision/version.py"),
    }
    assert found.notes == ()


def test_what_is_imported_counts_more_than_metadata(tmp_path: Path) -> None:
    folder = site(tmp_path / "s", "torch-2.1.0.dist-info", torch=torch("2.4.1+cu121", "'12.1'"))
    found = installed_stack([folder])
    assert seen(found)["torch"] == ("2.4.1+cu121", "cu121", "torch/version.py")
    assert "its metadata says 2.1.0" in found.notes[0]


def test_another_build_than_recorded(tmp_path: Path) -> None:
    folder = site(tmp_path / "s", "torch-2.1.0+cpu.dist-info", torch=torch("2.1.0+cu121", "'12.1'"))
    assert "its metadata says 2.1.0+cpu" in installed_stack([folder]).notes[0]


def test_torch_without_metadata_and_metadata_without_torch(tmp_path: Path) -> None:
    found = installed_stack([site(tmp_path / "a", torch=torch("2.4.1"))])
    assert seen(found)["torch"][0] == "2.4.1"
    assert "pip does not know it" in found.notes[0]
    found = installed_stack([site(tmp_path / "b", "torch-2.4.1+cu121.dist-info")])
    assert seen(found)["torch"] == ("2.4.1+cu121", "cu121", "torch-2.4.1+cu121.dist-info")
    assert "is not there" in found.notes[0]


def test_two_records_of_one_package(tmp_path: Path) -> None:
    found = installed_stack([site(tmp_path / "s", "numpy-1.26.4.dist-info", "numpy-2.0.0.dist-info")])
    assert found.stack.versions() == {"numpy": "2.0.0"}
    assert "two records" in found.notes[0]


def test_first_on_the_path_wins(tmp_path: Path) -> None:
    first = site(tmp_path / "a", "torch-2.4.1.dist-info", "numpy-1.0.dist-info", torch=torch("2.4.1+cpu"))
    second = site(tmp_path / "b", "torch-2.1.0.dist-info", "numpy-2.0.dist-info", torch=torch("2.1.0+cpu"))
    found = installed_stack([first, second])
    assert found.stack.versions() == {"numpy": "1.0", "torch": "2.4.1+cpu"}
    assert len(found.notes) == 1
    assert "installed twice" in found.notes[0]


def test_leftovers_and_the_unreadable_are_noted(tmp_path: Path) -> None:
    folder = site(tmp_path / "s", "~orch-2.1.0.dist-info", "nothing.dist-info", "bad-x.y.dist-info", ".dist-info")
    found = installed_stack([folder, tmp_path / "missing"])
    assert not found.stack
    assert len(found.notes) == 5


def test_metadata_is_opened_where_the_name_tells_too_little(tmp_path: Path) -> None:
    folder = site(tmp_path / "s", "mine.egg-info", "other.dist-info")
    (folder / "mine.egg-info/PKG-INFO").write_text(
        "Metadata-Version: 2.1\nName: My.Package\nVersion: 0.1.dev0\n\nText\n"
    )
    (folder / "other.dist-info/METADATA").write_bytes(b"Name: other\r\nVersion: 2.0\r\n\r\n")
    (folder / "legacy-3.1-py2.7.egg-info").write_text("Name: legacy\nVersion: 3.1\n")
    found = installed_stack([folder])
    assert found.stack.versions() == {"legacy": "3.1", "my-package": "0.1.dev0", "other": "2.0"}
    assert found.notes == ()


def conda_prefix(tmp_path: Path, *records: str) -> Path:
    (tmp_path / "conda-meta").mkdir()
    for record in records:
        (tmp_path / "conda-meta" / record).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("build", "flavour"),
    [
        ("py310_cu121", "cu121"),
        ("cuda126_py310_h1_300", "cu126"),
        ("py3.10_cuda12.1_cudnn8.9_0", "cu121"),
        ("py310_cpu", "cpu"),
        ("cpu_py310_h1_0", "cpu"),
        ("py310h1_0", None),
    ],
)
def test_conda_builds_name_the_partners_flavour(tmp_path: Path, build: str, flavour: str | None) -> None:
    prefix = conda_prefix(tmp_path, f"torchvision-0.19.1-{build}.json", "history")
    folder = site(tmp_path / "s", "torchvision-0.19.1.dist-info", torchvision=VISION.format(version="0.19.1"))
    found = installed_stack([folder], prefix=prefix)
    assert found.stack["torchvision"].flavour == flavour
    assert found.conda.versions() == {"torchvision": "0.19.1"}
    assert found.notes == ()


def test_pip_over_conda_is_noted(tmp_path: Path) -> None:
    prefix = conda_prefix(
        tmp_path, "pytorch-2.4.1-py3.10_cuda12.1_cudnn9.1.0_0.json", "pytorch-cuda-12.1-ha16c6d3_6.json"
    )
    folder = site(tmp_path / "s", "torch-2.6.0.dist-info", torch=torch("2.6.0+cu124", "'12.4'"))
    found = installed_stack([folder], prefix=prefix)
    assert found.stack["torch"].flavour == "cu124"
    assert found.conda["torch"].flavour == "cu121"
    assert "conda's records say torch 2.4.1" in found.notes[0]


def test_two_hundred_packages_open_no_file(tmp_path: Path) -> None:
    folder = site(tmp_path / "s", *(f"package_{n}-1.{n}.dist-info" for n in range(200)))
    for entry in folder.iterdir():
        entry.chmod(0)
    assert len(installed_stack([folder]).stack) == 200

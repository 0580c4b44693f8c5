"""Each kind of text, line by line: what is read, and what must not be."""

from __future__ import annotations

import pytest

from compatmatrix.probe.reports import (
    containers,
    labels,
    packages,
    resolver,
    session,
    show_install,
    smi,
    system,
    trouble,
)
from compatmatrix.probe.reports.seen import FACTS, PACKAGES, Reader
from compatmatrix.probe.reports.text import clean


def facts(read: Reader, text: str) -> list[tuple[str, str]]:
    return list(dict.fromkeys((one.fact, one.value) for one in read(clean(text))))


@pytest.mark.parametrize(
    ("line", "fact"),
    [
        ("Driver 565.57, CUDA available: True, GH200", ("cuda-available", "True")),
        ("Ultralytics Python-3.10.15 torch-2.5.0+cu121 CUDA:0 (RTX 4090)", ("cuda-available", "True")),
        ("- 2.8.0+cu128", ("torch", "2.8.0+cu128")),
        ("PyTorch 2.1.2+cu121 with CUDA 1201 (you have 2.1.2+cpu)", ("torch", "2.1.2+cpu")),
        ("windows10+CUDA9.0+torch1.0.1", ("torch", "1.0.1")),
        ("Windows 11 with a Snapdragon", ("machine", "arm64")),
        ("Radeon RX 6800", ("amd", "Radeon")),
    ],
)
def test_in_passing(line: str, fact: tuple[str, str]) -> None:
    assert fact in facts(trouble.read, line)


def test_a_version_that_was_asked_for_is_none_that_is_there() -> None:
    assert ("torch", "1.3.0") not in facts(trouble.read, "Collecting torch===1.3.0")


@pytest.mark.parametrize(
    ("line", "fact"),
    [
        ("L4T Release: R35.4.1", ("os", "Jetson L4T R35.4.1")),
        ("JetPack Version: 5.1.2", ("os", "Jetson L4T of JetPack 5.1.2")),
    ],
)
def test_jetsons_by_their_software(line: str, fact: tuple[str, str]) -> None:
    assert fact in facts(system.read, line)


def test_lightning_lists_the_gpus_inside_its_section_cuda() -> None:
    text = "* CUDA:\n\t- GPU:\n\t\t- NVIDIA RTX A6000\n\t- available:         True\n\t- version:           11.3\n"
    assert ("torch-cuda", "11.3") in facts(labels.read, text)
    assert ("torch-cuda", "1.12") not in facts(labels.read, "* Packages:\n\t- version:           1.12\n")


def test_a_plan_of_mamba() -> None:
    line = "  + pytorch                 1.11.0  py3.10_cpu_0         pytorch/linux-64           84MB"
    assert facts(packages.read, line) == [("torch", "1.11.0"), ("conda-torch", "cpu")]


def test_what_was_not_met() -> None:
    line = "Could not find a version that satisfies the requirement torch~=2.3 (from x) (from versions: 2.2.2,..."
    assert ("unmet", "~=2.3") in facts(resolver.read, line)
    assert ("offered", "2.2.2,..., ...") in facts(resolver.read, line)


def test_the_torch_of_an_image() -> None:
    line = "FROM pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime"
    assert ("torch", "2.5.1+cu124") in facts(containers.read, line)


@pytest.mark.parametrize(
    ("line", "image"), [("on the `python:3.7-alpine` image", "python:3.7-alpine"), ("FROM alpine:3.19", "alpine:3.19")]
)
def test_small_images(line: str, image: str) -> None:
    assert ("image", image) in facts(containers.read, line)


def test_no_package_is_called_like_a_fact() -> None:
    assert not PACKAGES & set(FACTS)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("PyTorch version: 1.12.1+cu102", [("torch", "1.12.1+cu102")]),
        ("PyTorch version              : 2.7.0+cu126", [("torch", "2.7.0+cu126")]),
        ("- **PyTorch version**: 2.5.1", [("torch", "2.5.1")]),
        (" - PyTorch Version (e.g., 1.0): 1.3", [("torch", "1.3")]),
        ("- PyTorch version (GPU?): 2.2.1+cpu (False)", [("torch", "2.2.1+cpu"), ("cuda-available", "False")]),
        ("PyTorch: 1.8.0+cu111", [("torch", "1.8.0+cu111")]),
        ("PyTorch version: N/A", []),
        ("CUDA used to build PyTorch: 11.7", [("torch-cuda", "11.7")]),
        ("CUDA used to build PyTorch: None", [("torch-cuda", "cpu")]),
        ("CUDA used to build PyTorch: N/A", []),
        ("CUDA used to build PyTorch: Could not collect", [("torch-cuda", "cpu")]),
        ("CUDA (via torch): 12.8", []),
        ("CUDA/cuDNN version: 10.2", []),
        ("CUDA runtime version: 12.4.131", [("toolkit", "12.4")]),
        ("Is CUDA available: No", [("cuda-available", "False")]),
        ("Nvidia driver version: 410.104", [("driver", "410.104")]),
        ("Nvidia driver version: No CUDA", []),
        ("GPU models and configuration: No CUDA", [("no-gpu", "No CUDA")]),
        ("GPU models and configuration: Could not collect", []),
        ("GPU 0: Tesla K80", [("gpu", "Tesla K80")]),
        ("GPU 1\uff1a Tesla P100-PCIE-16GB", [("gpu", "Tesla P100-PCIE-16GB")]),
        ("- **GPU**: 3x NVIDIA RTX A6000", [("gpu", "NVIDIA RTX A6000")]),
        ("GPU 0,1                 GeForce RTX 2080 Ti", [("gpu", "GeForce RTX 2080 Ti")]),
        ("Python version: 3.7 (64-bit runtime)", [("python", "3.7")]),
        ("Python version: 3.12.0 | packaged by conda-forge | (main, Oct  3 2023)", [("python", "3.12.0")]),
        ("OS: Ubuntu 22.04.2 LTS (WSL2) (x86_64)", [("os", "Ubuntu 22.04.2 LTS (WSL2) (x86_64)")]),
        ("Libc version: glibc-2.28", [("libc", "glibc-2.28")]),
        ("see https://pytorch.org: it says more", []),
    ],
)
def test_labels(line: str, expected: list[tuple[str, str]]) -> None:
    assert facts(labels.read, line) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[pip3] torch==1.9.0", [("torch", "1.9.0")]),
        (
            "[conda] pytorch                   1.3.0           py3.7_cuda10.1.243_cudnn7.6.3_0    pytorch",
            [("torch", "1.3.0"), ("conda-torch", "10.1")],
        ),
        ("[conda] torch                     1.6.0                     <pip>", [("torch", "1.6.0")]),
        ("torch==2.1.0\nnumpy==1.26.4", [("torch", "2.1.0"), ("numpy", "1.26.4")]),
        (
            "Package    Version\n---------- -------\nfoo        1.0\ntorch      2.2.2+cpu",
            [("foo", "1.0"), ("torch", "2.2.2+cpu")],
        ),
        ("foo        1.0", []),
        ("pytorch 1.11.0 cpu_py37h14e09b7_1 conda-forge", [("torch", "1.11.0"), ("conda-torch", "cpu")]),
        ("pytorch | 1.5.0 | py3.7_cuda102_cudnn7_0 | pytorch", [("torch", "1.5.0"), ("conda-torch", "10.2")]),
        (
            "Successfully installed torch-1.13.1+cu117 typing-extensions-4.1.1",
            [("torch", "1.13.1+cu117"), ("typing-extensions", "4.1.1")],
        ),
        ("Requirement already satisfied: torch in /usr/lib/x (from -r r.txt (line 1)) (1.8.0)", [("torch", "1.8.0")]),
        ("Name: fastcore\nVersion: 1.5.29", [("fastcore", "1.5.29")]),
        (
            "pytorch            pytorch/win-64::pytorch-1.10.0-py3.6_cpu_0",
            [("torch", "1.10.0"), ("conda-torch", "cpu")],
        ),
        ("+ torch==2.5.1", [("torch", "2.5.1")]),
        ("torch               ✅ 2.5.1+cu124!=2.4.0,>=1.8.0", [("torch", "2.5.1+cu124")]),
        ("numpy               ❌ 2.1.0<2.0.0", [("numpy", "2.1.0")]),
        ("pip install torch==1.13.1", []),
        ("Because torch==2.6.0 has no wheels, it cannot be used", []),
    ],
)
def test_packages(text: str, expected: list[tuple[str, str]]) -> None:
    assert facts(packages.read, text) == expected


def test_show_install() -> None:
    text = """\
=== Software ===
python        : 3.7.0
fastai        : 1.0.49.dev0
torch         : 1.0.0
torch cuda    : 9.0.176 / is **Not available**
nvidia gpus   : 1
  - gpu0      : 11177MB | GeForce GTX 1080 Ti
"""
    assert facts(show_install.read, text) == [
        ("fastai", "1.0.49.dev0"),
        ("torch", "1.0.0"),
        ("cuda-available", "False"),
        ("gpu", "GeForce GTX 1080 Ti"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "| NVIDIA-SMI 470.86       Driver Version: 470.86       CUDA Version: 11.4",
            [("driver", "470.86"), ("driver-cuda", "11.4")],
        ),
        (
            "| NVIDIA-SMI 610.43.02    KMD Version: 610.43.02     CUDA UMD Version: 13.3     |",
            [("driver", "610.43.02"), ("driver-cuda", "13.3")],
        ),
        ("| NVIDIA-SMI N/A   Driver Version: N/A   CUDA Version: 9.1 |", [("driver-cuda", "9.1")]),
        (
            "|   0  GeForce GTX 108...  Off  | 00000000:01:00.0 Off |                  N/A |",
            [("gpu", "GeForce GTX 108..."), ("os", "Linux, by nvidia-smi")],
        ),
        (
            "|   0  NVIDIA GeForce RTX 2060      WDDM  | 00000000:01:00.0 Off |",
            [("gpu", "NVIDIA GeForce RTX 2060"), ("os", "Windows, by nvidia-smi")],
        ),
        ("GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5f3c2ad0-1111)", [("gpu", "NVIDIA A100-SXM4-40GB")]),
        (
            "name, driver_version, compute_cap\nNVIDIA A10, 525.105.17, 8.6",
            [("gpu", "NVIDIA A10"), ("driver", "525.105.17"), ("capability", "8.6")],
        ),
        ("<driver_version>535.1.2</driver_version>", [("driver", "535.1.2")]),
        ("<product_name>Tesla T4</product_name>", [("gpu", "Tesla T4")]),
        ("    Product Name                          : Tesla V100-SXM2-16GB", [("gpu", "Tesla V100-SXM2-16GB")]),
        (
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.90.07  Fri May 31 09:35:42 UTC 2024",
            [("driver", "550.90.07")],
        ),
        ("No devices were found", [("no-gpu", "No devices were found")]),
        ("| N/A   30C    P0    58W / 400W |   1404MiB / 40537MiB |      0%      Default |", []),
    ],
)
def test_nvidia_smi(text: str, expected: list[tuple[str, str]]) -> None:
    assert facts(smi.read, text) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ldd (Ubuntu GLIBC 2.23-0ubuntu11.3) 2.23", [("libc", "glibc 2.23")]),
        ("musl libc (x86_64)", [("libc", "musl")]),
        ("Cuda compilation tools, release 10.2, V10.2.89", [("toolkit", "10.2")]),
        ("Python 3.10.12", [("python", "3.10.12")]),
        ("Python 3.7.5 (default, Oct 25 2019, 15:51:11)", [("python", "3.7.5")]),
        ('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"', [("os", "Debian GNU/Linux 12 (bookworm)")]),
        (
            "export LD_LIBRARY_PATH=/usr/local/cuda-12.1/lib64:$LD_LIBRARY_PATH",
            [("library-path", "/usr/local/cuda-12.1/lib64:$LD_LIBRARY_PATH")],
        ),
    ],
)
def test_system(line: str, expected: list[tuple[str, str]]) -> None:
    assert facts(system.read, line) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (">>> torch.__version__\n'1.8.1+cu102'", [("torch", "1.8.1+cu102")]),
        ("In [2]: torch.version.cuda\nOut[2]: '10.2'", [("torch-cuda", "10.2")]),
        (">>> torch.version.cuda\n>>> torch.cuda.is_available()\nFalse", [("cuda-available", "False")]),
        (
            ">>> print(torch.__version__, torch.cuda.is_available())\n2.6.0 True",
            [("torch", "2.6.0"), ("cuda-available", "True")],
        ),
        (">>> torch.cuda.get_device_capability()\n(8, 6)", [("capability", "8.6")]),
        (">>> torch.cuda.get_device_name(0)\nTraceback (most recent call last):", []),
        ("torch.__version__: 2.0.1", [("torch", "2.0.1")]),
        ("device = 'cuda' if torch.cuda.is_available() else 'cpu'\nprint(device)", []),
    ],
)
def test_session(text: str, expected: list[tuple[str, str]]) -> None:
    assert facts(session.read, text) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "ERROR: Could not find a version that satisfies the requirement torch==1.13.1 (from versions: "
            "2.0.0, 2.0.1)",
            [("requested", "torch==1.13.1"), ("offered", "2.0.0, 2.0.1")],
        ),
        (
            "ERROR: Could not find a version that satisfies the requirement torch (from versions: none)",
            [("offered", "none")],
        ),
        (
            "fastai 2.0.18 has requirement fastcore<1.3,>=1.1, but you'll have fastcore 1.3.1 which is incompatible.",
            [("conflict", "fastai|fastcore|<1.3,>=1.1|1.3.1"), ("fastcore", "1.3.1"), ("fastai", "2.0.18")],
        ),
        (
            "pip install torch==2.3.1 --index-url https://download.pytorch.org/whl/cu121",
            [("index-tag", "cu121"), ("requested", "torch==2.3.1+cu121")],
        ),
        (
            "Because torch==2.6.0 has no wheels with a matching platform tag (e.g., `macosx_15_0_x86_64`)",
            [("requested", "torch==2.6.0"), ("os", "macos_15_0_x86_64"), ("machine", "macos_15_0_x86_64")],
        ),
        (
            "Found `cpython-3.10.15-linux-x86_64-musl` at",
            [("python", "3.10.15"), ("os", "linux musl"), ("machine", "x86_64")],
        ),
        ("torchvision requires a GPU for this", []),
        (
            "ERROR: Could not find a version that satisfies the requirement torchaudio==0.8.1 (from versions: 0.11.0)",
            [("requested", "torchaudio==0.8.1"), ("offered", "0.11.0"), ("offered-of", "torchaudio")],
        ),
        ("  - torchvision=0.9.1 -> __cuda[version='>=10.2']", [("requested", "torchvision==0.9.1")]),
        ("Your python: python==3.10.9", [("python", "3.10.9")]),
    ],
)
def test_resolver(line: str, expected: list[tuple[str, str]]) -> None:
    assert facts(resolver.read, line) == expected


@pytest.mark.parametrize(
    ("line", "image"),
    [
        ("FROM nvidia/cuda:12.1.1-devel-ubuntu22.04", "nvidia/cuda:12.1.1-devel-ubuntu22.04"),
        (
            "docker run --rm --gpus all pytorch/pytorch:2.0.1-cuda11.7-cudnn8-devel nvidia-smi",
            "pytorch/pytorch:2.0.1-cuda11.7-cudnn8-devel",
        ),
        ("manifest for nvidia/cuda:11.0-base unknown", "nvidia/cuda:11.0-base"),
    ],
)
def test_containers(line: str, image: str) -> None:
    assert ("image", image) in facts(containers.read, line)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("driver on your system is too old (found version 9010).", [("driver-cuda", "9.1")]),
        ("(found version 11040)", [("driver-cuda", "11.4")]),
        ("NumPy 2.0.1 as it may crash. To support both 1.x and 2.x", [("numpy", "2.0.1")]),
        (
            "NVIDIA RTX A6000 with CUDA capability sm_86 is not compatible with the current PyTorch installation.",
            [("gpu", "NVIDIA RTX A6000"), ("capability", "8.6")],
        ),
        ("The current PyTorch install supports CUDA capabilities sm_37 sm_50.", [("archs", "sm_37 sm_50")]),
        ("Found GPU0 Tesla K40c which is of cuda capability 3.5.", [("gpu", "Tesla K40c"), ("capability", "3.5")]),
        ('  File "/usr/lib/python3.8/site-packages/torch/cuda/__init__.py", line 1', [("python", "3.8")]),
        ("01:00.0 VGA: NVIDIA Corporation GP104BM [GeForce GTX 1070 Mobile] (rev a1)", [("gpu", "GeForce GTX 1070")]),
        ("It works on PyTorch 1.8.1", [("torch", "1.8.1")]),
        ("You should try torch 1.8.1", []),
        ("please update the driver to 525.60.13", []),
    ],
)
def test_trouble(line: str, expected: list[tuple[str, str]]) -> None:
    found = facts(trouble.read, line)
    assert [one for one in found if one[0] != "gpu" or one in expected] == expected

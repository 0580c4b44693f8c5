from __future__ import annotations

import pytest

from compatmatrix.rules.cpu_build_stated import RULE

from .reported import codes

GPU = "GPU 0: NVIDIA GeForce RTX 3090\n"


@pytest.mark.parametrize(
    "text",
    [
        f">>> torch.version.cuda\nNone\n{GPU}",
        f"PyTorch version: 2.10.0.dev20251021+cpu\n{GPU}",
        f"OS: Windows 11\n{GPU}torch.cuda.is_available() False\nNvidia driver version: 551.86\n",
        "OS: Linux (Jetson Orin)\nMachine: aarch64\ntorch.cuda.is_available() False\n",
        f"OS: Windows 11\n{GPU}pip install torch --extra-index-url https://download.pytorch.org/whl/cu114\n",
    ],
)
def test_a_cpu_build(text: str) -> None:
    assert codes(RULE, text) == ["cpu-build-on-gpu"]


@pytest.mark.parametrize(
    "text",
    [
        ">>> torch.version.cuda\nNone\nGPU models and configuration: No CUDA\n",
        f">>> torch.version.cuda\n'12.1'\n{GPU}torch.cuda.is_available() False\n",
        f"PyTorch version: 1.5.0+cu101\n{GPU}torch.cuda.is_available() False\n",
        f"{GPU}torch.cuda.is_available() False\nNvidia driver version: 390.46\n",
        f"{GPU}torch.cuda.is_available() False\nError 804: forward compatibility was attempted on non supported HW\n",
        f"{GPU}CUDA used to build PyTorch: N/A\n",
        f"OS: Windows 11\n{GPU}pip install torch --extra-index-url https://download.pytorch.org/whl/cu118\n",
        "torch.cuda.is_available() False\n",
        f"conda install pytorch cudatoolkit=10.2\n{GPU}torch.cuda.is_available() False\n"
        "UserWarning: CUDA initialization: CUDA unknown error (Triggered internally at CUDAFunctions.cpp:109.)",
    ],
)
def test_silence(text: str) -> None:
    assert codes(RULE, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Python-3.10.11 torch-2.1.0+cpu\nInvalid CUDA 'device=0' requested. Use 'device=cpu'\n",
        "torch: 2.6.0+cpu\nNvidia driver version: 560.94\n",
        "torch: 2.6.0+cpu\nHow do I switch to the GPU?\n",
        "conda install pytorch=1.9.0 cudatoolkit=11.3 -c pytorch\ntorch.cuda.is_available() False\n",
        f"{GPU}pip installed the CPU version of torch\n",
    ],
)
def test_a_cpu_build_by_what_is_wanted(text: str) -> None:
    """No GPU need be named where somebody asks for one, or a driver is there."""
    assert codes(RULE, text) == ["cpu-build-on-gpu"]


@pytest.mark.parametrize(
    "text",
    [
        "torch: 2.6.0+cpu\n",
        "torch: 2.6.0+cpu\nThe model won't run on my GPU, a Radeon RX 7900 XTX with ROCm\n",
        "conda install pytorch=1.9.0 cudatoolkit=11.1 -c pytorch\ntorch.cuda.is_available() False\n",
        "pip install torch --index-url https://download.pytorch.org/whl/cpu\npip installed the CPU version of torch\n",
        "I have no GPU, so I installed the CPU version of torch\n",
        f">>> torch.version.cuda\n'12.1'\n{GPU}Is it the CPU version of torch?\n",
    ],
)
def test_silence_where_no_gpu_is_wanted(text: str) -> None:
    assert codes(RULE, text) == []


@pytest.mark.parametrize(
    "words",
    [
        "I am not using a GPU. The loss is nan.",
        "This happens on the CPU; I do not use CUDA at all.",
        "I ran it on the CPU instead of the GPU to debug.",
        "When I move the model to GPU on our server the problem goes away.",
        "model.to(device)  # use GPU if available",
    ],
)
def test_who_trains_on_the_cpu_by_choice_is_left_alone(words: str) -> None:
    assert codes(RULE, f"torch: 2.2.0+cpu\n{words}\n") == []


WINDOWS = "OS: Windows 11\n"
COMPILES = "C:\\ai>python setup_cuda.py install\nNo CUDA runtime is found, using CUDA_HOME='C:\\CUDA\\v12.1'\n"


@pytest.mark.parametrize(
    "text",
    [
        f"{WINDOWS}The program won't use the GPU\n>> Using device_type CPU\n",
        COMPILES,
        f"{WINDOWS}{GPU}Invalid `--device 0` request, valid devices are 0 - -1.\n",
    ],
)
def test_a_program_that_runs_on_the_cpu_of_windows(text: str) -> None:
    assert codes(RULE, text) == ["cpu-build-on-gpu"]


@pytest.mark.parametrize(
    "text",
    [
        f"{WINDOWS}>> Using device_type CPU\n",
        ">> Using device_type CPU\nThe program won't use the GPU\n",
        f"{WINDOWS}Radeon RX 6800\nThe program won't use the GPU\n>> Using device_type CPU\n",
        f"torch: 2.1.0+cu121\n{COMPILES}",
        COMPILES.replace("python setup_cuda.py install", "pip install vllm").replace("C:", "/opt").replace("\\", "/"),
    ],
)
def test_not_wanted_or_not_sure(text: str) -> None:
    """On the CPU by choice, on Linux, with a card that is no NVIDIA one, with a build that has CUDA."""
    assert codes(RULE, text) == []

from __future__ import annotations

import pytest

from compatmatrix.rules.torchvision_stated import RULE

from .reported import codes, found

LINUX = "OS: Ubuntu 22.04 (x86_64)\n"


@pytest.mark.parametrize(
    "text",
    [
        "torch==1.2.0\ntorchvision==0.3.0\n",
        "torch==1.0.0\ntorchvision==0.5.0\n",
        f"{LINUX}torch==2.2.1+cpu\ntorchvision==0.17.1\n",
        "torch==2.7.0+cpu\ntorchvision==0.22.0\noperator torchvision::nms does not exist\n",
        f"{LINUX}torch==2.2.1+cu118\ntorchvision==0.17.1\n",
        "OS: Windows 11\ntorch==2.2.1+cu118\ntorchvision==0.17.1\n",
    ],
)
def test_mismatch(text: str) -> None:
    assert codes(RULE, text) == ["torchvision-mismatch"]


@pytest.mark.parametrize(
    "text",
    [
        "torch==1.2.0\ntorchvision==0.4.0\n",
        "torch==1.5.1\ntorchvision==0.6.0\n",
        f"{LINUX}torch==2.2.1+cpu\ntorchvision==0.17.1+cpu\n",
        f"{LINUX}torch==2.2.1+cu121\ntorchvision==0.17.1\n",
        "OS: Windows 11\ntorch==2.2.1+cpu\ntorchvision==0.17.1\n",
        "OS: macOS 14.0 (arm64)\ntorch==2.2.1\ntorchvision==0.17.1\n",
        f"{LINUX}torch==2.10.0.dev20251008+cpu\ntorchvision==0.25.0.dev20251008\n",
        "torch==1.2.0\n",
    ],
)
def test_a_pair(text: str) -> None:
    assert codes(RULE, text) == []


def test_on_an_assumed_platform_and_without_an_error_it_is_a_warning() -> None:
    assert found(RULE, "torch==2.7.0+cpu\ntorchvision==0.22.0\n") == [("torchvision-mismatch", "warning")]


def test_what_was_asked_for_may_have_come_with_a_tag() -> None:
    text = "OS: Windows 11\npip install torch==2.2.1+cu118 torchvision==0.17.1\n"
    assert found(RULE, text) == [("torchvision-mismatch", "warning")]

from __future__ import annotations

import json

import pytest
from cases import pin, stack
from packaging.version import Version

from compatmatrix.model.stack import Pin, Stack, local_flavour, public


def test_order_does_not_count() -> None:
    one, other = stack("torch==2.8.0", "fastai==2.8.4"), stack("fastai==2.8.4", "torch==2.8.0")
    assert one == other
    assert hash(one) == hash(other)
    assert list(one) == ["fastai", "torch"]


@pytest.mark.parametrize(
    "other", [stack("torch==2.8.0"), stack("torch==2.8.0", "fastai==2.8.4+x"), stack(), {"torch": 1}, None], ids=repr
)
def test_differs(other: object) -> None:
    assert stack("torch==2.8.0", "fastai==2.8.4") != other


def test_cannot_be_changed() -> None:
    found = stack("torch==2.8.0")
    with pytest.raises(TypeError):
        found["torch"] = pin("torch==2.9.0")  # type: ignore[index]
    with pytest.raises(AttributeError):
        found.extra = 1  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        found["torch"].version = Version("2.9.0")  # type: ignore[misc]


def test_source_list_may_change_later() -> None:
    pins = [pin("torch==2.8.0")]
    found = Stack(pins)
    pins.append(pin("numpy==2.0.0"))
    assert "numpy" not in found


def test_release_is_without_the_build() -> None:
    found = stack("torch==2.13.0+cpu")
    assert found.release("torch") == Version("2.13.0")
    assert found.release("fastai") is None
    assert found.versions() == {"torch": "2.13.0+cpu"}
    assert found["torch"].flavour == "cpu"
    assert str(found["torch"]) == "torch==2.13.0+cpu"


def test_json_values() -> None:
    rows = json.loads(json.dumps(stack("torch==2.13.0+cpu", "numpy==2.0.0").to_dict()))
    assert rows["torch"] == {"version": "2.13.0+cpu", "flavour": "cpu", "origin": "a test"}
    assert rows["numpy"]["flavour"] is None


def test_pins_sort_with_and_without_flavour() -> None:
    assert Stack([Pin("torch", Version("2.0"), "cpu"), Pin("numpy", Version("2.0"), None)])["torch"].flavour == "cpu"


@pytest.mark.parametrize(
    ("text", "plain", "flavour"),
    [("2.13.0+cpu", "2.13.0", "cpu"), ("2.13.0", "2.13.0", None), ("2.13.0rc1+cu126", "2.13.0rc1", "cu126")],
)
def test_local_part(text: str, plain: str, flavour: str | None) -> None:
    assert public(Version(text)) == Version(plain)
    assert local_flavour(Version(text)) == flavour

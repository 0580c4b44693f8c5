"""scripts/prove_matrix.py: what it would make, and what it passes over."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "prove_matrix.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("prove_matrix", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_proof_can_be_made_again(script: ModuleType) -> None:
    """The list names all that stands in the index, each once."""
    listed = script.listed()
    assert len(listed) == len(set(listed))
    for row in script.load_index():
        assert f"{row.python} fastai=={row.stack['fastai']} torch=={row.stack['torch']}" in listed


def test_what_was_proven_is_passed_over(script: ModuleType) -> None:
    row = script.load_index()[0]
    pins = f"fastai=={row.stack['fastai']} torch=={row.stack['torch']}"
    assert script.known(f"{row.python} {pins}")
    assert not script.known(f"3.99 {pins}")
    assert not script.known(f"{row.python} {pins}.1")


def test_other_smoke_scripts_make_it_worth_another_run(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    row = script.load_index()[0]
    stack = f"{row.python} fastai=={row.stack['fastai']} torch=={row.stack['torch']}"
    record = script.read_record(script.PROOFS / row.record / "proof.json")
    then = {script.PAYLOAD.name: record.payload_digest, **dict(record.payload_parts)}
    monkeypatch.setattr(script, "smoke_scripts", lambda: then)
    assert script.known(stack, renew=True)
    monkeypatch.setattr(script, "smoke_scripts", lambda: {**then, script.PAYLOAD.name: "another"})
    assert not script.known(stack, renew=True)
    assert script.known(stack)

from __future__ import annotations

import json

from compatmatrix.emit.json import decision_to_dict, render
from compatmatrix.model.host import host_from_dict
from compatmatrix.model.lock import Lock

CONTRACT = {"schema", "command", "stack", "build", "index", "proof", "rejected", "packages"}


def test_contract(cuda_lock: Lock) -> None:
    data = json.loads(render(cuda_lock))
    assert data.keys() >= CONTRACT
    assert (data["schema"], data["command"], data["build"]) == (1, "lock", "cu126")
    assert data["stack"] == {
        "fastai": "2.99.0",
        "python": "3.12.1",
        "torch": "9.9.9+cu126",
        "torchvision": "0.99.9+cu126",
    }
    assert data["index"]["torch"] == "https://index.example/whl/cu126"
    assert data["proof"] == {"level": "trained-gpu", "record": "cu126/9.9.9.json"}
    assert data["rejected"][0]["findings"][0]["code"] == "arch-missing"
    assert data["packages"][0].keys() == {"name", "version", "hashes", "marker"}
    assert data["packages"][1]["marker"] is None


def test_decision_alone_has_the_same_keys(cuda_lock: Lock, cpu_lock: Lock) -> None:
    core = decision_to_dict(cpu_lock.decision)
    assert core.keys() == json.loads(render(cuda_lock)).keys()
    assert core["packages"] == []
    assert core["proof"] is None
    assert core["index"] == {"torch": "pypi"}
    assert core["stack"]["python"] == "3.8"


def test_the_host_is_a_host_file(cuda_lock: Lock) -> None:
    host = host_from_dict(json.loads(render(cuda_lock))["host"])
    assert host.gpus.value == cuda_lock.decision.host.gpus.value

"""The JSON contract of `lock --json`, for a lock and for a decision alone (`--core`)."""

from __future__ import annotations

import json
from typing import Any

from compatmatrix.emit.format import Format
from compatmatrix.index import without_credentials
from compatmatrix.model.decision import Decision
from compatmatrix.model.lock import Lock

SCHEMA = 1
_TORCH_FAMILY = ("torch", "torchaudio", "torchvision")


def decision_to_dict(decision: Decision) -> dict[str, Any]:
    """A decision as in the contract; `packages` is empty. The stack names the Python it was decided for."""
    stack = decision.stack.versions()
    if "python" not in stack and decision.host.python.value is not None:
        stack["python"] = str(decision.host.python.value)
    index = without_credentials(decision.index_url) or "pypi"
    return {
        "schema": SCHEMA,
        "command": "lock",
        "stack": stack,
        "build": decision.build,
        "index": {name: index for name in _TORCH_FAMILY if name in stack},
        "proof": {"level": str(decision.proof.level), "record": decision.proof.record} if decision.proof else None,
        "rejected": [rejection.to_dict() for rejection in decision.rejected],
        "packages": [],
        "requirements": list(decision.requirements),
        "constraints": list(decision.constraints),
        "notes": list(decision.notes),
        "matrix": decision.matrix_digest,
        "host": decision.host.to_dict(),
    }


def lock_to_dict(lock: Lock) -> dict[str, Any]:
    """A lock as in the contract: its decision with the packages."""
    return {**decision_to_dict(lock.decision), "packages": [package.to_dict() for package in lock.packages]}


def render(lock: Lock) -> str:
    """The contract's JSON, indented, in a fixed order."""
    return json.dumps(lock_to_dict(lock), indent=2, ensure_ascii=False) + "\n"


FORMAT = Format("json", "lock.json", render, universal=True)

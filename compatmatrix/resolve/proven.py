"""The shipped proofs: which stacks have been trained, filed by their versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from compatmatrix.errors import BadInput
from compatmatrix.model.lock import ProofMark
from compatmatrix.model.proof import ProofLevel
from compatmatrix.resolve.decide import ProofKey

INDEX = "index.json"


@lru_cache(maxsize=4)
def load_proofs(folder: Path) -> Mapping[ProofKey, list[tuple[str, ProofMark]]]:
    """The index of a folder of proofs; empty where there is none. Raises BadInput where it cannot be read.

    Filed by Python and versions; each entry names the build it was trained in ("cu126@pytorch") and its record.
    """
    path = folder / INDEX
    try:
        rows = json.loads(path.read_bytes())["proofs"]
        found: dict[ProofKey, list[tuple[str, ProofMark]]] = {}
        for row in rows:
            names = ("fastai", "torch", "torchvision")
            key = (row["python"], *(f"{name}=={row['stack'][name]}" for name in names))
            mark = ProofMark(ProofLevel(row["level"]), row["record"])
            found.setdefault(key, []).append((row["build"], mark))
        return found
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path}: cannot be read as an index of proofs ({error!r})") from error

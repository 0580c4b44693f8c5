"""The shipped proofs: which stacks have been trained, filed by their versions."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from compatmatrix.errors import BadInput
from compatmatrix.model.decision import ProofMark
from compatmatrix.model.host import Libc
from compatmatrix.model.proof import ProofLevel
from compatmatrix.resolve.decide import CORE_OF_PROOF, Proofs, filed_under, tagged

INDEX = "index.json"


class ProofRow(NamedTuple):
    """One proof of the index.

    python: "3.12". libc: of the host that it was locked for. build: "cu126@pytorch". stack: the trained versions.
    record: the folder that holds proof.json and requirements.txt. lock: digest of the lock, comments aside.
    """

    python: str
    platform: str
    libc: Libc | None
    build: str
    level: ProofLevel
    stack: dict[str, str]
    record: str
    lock: str

    @classmethod
    def read(cls, row: dict[str, Any]) -> "ProofRow":
        """From the index. Raises KeyError, TypeError or ValueError for a broken row."""
        kind, _, number = (row["libc"] or "").partition(" ")
        libc = Libc(kind, *map(int, number.split("."))) if number else None
        plain = [str(row[name]) for name in ("python", "platform", "build", "record", "lock")]
        python, platform, build, record, lock = plain
        if not all(name in row["stack"] for name in CORE_OF_PROOF):
            raise KeyError("stack")
        return cls(python, platform, libc, build, ProofLevel(row["level"]), dict(row["stack"]), record, lock)

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the index."""
        return {**self._asdict(), "libc": str(self.libc) if self.libc else None}


@lru_cache(maxsize=4)
def load_rows(folder: Path) -> tuple[ProofRow, ...]:
    """The index of a folder of proofs; empty where there is none. Raises BadInput where it cannot be read."""
    path = folder / INDEX
    try:
        return tuple(ProofRow.read(row) for row in json.loads(path.read_bytes())["proofs"])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path}: cannot be read as an index of proofs ({error!r})") from error


def file_row(folder: Path, row: ProofRow) -> None:
    """Write the index of a folder of proofs with a row, in the place of the one of the same record."""
    from compatmatrix.atomic import write_atomically

    load_rows.cache_clear()
    kept = [other for other in load_rows(folder) if other.record != row.record]
    rows = sorted([*kept, row], key=lambda each: each.record)
    text = json.dumps({"schema": 1, "proofs": [each.to_dict() for each in rows]}, indent=1) + "\n"
    write_atomically(folder / INDEX, text)
    load_rows.cache_clear()


@lru_cache(maxsize=4)
def load_proofs(folder: Path) -> Proofs:
    """The proofs of a folder, as `decide` takes them."""
    found: dict[tuple[str, ...], list[tuple[str, ProofMark]]] = {}
    for row in load_rows(folder):
        key = filed_under(row.platform, row.stack)
        found.setdefault(key, []).append((tagged(row.python, row.build), ProofMark(row.level, row.record)))
    return found

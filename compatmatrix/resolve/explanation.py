"""Rejections, grouped and counted: what explain and a refusal tell."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from compatmatrix.model.decision import Rejection
from compatmatrix.model.finding import Finding


class Group(NamedTuple):
    """Candidates that fell for the same kind of reason. example: a finding that tells it."""

    code: str
    candidates: tuple[str, ...]
    example: Finding

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "code": self.code,
            "count": len(self.candidates),
            "candidates": list(self.candidates),
            "example": self.example.message,
            "evidence": [evidence._asdict() for evidence in self.example.evidence],
        }


def grouped(rejected: Sequence[Rejection]) -> list[Group]:
    """Rejections by the code of their first finding, in order of appearance."""
    found: dict[str, list[Rejection]] = {}
    for rejection in rejected:
        found.setdefault(rejection.findings[0].code, []).append(rejection)
    return [
        Group(code, tuple(dict.fromkeys(map(_name, members))), _shared(code, members))
        for code, members in found.items()
    ]


def _shared(code: str, members: Sequence[Rejection]) -> Finding:
    """The finding that most of them have, word for word, of this code: a GPU that the driver does not know explains
    more than one build's CUDA. The first one's where none is shared."""
    first = members[0].findings[0]
    count = Counter(finding for one in members for finding in dict.fromkeys(one.findings) if finding.code == code)
    best, times = count.most_common(1)[0]
    return best if times > max(1, count[first]) else first


def _name(rejection: Rejection) -> str:
    torch = rejection.stack.get("torch")
    fastai = rejection.stack.get("fastai")
    parts = [f"fastai {fastai.version} with"] if fastai else []
    parts.append(f"torch {torch.release} {rejection.build}" if torch else rejection.build)
    return " ".join(parts)

"""What a smoke run answered and how far a stack has been proven."""

from enum import StrEnum
from typing import Any, NamedTuple


class ProofLevel(StrEnum):
    """How far a stack was proven, weakest first. versions-trained: trained in another build."""

    RESOLVED = "resolved"
    VERSIONS_TRAINED = "versions-trained"
    TRAINED_CPU = "trained-cpu"
    TRAINED_GPU = "trained-gpu"


class Status(StrEnum):
    PASS = "pass"
    FAIL = "fail"
    SKIP = "skip"


class Probe(NamedTuple):
    """One question that the smoke run answered.

    detail: what was seen, or the library's own error, or why it was skipped. seconds: wall time.
    code: the finding code of the likely cause where the probe failed, else empty. warnings: what the libraries warned
    of meanwhile, each as "category: text".
    """

    name: str
    status: Status
    detail: str
    seconds: float
    code: str = ""
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As in the JSON contract."""
        return {
            "name": self.name,
            "status": str(self.status),
            "detail": self.detail,
            "seconds": round(self.seconds, 3),
            "code": self.code or None,
            **({"warnings": list(self.warnings)} if self.warnings else {}),
        }


class SmokeResult(NamedTuple):
    """The answer of one smoke run.

    device: "cuda:0 NVIDIA H200" or "cpu". versions: distributions as the run itself saw them.
    failure: why there is no complete answer (time limit, crash), empty otherwise. seconds: wall time of all.
    output_tail: the last lines the run printed, for trouble only.
    """

    probes: tuple[Probe, ...]
    device: str
    versions: tuple[tuple[str, str], ...]
    seconds: float
    failure: str = ""
    output_tail: str = ""

    @property
    def passed(self) -> bool:
        """No failure, nothing failed, and something passed."""
        statuses = {probe.status for probe in self.probes}
        return not self.failure and Status.FAIL not in statuses and Status.PASS in statuses

    @property
    def level(self) -> ProofLevel:
        """What a passed run proves; RESOLVED for a run that did not pass."""
        if not self.passed:
            return ProofLevel.RESOLVED
        return ProofLevel.TRAINED_GPU if self.device.startswith("cuda") else ProofLevel.TRAINED_CPU

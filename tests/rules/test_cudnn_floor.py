from __future__ import annotations

from cases import case, host, with_rows

from compatmatrix.matrix import Matrix
from compatmatrix.model.finding import Finding
from compatmatrix.model.observed import NOTHING, Sign
from compatmatrix.rules.cudnn_floor import RULE


def found(matrix: Matrix, torch: str, *capabilities: str, more: tuple[str, ...] = ()) -> list[Finding]:
    where = host(*capabilities, driver="470.223.02" if "cu11" in torch else "570.124.06")
    return list(RULE.check(case(matrix, where, torch, *more)))


def severities(matrix: Matrix, torch: str, *capabilities: str, more: tuple[str, ...] = ()) -> list[str]:
    return [f"{one.severity}[{one.code}]" for one in found(matrix, torch, *capabilities, more=more)]


def test_kepler_has_code_but_no_cudnn(matrix: Matrix) -> None:
    """cuDNN 8.7 of torch 2.3.1 has Kepler, cuDNN 9.1 of torch 2.4.0 has not."""
    assert severities(matrix, "torch==2.3.1+cu118", "3.7") == []
    (finding,) = found(matrix, "torch==2.4.0+cu118", "3.7", "5.0")
    assert str(finding.severity) == "warning"
    assert "cuDNN 9.1.0.70 of torch 2.4.0 for cu118 has no kernels for GPU 3.7" in finding.message
    assert "torch 2.3.1 (cu118) is the last" in finding.hint
    assert "cudnn.enabled = False" in finding.hint
    assert len(finding.evidence) == 2


def test_a_cudnn_put_over_the_builds_own(matrix: Matrix) -> None:
    """torch for cu126 keeps the last cuDNN that knows Volta; one installed over it does not."""
    torch = "torch==2.9.1+cu126"
    assert severities(matrix, torch, "7.0", more=("nvidia-cudnn-cu12==9.10.2.21",)) == []
    assert severities(matrix, torch, "7.5", more=("nvidia-cudnn-cu12==9.11.0.98",)) == []
    (finding,) = found(matrix, torch, "7.0", more=("nvidia-cudnn-cu12==9.11.0.98",))
    assert str(finding.severity) == "error"
    assert finding.fix == ("nvidia-cudnn-cu12==9.10.2.21",)


def test_a_failure_that_was_seen_makes_it_an_error(matrix: Matrix) -> None:
    told = case(matrix, host("3.7", driver="470.223.02"), "torch==2.5.1+cu118")
    seen = NOTHING._replace(signs=(Sign("cudnn-failure", 3, "CUDNN_STATUS_ARCH_MISMATCH"),))
    (finding,) = RULE.check(told._replace(observed=seen))
    assert str(finding.severity) == "error"


def test_silence(matrix: Matrix) -> None:
    assert severities(matrix, "torch==2.5.1+cu118", "5.0") == []
    assert severities(matrix, "torch==2.14.1+cu126", "6.1", "7.0", "9.0") == []
    assert severities(matrix, "torch==2.5.1+cpu", "3.7") == []
    assert severities(matrix, "torch==2.5.1+cu118", "?") == []
    assert severities(matrix, "torch==2.5.1+cu118") == []
    # Without code for the GPU at all, arch-missing speaks.
    assert severities(matrix, "torch==2.9.1+cu128", "3.7") == []
    # Of which nothing is known.
    assert severities(with_rows(matrix, "cudnn-floor"), "torch==2.5.1+cu118", "3.7") == []

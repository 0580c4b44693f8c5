from __future__ import annotations

import pytest
from cases import errors, host, stack, with_rows
from packaging.version import Version

from compatmatrix.matrix import Matrix
from compatmatrix.model.finding import Severity
from compatmatrix.model.host import Host
from compatmatrix.resolve.question import IndexPolicy
from compatmatrix.resolve.repair import Repair, nearest_repair, tidied
from compatmatrix.rules import RULES, Case, judge

CPU = host()
OLD = ("torch==1.13.1@cu117", "torchvision==0.14.1@cu117", "fastai==2.7.12")
FASTCORE = {"package": "fastcore", "allowed": "<2", "when": {"fastai": "<2.8.8"}, "symptom": "AttributeError"}
PANDAS = {"package": "pandas", "allowed": "<3", "when": {"fastai": "<2.8.8"}, "symptom": "NaN", "severity": "warning"}


@pytest.fixture
def warning(matrix: Matrix) -> Matrix:
    """A matrix in which pandas is worth a warning, and fastcore an error."""
    return with_rows(matrix, "limit", FASTCORE, PANDAS)


def repair(matrix: Matrix, where: Host, *pins: str, **options: object) -> Repair:
    found = nearest_repair(stack(*pins), where, matrix, **options)  # type: ignore[arg-type]
    assert found is not None
    return found


def asked(found: Repair) -> list[str]:
    return [change.requirement for change in found.changes]


@pytest.mark.parametrize(
    ("where", "pins"),
    [
        pytest.param(CPU, (), id="nothing installed"),
        pytest.param(host(python="3.10"), (*OLD, "numpy==1.26.4"), id="healthy"),
        pytest.param(CPU, ("torch==99.0",), id="not in the matrix"),
        pytest.param(host("7.0"), ("torch==2.13.0@cu126", "torchvision==0.28.0@cu126"), id="served"),
    ],
)
def test_nothing_to_repair(matrix: Matrix, where: Host, pins: tuple[str, ...]) -> None:
    assert repair(matrix, where, *pins).changes == ()


@pytest.mark.parametrize(
    ("where", "pins", "expected"),
    [
        pytest.param(host(python="3.10"), (*OLD, "numpy==2.2.6"), ["numpy<2"], id="numpy alone"),
        pytest.param(
            CPU, ("torch==2.13.0+cpu", "torchvision==0.28.0@cu130"), ["torchvision==0.28.0+cpu"], id="the partner alone"
        ),
        pytest.param(
            host("7.0"),
            ("torch==2.13.0@cu130", "torchvision==0.28.0@cu130"),
            ["torch==2.13.0+cu126", "torchvision==0.28.0+cu126"],
            id="another build of the same release",
        ),
        pytest.param(
            host("8.0"),
            ("torch==2.13.0+cpu", "torchvision==0.28.0+cpu"),
            ["torch==2.13.0", "torchvision==0.28.0"],
            id="PyPI's own build of the same release",
        ),
        pytest.param(CPU, ("fastai==2.8.11",), ["fastai==2.8.12"], id="fastai itself"),
        pytest.param(
            host(python="3.10"),
            (*OLD, "torchaudio==2.1.0", "numpy==1.26.4"),
            ["torchaudio==0.13.1"],
            id="torchaudio alone",
        ),
    ],
)
def test_the_smallest_change(matrix: Matrix, where: Host, pins: tuple[str, ...], expected: list[str]) -> None:
    assert asked(repair(matrix, where, *pins)) == expected


BROKEN = [
    (host(python="3.10"), (*OLD, "numpy==2.2.6", "fastcore==1.8.0")),
    (host(python="3.13"), OLD),
    (host(python="3.8"), ("torch==2.13.0@cu130", "torchvision==0.28.0", "fastai==2.8.12", "fastcore==2.2.30")),
    (host("7.0", "8.0"), ("torch==2.13.0@cu130", "torchvision==0.28.0@cu130", "fastai==2.8.7", "fastcore==2.1.0")),
    (host("12.0"), ("torch==2.6.0@cu124", "torchvision==0.21.0@cu124", "fastai==2.7.19", "numpy==2.2.0")),
    (host("8.0", driver="535.104.05"), ("torch==2.13.0+cpu", "torchvision==0.25.0@cu128")),
    (host("8.0", driver="470.57.02"), ("torch==2.13.0@cu130",)),
]


@pytest.mark.parametrize("index", list(IndexPolicy))
@pytest.mark.parametrize(("where", "pins"), BROKEN, ids=lambda value: value[0] if isinstance(value, tuple) else "")
def test_it_leads_to_a_stack_without_errors(
    matrix: Matrix, where: Host, pins: tuple[str, ...], index: IndexPolicy
) -> None:
    before = stack(*pins)
    assert errors(Case.of(before, where, matrix))
    found = nearest_repair(before, where, matrix, index=index)
    if found is None:
        return
    assert errors(Case.of(found.stack, where, matrix)) == []
    assert {change.source for change in found.changes} <= {"", "pypi", "pytorch"} & (
        {"", index} if index is not IndexPolicy.AUTO else {"", "pypi", "pytorch"}
    )
    moved = {change.name for change in found.changes}
    assert {name for name in before if before[name] != found.stack[name]} == moved


def test_pins_of_the_user_move_last(matrix: Matrix) -> None:
    where = host(python="3.10")
    pins = (*OLD, "numpy==2.2.6")
    kept = repair(matrix, where, *pins, pinned=frozenset({"numpy"}))
    assert "numpy" not in {change.name for change in kept.changes}
    assert asked(repair(matrix, where, *pins, pinned=frozenset({"torch", "fastai"}))) == ["numpy<2"]


def test_no_fewer_packages_would_do(matrix: Matrix) -> None:
    """Undoing any one change brings an error back."""
    for where, pins in BROKEN:
        before = stack(*pins)
        found = repair(matrix, where, *pins)
        for change in found.changes:
            undone = stack(*pins).__class__(
                [before[p.name] if p.name == change.name else p for p in found.stack.values()]
            )
            assert errors(Case.of(undone, where, matrix)), f"{change.requirement} is not needed"


def test_index_policy(matrix: Matrix) -> None:
    mixed = ("torch==2.13.0+cpu", "torchvision==0.28.0@cu130")
    assert asked(repair(matrix, CPU, *mixed, index=IndexPolicy.PYPI)) == ["torch==2.13.0"]
    old = repair(matrix, host("7.0"), "torch==2.13.0@cu130", "torchvision==0.28.0@cu130", index=IndexPolicy.PYPI)
    assert old.from_pytorch == ()
    assert old.stack["torch"].release < Version("2.13.0")


@pytest.mark.parametrize(
    "where",
    [
        pytest.param(host("12.0", driver="550.54.14"), id="a driver that does not know the GPU"),
        pytest.param(host(platform="linux-riscv64"), id="no wheels at all"),
        pytest.param(host(libc="musl 1.2"), id="musl"),
    ],
)
def test_no_repair_exists(matrix: Matrix, where: Host) -> None:
    assert nearest_repair(stack("torch==2.13.0@cu130"), where, matrix) is None


def test_warnings_are_repaired_when_asked(warning: Matrix) -> None:
    pins = ("torch==2.10.0@cu128", "torchvision==0.25.0@cu128", "fastai==2.8.7", "fastcore==1.9.0", "pandas==3.0.0")
    found = judge(Case.of(stack(*pins), CPU, warning), RULES)
    assert [finding.severity for finding in found] == [Severity.WARNING]
    assert repair(warning, CPU, *pins).changes == ()
    both = frozenset({Severity.ERROR, Severity.WARNING})
    assert asked(repair(warning, CPU, *pins, unwanted=both)) == ["pandas<3"]


def test_it_adds_no_warning_where_that_can_be_avoided(matrix: Matrix) -> None:
    found = repair(matrix, host(python="3.13"), *OLD)
    assert [finding for finding in found.remaining if finding.severity is Severity.WARNING] == []


def test_packages_that_nobody_asked_for_move_for_a_warning(warning: Matrix) -> None:
    pins = ("torch==2.10.0@cu128", "torchvision==0.25.0@cu128", "fastai==2.8.7", "fastcore==2.1.0", "pandas==3.0.0")
    found = repair(warning, CPU, *pins)
    assert [change.name for change in found.changes] == ["fastcore"]
    tidy = tidied(found, stack(*pins), CPU, warning, frozenset())
    assert asked(tidy) == [*asked(found), "pandas<3"]
    assert tidy.remaining == ()
    assert tidied(found, stack(*pins), CPU, warning, frozenset({"pandas"})) == found
    assert tidied(tidy, stack(*pins), CPU, warning, frozenset()) == tidy

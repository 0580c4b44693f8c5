from __future__ import annotations

import tomllib
from typing import Any

import pytest
import tomlkit
from cases import SMALL, row_line
from hypothesis import given, settings
from hypothesis import strategies as st

from compatmatrix.errors import MatrixError
from compatmatrix.matrix import Matrix
from compatmatrix.matrix.schema import EVIDENCE, TABLES
from compatmatrix.matrix.validate import parse_and_validate


def faults(text: str | bytes) -> tuple[str, ...]:
    """The faults of a matrix, empty for none."""
    try:
        parse_and_validate(text if isinstance(text, bytes) else text.encode(), "m.toml")
    except MatrixError as error:
        return error.problems
    return ()


def edit(old: str, new: str) -> str:
    """The small matrix with the first place of one text replaced."""
    assert old in SMALL
    return SMALL.replace(old, new, 1)


def row(table: str, **changes: Any) -> str:
    """The first row of a table as TOML, with some columns changed; None takes a column away."""
    first = {**tomllib.loads(SMALL)[table][0], **changes}
    return tomlkit.dumps({table: [{key: value for key, value in first.items() if value is not None}]})


def test_no_faults() -> None:
    assert faults(SMALL) == ()


def test_windows_line_ends_are_no_fault() -> None:
    assert faults(SMALL.replace("\n", "\r\n")) == ()


@pytest.mark.parametrize("column", EVIDENCE)
@pytest.mark.parametrize("table", sorted(TABLES.keys() - {"limit"}))
def test_missing_evidence(table: str, column: str) -> None:
    text = SMALL + row(table, **{column: None})
    number = text.count(f"[[{table}]]")
    assert faults(text) == (
        f"m.toml:{row_line(text, table, number)}: [[{table}]] row {number}: evidence {column!r} is missing",
    )


@pytest.mark.parametrize(
    ("table", "column"),
    [(table, column) for table in sorted(TABLES.keys() - {"limit"}) for column in TABLES[table].required],
)
def test_missing_column(table: str, column: str) -> None:
    found = faults(SMALL + row(table, **{column: None}))
    assert any(f"column {column!r} is missing" in fault for fault in found)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('name = "Ampere"', 'nickname = "Ampere"', "nickname: unknown column"),
        ('driver-linux = "525.60.13"', "driver-linux = 525", "driver-linux: expected a version, as a string"),
        ('driver-linux = "525.60.13"', 'driver-linux = "R525"', "driver-linux: 'R525' is not a version"),
        ("major = 12", 'major = "12"', "major: expected a whole number"),
        ("major = 12", "major = true", "major: expected a whole number"),
        ('version = "12.6"', 'version = "12"', "version: '12' is not a CUDA version"),
        ('archs = ["sm_80"]', 'archs = ["sm_80", "8.0"]', "archs: '8.0' is not an architecture"),
        ('archs = ["sm_80"]', 'archs = "sm_80"', "archs: expected a list"),
        ('pythons = ["3.10", "3.11"]', 'pythons = ["cp310"]', "pythons: 'cp310' is not a Python version"),
        ('build = "cu126"', 'build = "CUDA 12.6"', "build: 'CUDA 12.6' is not a build tag"),
        ('index = "pypi"', 'index = "conda"', "index: 'conda' is not one of pypi, pytorch"),
        ('platform = "linux-x86_64"', 'platform = "Linux"', "platform: 'Linux' is not a platform"),
        ('torch = "==2.8.0"', 'torch = "2.8.0"', "torch: '2.8.0' is not a specifier set"),
        ('requires = { torch = ">=1.10,<2.9" }', 'requires = ["torch"]', "requires: expected a table"),
        ('requires = { torch = ">=1.10,<2.9" }', 'requires = { torch = "1" }', "requires: torch: '1' is not a spec"),
        ('checked = "2024-01-31"', 'checked = "31.1.2024"', "checked: '31.1.2024' is not a date"),
        ('checked = "2024-01-31"', "checked = 2024-01-31", "is not a date"),
        ('checked = "2024-01-31"', 'checked = "2024-02-30"', "checked: '2024-02-30' is not a date"),
        ('checked = "2024-01-31"', 'checked = "20240131"', "checked: '20240131' is not a date"),
        ('source = "made up"', 'source = "https://x.example"', "source: names an address"),
        ('method = "inferred"', 'method = "guessed"', "method: 'guessed' is not one of metadata, measured"),
        ('source = "made up"', 'source = " "', "source: expected a non-empty string"),
        ("schema = 1", "schema = 2", "schema is 2, expected 1"),
        ('kind = "datacenter"', 'kind = ""', "kind: expected a non-empty string"),
    ],
)
def test_bad_value(old: str, new: str, fault: str) -> None:
    found = faults(edit(old, new))
    assert any(fault in one for one in found), found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (SMALL + row("torch", version="2.8.0"), "[[torch]] row 3: duplicate of row 2 (2.8.0)"),
        (SMALL + row("gpu"), "[[gpu]] row 2: duplicate of row 1 (NVIDIA A100)"),
        (SMALL + row("build", torch="2.8.0", build="cu128"), "[[build]] row 3: duplicate of row 2"),
        (SMALL + row("fastai"), "[[fastai]] row 2: duplicate of row 1 (2.8.4)"),
    ],
    ids=["torch", "gpu", "build", "fastai"],
)
def test_duplicate(text: str, fault: str) -> None:
    assert any(fault in one for one in faults(text)), faults(text)


@pytest.mark.parametrize(
    "text",
    [
        SMALL + row("torch", version="2.7.1", yanked="made up"),
        SMALL + row("build", torch="2.7.0", platform="linux-aarch64"),
        SMALL + row("cuda", version="12.7"),
        SMALL + row("cuda-family", major=11),
        SMALL + row("capability", capability="7.5"),
        SMALL + row("fastai", version="2.8.3"),
        SMALL + row("torchvision", version="0.22.0"),
        SMALL + row("torchaudio", version="2.7.0"),
        SMALL + row("cudnn-floor", version="8.9"),
        SMALL + row("conda", version="2.7.0"),
    ],
    ids=["torch", "build", "cuda", "family", "capability", "fastai", "torchvision", "torchaudio", "cudnn", "conda"],
)
def test_out_of_order(text: str) -> None:
    assert ["out of order" in one for one in faults(text)] == [True]


def test_versions_order_as_versions() -> None:
    assert faults(SMALL + row("torch", version="2.10.0", yanked="made up")) == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (SMALL + row("build", torch="2.9.0"), "torch 2.9.0 has no row in [[torch]]"),
        (SMALL + row("build", torch="2.8.0", build="cu130"), "CUDA 13.0 has no row in [[cuda]]"),
        (SMALL + row("cuda", version="13.0"), "CUDA 13.0 has no row in [[cuda-family]]"),
        (SMALL + row("gpu", name="NVIDIA H100", capability="9.0"), "capability 9.0 has no row in [[capability]]"),
        (SMALL + row("torch", version="2.9.0"), "torch 2.9.0 has no [[build]]"),
        (SMALL + row("build", torch="2.8.0", build="cpu"), "a build without CUDA has no architectures"),
        (edit('archs = ["sm_80"]', 'archs = ["sm_90"]'), "capability 9.0 of sm_90 has no row in [[capability]]"),
        (SMALL + row("torchvision", version="0.24.0", torch="==2.9.0"), "no row in [[torch]] is within '==2.9.0'"),
        (SMALL + row("torchaudio", version="2.9.0", torch=">=2.8", pair="2.9.0"), "pair: torch 2.9.0 has no row"),
        (SMALL + row("torchaudio", version="2.9.0", torch=">=2.8", pair="2.7.0"), "pair: torch 2.7.0 is outside"),
        (SMALL + row("cudnn-floor", cuda=14), "CUDA 14 has no row in [[cuda]]"),
        (SMALL + row("cudnn-floor", version="9.1", capability="9.0"), "capability 9.0 has no row in [[capability]]"),
        (SMALL + row("image", tag="1", cuda="13.0"), "CUDA 13.0 has no row in [[cuda]]"),
        (SMALL + row("image", tag="1", torch="2.9.0"), "torch 2.9.0 has no row in [[torch]]"),
        (SMALL + row("conda", version="2.9.0", cuda=["13.0"]), "CUDA 13.0 has no row in [[cuda]]"),
        (SMALL + row("conda", package="x", channel="nowhere"), "channel nowhere has no row in [[conda-channel]]"),
        (edit('complete-to = "2.8.0"', 'complete-to = "2.6.0"'), "complete-from 2.7.0 is newer than complete-to 2.6.0"),
        (edit('name = "Ampere"', 'name = "A"\nfirst-cuda = "12.7"'), "CUDA 12.7 has no row in [[cuda]]"),
        (edit('name = "Ampere"', 'name = "A"\nfirst-cuda = "12.8"\nlast-cuda = "12.6"'), "newer than last-cuda 12.6"),
        (edit('name = "Ampere"', 'name = "A"\nfirst-driver = 580\nlast-driver = 470'), "newer than last-driver 470"),
    ],
)
def test_dangling_reference(text: str, fault: str) -> None:
    assert [fault in one for one in faults(text)] == [True], faults(text)


def test_one_name_for_gpus_of_two_generations() -> None:
    text = SMALL + row("capability", capability="9.0")
    assert faults(text + row("gpu", name="A100", aliases=["nvidia a100"])) == ()
    found = faults(text + row("gpu", name="H100", capability="9.0", aliases=["nvidia a100"]))
    assert ["'nvidia a100' is also a name of a GPU of capability 8.0" in one for one in found] == [True]


@pytest.mark.parametrize(
    ("when", "fault"),
    [
        ({"torch": "<2.8"}, None),
        ({"torch": "<1.5"}, None),
        ({"python": ">=3.9", "pillow": ">=10"}, None),
        ({"torch": ">=2.9"}, "when: no row in [[torch]] is within '>=2.9'"),
        ({"fastai": "==2.8.5"}, "when: no row in [[fastai]] is within '==2.8.5'"),
        ({}, "when: it names nothing"),
    ],
    ids=str,
)
def test_a_limit_must_be_able_to_apply(when: dict[str, str], fault: str | None) -> None:
    """Releases older than the tables count: reports name them."""
    limit = {"package": "numpy", "allowed": "<2", "when": when, "symptom": "x", "source": "x", "method": "measured"}
    text = SMALL.replace("limit = []\n", "") + tomlkit.dumps({"limit": [{**limit, "checked": "2024-01-31"}]})
    assert [fault is not None and fault in one for one in faults(text)] == ([True] if fault else [])


def test_below_the_oldest_family_a_cuda_release_has_its_own_driver() -> None:
    first = SMALL.index("[[cuda]]")
    assert faults(SMALL[:first] + row("cuda", version="10.2").lstrip() + "\n" + SMALL[first:]) == ()


def test_a_yanked_torch_needs_no_build() -> None:
    assert faults(SMALL + row("torch", version="2.9.0", yanked="broken")) == ()


def test_unknown_table() -> None:
    assert faults(SMALL + '[[rocm]]\nversion = "6.2"\n') == ("m.toml: unknown table 'rocm'",)


@pytest.mark.parametrize("table", sorted(TABLES.keys() - {"limit"}))
def test_missing_table(table: str) -> None:
    """A file of an older release lacks the tables that came later, and is still read."""
    tables = tomllib.loads(SMALL)
    del tables[table]
    found = faults(tomlkit.dumps(tables))
    assert (f"m.toml: table [[{table}]] is missing" in found) is not TABLES[table].later


@pytest.mark.parametrize("value", ["3", '"text"', "{ a = 1 }", "[1, 2]"])
def test_no_array_of_tables(value: str) -> None:
    assert any("limit: expected an array of tables" in one for one in faults(edit("limit = []", f"limit = {value}")))


@pytest.mark.parametrize("column", ["url", *EVIDENCE])
def test_index_needs_its_columns(column: str) -> None:
    tables = tomllib.loads(SMALL)
    del tables["index"]["pytorch"][column]
    assert f"m.toml: [index.pytorch] {column}: is missing" in faults(tomlkit.dumps(tables))


def test_bad_toml_names_the_line() -> None:
    found = faults(SMALL + "[[gpu]\n")
    assert len(found) == 1
    assert f"line {SMALL.count(chr(10)) + 1}" in found[0]


def test_not_utf8_names_the_byte() -> None:
    raw = SMALL.encode() + b"# \xff\n"
    assert faults(raw) == (f"m.toml: not UTF-8 (byte {len(SMALL.encode()) + 2})",)


@pytest.mark.parametrize("raw", [b"", b"\x00", b"\xef\xbb\xbf" + SMALL.encode()], ids=["empty", "NUL", "with a BOM"])
def test_hopeless_files_are_faults(raw: bytes) -> None:
    assert faults(raw)


def test_limits_are_checked_like_any_table() -> None:
    good = SMALL.replace("limit = []\n", "") + tomlkit.dumps(
        {
            "limit": [
                {
                    "package": "numpy",
                    "allowed": "<2",
                    "when": {"torch": "<2.3"},
                    "symptom": "RuntimeError",
                    "source": "x",
                    "method": "measured",
                    "checked": "2024-01-31",
                }
            ]
        }
    )
    assert faults(good) == ()
    assert faults(good.replace('"numpy"', '"NumPy"'))
    assert faults(good.replace('torch = "<2.3"', 'torch = "soon"'))


def test_five_faults_of_five_kinds_all_listed_with_their_lines() -> None:
    text = (
        SMALL.replace('name = "Ampere"', 'nickname = "Ampere"')
        .replace('archs = ["sm_80"]', 'archs = ["8.0"]', 1)
        .replace('checked = "2024-01-31"\n\n[[fastai]]', "\n[[fastai]]")
        + row("gpu")
        + row("build", torch="2.9.0", build="cu128")
    )
    found = faults(text)
    for table, number, fault in [
        ("capability", 1, "nickname: unknown column"),
        ("build", 1, "archs: '8.0' is not an architecture"),
        ("torchaudio", 1, "evidence 'checked' is missing"),
        ("gpu", 2, "duplicate of row 1"),
        ("build", 3, "torch 2.9.0 has no row in [[torch]]"),
    ]:
        place = f"m.toml:{row_line(text, table, number)}: [[{table}]] row {number}: "
        assert any(one.startswith(place) and fault in one for one in found), (place, found)


JUNK = st.none() | st.booleans() | st.integers(-9, 99) | st.text(max_size=8) | st.just("2.8.0") | st.just("==2.8.0")
VALUES = st.recursive(
    JUNK, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
)
PLACES = [
    (table, column) for table, shape in TABLES.items() for column in (*shape.required, *shape.optional, *EVIDENCE)
]


def without_none(value: Any) -> Any:
    """TOML knows no null."""
    if isinstance(value, dict):
        return {key: without_none(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [without_none(one) for one in value if one is not None]
    return value


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(PLACES), VALUES.filter(lambda value: value is not None)), min_size=1, max_size=3)
)
def test_whatever_stands_in_a_column_is_a_fault_or_can_be_read(changes: list[tuple[tuple[str, str], Any]]) -> None:
    tables = tomllib.loads(SMALL)
    for (table, column), value in changes:
        for one in tables[table][:1]:
            one[column] = without_none(value)
    try:
        text = tomlkit.dumps(tables)
    except (ValueError, TypeError):
        return
    try:
        found = parse_and_validate(text.encode("utf-8", "replace"), "m.toml")
    except MatrixError as error:
        assert error.problems
        return
    matrix = Matrix(found, "")
    for read in ("torches", "builds", "torchvisions", "torchaudios", "fastais", "limits", "cudas", "families"):
        getattr(matrix, read)
    for read in ("capabilities", "gpus", "gpu_names", "platforms"):
        getattr(matrix, read)
    for read in ("images", "conda_releases"):
        getattr(matrix, read)
    for torch in matrix.torches:
        matrix.partner("torchvision", torch)
        matrix.conda_lacks("somewhere", torch)
        matrix.cudnn_floor(torch, 12)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*TABLES, "schema", "index", "x"]), VALUES.filter(lambda v: v is not None), max_size=4
    )
)
def test_whatever_stands_for_a_table_is_a_fault(junk: dict[str, Any]) -> None:
    tables = {**tomllib.loads(SMALL), **{name: without_none(value) for name, value in junk.items()}}
    try:
        text = tomlkit.dumps(tables)
    except (ValueError, TypeError):
        return
    faults(text.encode("utf-8", "replace"))

from __future__ import annotations

from pathlib import Path

import pytest

from compatmatrix.probe.own_matrix import base_line, matrix_in_force, own_matrix, shipped_matrix, with_base


@pytest.mark.parametrize(
    ("system", "variable", "place"),
    [
        ("linux", "HOME", ".local/share/compatmatrix/matrix.toml"),
        ("darwin", "HOME", "Library/Application Support/compatmatrix/matrix.toml"),
        ("win32", "LOCALAPPDATA", "compatmatrix/matrix.toml"),
    ],
)
def test_where_it_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str, variable: str, place: str) -> None:
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv(variable, str(tmp_path))
    assert own_matrix() == tmp_path / place
    # The specification wants an absolute path there, and others to be ignored.
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert own_matrix() == tmp_path / place
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert own_matrix() == tmp_path / "data/compatmatrix/matrix.toml"


def test_it_counts_as_long_as_it_was_made_from_the_shipped_matrix(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert matrix_in_force() == (shipped_matrix(), None)
    own = own_matrix()
    own.parent.mkdir()
    own.write_text(with_base("schema = 1\n", shipped_matrix()), encoding="utf-8")
    assert matrix_in_force() == (own, None)
    other = tmp_path / "other.toml"
    other.write_text("schema = 2\n")
    own.write_text(with_base(own.read_text(), other), encoding="utf-8")
    assert own.read_text() == base_line(other) + "schema = 1\n"
    assert matrix_in_force() == (shipped_matrix(), own)

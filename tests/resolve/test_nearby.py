from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from compatmatrix.matrix.rows import admits
from compatmatrix.resolve.nearby import nearest_version, steps_between

RELEASES = [Version(text) for text in ("2.1", "2.0", "1.13.1", "1.13.0")]


@pytest.mark.parametrize(
    ("one", "other", "steps"),
    [("2.1", "2.1", 0), ("2.1", "2.0", 1), ("1.13.0", "2.1", 3), ("3.0", "2.1", 1), ("1.0", "0.9", 1)],
)
def test_steps(one: str, other: str, steps: int) -> None:
    assert steps_between(RELEASES, Version(one), Version(other)) == steps


@pytest.mark.parametrize(
    ("spec", "current", "found"),
    [
        ("<2", "1.26.4", "1.26.4"),
        ("<2", "2.2.6", "1.9999"),
        ("<0.0.3", "0.0.5", "0.0.2.9999"),
        (">=1.8,<2", "1.5.55", "1.8"),
        (">=1.8,<2", "2.1", "1.9999"),
        ("==1.2.3", "2.0", "1.2.3"),
        ("==1.2.*", "2.0", "1.2.1"),
        (">3", "2.0", "3.1"),
        ("!=2.0", "2.0", "1.9999"),
        ("<1,>=2", "1.5", None),
    ],
)
def test_the_nearest_version(spec: str, current: str, found: str | None) -> None:
    assert nearest_version(spec, Version(current)) == (Version(found) if found else None)


@given(st.lists(st.sampled_from(["<2", ">=1.5", "<1.8", "!=1.6", ">=2.1", "==1.7.*", "~=1.7"]), min_size=1), st.data())
def test_what_is_found_is_admitted(specs: list[str], data: st.DataObject) -> None:
    spec = ",".join(specs)
    found = nearest_version(spec, Version(data.draw(st.sampled_from(["1.0", "1.6", "1.7.3", "2.0", "2.5"]))))
    assert found is None or admits(spec, found)

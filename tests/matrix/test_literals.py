"""The words that a text must hold before a pattern is tried."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compatmatrix.matrix.literals import SHORTEST, literals
from compatmatrix.matrix.tokens import compile_pattern, load_tokens

DATA = Path(__file__).parent.parent / "data"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("Torch not compiled", ("compiled",)),
        (r"libcuda\.so\.1", ("libcuda.so.1",)),
        (r"lib(?:cublas|cudnn)\.so", ("cublas", "cudnn")),
        (r"(?:py)?torch", ("torch",)),
        (r"abcd?efgh", ("efgh",)),
        (r"abc+def", ("abc",)),
        (r"ab{0,2}cde|\bxyz\b", ("cde", "xyz")),
        (r"(?:abc|\d+)", ()),
        (r"(?:abc){2}", ("abc",)),
        (r"(?:abc)*xy", ()),
        (r"(?<!abcdef)uvw(?!ghijkl)", ("uvw",)),
        (r"[abcdef)|(]xyz[^]|)]", ("xyz",)),
        (r"(?P<name>abcdef)", ()),
        (r"ab", ()),
    ],
)
def test_pieces(pattern: str, expected: tuple[str, ...]) -> None:
    assert literals(pattern) == expected


def _texts() -> list[str]:
    lines = (DATA / "error_texts.tsv").read_text("utf-8").splitlines()
    reports = [path.read_text("utf-8", errors="replace") for path in sorted((DATA / "reports").glob("*.txt"))[::5]]
    return [line.split("\t", 1)[1] for line in lines] + reports


def test_no_text_that_a_pattern_matches_is_passed_over() -> None:
    found = 0
    for text in _texts():
        lower = text.lower()
        for token in load_tokens().tokens.values():
            if token.search(text, lower) is None:
                assert compile_pattern(token.pattern).search(text) is None, (token.name, text)
            else:
                found += 1
    assert found > 500


_PLAIN = st.sampled_from(["abc", "de", "f", r"\.", ".", " ", r"\d", "[ab]", r"\b", "^"])
_PATTERNS = st.recursive(
    _PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["?", "*", "+", "{2}", "{0,2}"])).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
        inner.map(lambda part: f"(?!{part})"),
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(_PATTERNS, st.text("abcdefABC. 1\n", max_size=30))
def test_law_every_match_holds_a_piece(pattern: str, text: str) -> None:
    pieces = literals(pattern)
    assert all(len(piece) >= SHORTEST for piece in pieces)
    if re.search(pattern.replace(" ", r"\s+"), text, re.IGNORECASE | re.DOTALL):
        assert not pieces or any(piece in text.lower() for piece in pieces)

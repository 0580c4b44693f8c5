"""The page: one file that asks nobody, escaped, labelled, the same each time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

from cases import SMALL

from compatmatrix.matrix import Matrix
from compatmatrix.matrix.validate import parse_and_validate
from compatmatrix.page.page import render

HOSTILE = "</script><!--<img src=x onerror=alert(1)>"
EMPTY = {"meta", "input"}


class Page(HTMLParser):
    """The elements of a page with what is inside them; fails where they are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[tuple[str, list[str]]] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        inside: list[str] = []
        self.elements.append((tag, dict(attrs), inside))
        if tag not in EMPTY:
            self._open.append((tag, inside))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open[-1][1].append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes, _ in self.elements if name == tag]


def small(**changes: str) -> Matrix:
    text = SMALL
    for old, new in changes.items():
        text = text.replace(old, new)
    return Matrix(parse_and_validate(text.encode(), "small"), "sha256:small")


def facts_of(text: str) -> Any:
    found = (inside for _, attributes, inside in Page(text).elements if attributes.get("id") == "facts")
    return json.loads("".join(next(found)))


def test_it_asks_nobody_and_runs_its_own_script_alone() -> None:
    text = render(small())
    page = Page(text)
    for tag, attributes, _ in page.elements:
        assert tag not in ("link", "iframe", "img", "object", "base")
        assert not [name for name in attributes if name.startswith("on")]
        assert not {"src", "href", "action", "style"} & attributes.keys()
    assert "url(" not in text and "@import" not in text and "fetch(" not in text and "innerHTML" not in text
    scripts = ["".join(inside) for tag, attributes, inside in page.elements if tag == "script" and not attributes]
    (script,) = scripts
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = [str(row["content"]) for row in page.all("meta") if "http-equiv" in row]
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy


def test_what_a_row_says_stays_data() -> None:
    text = render(small(**{"made up": HOSTILE.replace('"', "'")}))
    assert HOSTILE not in text
    assert HOSTILE in facts_of(text)["strings"]


def test_it_is_labelled() -> None:
    page = Page(render(small()))
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == len(page.all("main")) == 1
    labelled = {row["for"] for row in page.all("label")}
    fields = [row for tag in ("input", "select") for row in page.all(tag)]
    assert fields and labelled == {row["id"] for row in fields}
    identifiers = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    described = {name for row in fields for name in str(row.get("aria-describedby") or "").split()}
    assert described <= set(identifiers)
    assert all(cell.get("scope") for cell in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))


def test_the_same_matrix_gives_the_same_bytes() -> None:
    assert render(small()) == render(small())


def test_every_row_is_there_with_its_evidence() -> None:
    matrix = small()
    found = facts_of(render(matrix))
    for name, table in found["tables"].items():
        assert len(table["rows"]) == len(matrix.tables.get(name, ()))
        assert table["columns"][-3:] == ["source", "method", "checked"]
    build = found["tables"]["build"]
    texts = [[found["strings"][cell] for cell in row] for row in build["rows"]]
    assert dict(zip(build["columns"], texts[0], strict=True)).items() >= {"torch": "2.8.0", "archs": "sm_80"}.items()


def test_verdicts_of_a_small_world() -> None:
    found = facts_of(render(small()))
    linux = found["platforms"]["linux-x86_64"]
    assert linux["drivers"] == ["1", "525.60.13", "560.28.03", "570.26"]
    assert [linux["drivers"][first] for (first,) in linux["keys"]] == ["525.60.13", "525.60.13"]
    assert found["pythons"] == ["3.11", "3.10"]
    # fastai 2.8.4 goes with torch 2.8.0; torch 2.7.0 has no torchvision in this world.
    assert found["versions"][0] == ["0", "0"]


def test_the_script_is_plain() -> None:
    script = re.search(r"<script>(.*)</script>", render(small()), re.DOTALL)
    assert script is not None
    assert len(script[1]) < 20_000
    code = re.sub(r"//[^\n]*|/\*\*.*?\*/|A driver reads like [\d.]+", "", script[1], flags=re.DOTALL)
    assert not re.search(r"\b\d+\.\d+\.\d+\b|\bcu\d+", code), "facts are data"

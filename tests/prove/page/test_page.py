"""The page: self-contained, escaped, labelled, and rendered by a real browser without a word of complaint."""

from __future__ import annotations

import http.server
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from compatmatrix.prove.page.page import Setting, bench_plot, render
from compatmatrix.prove.report import Report
from compatmatrix.prove.smoke import SmokeRun

from ..measured import FAILED, HOSTILE, PASSED

SETTING = Setting(("linux-x86_64", "no NVIDIA GPU"), "compatmatrix smoke --python 'my env'", "default", 42)
EMPTY = {"meta", "img", "br"}


class Page(HTMLParser):
    """The elements of a page; fails where they are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.mark.parametrize("run", [PASSED, FAILED, SmokeRun(PASSED.result, Report())], ids=["passed", "failed", "bare"])
def test_it_is_well_formed_and_asks_nobody(run: SmokeRun) -> None:
    text = render(run, SETTING)
    page = Page(text)
    assert page.all("script") == page.all("link") == page.all("iframe") == []
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
        assert all(str(attributes.get(name) or "data:").startswith("data:") for name in ("src", "href"))
    assert "url(" not in text and "@import" not in text
    assert "default-src 'none'" in text


def test_what_a_stack_says_stays_text() -> None:
    text = render(FAILED, SETTING)
    assert "<script" not in text and "<img" not in text
    assert HOSTILE in Page(text).text


def test_everything_is_said() -> None:
    text = Page(render(PASSED, SETTING)).text
    for words in (
        "✓ trained on the CPU",
        "1 probes passed, 0 failed, 1 skipped, 1 warned, in 12.3 s",
        "warned: UserWarning: not writable",
        "the libraries can be imported",
        "Suggested rate: 0.0044.",
        "Larger batches pay up to 64",
        "compatmatrix smoke --python 'my env'",
        "no NVIDIA GPU",
        "2.8.12",
    ):
        assert words in text


def test_a_failure_is_said_at_the_top_with_its_cause() -> None:
    text = Page(render(FAILED, SETTING)).text
    assert text.index("✗ not proven") < text.index("[torchvision-mismatch]") < text.index("likely cause")
    assert "Last output" in text


def test_it_is_labelled() -> None:
    page = Page(render(PASSED, SETTING))
    assert page.all("html")[0]["lang"] == "en"
    assert all(picture["alt"] for picture in page.all("img"))
    assert len(page.all("h1")) == len(page.all("main")) == 1
    charts = page.all("svg")
    assert len(charts) == 5
    assert all(chart["role"] == "img" and chart["aria-labelledby"] for chart in charts)
    identifiers = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    assert all(cell.get("scope") for cell in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(part["tabindex"] == "0" for part in page.all("div") if part.get("role") == "region")


def test_the_same_run_gives_the_same_bytes() -> None:
    assert render(PASSED, SETTING) == render(PASSED, SETTING)


def test_the_plot_is_a_file_of_its_own() -> None:
    root = ElementTree.fromstring(bench_plot(PASSED.report.bench))
    assert root.tag.endswith("svg")
    assert root[0].tag.endswith("style")


@pytest.fixture
def visited() -> Iterator[tuple[str, list[str]]]:
    """A server on the loopback interface: its address, and what was asked of it."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", asked
    server.shutdown()
    server.server_close()


def chromium(tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium here")
    quiet = "--disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"
    argv = [program, "--headless", "--no-sandbox", *quiet.split(), "--disable-sync", f"--user-data-dir={tmp_path}/user"]
    return subprocess.run([*argv, *options], capture_output=True, text=True, timeout=120)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(1200, 1), (1200, 0), (390, 1), (390, 0)])
def test_a_browser_draws_it(tmp_path: Path, width: int, scheme: int) -> None:
    (tmp_path / "page.html").write_text(render(PASSED, SETTING), encoding="utf-8")
    picture = tmp_path / "page.png"
    look = (f"--window-size={width},2000", f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={picture}")
    done = chromium(tmp_path, "--hide-scrollbars", *look, (tmp_path / "page.html").as_uri())
    assert done.returncode == 0, done.stderr
    data = picture.read_bytes()
    assert int.from_bytes(data[16:20], "big") == width
    assert len(data) > 20_000, "an empty page is smaller"


@pytest.mark.slow
def test_a_browser_asks_nobody_even_where_a_stack_wants_it_to(tmp_path: Path, visited: tuple[str, list[str]]) -> None:
    """What escaping would let through, the page's own policy stops: the probe's text is put in unescaped here."""
    address, asked = visited
    evil = f'<img src="{address}image"><script src="{address}script"></script><style>@import "{address}style";</style>'
    page = tmp_path / "page.html"
    plain = f"<!DOCTYPE html><title>t</title><body>{evil}</body>"
    page.write_text(plain, encoding="utf-8")
    assert "<title>" in chromium(tmp_path, "--dump-dom", page.as_uri()).stdout
    assert asked, "the browser of this test loads nothing at all"
    asked.clear()
    page.write_text(re.sub("</main>", evil + "</main>", render(PASSED, SETTING)), encoding="utf-8")
    assert "trained on the CPU" in chromium(tmp_path, "--dump-dom", page.as_uri()).stdout
    assert asked == []

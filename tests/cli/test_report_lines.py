"""Findings that rest on the host's facts have the lines on which these stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Ask

REPORTS = {
    "a driver that does not know the GPU": (
        "PyTorch version: 2.9.1+cu128\nPython version: 3.11.9\nOS: Ubuntu 22.04.4 LTS (x86_64)\n"
        "GPU models and configuration: GPU 0: NVIDIA GeForce RTX 5090\nNvidia driver version: 550.144.03\n",
        "driver-too-old",
        [4, 5],
        5,
    ),
    "a driver below the build's": (
        "PyTorch version: 2.13.0+cu130\nPython version: 3.11.9\nOS: Ubuntu 22.04.4 LTS (x86_64)\n"
        "GPU models and configuration: GPU 0: NVIDIA GeForce RTX 4090\nNvidia driver version: 550.144.03\n",
        "driver-too-old",
        [1, 4, 5],
        1,
    ),
}


@pytest.mark.parametrize("name", REPORTS)
def test_lines(ask: Ask, tmp_path: Path, name: str) -> None:
    text, code, lines, first = REPORTS[name]
    path = tmp_path / "report.txt"
    path.write_text(text)
    (finding,) = ask("check", "--report", path, "--json").json["findings"]
    assert (finding["code"], finding["confidence"], finding["lines"]) == (code, "certain", lines)
    assert finding["where"] == {"file": str(path), "line": first}
    assert f"confidence: certain, seen in line {', '.join(map(str, lines))}" in ask("check", "--report", path).out

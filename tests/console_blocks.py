"""The console examples of the documentation: each command with the output that is shown below it.

`python tests/console_blocks.py FILE…` lists them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Example(NamedTuple):
    """command: without the prompt and a comment behind it. shown: the lines below it, up to the next command."""

    file: Path
    line: int
    command: str
    shown: tuple[str, ...]


def examples(file: Path) -> Iterator[Example]:
    """Every command of every ```console block, in order."""
    found: Example | None = None
    inside = False
    for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if text.startswith("```"):
            inside = text == "```console"
        if found and (text.startswith(("```", "$ "))):
            yield found
            found = None
        if inside and text.startswith("$ "):
            found = Example(file, number, re.sub(r"\s+# .*$", "", text[2:]), ())
        elif found:
            found = found._replace(shown=(*found.shown, text))


def agree(shown: tuple[str, ...], said: str) -> bool:
    """Whether an output is as shown. A line of "…" stands for any lines, "…" in a line for the rest of its words."""
    parts = []
    for line in shown:
        pattern = re.escape(line.rstrip()).replace("…", ".*")
        parts.append(r"(?:.*\n)*?" if line.strip() == "…" else f"{pattern}\n")
    lines = "".join(f"{line.rstrip()}\n" for line in said.splitlines())
    return re.fullmatch("".join(parts), lines) is not None


if __name__ == "__main__":
    for name in sys.argv[1:]:
        for example in examples(Path(name)):
            print(f"{name}:{example.line}: {example.command}")

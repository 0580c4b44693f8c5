"""Findings for the pages of a code host: GitHub's workflow commands, and SARIF 2.1.0.

Sources: docs.github.com, workflow commands; docs.oasis-open.org/sarif/sarif/v2.1.0, sections 3.13 to 3.30.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from compatmatrix import __version__
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules import RULES

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.UNKNOWN: "notice"}
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.UNKNOWN: "note"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def github(findings: Iterable[Finding], notes: Iterable[str] = ()) -> Iterator[str]:
    """One workflow command a finding; GitHub shows them at the lines of the change."""
    for finding in findings:
        place = finding.where
        where = f"file={_property(_posix(place.file))},line={place.line}," if place else ""
        title = _property(f"compatmatrix: {finding.code}")
        yield f"::{_COMMANDS[finding.severity]} {where}title={title}::{_data(_text(finding))}"
    for note in notes:
        yield f"::notice title=compatmatrix::{_data(note)}"


def sarif(findings: Iterable[Finding]) -> dict[str, Any]:
    """A SARIF log with one run. Paths are relative to the folder in which the command ran, as code hosts want them."""
    found = list(findings)
    codes = list(dict.fromkeys(finding.code for finding in found))
    summaries: dict[str, str] = {}
    for rule in RULES:
        summaries.setdefault(rule.code, rule.summary)
    rules = [{"id": code, "shortDescription": {"text": summaries.get(code, code.replace("-", " "))}} for code in codes]
    driver = {"name": "compatmatrix", "version": __version__, "rules": rules}
    results = [_result(finding, codes.index(finding.code)) for finding in found]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: Finding, index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": _text(finding)},
    }
    if finding.where:
        result["locations"] = [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(finding.where.file)},
                    "region": {"startLine": finding.where.line},
                }
            }
        ]
    return result


def _text(finding: Finding) -> str:
    lines = [finding.message]
    if finding.hint:
        lines.append(finding.hint)
    if finding.fix:
        lines.append(f"would fit: {' '.join(finding.fix)}")
    return "\n".join(lines)


def _posix(file: str) -> str:
    return Path(file).as_posix()


def _uri(file: str) -> str:
    """A path as SARIF's URI reference; one outside of the current folder becomes an absolute file address."""
    path = Path(file)
    if path.is_absolute():
        try:
            path = path.relative_to(Path.cwd())
        except ValueError:
            return path.as_uri()
    return quote(path.as_posix())


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

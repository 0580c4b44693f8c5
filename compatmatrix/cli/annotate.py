"""Findings for the pages of a code host: GitHub's workflow commands, SARIF 2.1.0, GitLab's code quality report.

Sources: docs.github.com, workflow commands, and SARIF support for code scanning, which wants `fullDescription` and
`help` of every rule; docs.oasis-open.org/sarif/sarif/v2.1.0, sections 3.13 to 3.49; docs.gitlab.com, Code Quality,
"Import Code Quality results": a list of description, check_name, fingerprint, severity and location.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from compatmatrix import __version__
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules import RULES

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.UNKNOWN: "notice"}
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.UNKNOWN: "note"}
_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.UNKNOWN: "info"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_HELP = "`compatmatrix fix FILE` shows the nearest pins that work together, `compatmatrix explain` says why."


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
    rules = [_rule(code, summaries.get(code, code.replace("-", " "))) for code in codes]
    driver = {"name": "compatmatrix", "version": __version__, "rules": rules}
    results = [_result(finding, codes.index(finding.code)) for finding in found]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def gitlab(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """A code quality report, which GitLab shows in the merge request.

    The fingerprint leaves the line out, so that a finding which moved is not a new one. GitLab wants a path for each;
    what has no place in a file stands at the repository's root.
    """
    rows = []
    for finding in findings:
        path = _relative(finding.where.file).as_posix() if finding.where else "."
        named = f"{finding.code}\0{path}\0{finding.message}"
        rows.append(
            {
                "description": _text(finding),
                "check_name": finding.code,
                "fingerprint": hashlib.sha256(named.encode("utf-8", "replace")).hexdigest(),
                "severity": _SEVERITIES[finding.severity],
                "location": {"path": path, "lines": {"begin": finding.where.line if finding.where else 1}},
            }
        )
    return rows


def _rule(code: str, summary: str) -> dict[str, Any]:
    return {
        "id": code,
        "shortDescription": {"text": summary},
        "fullDescription": {"text": f"{summary}; each result says what was found and what would fit"},
        "help": {"text": _HELP},
    }


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
    path = _relative(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _relative(file: str) -> Path:
    """A path as seen from the current folder; an absolute one where it lies outside."""
    path = Path(file)
    inside = path.is_absolute() and path.is_relative_to(Path.cwd())
    return path.relative_to(Path.cwd()) if inside else path


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

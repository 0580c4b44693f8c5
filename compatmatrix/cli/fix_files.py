"""`fix FILE…`: pins in files, changed in place with formatting and comments kept."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from compatmatrix.atomic import write_atomically
from compatmatrix.cli.options import HostOptions
from compatmatrix.cli.output import note, print_findings, print_json
from compatmatrix.errors import BadInput
from compatmatrix.manifests.index_urls import build_of
from compatmatrix.manifests.read import edit, format_of, read_manifest
from compatmatrix.manifests.source import read_text, reading_instead
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.host import Host
from compatmatrix.probe.interpreter import active_interpreter
from compatmatrix.resolve.manifest import CONDA_RULES, FOREIGN_RULES, JudgedPart, judge_manifest
from compatmatrix.resolve.moves import Change
from compatmatrix.resolve.question import IndexPolicy
from compatmatrix.resolve.repair import ERRORS, nearest_repair, version_texts
from compatmatrix.rules import RULES

_ROUNDS = 20
"""Repairs of one part that are tried at most."""

_INDEX_LINE = re.compile(r"^(\s*(?:--extra-index-url|--index-url|-i)[ =]\s*)(\S+)", re.M)


class _Fixed(NamedTuple):
    """One file. texts: old and new text of each file that changes, includes among them. before, after: its findings."""

    path: Path
    changes: tuple[Change, ...]
    texts: dict[Path, tuple[str, str]]
    before: tuple[Finding, ...]
    after: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def diff(self) -> str:
        """All changes as one unified diff."""
        return "".join(_diff(path, old, new) for path, (old, new) in self.texts.items() if old != new)


def fix_files(
    files: Sequence[Path],
    where: HostOptions,
    policy: IndexPolicy,
    *,
    apply: bool,
    strict: bool,
    as_json: bool,
) -> int:
    """Repair files for the host that was named, or any; the exit status. Without apply it shows what it would write.

    Raises BadInput naming every file that cannot be read or changed; nothing is written then.
    """
    matrix = where.matrix()
    host = where.host(matrix, where.interpreter() if where.python else active_interpreter(), search=False)
    unwanted = ERRORS | ({Severity.WARNING} if strict else set())
    fixed: list[_Fixed] = []
    problems: list[str] = []
    hint = ""
    for path in files:
        try:
            fixed.append(_fix(path, host, matrix, policy, unwanted))
        except BadInput as error:
            problems += error.problems
            hint = hint or error.hint
    if problems:
        raise BadInput(problems, hint=hint)
    if apply:
        for one in fixed:
            for path, (old, new) in one.texts.items():
                if old != new:
                    write_atomically(path, new)
    if as_json:
        print_json(_to_dict(fixed, apply))
    else:
        for one in fixed:
            _show(one, apply)
    broken = any(finding.severity in unwanted for one in fixed for finding in one.after)
    waiting = any(one.diff for one in fixed) and not apply
    return 1 if broken or waiting else 0


def _fix(path: Path, host: Host, matrix: Matrix, policy: IndexPolicy, unwanted: frozenset[Severity]) -> _Fixed:
    """Repair one part after the other, the largest first, each time on the text that the repairs before it leave: an
    extra and what it stands on share their lines."""
    old: dict[Path, str] = {}
    new: dict[Path, str] = {}
    done: dict[str, Change] = {}
    tried: list[tuple[str, dict[str, str]]] = []
    notes: list[str] = []
    before = _findings(parts := _parts(path, new, host, matrix))
    while broken := [part for part in parts if _is_broken(part, unwanted) and _key(part) not in tried]:
        part = max(broken, key=lambda one: len(one.part.section.entries))
        if len(tried) >= _ROUNDS:
            break
        tried.append(_key(part))
        wanted: dict[Path, list[Change]] = {}
        for change in _changes(part, matrix, policy, unwanted):
            place = part.part.places.get(change.name)
            wanted.setdefault(Path(place.file) if place else path, []).append(change)
            done[change.name] = change._replace(old=done[change.name].old) if change.name in done else change
        for file, changes in wanted.items():
            text = new[file] if file in new else read_text(file)
            old.setdefault(file, text)
            text = edit(file, text, {change.name: change.requirement[len(change.name) :] for change in changes})
            new[file], said = _with_index(file, text, changes, matrix)
            notes += said
        parts = _parts(path, new, host, matrix)
    texts = {file: (_exact(file, old[file]), _exact(file, text)) for file, text in new.items()}
    return _Fixed(path, tuple(done.values()), texts, before, _findings(parts), tuple(dict.fromkeys(notes)))


def _parts(path: Path, texts: dict[Path, str], host: Host, matrix: Matrix) -> tuple[JudgedPart, ...]:
    """A file judged as if it and its includes held these texts."""
    with reading_instead(texts):
        return judge_manifest(read_manifest(path), host, matrix)


def _findings(parts: Sequence[JudgedPart]) -> tuple[Finding, ...]:
    return tuple(finding for part in parts for finding in part.findings)


def _key(part: JudgedPart) -> tuple[str, dict[str, str]]:
    return part.part.section.name, part.stack.versions()


def _is_broken(part: JudgedPart, unwanted: frozenset[Severity]) -> bool:
    return any(finding.severity in unwanted for finding in part.findings)


def _changes(
    part: JudgedPart, matrix: Matrix, policy: IndexPolicy, unwanted: frozenset[Severity]
) -> tuple[Change, ...]:
    """What must move in one part; everything that is pinned was asked for by name. conda's packages are chosen by their
    versions alone, and the torch of an image stays."""
    foreign = "torch" in part.part.conda | part.part.opaque
    said = CONDA_RULES if "torch" in part.part.conda else FOREIGN_RULES
    repair = nearest_repair(
        part.stack,
        part.host,
        matrix,
        pinned=frozenset(part.stack),
        index=IndexPolicy.PYPI if foreign else policy,
        unwanted=unwanted,
        rules=said if foreign else RULES,
    )
    if repair is None or not version_texts(repair) or any(change.name in part.part.opaque for change in repair.changes):
        return ()
    return repair.changes


def _exact(file: Path, text: str) -> str:
    """The text with the byte order mark that the file begins with, which reading leaves out."""
    with file.open("rb") as opened:
        return f"\ufeff{text}" if opened.read(3) == b"\xef\xbb\xbf" else text


def _with_index(path: Path, text: str, changes: Sequence[Change], matrix: Matrix) -> tuple[str, list[str]]:
    """The text with the index line that a build of the PyTorch index needs; where it cannot be written, a note."""
    tags = {str(change.pin.version.local) for change in changes if change.source == "pytorch"}
    if len(tags) != 1:
        return text, [f"needs the indexes of several builds: {', '.join(sorted(tags))}"] if tags else []
    (tag,) = tags
    url = f"{matrix.pytorch_index}/{tag}"
    if format_of(path, text).name != "requirements":
        return text, [] if url in text else [f"{path}: name the index of this build too: {url}"]
    lines = [match for match in _INDEX_LINE.finditer(text) if build_of(match[2])]
    if any(build_of(match[2]) == tag for match in lines):
        return text, []
    if lines:
        old = lines[0]
        renamed = re.sub(rf"/{re.escape(build_of(old[2]) or '')}(?=/|$|[?#])", f"/{tag}", old[2])
        return text[: old.start(2)] + renamed + text[old.end(2) :], []
    end = "\r\n" if "\r\n" in text else "\n"
    first = re.search(r"^(?!\s*(#|$)).*$", text, re.M)
    at = first.start() if first else 0
    return f"{text[:at]}--extra-index-url {url}{end}{text[at:]}", []


def _diff(path: Path, old: str, new: str) -> str:
    lines = difflib.unified_diff(
        old.removeprefix("\ufeff").splitlines(keepends=True),
        new.removeprefix("\ufeff").splitlines(keepends=True),
        str(path),
        str(path),
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _show(one: _Fixed, applied: bool) -> None:
    for sentence in one.notes:
        note(sentence)
    diff = one.diff
    if not diff:
        print_findings(one.before)
        errors = any(finding.severity is Severity.ERROR for finding in one.before)
        click.echo(f"{one.path}: {'no other pins repair this' if errors else 'nothing to do'}")
        return
    click.echo(diff, nl=False)
    print_findings(one.after)
    if applied:
        click.secho(f"{one.path}: written", fg="green", bold=True)
    else:
        click.echo(f"{one.path}: to write it: compatmatrix fix --apply, with the same options")


def _to_dict(fixed: Sequence[_Fixed], applied: bool) -> dict[str, Any]:
    return {
        "schema": 1,
        "command": "fix",
        "files": [
            {
                "path": str(one.path),
                "findings": [finding.to_dict() for finding in one.before],
                "changes": [
                    {"name": change.name, "from": str(change.old.version), "requirement": change.requirement}
                    for change in one.changes
                ],
                "diff": one.diff,
                "remaining": [finding.to_dict() for finding in one.after],
                "notes": list(one.notes),
            }
            for one in fixed
        ],
        "applied": applied,
    }

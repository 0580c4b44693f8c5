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
from compatmatrix.manifests.source import read_text
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.host import Host
from compatmatrix.probe.interpreter import active_interpreter
from compatmatrix.resolve.manifest import JudgedPart, judge_manifest
from compatmatrix.resolve.moves import Change
from compatmatrix.resolve.question import IndexPolicy
from compatmatrix.resolve.repair import ERRORS, nearest_repair, version_texts

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
    parts = judge_manifest(read_manifest(path), host, matrix)
    before = tuple(finding for part in parts for finding in part.findings)
    wanted: dict[Path, dict[str, Change]] = {}
    notes: list[str] = []
    for part in parts:
        if not any(finding.severity in unwanted for finding in part.findings):
            continue
        for change in _changes(part, matrix, policy, unwanted):
            place = part.part.places.get(change.name)
            others = wanted.setdefault(Path(place.file) if place else path, {})
            if others.setdefault(change.name, change).requirement != change.requirement:
                notes.append(
                    f"{change.name}: parts of the file need different versions; {change.requirement} was left out"
                )
    if not wanted:
        return _Fixed(path, (), {}, before, before, tuple(notes))
    texts: dict[Path, tuple[str, str]] = {}
    for file, changes in wanted.items():
        old = read_text(file)
        new = edit(file, old, {name: change.requirement[len(name) :] for name, change in changes.items()})
        new, said = _with_index(file, new, list(changes.values()), matrix)
        texts[file] = (_exact(file, old), _exact(file, new, like=file))
        notes += said
    after = _judged_again(path, texts, host, matrix)
    flat = tuple(change for changes in wanted.values() for change in changes.values())
    return _Fixed(path, flat, texts, before, after, tuple(notes))


def _changes(
    part: JudgedPart, matrix: Matrix, policy: IndexPolicy, unwanted: frozenset[Severity]
) -> tuple[Change, ...]:
    """What must move in one part; everything that is pinned was asked for by name."""
    if "torch" in part.part.conda | part.part.opaque:
        return ()
    repair = nearest_repair(
        part.stack, part.host, matrix, pinned=frozenset(part.stack), index=policy, unwanted=unwanted
    )
    return repair.changes if repair and version_texts(repair) else ()


def _judged_again(path: Path, texts: dict[Path, tuple[str, str]], host: Host, matrix: Matrix) -> tuple[Finding, ...]:
    """The findings on the new text: what is printed must really lead to a file without errors."""
    if set(texts) != {path}:
        # Includes are read from disk: only a written file can be judged as a whole.
        import tempfile

        with tempfile.TemporaryDirectory(prefix="compatmatrix-fix-") as folder:
            return _judged_copy(path, texts, Path(folder), host, matrix)
    manifest = format_of(path, texts[path][1]).read(path, texts[path][1])
    return tuple(finding for part in judge_manifest(manifest, host, matrix) for finding in part.findings)


def _judged_copy(
    path: Path, texts: dict[Path, tuple[str, str]], folder: Path, host: Host, matrix: Matrix
) -> tuple[Finding, ...]:
    """Judge a file whose includes change: the whole family is laid out anew below a temporary folder."""
    family = {path, *texts, *_included(path)}
    base = Path(*_common([file.resolve().parent for file in family]))
    for file in family:
        copy = folder / file.resolve().relative_to(base)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(texts[file][1] if file in texts else read_text(file), encoding="utf-8")
    manifest = read_manifest(folder / path.resolve().relative_to(base))
    return tuple(finding for part in judge_manifest(manifest, host, matrix) for finding in part.findings)


def _included(path: Path) -> set[Path]:
    return {Path(entry.place.file) for section in read_manifest(path).sections for entry in section.entries}


def _common(folders: Sequence[Path]) -> tuple[str, ...]:
    shared: list[str] = []
    for parts in zip(*(folder.parts for folder in folders), strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return tuple(shared)


def _exact(file: Path, text: str, *, like: Path | None = None) -> str:
    """The text with the byte order mark that the file begins with, which reading leaves out."""
    with (like or file).open("rb") as opened:
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

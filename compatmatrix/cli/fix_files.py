"""`fix FILE…`: pins in files, changed in place with formatting and comments kept."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from compatmatrix.atomic import write_atomically
from compatmatrix.cli.options import HostOptions
from compatmatrix.cli.output import note, print_findings, print_json
from compatmatrix.errors import BadInput
from compatmatrix.manifests import index_edit
from compatmatrix.manifests.index_urls import BUILT
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


class _Attempt(NamedTuple):
    """One way to repair a part. build: the one whose PyTorch index the file names, empty for none. plain: the pins
    stay without a build, for the index decides it."""

    changes: tuple[Change, ...]
    build: str = ""
    plain: bool = False


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
        first: tuple[_Attempt, dict[Path, str], list[str], tuple[JudgedPart, ...]] | None = None
        for attempt in _attempts(part, matrix, policy, unwanted):
            texts, said = _edited(path, part, attempt, new, matrix)
            judged = _parts(path, {**new, **texts}, host, matrix)
            first = first or (attempt, texts, said, judged)
            if not _is_broken(judged[min(parts.index(part), len(judged) - 1)], unwanted):
                first = attempt, texts, said, judged
                break
        if first is None:
            continue
        attempt, texts, said, parts = first
        for change in attempt.changes:
            done[change.name] = change._replace(old=done[change.name].old) if change.name in done else change
        for file, changed in texts.items():
            old.setdefault(file, new[file] if file in new else read_text(file))
            new[file] = changed
        notes += said
    after = _findings(parts)
    wrong = next((finding for finding in after if finding.severity is Severity.ERROR), None)
    if wrong and any(old[file] != text for file, text in new.items()):
        wanted = ", ".join(change.requirement for change in done.values())
        why = f"{path}: nothing is changed: with {wanted} it would still be wrong: {wrong.message}"
        return _Fixed(path, (), {}, before, before, (why,))
    written = {file: (_exact(file, old[file]), _exact(file, text)) for file, text in new.items()}
    return _Fixed(path, tuple(done.values()), written, before, after, tuple(dict.fromkeys(notes)))


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


def _attempts(
    part: JudgedPart, matrix: Matrix, policy: IndexPolicy, unwanted: frozenset[Severity]
) -> Iterator[_Attempt]:
    """What may move in one part, the best first; everything that is pinned was asked for by name. conda's packages are
    chosen by their versions alone, and the torch of an image stays. Where a file names the index of a PyTorch build,
    another build of that index comes before PyPI's."""
    foreign = "torch" in part.part.conda | part.part.opaque
    said = CONDA_RULES if "torch" in part.part.conda else FOREIGN_RULES
    index = "" if foreign else _index_of(part)
    policies = [IndexPolicy.PYTORCH, policy] if index and policy is IndexPolicy.AUTO else [policy]
    for one in [IndexPolicy.PYPI] if foreign else policies:
        repair = nearest_repair(
            part.stack,
            part.host,
            matrix,
            pinned=frozenset(part.stack),
            index=one,
            unwanted=unwanted,
            rules=said if foreign else RULES,
        )
        if repair is None or not version_texts(repair):
            continue
        if any(change.name in part.part.opaque for change in repair.changes):
            continue
        if index and _tag(repair.changes) and not any(change.old.version.local for change in repair.changes):
            yield _Attempt(repair.changes, index, True)
        yield _Attempt(repair.changes, index)


def _index_of(part: JudgedPart) -> str:
    """The build whose index decides what torch a part gets; empty for none, or where the part is there for that build
    (the extra "cpu")."""
    tags = {entry.flavour for entry in part.part.section.entries if entry.name in BUILT and entry.flavour}
    torch = part.stack.get("torch")
    if torch and torch.version.local:
        tags.add(torch.version.local)  # PyPI has no such versions: an index is asked, perhaps one named elsewhere
    tag = torch.flavour if torch and torch.flavour in tags else tags.pop() if len(tags) == 1 else None
    return tag if tag and tag not in part.part.section.name.split() else ""


def _tag(changes: Sequence[Change]) -> str:
    """The build of the PyTorch index that the changes need; empty for none."""
    tags = {str(change.pin.flavour) for change in changes if change.source == "pytorch"}
    return tags.pop() if len(tags) == 1 else ""


def _edited(
    path: Path, part: JudgedPart, attempt: _Attempt, texts: dict[Path, str], matrix: Matrix
) -> tuple[dict[Path, str], list[str]]:
    """The texts of the files that an attempt changes, and what to tell of them. texts: as repaired so far."""
    wanted: dict[Path, dict[str, str]] = {}
    for change in attempt.changes:
        place = part.part.places.get(change.name)
        text = change.requirement[len(change.name) :]
        plain = text.partition("+")[0] if attempt.plain and change.source == "pytorch" else text
        wanted.setdefault(Path(place.file) if place else path, {})[change.name] = plain
    read = {Path(place.file) for place in part.part.places.values()} | {path, *wanted}
    before = {file: texts[file] if file in texts else read_text(file) for file in read}
    made = {file: edit(file, before[file], changes) for file, changes in wanted.items()}
    tag, notes = _tag(attempt.changes), []
    to_pypi = any(change.name == "torch" and change.source == "pypi" for change in attempt.changes)
    for file in sorted(read) if attempt.build else ():
        text = made.get(file, before[file])
        kind = format_of(file, text).name
        if tag:
            made[file] = index_edit.moved(kind, file, text, attempt.build, tag)
        elif to_pypi and f"+{attempt.build}" not in text:
            made[file] = index_edit.dropped(kind, text, attempt.build)
    url = f"{matrix.pytorch_index}/{tag}"
    if tag and not any(f"/{tag}" in text for text in (*made.values(), *before.values())):
        place = part.part.places.get(next(change.name for change in attempt.changes if change.source == "pytorch"))
        file = Path(place.file) if place else path
        more = index_edit.added(format_of(file, made[file]).name, made[file], url)
        made[file] = more if more is not None else made[file]
        notes = [] if more is not None else [f"{file}: name the index of this build too: {url}"]
    return {file: text for file, text in made.items() if text != before[file]}, notes


def _exact(file: Path, text: str) -> str:
    """The text with the byte order mark that the file begins with, which reading leaves out."""
    with file.open("rb") as opened:
        return f"\ufeff{text}" if opened.read(3) == b"\xef\xbb\xbf" else text


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

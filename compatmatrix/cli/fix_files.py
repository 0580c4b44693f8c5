"""`fix FILE…`: pins in files, changed in place with formatting and comments kept."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from compatmatrix.atomic import write_atomically
from compatmatrix.cli.file_repair import Findings, Fixed, Wish, repaired
from compatmatrix.cli.options import HostOptions
from compatmatrix.cli.output import note, print_findings, print_json
from compatmatrix.errors import BadInput
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.finding import Severity
from compatmatrix.probe.interpreter import active_interpreter
from compatmatrix.resolve.question import IndexPolicy
from compatmatrix.resolve.repair import ERRORS
from compatmatrix.resolve.targets import Target


def fix_files(
    files: Sequence[Path],
    where: HostOptions,
    policy: IndexPolicy,
    *,
    apply: bool,
    strict: bool,
    as_json: bool,
) -> int:
    """Repair files for the hosts that were named, or any; the exit status. Without apply it shows what it would write.

    Raises BadInput naming every file that cannot be read or changed; nothing is written then.
    """
    matrix = where.matrix()
    unwanted = ERRORS | ({Severity.WARNING} if strict else set())
    wish = Wish(_hosts(where, matrix), matrix, policy, unwanted)
    fixed: list[Fixed] = []
    problems: list[str] = []
    hint = ""
    for path in files:
        try:
            fixed.append(repaired(path, wish))
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
    broken = any(finding.severity in unwanted for one in fixed for _, finding in one.after)
    waiting = any(one.changed for one in fixed) and not apply
    return 1 if broken or waiting else 0


def _hosts(where: HostOptions, matrix: Matrix) -> tuple[Target, ...]:
    """Every host that the user names, as `check` has them; else the one."""
    interpreter = where.interpreter() if where.python else active_interpreter()
    if where.names_hosts:
        return where.targets(matrix, interpreter)
    return (Target("", where.host(matrix, interpreter, search=False)),)


def _difference(one: Fixed) -> str:
    """All changes as one unified diff."""
    return "".join(_diff(path, old, new) for path, (old, new) in one.texts.items() if old != new)


def _diff(path: Path, old: str, new: str) -> str:
    lines = difflib.unified_diff(
        old.removeprefix("\ufeff").splitlines(keepends=True),
        new.removeprefix("\ufeff").splitlines(keepends=True),
        str(path),
        str(path),
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _show(one: Fixed, applied: bool) -> None:
    for sentence in one.notes:
        note(sentence)
    if not one.changed:
        _show_findings(one.before)
        errors = any(finding.severity is Severity.ERROR for _, finding in one.before)
        click.echo(f"{one.path}: {'no other pins repair this' if errors else 'nothing to do'}")
        return
    click.echo(_difference(one), nl=False)
    _show_findings(one.after)
    if applied:
        click.secho(f"{one.path}: written", fg="green", bold=True)
    else:
        click.echo(f"{one.path}: to write it: compatmatrix fix --apply, with the same options")


def _show_findings(found: Findings) -> None:
    for name in dict.fromkeys(name for name, _ in found):
        if name:
            click.secho(f"on {name}:", bold=True)
        print_findings([finding for on, finding in found if on == name])


def _found(found: Findings) -> list[dict[str, Any]]:
    """Each finding once, with the hosts that it is about where there are several."""
    hosts: dict[Any, list[str]] = {}
    for name, finding in found:
        hosts.setdefault(finding, []).append(name)
    return [{**one.to_dict(), **({"hosts": names} if any(names) else {})} for one, names in hosts.items()]


def _to_dict(fixed: Sequence[Fixed], applied: bool) -> dict[str, Any]:
    return {
        "schema": 1,
        "command": "fix",
        "files": [
            {
                "path": str(one.path),
                "findings": _found(one.before),
                "changes": [
                    {"name": change.name, "from": str(change.old.version), "requirement": change.requirement}
                    for change in one.changes
                ],
                "diff": _difference(one),
                "remaining": _found(one.after),
                "notes": list(one.notes),
            }
            for one in fixed
        ],
        "applied": applied,
    }

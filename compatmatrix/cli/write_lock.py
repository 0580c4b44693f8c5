"""From the options to a written lock: `lock` and `dockerfile` differ in how they render it."""

from __future__ import annotations

from compatmatrix.cli.closure_options import ClosureOptions
from compatmatrix.cli.decide_options import DecideOptions, say_host, say_refusal
from compatmatrix.cli.lock_text import Written, core_text, no_lock, whole_text, write_text
from compatmatrix.cli.options import HostOptions
from compatmatrix.cli.output import print_json
from compatmatrix.emit import FORMATS, load
from compatmatrix.errors import UsageError
from compatmatrix.resolve.decide import Refusal


def write_lock(asked: DecideOptions, closure: ClosureOptions, where: HostOptions, how: Written) -> int:
    """Decide, resolve and write in a format; the exit status."""
    if how.universal and (how.core or not load(how.form).universal):
        able = ", ".join(name for name in FORMATS if load(name).universal)
        raise UsageError("--universal: no such thing for --core" if how.core else f"--universal: only as {able}")
    matrix = where.matrix()
    targets = where.targets(matrix)
    if len(targets) > 1:
        from compatmatrix.cli.lock_many import write_locks

        return write_locks(asked, closure, targets, matrix, how)
    question = closure.added_to(asked.about(targets[0].host))
    say_host(question.host)
    made = core_text(question, matrix, how) if how.core else whole_text(question, closure, matrix, how)
    if isinstance(made, Refusal):
        say_refusal(made, question, matrix)
        if how.form == "json" or how.as_json:
            print_json({**no_lock(how.command, made, matrix), "host": question.host.to_dict()})
        return 1
    if how.output or how.shown:
        write_text(made, how.output)
    return 0

"""The closure of a decision: uv resolves, we ask, read and bind."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from compatmatrix.emit import toml
from compatmatrix.errors import IndexUnavailable, ToolFailed, UsageError
from compatmatrix.index import uv_environment, with_extra_indexes
from compatmatrix.lock.answer import Platforms, read_answer
from compatmatrix.lock.failure import as_error, lacks_package, needs_source
from compatmatrix.lock.question import BOUND, Question, ask
from compatmatrix.model.decision import Decision
from compatmatrix.model.lock import Lock, Package
from compatmatrix.process import Finished, run, uv_program

_MAX_ROUNDS = 12
_PREFERRED = "pylock.toml"


def lock(
    decision: Decision,
    *,
    work_dir: Path | None = None,
    offline: bool = False,
    default_index: str | None = None,
    progress: Callable[[str], None] | None = None,
    interpreter: str | None = None,
    preferences: Sequence[Package] = (),
    timeout: float = 600.0,
) -> Lock:
    """Resolve every transitive dependency, with the hashes of the files that fit the host. Writes nothing else.

    work_dir: where the temporary folder goes. default_index: base index URL; None for uv's or pip's own setting.
    progress: told in a sentence what happens. interpreter: builds what has no wheel; ours where not given. preferences:
    versions that are kept where they still fit. timeout: seconds for all of it. Raises UsageError (cannot be asked),
    NoSolution with uv's reasons, IndexUnavailable, ToolFailed.
    """
    say = progress or (lambda _: None)
    say(f"resolving the whole closure of {len(decision.requirements)} requirements")
    deadline = time.monotonic() + timeout
    environment = uv_environment(default_index)
    base: tuple[str, ...] = (
        uv_program(),
        "pip",
        "compile",
        "pyproject.toml",
        "--python",
        interpreter or _free_threaded(decision, environment) or sys.executable,
    )
    base += ("--no-python-downloads", "--no-progress", "--color=never", *(("--offline",) if offline else ()))
    if preferences:
        # uv prefers the versions that it finds in the file that it is to write.
        base += ("--output-file", _PREFERRED)
    added: frozenset[str] = frozenset()
    built: frozenset[str] = frozenset()
    with tempfile.TemporaryDirectory(prefix="compatmatrix-", dir=work_dir) as folder:
        for _ in range(_MAX_ROUNDS):
            question = ask(decision, added=added, from_source=built)
            left = deadline - time.monotonic()
            if left <= 0:
                raise IndexUnavailable(f"resolving: no answer within {timeout:.0f} s")
            if preferences:
                (Path(folder) / _PREFERRED).write_text(_as_preferred(preferences), encoding="utf-8")
            finished = _run(base, question, Path(folder), environment, left)
            if not finished.ok:
                missing = needs_source(finished.stderr) - built - set(BOUND)
                if not missing:
                    # The user's further indexes come in only where something is on none of the others.
                    more = with_extra_indexes(environment) if lacks_package(finished.stderr) else {}
                    if more:
                        environment = more
                        continue
                    raise as_error(finished)
                say(f"no wheel fits the host, so built from source: {', '.join(sorted(missing))}")
                built |= missing
                continue
            packages = read_answer(finished.stdout, decision.index_url, universal=_platforms(decision))
            # uv binds only what is required at top level to the explicit index, so a torch relative that some
            # package pulls in would come from the base index, in another flavour.
            stray = {package.name for package in packages if package.name in BOUND} - question.direct
            if decision.index_url and stray:
                added |= stray
                continue
            return Lock(decision, packages)
    raise ToolFailed(f"uv: no answer after {_MAX_ROUNDS} rounds; built from source: {', '.join(sorted(built))}")


def _free_threaded(decision: Decision, environment: dict[str, str]) -> str:
    """An interpreter without the lock, where the decision is for one: uv has no such target, and takes from the
    interpreter that it is given which kind of wheel fits. Empty for every other Python. Raises UsageError."""
    python = decision.host.python.value
    if python is None or not python.free_threaded:
        return ""
    command = (uv_program(), "python", "find", "--no-project", "--no-python-downloads", "--color=never", python.minor)
    found = run(command, timeout=30.0, env=environment)
    if not found.ok:
        raise UsageError(
            f"the closure of a free-threaded Python can be resolved with such an interpreter only, and there is no "
            f"{python.minor} here",
            hint=f"uv python install {python.minor}; --core decides the stack alone",
        )
    return found.stdout.strip()


def _platforms(decision: Decision) -> Platforms | None:
    python = decision.host.python.value
    if not decision.elsewhere or python is None:
        return None
    return Platforms(f"cp{python.minor.replace('.', '')}", decision.platforms)


def _as_preferred(packages: Sequence[Package]) -> str:
    """Versions as a lock that uv reads; the markers would only be in its way."""
    rows = [f"[[packages]]\nname = {toml.value(p.name)}\nversion = {toml.value(str(p.version))}" for p in packages]
    return "\n".join(['lock-version = "1.0"', 'created-by = "compatmatrix"', *rows]) + "\n"


def _run(base: tuple[str, ...], question: Question, folder: Path, env: dict[str, str], timeout: float) -> Finished:
    (folder / "pyproject.toml").write_text(question.project, encoding="utf-8")
    return run((*base, *question.options), timeout=timeout, env={**env, **dict(question.env)}, cwd=folder)

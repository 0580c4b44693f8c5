"""Options of the commands that write a lock: what else to lock, where packages come from, what may move."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from compatmatrix.cli.bundle import F, bundled
from compatmatrix.cli.decide_options import proofs_folder
from compatmatrix.cli.output import note
from compatmatrix.lock.access import Access
from compatmatrix.resolve.question import CORE, Question

if TYPE_CHECKING:
    from compatmatrix.lock.existing import Existing


class ClosureOptions(NamedTuple):
    """What the user said of the closure."""

    files: tuple[Path, ...]
    groups: tuple[str, ...]
    extras: tuple[str, ...]
    fresh: bool
    index_url: str | None
    upgrade: bool
    upgrade_packages: tuple[str, ...]

    def access(self, offline: bool) -> Access:
        """Where packages come from."""
        return Access(offline, self.index_url, None if self.fresh else proofs_folder())

    def added_to(self, question: Question) -> Question:
        """The question with what the files ask for; requirements whose markers do not hold on its host are left out."""
        said = self.files or self.groups or self.extras
        if not said and not any(requirement.marker for requirement in question.requirements):
            return question
        from packaging.utils import canonicalize_name

        from compatmatrix.lock.inputs import for_host, read_inputs

        wanted = read_inputs(self.files, self.groups, self.extras)
        for line in wanted.passed_over:
            note(f"{line} is not heeded: indexes are named with --index-url and --torch-index-url")
        asked = (*question.requirements, *wanted.requirements)
        names = {canonicalize_name(requirement.name) for requirement in asked} | {*CORE} - {"torchaudio"}
        decided = {name for name in CORE if name in names}
        limits = [limit for limit in wanted.constraints if canonicalize_name(limit.name) in decided]
        rest = [limit for limit in wanted.constraints if canonicalize_name(limit.name) not in decided]
        return replace(
            question,
            requirements=for_host((*asked, *limits), question.host),
            constraints=(*question.constraints, *rest),
        )

    def existing(self, path: Path | None) -> Existing | None:
        """The lock that is at a path already and is to be kept where it fits; None where there is none."""
        if self.upgrade or path is None or not path.is_file():
            return None
        from packaging.utils import canonicalize_name

        from compatmatrix.errors import CompatmatrixError
        from compatmatrix.lock.existing import read_existing

        try:
            found = read_existing(path)
        except CompatmatrixError as error:
            note(f"{path} is no lock that can be read, so none of its versions are kept ({error.problems[0]})")
            return None
        return found.without(frozenset(map(canonicalize_name, self.upgrade_packages)))


_OPTIONS = [
    click.option(
        "-r",
        "--requirement",
        "files",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Lock what a requirements file or pyproject.toml asks for as well. Repeatable.",
    ),
    click.option(
        "--group", "groups", multiple=True, metavar="NAME", help="A dependency group of pyproject.toml. Repeatable."
    ),
    click.option("--extra", "extras", multiple=True, metavar="NAME", help="An extra of pyproject.toml. Repeatable."),
    click.option("--fresh", is_flag=True, help="Resolve anew even where a trained lock was shipped."),
    click.option("--index-url", metavar="URL", help="The base package index, instead of uv's or pip's own setting."),
    click.option("-U", "--upgrade", is_flag=True, help="Keep no version of the file that is to be written."),
    click.option(
        "-P",
        "--upgrade-package",
        "upgrade_packages",
        multiple=True,
        metavar="NAME",
        help="Keep all versions of that file but this one's. Repeatable.",
    ),
]


def closure_options(function: F) -> F:
    """Add the options; the command gets them as one ClosureOptions in `closure`."""
    return bundled(function, _OPTIONS, ClosureOptions, "closure")

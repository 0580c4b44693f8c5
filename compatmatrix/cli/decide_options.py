"""Options of the commands that decide a stack, and the question that they ask."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import click

from compatmatrix.cli.bundle import F, bundled
from compatmatrix.cli.options import HostOptions
from compatmatrix.cli.output import counted, host_lines, note
from compatmatrix.errors import UsageError
from compatmatrix.matrix.load import data_folder
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.host import Host
from compatmatrix.probe.interpreter import Interpreter
from compatmatrix.resolve.decide import Proofs, Refusal
from compatmatrix.resolve.proven import load_proofs
from compatmatrix.resolve.question import IndexPolicy, Prefer, Question, parse_requirements


class DecideOptions(NamedTuple):
    """What the user asked to be decided."""

    requirements: tuple[str, ...]
    index_policy: str
    prefer: str
    torch_index_url: str

    def about(self, host: Host) -> Question:
        """The question for one host."""
        return Question(
            host,
            parse_requirements(self.requirements),
            IndexPolicy(self.index_policy),
            Prefer(self.prefer),
            self.torch_index_url,
        )

    def question(self, where: HostOptions, matrix: Matrix, interpreter: Interpreter | None = None) -> Question:
        """The question for the host that the user means, or for all of them together.

        Raises UsageError where they differ too much for that.
        """
        hosts = [target.host for target in where.targets(matrix, interpreter)]
        if len(hosts) == 1:
            return self.about(hosts[0])
        from compatmatrix.resolve.targets import for_all

        problems = []
        for name in ("platform", "python"):
            values = {str(getattr(host, name).value) for host in hosts}
            if len(values) > 1:
                problems.append(f"the hosts differ in {name} ({', '.join(sorted(values))}): ask for each by itself")
        if problems:
            raise UsageError(problems)
        return for_all(self.about(hosts[0]), hosts)


_OPTIONS = [
    click.argument("requirements", nargs=-1, metavar="[REQUIREMENT]..."),
    click.option(
        "--index",
        "index_policy",
        type=click.Choice([str(policy) for policy in IndexPolicy]),
        default=str(IndexPolicy.AUTO),
        show_default=True,
        help="Where torch builds may come from.",
    ),
    click.option(
        "--prefer",
        type=click.Choice([str(prefer) for prefer in Prefer]),
        default=str(Prefer.PROVEN),
        show_default=True,
        help="Step back at most one torch minor for a stack that was trained, or never.",
    ),
    click.option(
        "--torch-index-url", default="", metavar="URL", help="A mirror of the PyTorch index, without the build."
    ),
]


def decide_options(function: F) -> F:
    """Add the options of a decision; the command gets them as one DecideOptions in `asked`."""
    return bundled(function, _OPTIONS, DecideOptions, "asked")


def proofs_folder() -> Path:
    """Where the proofs lie that came with the matrix."""
    return data_folder() / "proofs"


def shipped_proofs() -> Proofs:
    """The proofs that came with the matrix."""
    return load_proofs(proofs_folder())


def say_host(host: Host) -> None:
    """Say on stderr for which host a decision was made, and how to name another."""
    origins = {fact.origin for fact in (host.platform, host.python, host.gpus, host.driver) if fact.known}
    how = "given" if origins == {"given"} else "detected" if "given" not in origins else "given and detected"
    note(f"decided for {'; '.join(host_lines(replace(host, notes=())))} ({how})")
    if how == "detected":
        note("for another machine: --gpu, --driver, --python-version, --platform, or --host FILE")


def say_refusal(refusal: Refusal, question: Question, matrix: Matrix) -> None:
    """Say on stderr that nothing fits: each kind of reason once, and what would help."""
    from compatmatrix.resolve.explanation import grouped
    from compatmatrix.resolve.unlock import unlocked_by_driver

    click.secho("no stack fits this host", fg="red", bold=True, err=True)
    for group in grouped(refusal.rejected):
        label = click.style(group.code, bold=True)
        click.echo(f"  {label}: {counted(len(group.candidates), 'candidate')}, for example:", err=True)
        click.echo(f"    {group.example.message}", err=True)
    for sentence in refusal.notes:
        note(sentence)
    for step in unlocked_by_driver(question, matrix, None):
        note(f"driver {step.driver} would unlock torch {step.decision.stack['torch'].version} ({step.decision.build})")
    if question.host.has_gpu:
        note("--no-gpu gives a stack for the CPU")
    note("all reasons: compatmatrix explain, with the same options")

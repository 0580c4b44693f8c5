"""The command line. Commands are imported when they are called; exit statuses and errors meet here."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from itertools import pairwise

import click

from compatmatrix.errors import CompatmatrixError

# One command a file; the summary stands here as well so that --help imports none of them (a test compares).
COMMANDS = {
    "check": "Judge the installed environment, or the files that name one, on this host.",
    "lock": "Decide the stack for a host and write its whole closure with hashes.",
    "dockerfile": "The same decision as a Dockerfile.",
    "explain": "Why this stack, why not the others, what another driver unlocks.",
    "fix": "The smallest change that makes the environment, or the files, compatible.",
    "inspect": "Show the host and the installed stack; the JSON is a host file that every --host accepts.",
    "smoke": "Train in the target interpreter and report every probe.",
    "prove": "Lock, install with hashes into a fresh environment, train, record the proof.",
    "matrix": "Show, verify and refresh the facts behind the answers.",
}

EXIT_INTERRUPTED = 130


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"compatmatrix.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from compatmatrix import __version__

        click.echo(f"compatmatrix {__version__}")
        ctx.exit()


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version."
)
def cli() -> None:
    """Which fastai, torch, torchvision, CUDA, driver and GPU work together: checked, locked, and proven by training.

    Exit status: 0 yes, 1 no, 2 wrong usage, 3 could not tell, 130 interrupted.
    """


def main(argv: list[str] | None = None) -> None:
    """Run the command line and exit with the contract's status."""
    # Ending us must end our children and remove our temporary folders, as an interrupt does.
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(run(argv))


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def run(argv: list[str] | None = None) -> int:
    """Run the command line; the exit status. argv: without the program's name, None for the process's own."""
    stdout = sys.stdout
    words = sys.argv[1:] if argv is None else argv
    try:
        result = cli.main(argv, prog_name="compatmatrix", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except CompatmatrixError as error:
        click.echo(str(error), err=True)
        _answer_error(words, error.slug, error.problems, error.hint)
        return error.exit_status
    except click.UsageError as error:
        click.echo(f"error[usage]: {error.format_message()}", err=True)
        path = error.ctx.command_path if error.ctx else "compatmatrix"
        click.echo(f"hint: {path} --help", err=True)
        _answer_error(words, "usage", (error.format_message(),), f"{path} --help")
        return 2
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader went away (compatmatrix lock | head); what is left in the buffer must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SystemExit:
        # Where the reader goes away during a command, click swaps the streams and exits with 1, which is our "no".
        if sys.stdout is stdout:
            raise
        return 0


def _answer_error(words: Sequence[str], slug: str, problems: Sequence[str], hint: str) -> None:
    """The error as JSON on stdout, where JSON was asked for and the command is known."""
    place = next((number for number, word in enumerate(words) if word in COMMANDS), None)
    if place is None or not _asks_for_json(words):
        return
    import json

    # A group's command is the group and its own command: "matrix show".
    below = [word for word in words[place + 1 : place + 2] if words[place] == "matrix" and not word.startswith("-")]
    error = {"slug": slug, "problems": list(problems), "hint": hint or None}
    answer = {"schema": 1, "command": " ".join([words[place], *below]), "error": error}
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False))


def _asks_for_json(words: Sequence[str]) -> bool:
    named = {"-fjson", "--format=json"}
    pairs = pairwise(words)
    return (
        "--json" in words
        or not named.isdisjoint(words)
        or any(pair in (("-f", "json"), ("--format", "json")) for pair in pairs)
    )

"""A repair as exact commands for the installer that made the environment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from packaging.requirements import Requirement

from compatmatrix.cli.conda_commands import conda_again, conda_commands
from compatmatrix.cli.output import command_line
from compatmatrix.model.stack import Stack
from compatmatrix.probe.interpreter import Interpreter
from compatmatrix.probe.trouble import TORCH_FAMILY, Trouble
from compatmatrix.resolve.conda_builds import SOURCE
from compatmatrix.resolve.moves import Change
from compatmatrix.resolve.repair import Repair

Words = tuple[str, ...]
NO_PACKAGES = Stack()


class Plan(NamedTuple):
    """commands: in order, each as words. manual: commands for the user's own shell. repair: None where none exists."""

    commands: tuple[Words, ...]
    manual: tuple[str, ...]
    repair: Repair | None

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "changes": [
                {
                    "name": one.name,
                    "from": str(one.old.version),
                    "requirement": one.requirement,
                    "index": None if one.source.startswith(SOURCE) else one.source or None,
                }
                for one in (self.repair.changes if self.repair else ())
            ],
            "commands": [list(words) for words in self.commands],
            "manual": list(self.manual),
        }

    @property
    def lines(self) -> list[str]:
        """What a user would type, the shell's own commands first."""
        return [*self.manual, *map(command_line, self.commands)]


def plan_of(
    repair: Repair | None,
    troubles: Iterable[Trouble],
    interpreter: Interpreter,
    stack: Stack,
    pytorch_index: str,
    conda: frozenset[str] = frozenset(),
    limits: Mapping[str, Sequence[str]] = MappingProxyType({}),
    left_behind: Sequence[str] = (),
    anew: Sequence[str] = (),
    covered: Stack = NO_PACKAGES,
) -> Plan:
    """The commands that carry out a repair.

    stack: as it is; conda: the packages that conda itself installed. limits: on what is installed again in another
    version, by name. left_behind: what is of no use after the changes, and in the way of what they bring.
    anew: requirements to be installed again whatever is there. covered: conda's records of what pip's copies lie over:
    where one of them is what is asked for, it takes its place again.
    """
    troubles = tuple(troubles)
    changes = repair.changes if repair else ()
    moving = {change.name for change in changes}
    back = _taken_back(changes, covered, conda)
    hidden = [change.name for change in back]
    removed = tuple(dict.fromkeys((*(name for trouble in troubles for name in trouble.remove), *left_behind, *hidden)))
    again = [
        text
        for text in (*(text for trouble in troubles for text in trouble.reinstall), *anew)
        if Requirement(text).name not in {*moving, *left_behind}
    ]
    renewed = [
        text if name in (*TORCH_FAMILY, "fastai") else f"{name}{','.join(limits.get(name, ()))}"
        for trouble in troubles
        for text in trouble.renew
        if (name := Requirement(text).name) not in {*moving, *removed}
    ]
    install = _Installer(interpreter, pytorch_index)
    commands: list[Words] = []
    if removed:
        commands.append(install.removal(removed))
    by_conda = [
        change
        for change in changes
        if change not in back and interpreter.installer == "conda" and _is_condas(change.name, conda, hidden)
    ]
    by_wheel = [change for change in changes if change not in by_conda and change not in back]
    if back:
        commands.append(conda_again(back, covered, interpreter))
    if by_conda:
        commands += conda_commands(by_conda, interpreter)
    if by_wheel or renewed:
        beside = repair.beside if repair else ()
        more = [*_anchor(by_wheel, repair, stack), *beside]
        commands += install.changes(by_wheel, more, list(dict.fromkeys(renewed)))
    if again:
        commands.append(install.anew(list(dict.fromkeys(again))))
    manual = tuple(dict.fromkeys(trouble.shell for trouble in troubles if trouble.shell))
    return Plan(tuple(commands), manual, repair)


def _taken_back(changes: Sequence[Change], covered: Stack, conda: frozenset[str]) -> list[Change]:
    """The changes that lead back to what conda has installed: of torch, or of its partners where torch is conda's."""
    fitting = [
        change
        for change in changes
        if (pin := covered.get(change.name)) and (pin.release, pin.flavour) == (change.pin.release, change.pin.flavour)
    ]
    return fitting if "torch" in conda or any(change.name == "torch" for change in fitting) else []


def _is_condas(name: str, conda: frozenset[str], back: Sequence[str]) -> bool:
    """Whether conda changes a package: torch's partners come from where torch comes from."""
    return "torch" in {*conda, *back} if name in TORCH_FAMILY[1:] and name in conda else name in conda


def _anchor(changes: Sequence[Change], repair: Repair | None, stack: Stack) -> list[str]:
    """fastai as it stays: named, so that the installer keeps everything around it fitting."""
    fastai = stack.get("fastai")
    if fastai is None or repair is None or any(change.name == "fastai" for change in repair.changes):
        return []
    if all(
        change.name == "torchaudio" or (change.name in TORCH_FAMILY and change.old.release == change.pin.release)
        for change in changes
    ):
        return []
    return [str(fastai)]


class _Installer(NamedTuple):
    interpreter: Interpreter
    pytorch_index: str

    @property
    def by_uv(self) -> bool:
        return self.interpreter.installer == "uv"

    def _words(self, verb: str) -> Words:
        path = str(self.interpreter.path)
        return ("uv", "pip", verb, "--python", path) if self.by_uv else (path, "-m", "pip", verb)

    def removal(self, names: Sequence[str]) -> Words:
        return (*self._words("uninstall"), *(() if self.by_uv else ("--yes",)), *names)

    def changes(self, changes: Sequence[Change], more: Sequence[str], renewed: Sequence[str] = ()) -> list[Words]:
        """The commands for the changes and further requirements. They name the PyTorch index where a build needs it,
        and make sure that another build of the same version is not taken as good enough. renewed: what is installed
        again as a wheel.

        uv installs builds in a step of their own, from their index alone and without dependencies; the step after it
        finds them there and takes the rest from PyPI. In one step uv would either take NumPy and all else that the
        PyTorch index happens to have from there, or need its "unsafe-best-match", open to dependency confusion.
        """
        base = self._words("install")
        texts = (*(change.requirement for change in changes), *renewed)
        built = {text: match[1] for text in texts if (match := re.search(r"\+(\w[\w.]*)$", text))}
        commands: list[Words] = []
        words = list(base)
        if self.by_uv:
            for build in sorted(set(built.values())):
                own = [text for text in texts if built.get(text) == build]
                again = [
                    word for text in own if text in renewed for word in ("--reinstall-package", Requirement(text).name)
                ]
                url = f"{self.pytorch_index}/{build}"
                commands.append((*base, "--no-deps", "--default-index", url, *again, *own))
        else:
            builds = sorted(set(built.values()))
            words += [word for build in builds for word in ("--extra-index-url", f"{self.pytorch_index}/{build}")]
        if renewed:
            names = [Requirement(text).name for text in renewed if not (self.by_uv and text in built)]
            words += [word for name in names for word in ("--only-binary", name)]
            again = [word for name in names for word in ("--reinstall-package", name)]
            words += again if self.by_uv else ["--force-reinstall"]
        requirements = []
        for change in changes:
            text = change.requirement
            if _counts_as_satisfied(change):
                if self.by_uv:
                    words += ["--reinstall-package", change.name]
                else:
                    # "==2.8.0" is met by 2.8.0+cpu; "===" compares the text, so pip looks for the plain build.
                    text = text.replace("==", "===")
            requirements.append(text)
        return [*commands, (*words, *requirements, *renewed, *(text for text in more if text not in renewed))]

    def anew(self, requirements: Sequence[str]) -> Words:
        if self.by_uv:
            names = [Requirement(text).name for text in requirements]
            again = [word for name in names for word in ("--reinstall-package", name)]
            return (*self._words("install"), *again, *requirements)
        return (*self._words("install"), "--force-reinstall", "--no-deps", *requirements)


def _counts_as_satisfied(change: Change) -> bool:
    """Whether an installer would leave the build that is there in place."""
    specifier = Requirement(change.requirement).specifier
    return any(spec.operator == "==" for spec in specifier) and specifier.contains(
        str(change.old.version), prereleases=True
    )

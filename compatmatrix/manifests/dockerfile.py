"""Dockerfiles: each stage with its base image and what its RUN lines install, stages below it included.

Installs behind a condition of the shell are left out: nobody can say whether they happen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from packaging.requirements import InvalidRequirement

from compatmatrix.manifests import base_images, conda_spec, install_commands
from compatmatrix.manifests.dockerfile_edit import edit
from compatmatrix.manifests.dockerfile_syntax import (
    Heredoc,
    Instruction,
    Word,
    assignments,
    commands,
    instructions,
    replaced,
)
from compatmatrix.manifests.environment import cuda_of
from compatmatrix.manifests.format import Format
from compatmatrix.manifests.index_urls import BUILT, build_of
from compatmatrix.manifests.manifest import BaseImage, Entry, Manifest, Section
from compatmatrix.manifests.requirements import entry_of, entry_of_wheel, parse_requirement
from compatmatrix.manifests.requirements import read as read_requirements_text
from compatmatrix.manifests.source import read_text
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.finding import Place

_PLATFORMS = {"amd64": "linux-x86_64", "x86_64": "linux-x86_64", "arm64": "linux-aarch64", "aarch64": "linux-aarch64"}


@dataclass
class _Stage:
    name: str
    entries: dict[str, Entry] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    files: dict[str, tuple[Path, str]] = field(default_factory=dict)
    image: BaseImage | None = None
    python: str = ""
    platform: str = ""
    cuda: Cuda | None = None
    cuda_place: Place | None = None
    used: bool = False
    idle: list[tuple[str, Place]] = field(default_factory=list)


def read(path: Path, text: str) -> Manifest:
    """One section for each stage. What cannot be made out in a RUN line is passed over; BadInput for a file without
    FROM."""
    stages: list[_Stage] = []
    before: dict[str, str] = {}
    for instruction in instructions(text):
        if instruction.keyword == "FROM":
            stages.append(_stage(path, instruction, before, stages))
        elif not stages:
            if instruction.keyword == "ARG":
                for name, word, _ in assignments(instruction):
                    before[name] = replaced(word.text, before) or ""
        elif instruction.keyword in ("ARG", "ENV"):
            _assign(stages[-1], instruction, before)
        elif instruction.keyword in ("COPY", "ADD"):
            for other in re.findall(r"--from=(\S+)", instruction.text):
                for stage in stages:
                    stage.used = stage.used or stage.name == f"stage {other}"
            _copy(stages[-1], path, instruction)
        elif instruction.keyword == "RUN":
            for install, lines in _installs(instruction, stages[-1].variables):
                _apply(stages[-1], path, install, lines)
    if not stages:
        from compatmatrix.errors import BadInput

        raise BadInput(f"{path}:1: no FROM: not a Dockerfile")
    return Manifest(path, tuple(map(_section, stages)))


def _section(stage: _Stage) -> Section:
    image, variables = stage.image, stage.variables
    if image and stage.used:
        # Nothing but a build runs in it, and builds see no driver.
        image = image._replace(requires=False)
    if image and (asked := re.search(r"cuda>=(\d+\.\d+)", variables.get("NVIDIA_REQUIRE_CUDA", ""))):
        image = image._replace(cuda=Cuda.parse(asked[1]), requires=True)
    off = variables.get("NVIDIA_DISABLE_REQUIRE", "").lower() in ("1", "true")
    if image and (off or variables.get("NVIDIA_REQUIRE_CUDA", "?") == ""):
        image = image._replace(requires=False)
    return Section(
        stage.name,
        tuple(stage.entries.values()),
        stage.python,
        stage.platform,
        image,
        stage.cuda,
        stage.cuda_place,
        idle=tuple(stage.idle),
    )


def _stage(path: Path, instruction: Instruction, before: Mapping[str, str], stages: list[_Stage]) -> _Stage:
    match = re.match(r"(?:--platform=(\S+)\s+)?(\S+)(?:\s+AS\s+(\S+))?", instruction.text.strip(), re.IGNORECASE)
    platform, given, alias = match.groups() if match else ("", "", "")
    reference = replaced(given or "", before) or ""
    name = f"stage {alias or len(stages)}"
    parent = next((stage for stage in stages if stage.name == f"stage {reference}"), None)
    if parent:
        parent.used = True
        return replace(
            parent,
            name=name,
            used=False,
            entries=dict(parent.entries),
            variables=dict(parent.variables),
            files=dict(parent.files),
            idle=list(parent.idle),
        )
    repository, tag = base_images.split(reference)
    told = base_images.told_by(repository, tag)
    place = Place(str(path), instruction.line)
    image = BaseImage(repository, tag, told.cuda, place, told.requires, told.musl, told.torch)
    stage = _Stage(name, image=image, python=told.python)
    stage.platform = _PLATFORMS.get((replaced(platform or "", before) or "").removeprefix("linux/"), "linux-")
    if told.torch:
        # How the image got its torch is not told: pip's wheels and conda's packages differ in what they contain.
        stage.entries["torch"] = Entry("torch", f"=={told.torch}", place, opaque=True)
        stage.cuda, stage.cuda_place = told.cuda, place
    return stage


def _assign(stage: _Stage, instruction: Instruction, before: Mapping[str, str]) -> None:
    for name, word, _ in assignments(instruction):
        value = replaced(word.text, stage.variables)
        if value is not None and (instruction.keyword == "ENV" or name not in stage.variables):
            stage.variables[name] = value
    if instruction.keyword == "ARG":
        for name in re.findall(r"(?:^|\s)(\w+)(?=\s|$)", instruction.text):
            if name in before:
                stage.variables[name] = before[name]


def _copy(stage: _Stage, path: Path, instruction: Instruction) -> None:
    """Remember what text files are put where."""
    words = [word.text for command in commands(instruction.text) for word in command if not word.text.startswith("--")]
    words = [word for word in words if not word.startswith("<<")]
    if "--from=" in instruction.text or not words:
        return
    target = words[-1]
    for heredoc in instruction.heredocs:
        # Empty lines in front keep the line numbers those of the Dockerfile.
        stage.files[target] = path, "\n" * (heredoc.line - 1) + "\n".join(heredoc.lines)
    for source in words[:-1]:
        file = path.parent / source.lstrip("/")
        if file.suffix in (".txt", ".in") and file.is_file():
            whole = not target.endswith(("/", ".")) and len(words) == 2
            stage.files[target if whole else str(PurePosixPath(target, file.name))] = file, read_text(file)


def _installs(
    instruction: Instruction, variables: dict[str, str]
) -> Iterator[tuple[install_commands.Install, list[int]]]:
    """What a RUN installs, with the line of each word."""
    found: list[tuple[list[Word], Instruction | Heredoc]] = []
    if instruction.text.lstrip().startswith("["):
        try:
            texts = json.loads(instruction.text)
        except ValueError:
            texts = []
        found.append(([Word(str(text), "", 0) for text in texts], instruction))
    elif instruction.heredocs:
        for heredoc in instruction.heredocs:
            found += [(command, heredoc) for command in commands("\n".join(heredoc.lines).replace("\\\n", "  "))]
    else:
        found += [(command, instruction) for command in commands(instruction.text)]
    for command, origin in found:
        if setting := install_commands.setting(command, variables):
            variables.setdefault(*setting)
        install = install_commands.read(command, variables)
        if install is None:
            continue
        if isinstance(origin, Heredoc):
            body = "\n".join(origin.lines)
            yield install, [origin.line + body.count("\n", 0, word.offset) for word in install.words]
        else:
            yield install, [origin.line_at(word.offset) for word in install.words]


def _apply(stage: _Stage, path: Path, install: install_commands.Install, lines: list[int]) -> None:
    if install.python:
        stage.python = f"=={install.python}" if install.python.count(".") > 1 else f"=={install.python}.*"
    if install.conda:
        _apply_conda(stage, path, install, lines)
        return
    flavour, only = install.asked.build
    if install.backend:
        flavour, only = build_of(f"/{install.backend}"), True
    found: list[Entry] = []
    if lines:
        stage.idle += [(url, Place(str(path), lines[0])) for url in install.asked.without_wheels]
    for name in install.files:
        file, text = stage.files.get(name) or stage.files.get(name.removeprefix("./")) or (None, "")
        file = file or _beside(path, name)
        if file and (text or file.is_file()):
            for section in read_requirements_text(file, text or read_text(file)).sections:
                found += section.entries
    for word, line in zip(install.words, lines, strict=True):
        if wheel := entry_of_wheel(word.text, Place(str(path), line)):
            found.append(wheel)
            continue
        try:
            requirement = parse_requirement(word.text)
        except InvalidRequirement:
            continue
        if requirement:
            found.append(entry_of(requirement, Place(str(path), line), flavour, only))
    for entry in found:
        opaque = entry.opaque or bool(install.backend and flavour is None and entry.name in BUILT)
        bare = not entry.specifier and entry.name in stage.entries
        if not bare:  # pip leaves alone what is there already
            built = entry.name in BUILT and entry.flavour is None and not entry.tags
            stage.entries[entry.name] = entry._replace(
                flavour=flavour if built else entry.flavour, only=entry.only or (built and only), opaque=opaque
            )
            if entry.name == "torch":
                stage.cuda = stage.cuda_place = None


def _beside(path: Path, name: str) -> Path | None:
    """A file that the build context has under the same name, where COPY was too clever for us."""
    file = path.parent / PurePosixPath(name).name
    return file if file.is_file() else None


def _apply_conda(stage: _Stage, path: Path, install: install_commands.Install, lines: list[int]) -> None:
    specs = []
    for word, line in zip(install.words, lines, strict=True):
        spec = conda_spec.parse(word.text)
        if spec:
            specs.append((spec, Place(str(path), line)))
    for spec, place in specs:
        if spec.name == "python":
            stage.python = spec.specifier
        else:
            stage.entries[spec.name] = Entry(spec.name, spec.specifier, place, conda=True)
    cuda, where = cuda_of(specs)
    if cuda:
        stage.cuda, stage.cuda_place = cuda, where


FORMAT = Format("Dockerfile", read, edit)

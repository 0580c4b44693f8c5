"""Installer command lines (pip, uv pip, conda, mamba) as what they install."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from compatmatrix.manifests.dockerfile_syntax import Word, replaced
from compatmatrix.manifests.index_urls import Asked, asked_by_variables

# Options of pip and uv that take a value.
_VALUED = frozenset(
    {"-r", "--requirement", "--requirements", "-c", "--constraint", "-i", "--index-url", "--extra-index-url", "--index"}
    | {
        "--default-index",
        "-f",
        "--find-links",
        "--python",
        "--python-version",
        "--platform",
        "--target",
        "-t",
        "--prefix",
    }
    | {"--root", "--trusted-host", "--cache-dir", "--timeout", "--retries", "--proxy", "--cert", "--progress-bar", "-e"}
    | {"--prefix"}
    | {"--implementation", "--abi", "--only-binary", "--no-binary", "--upgrade-strategy", "--torch-backend", "-C", "-p"}
    | {"--index-strategy", "--link-mode", "--exclude-newer", "--config-settings", "--report", "--log", "--src", "-b"}
    | {"--editable", "--group", "--override", "--overrides", "--build-constraint", "--resolution", "--prerelease"}
)
_CONDA_VALUED = frozenset(
    {"-c", "--channel", "-n", "--name", "-p", "--prefix", "--file", "-f", "--solver", "--repodata-fn"}
)
_MAIN = ("-i", "--index-url", "--default-index")
_MORE = ("--extra-index-url", "--index")
_LINKS = ("-f", "--find-links")
_PREFIXES = frozenset({"sudo", "exec", "command", "time", "nice"})


class Install(NamedTuple):
    """What one command installs. words: the requirements, text with variables replaced. files: of -r and -c.

    asked: the indexes. backend: uv's word for the build that it shall choose ("cu126", "auto"). python: the interpreter
    that it asks for, "3.11". conda: words are conda's.
    """

    words: tuple[Word, ...]
    files: tuple[str, ...] = ()
    asked: Asked = Asked()
    backend: str = ""
    python: str = ""
    conda: bool = False


def read(command: Sequence[Word], variables: Mapping[str, str]) -> Install | None:
    """The installation behind a command, None for every other command. Words with unknown variables are left out."""
    words = list(command)
    local = dict(variables)
    while words and (
        re.match(r"\w+=", words[0].text) or words[0].text in _PREFIXES or words[0].text.startswith("--mount")
    ):
        name, _, value = words.pop(0).text.partition("=")
        local[name] = replaced(value, variables) or ""
    texts = [word.text for word in words]
    begin = _pip(texts)
    program = texts[0].rpartition("/")[2] if texts else ""
    if begin:
        return _read_pip(words[begin:], local, uv=program == "uv")
    if program in ("conda", "mamba", "micromamba") and len(texts) > 1 and texts[1] in ("install", "create"):
        return _read_conda(words[2:], local)
    if texts[:2] in (["uv", "venv"], ["uv", "python"]):
        found = next((m[1] for text in texts[2:] if (m := re.fullmatch(r"(?:--python=)?(3\.\d+)(?:\.\d+)?", text))), "")
        return Install((), python=found)
    return None


def setting(command: Sequence[Word], variables: Mapping[str, str]) -> tuple[str, str] | None:
    """The variable that stands for what `pip config set` sets for all commands after it, and its value; None for every
    other command."""
    texts = [word.text for word in command]
    if "config" not in texts[1:4] or "set" not in texts or not re.search(r"(^|/)(pip[\d.]*|python[\d.]*)$", texts[0]):
        return None
    words = [text for text in texts[texts.index("set") + 1 :] if not text.startswith("-")]
    match = re.fullmatch(r"(?:global|install)\.(index-url|extra-index-url|find-links)", words[0]) if words else None
    value = replaced(words[1], variables) if match and len(words) == 2 else None
    return (f"PIP_{match[1].replace('-', '_').upper()}", value) if match and value is not None else None


def _pip(texts: list[str]) -> int:
    """How many words stand before what is to be installed; 0 where it is no pip install."""
    program = texts[0].rpartition("/")[2] if texts else ""
    rest = 0
    if re.fullmatch(r"pip3?(\.\d+)?", program):
        rest = 1
    elif re.fullmatch(r"python3?(\.\d+)?", program) and "-m" in texts[:4]:
        at = texts.index("-m")
        rest = at + 2 if texts[at + 1 : at + 2] == ["pip"] else 0
    elif program == "uv" and texts[1:2] == ["pip"]:
        rest = 2
    while rest and rest < len(texts) and texts[rest].startswith("-"):
        rest += 2 if texts[rest] in _VALUED else 1
    return rest + 1 if rest and texts[rest : rest + 1] == ["install"] else 0


def _options(words: Sequence[Word], valued: frozenset[str]) -> Iterable[tuple[str, Word]]:
    """Each word with the option that it is the value of; options without one are left out."""
    pending = ""
    for word in words:
        name, equals, _ = word.text.partition("=")
        if pending:
            yield pending, word
            pending = ""
        elif word.text.startswith("-"):
            if equals and name in valued:
                yield name, Word(word.text.partition("=")[2], word.raw.partition("=")[2], word.offset + len(name) + 1)
            elif name in valued:
                pending = name
        elif re.fullmatch(r"\d?>+(&\d)?.*|<.*", word.text):
            continue
        else:
            yield "", word


def _read_pip(words: Sequence[Word], variables: Mapping[str, str], *, uv: bool) -> Install:
    asked = asked_by_variables(variables, uv=uv)
    backend, python = variables.get("UV_TORCH_BACKEND", "") if uv else "", ""
    found, files = [], []
    for option, word in _options(words, _VALUED):
        text = replaced(word.text, variables)
        if text is None:
            if option in (*_MAIN, *_MORE, *_LINKS, "--torch-backend"):
                backend = backend or "unknown"
            continue
        if not option:
            found.append(Word(text, word.raw, word.offset))
        elif option in ("-r", "--requirement", "--requirements", "-c", "--constraint"):
            files.append(text)
        elif option in _MAIN:
            asked = asked.and_then(Asked(text))
        elif option in _MORE:
            asked = asked.and_then(Asked("", (text,)))
        elif option in _LINKS:
            asked = asked.and_then(Asked("", (), (text,)))
        elif option == "--torch-backend":
            backend = text
        elif option in ("--python", "-p") and re.fullmatch(r"3\.\d+(\.\d+)?", text):
            python = text
    return Install(tuple(found), tuple(files), asked, backend, python)


def _read_conda(words: Sequence[Word], variables: Mapping[str, str]) -> Install:
    found = []
    for option, word in _options(words, _CONDA_VALUED):
        text = replaced(word.text, variables)
        if not option and text is not None:
            found.append(Word(text, word.raw, word.offset))
    return Install(tuple(found), conda=True)

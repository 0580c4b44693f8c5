"""The PyTorch index of a pyproject.toml, taken out or newly named, for uv, poetry and pdm.

Sources of the tables: docs.astral.sh/uv (tool.uv.index, tool.uv.sources), python-poetry.org/docs/repositories,
pdm-project.org (tool.pdm.source).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name

from compatmatrix.manifests import poetry
from compatmatrix.manifests.index_urls import build_of
from compatmatrix.manifests.toml_lines import load, table, tables
from compatmatrix.model.target import Target, applies

TABLES = (("tool", "uv", "index"), ("tool", "poetry", "source"), ("tool", "pdm", "source"))
"""Where indexes are named."""


class Use(NamedTuple):
    """Who no longer takes an index. section: the extra or group, empty for the project itself."""

    section: str
    target: Target


def dropped(path: Path, text: str, tag: str, use: Use) -> str:
    """The text without the index of a build where nothing else uses it: sources of packages, uv's settings, the index.
    It stays as it was where that cannot be done without touching anything else."""
    import tomlkit

    data = load(path, text)
    names = {str(row["name"]) for row in _rows(data) if row.get("name") and build_of(str(row.get("url", ""))) == tag}
    wanted, document = copy.deepcopy(data), tomlkit.parse(text)
    _forget(wanted, names, tag, use)
    new = tomlkit.dumps(document) if _forget(document, names, tag, use) else text
    used = _used(wanted)
    for keys in TABLES:
        found = table(wanted, *keys[:-1]).get(keys[-1])
        rows: list[Any] = found if isinstance(found, list) else []
        for place in reversed(range(len(rows))):
            if rows[place].get("name") in names - used:
                new = _without(new, f"[[{'.'.join(keys)}]]", place)
                del rows[place]
    if not table(wanted, "tool", "uv", "sources") and "sources" in table(wanted, "tool", "uv"):
        new = _without(new, "[tool.uv.sources]", 0)
        del wanted["tool"]["uv"]["sources"]
    return new if _pruned(load(path, new)) == _pruned(wanted) else text


def added(path: Path, text: str, url: str, packages: Sequence[str]) -> str | None:
    """The text with an index for these packages alone; None where no tool that knows such indexes is at work, or a
    package has a source already. url: ends with the build's tag."""
    data = load(path, text)
    tool = table(data, "tool")
    name = f"pytorch-{build_of(url)}"
    if any(row.get("name") == name for row in _rows(data)):
        return None
    end = "\r\n" if "\r\n" in text else "\n"
    body = text if text.endswith("\n") else text + end
    if "poetry" in tool and "dependencies" in table(tool, "poetry"):
        with_sources = _poetry_sources(body, packages, name)
        lines = ["[[tool.poetry.source]]", f'name = "{name}"', f'url = "{url}"', 'priority = "explicit"']
        return f"{with_sources}{end}{end.join(lines)}{end}" if with_sources else None
    if "pdm" in tool:
        included = ", ".join(f'"{package}"' for package in packages)
        lines = ["[[tool.pdm.source]]", f'name = "{name}"', f'url = "{url}"', f"include_packages = [{included}]"]
        return f"{body}{end}{end.join(lines)}{end}"
    if "uv" not in tool and not path.with_name("uv.lock").is_file():
        return None
    sources = table(tool, "uv", "sources")
    if set(map(canonicalize_name, sources)) & set(packages):
        return None
    rows = [f'{package} = {{ index = "{name}" }}' for package in packages]
    if "sources" in table(tool, "uv"):
        header = re.search(r"(?m)^\[tool\.uv\.sources\][^\r\n]*\r?\n", body)
        if header is None:
            return None
        body = f"{body[: header.end()]}{end.join(rows)}{end}{body[header.end() :]}"
    else:
        body += f"{end}[tool.uv.sources]{end}{end.join(rows)}{end}"
    lines = ["[[tool.uv.index]]", f'name = "{name}"', f'url = "{url}"', "explicit = true"]
    return f"{body}{end}{end.join(lines)}{end}"


def _rows(data: MutableMapping[str, Any]) -> Iterator[dict[str, Any]]:
    return (row for keys in TABLES for row in tables(data, *keys))


def _forget(data: MutableMapping[str, Any], names: set[str], tag: str, use: Use) -> bool:
    """Take out what leads to these indexes, but for the indexes themselves; whether anything changed."""
    uv = table(data, "tool", "uv")
    changed = False
    sources = table(uv, "sources")
    for package in list(sources):
        rows = sources[package]
        if isinstance(rows, dict) and _meant(rows, names, use):
            del sources[package]
            changed = True
        elif isinstance(rows, list) and any(_meant(row, names, use) for row in rows):
            for place in reversed(range(len(rows))):
                if _meant(rows[place], names, use):
                    del rows[place]
            if not rows:
                del sources[package]
            changed = True
    for settings in (uv, table(uv, "pip")):
        for key, same in (("index-url", build_of), ("torch-backend", _itself)):
            if key in settings and same(str(settings[key])) == tag:
                del settings[key]
                changed = True
        for key in ("extra-index-url", "find-links"):
            urls = settings.get(key)
            for place in reversed(range(len(urls) if isinstance(urls, list) else 0)):
                if build_of(str(settings[key][place])) == tag:
                    del settings[key][place]
                    changed = True
    for group in ("", *poetry.groups(data)):
        for _, dependencies in poetry.tables_of(data, group) if group == use.section else ():
            for row in dependencies.values():
                if isinstance(row, dict) and str(row.get("source")) in names:
                    del row["source"]
                    changed = True
    return changed


_itself: Callable[[str], str | None] = str


def _meant(row: object, names: set[str], use: Use) -> bool:
    if not isinstance(row, dict) or str(row.get("index")) not in names:
        return False
    only_in = str(row.get("extra") or row.get("group") or "")
    return only_in in ("", use.section) and applies(str(row.get("marker", "")), use.target) is not False


def _used(data: MutableMapping[str, Any]) -> set[str]:
    found = set()
    for rows in table(data, "tool", "uv", "sources").values():
        found |= {
            str(row.get("index")) for row in (rows if isinstance(rows, list) else [rows]) if isinstance(row, dict)
        }
    for group in ("", *poetry.groups(data)):
        for _, dependencies in poetry.tables_of(data, group):
            found |= {str(row.get("source")) for row in dependencies.values() if isinstance(row, dict)}
    return found


def _without(text: str, header: str, place: int) -> str:
    """The text without one table, to its last key: what comments stand below belongs to the next one."""
    lines = text.splitlines(keepends=True)
    starts = [number for number, line in enumerate(lines) if line.split("#")[0].strip() == header]
    if place >= len(starts):
        return text
    first = starts[place]
    last = next((n for n in range(first + 1, len(lines)) if lines[n].lstrip().startswith("[")), len(lines))
    while last > first + 1 and re.match(r"\s*(#|$)", lines[last - 1]):
        last -= 1
    while first and not lines[first - 1].strip():
        first -= 1
    return "".join(lines[:first] + lines[last:])


def _poetry_sources(text: str, packages: Sequence[str], name: str) -> str | None:
    """Each of these packages with a source on its line; None where one stands there in another form."""
    for package in packages:
        plain = re.compile(rf'(?mi)^({re.escape(package)}\s*=\s*)("[^"\n]*"|\'[^\'\n]*\')')
        in_table = re.compile(rf"(?mi)^({re.escape(package)}\s*=\s*\{{[^{{}}\n]*?)(\s*\}})")
        if plain.search(text):
            text = plain.sub(rf'\g<1>{{ version = \g<2>, source = "{name}" }}', text, count=1)
        elif (match := in_table.search(text)) and "source" not in match[1]:
            text = in_table.sub(rf'\g<1>, source = "{name}"\g<2>', text, count=1)
        else:
            return None
    return text


def _pruned(value: Any) -> Any:
    """Without empty tables: whether a header without keys stands there says nothing."""
    if isinstance(value, dict):
        kept = {key: _pruned(one) for key, one in value.items()}
        return {key: one for key, one in kept.items() if one not in ({}, [])}
    return [_pruned(one) for one in value] if isinstance(value, list) else value

"""poetry's tables in pyproject.toml, and its caret and tilde versions.

Source of the notation: python-poetry.org/docs/dependency-specification.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name

from compatmatrix.manifests.requirements import same_specifier
from compatmatrix.manifests.toml_lines import table, tables


class Dependency(NamedTuple):
    """One dependency. specifier: PEP 440. section: the table that it stands in. source: the name of its index."""

    name: str
    specifier: str
    section: str
    marker: str = ""
    source: str = ""


def groups(data: Mapping[str, Any]) -> list[str]:
    """The names of poetry's groups, the older dev-dependencies as "dev"."""
    poetry = table(data, "tool", "poetry")
    return [*table(poetry, "group"), *(["dev"] if "dev-dependencies" in poetry else [])]


def sources(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """poetry's indexes, with name and url."""
    return tables(data, "tool", "poetry", "source")


def python(data: Mapping[str, Any]) -> str:
    """The Pythons that the project admits, as PEP 440 specifier; empty where poetry's table does not say."""
    value = table(data, "tool", "poetry", "dependencies").get("python")
    return specifier(value) if isinstance(value, str) else ""


def dependencies(data: Mapping[str, Any], group: str) -> Iterator[Dependency]:
    """The dependencies of a group, of the project itself for an empty name."""
    for section, rows in tables_of(data, group):
        for name, row in rows.items():
            if canonicalize_name(name) == "python":
                continue
            for one in row if isinstance(row, list) else [row]:
                if isinstance(one, str):
                    yield Dependency(name, specifier(one), section)
                elif isinstance(one, dict) and "version" in one:
                    yield Dependency(
                        name, specifier(str(one["version"])), section, _marker(one), str(one.get("source", ""))
                    )


def tables_of(data: Mapping[str, Any], group: str) -> Iterator[tuple[str, Any]]:
    """The tables of a group's dependencies with their names, those of the project itself for an empty name."""
    poetry = table(data, "tool", "poetry")
    if not group:
        yield "tool.poetry.dependencies", table(poetry, "dependencies")
        return
    yield f"tool.poetry.group.{group}.dependencies", table(poetry, "group", group, "dependencies")
    if group == "dev":
        yield "tool.poetry.dev-dependencies", table(poetry, "dev-dependencies")


def _marker(row: Mapping[str, Any]) -> str:
    parts = [f"({row['markers']})"] if row.get("markers") else []
    clauses = [part for part in specifier(str(row.get("python", ""))).split(",") if part]
    for clause in clauses:
        version = clause.lstrip("=<>!~")
        parts.append(f"python_full_version {clause[: len(clause) - len(version)]} '{version}'")
    if row.get("platform"):
        parts.append(f"sys_platform == '{row['platform']}'")
    return " and ".join(parts)


def specifier(text: str) -> str:
    """poetry's version as PEP 440: "^2.8" is ">=2.8,<3", "~2.8" is ">=2.8,<2.9", "2.8.0" is "==2.8.0".

    Empty, for any version, where it cannot be said: alternatives with ||, or something unknown.
    """
    if "|" in text:
        return ""
    parts = []
    for clause in text.replace(" ,", ",").split(","):
        part = re.sub(r"([<>=!~^])\s+", r"\1", clause.strip())
        if part in ("", "*"):
            continue
        if match := re.fullmatch(r"(\^|~(?!=))([0-9][\w.+-]*)", part):
            parts.append(_caret(match[2]) if match[1] == "^" else _tilde(match[2]))
        elif re.fullmatch(r"=?[0-9][\w.+*-]*", part):
            parts.append(f"=={part.lstrip('=')}")
        elif re.fullmatch(r"[<>=!~]{1,3}[0-9][\w.+*-]*", part):
            parts.append(part)
        else:
            return ""
    return ",".join(parts)


def _numbers(version: str) -> list[int]:
    match = re.match(r"\d+(?:\.\d+)*", version)
    return [int(number) for number in match[0].split(".")] if match else [0]


def _caret(version: str) -> str:
    numbers = _numbers(version)
    place = next((n for n, number in enumerate(numbers) if number), len(numbers) - 1)
    return f">={version},<{'.'.join(map(str, [*numbers[:place], numbers[place] + 1]))}"


def _tilde(version: str) -> str:
    numbers = _numbers(version)[:2]
    return f">={version},<{'.'.join(map(str, [*numbers[:-1], numbers[-1] + 1]))}"


def edit(document: MutableMapping[str, Any], changes: Mapping[str, str]) -> bool:
    """Write new specifiers into a tomlkit document; whether anything changed."""
    changed = False
    for group in ("", *groups(document)):
        for _, rows in tables_of(document, group):
            for name in list(rows):
                wanted = changes.get(canonicalize_name(name))
                row = rows[name]
                if wanted is None or canonicalize_name(name) == "python":
                    continue
                if isinstance(row, str) and not same_specifier(specifier(row), wanted):
                    rows[name] = _written(wanted)
                    changed = True
                elif isinstance(row, dict) and not same_specifier(specifier(str(row.get("version", "*"))), wanted):
                    row["version"] = _written(wanted)
                    changed = True
    return changed


def _written(wanted: str) -> str:
    return wanted[2:] if re.fullmatch(r"==[^=,*]+", wanted) else wanted

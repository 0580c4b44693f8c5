"""pyproject.toml: PEP 621 dependencies and extras, dependency groups, poetry's tables, uv's sources and indexes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from packaging.requirements import InvalidRequirement
from packaging.utils import canonicalize_name

from compatmatrix.errors import BadInput
from compatmatrix.manifests import poetry
from compatmatrix.manifests.format import Format
from compatmatrix.manifests.index_urls import BUILT, Asked, build_of
from compatmatrix.manifests.manifest import Entry, Manifest, Section
from compatmatrix.manifests.requirements import entry_of, entry_of_wheel, parse_requirement
from compatmatrix.manifests.toml_lines import Lines, load, table, tables
from compatmatrix.model.finding import Place


class _Source(NamedTuple):
    """One of uv's sources of a package: the build of its index, and when it holds. elsewhere: git, path or address."""

    flavour: str | None
    marker: str
    only_in: str
    elsewhere: bool


class _Reader:
    def __init__(self, path: Path, text: str) -> None:
        self.path, self.lines, self.data = path, Lines(text), load(path, text)
        self.problems: list[str] = []
        uv = table(self.data, "tool", "uv")
        self.indexes = {
            str(row.get("name", "")): str(row.get("url", ""))
            for row in (*tables(uv, "index"), *poetry.sources(self.data), *tables(self.data, "tool", "pdm", "source"))
        }
        rows = (*tables(uv, "index"), *tables(self.data, "tool", "pdm", "source"))
        general = [str(row.get("url", "")) for row in rows if not row.get("explicit")]
        links: list[str] = []
        for settings in (uv, table(uv, "pip")):
            general += [f"/{settings.get('torch-backend', '')}", str(settings.get("index-url", ""))]
            general += _texts(settings.get("extra-index-url"))
            links += _texts(settings.get("find-links"))
        self.general, _ = Asked("", tuple(general), tuple(links)).build
        self.uv_sources: dict[str, Any] = {canonicalize_name(name): rows for name, rows in table(uv, "sources").items()}

    def sources(self, name: str) -> list[_Source]:
        rows = self.uv_sources.get(name)
        found = []
        for row in rows if isinstance(rows, list) else [rows]:
            if isinstance(row, dict):
                only_in = str(row.get("extra") or row.get("group") or "")
                marker, index = str(row.get("marker", "")), str(row.get("index", ""))
                found.append(_Source(build_of(self.indexes.get(index, "")), marker, only_in, "index" not in row))
        return found

    def entries(self, texts: object, section: str, after: int) -> Iterator[Entry]:
        """The entries of a list of requirement strings."""
        for text in texts if isinstance(texts, list) else []:
            if not isinstance(text, str):
                continue  # an include-group table
            line = self.lines.string(text, after)
            if wheel := entry_of_wheel(text, Place(str(self.path), line)):
                yield wheel
                continue
            try:
                requirement = parse_requirement(text)
            except InvalidRequirement as error:
                self.problems.append(f"{self.path}:{line}: {str(error).splitlines()[0]}")
                continue
            if requirement:
                entry = entry_of(requirement, Place(str(self.path), line), self.general)
                yield from self.with_sources(entry, section)

    def with_sources(self, entry: Entry, section: str) -> Iterator[Entry]:
        """An entry once for each of its sources; those of another extra or group are left out."""
        fitting = [source for source in self.sources(entry.name) if source.only_in in ("", section)]
        if not fitting or entry.name not in BUILT:
            yield entry
            return
        for source in fitting:
            marker = " and ".join(f"({part})" for part in (entry.marker, source.marker) if part)
            if not source.elsewhere:
                yield entry._replace(flavour=source.flavour, only=bool(source.flavour), marker=marker)
        opposites = [_negated(source.marker) for source in fitting]
        if all(opposites):
            parts = [f"({part})" for part in (entry.marker, *opposites) if part]
            yield entry._replace(marker=" and ".join(parts))

    def group(self, groups: Mapping[str, Any], name: str, seen: frozenset[str] = frozenset()) -> Iterator[Entry]:
        """The entries of a dependency group with the groups that it includes. Raises BadInput for a cycle."""
        header = self.lines.key("dependency-groups", name)
        if name in seen:
            raise BadInput(f"{self.path}:{header}: the dependency group {name} includes itself")
        rows = groups.get(name)
        yield from self.entries(rows, name, header)
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, dict) and isinstance(row.get("include-group"), str):
                names = {canonicalize_name(other): other for other in groups}
                other = names.get(canonicalize_name(row["include-group"]))
                if other is None:
                    self.problems.append(f"{self.path}:{header}: there is no dependency group {row['include-group']}")
                else:
                    yield from self.group(groups, other, seen | {name})


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _negated(marker: str) -> str:
    """The opposite of a marker with one comparison; empty for others, which nobody needs often enough."""
    for operator, other in ((" == ", " != "), (" != ", " == ")):
        if marker.count(operator) == 1 and " and " not in marker and " or " not in marker:
            return marker.replace(operator, other)
    return ""


def read(path: Path, text: str) -> Manifest:
    """The base dependencies as one section, and each extra and group with the base below it.

    Raises BadInput with file and line.
    """
    reader = _Reader(path, text)
    project = table(reader.data, "project")
    python = str(project.get("requires-python") or poetry.python(reader.data))
    after = next(reader.lines.headers("project"), 1)
    base = [*reader.entries(project.get("dependencies"), "", after), *_poetry(reader, ""), *_limits(reader)]
    sections = [Section("", tuple(base), python)]
    optional, groups = table(project, "optional-dependencies"), table(reader.data, "dependency-groups")
    for kind, name, found in (
        *(
            ("extra", extra, reader.entries(rows, extra, reader.lines.key("project.optional-dependencies", extra)))
            for extra, rows in optional.items()
        ),
        *(("group", name, reader.group(groups, name)) for name in groups),
        *(("group", name, _poetry(reader, name)) for name in poetry.groups(reader.data)),
    ):
        entries = list(found)
        if entries:
            again = [other for entry in base for other in _again(reader, entry, name)] if kind == "extra" else base
            sections.append(Section(f"{kind} {name}", (*again, *entries), python))
    if reader.problems:
        raise BadInput(reader.problems)
    return Manifest(path, tuple(sections))


def _limits(reader: _Reader) -> Iterator[Entry]:
    """What uv's constraints say of packages, as a file of -c does."""
    after = next(reader.lines.headers("tool.uv"), 1)
    yield from reader.entries(table(reader.data, "tool", "uv").get("constraint-dependencies"), "", after)


def _again(reader: _Reader, entry: Entry, section: str) -> list[Entry]:
    """A base entry seen from an extra, which may have a source of its own for it."""
    if any(source.only_in == section for source in reader.sources(entry.name)):
        return list(reader.with_sources(entry._replace(flavour=None, only=False), section))
    return [entry]


def _poetry(reader: _Reader, group: str) -> Iterator[Entry]:
    for row in poetry.dependencies(reader.data, group):
        line = reader.lines.key(row.section, row.name)
        flavour = build_of(reader.indexes.get(row.source, ""))
        built = canonicalize_name(row.name) in BUILT
        place = Place(str(reader.path), line)
        name = canonicalize_name(row.name)
        yield Entry(name, row.specifier, place, row.marker, flavour if built else None, bool(flavour) and built)


def edit(path: Path, text: str, changes: Mapping[str, str]) -> str:
    """The text with new specifiers, by tomlkit: comments and formatting stay. In poetry's tables an exact version is
    written as poetry does ("2.8.0"). Raises BadInput."""
    load(path, text)
    import tomlkit

    document = tomlkit.parse(text)
    changed = False
    project, groups = document.get("project", {}), document.get("dependency-groups", {})
    for rows in (
        project.get("dependencies", []),
        *project.get("optional-dependencies", {}).values(),
        *groups.values(),
        document.get("tool", {}).get("uv", {}).get("constraint-dependencies", []),
    ):
        for number, row in enumerate(rows):
            new = _edited(row, changes) if isinstance(row, str) else None
            if new is not None:
                rows[number] = tomlkit.string(new, literal=row.as_string().startswith("'"))
                changed = True
    changed = poetry.edit(document, changes) or changed
    return tomlkit.dumps(document) if changed else text


def _edited(text: str, changes: Mapping[str, str]) -> str | None:
    from compatmatrix.manifests.requirements import replace_specifier, same_specifier

    try:
        requirement = parse_requirement(text)
    except InvalidRequirement:
        return None
    wanted = changes.get(canonicalize_name(requirement.name)) if requirement else None
    if requirement is None or wanted is None or same_specifier(str(requirement.specifier), wanted):
        return None
    return replace_specifier(text, wanted)


FORMAT = Format("pyproject", read, edit)

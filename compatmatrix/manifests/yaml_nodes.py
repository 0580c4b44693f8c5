"""YAML as nodes with lines. It is read as a stream of events, so that neither aliases nor nesting can blow it up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from compatmatrix.errors import BadInput

MAX_DEPTH = 40
"""Of nesting. The files that we read have less than ten."""


class Node(NamedTuple):
    """value: a str, a list of Nodes, or a dict of str to Node. line: from 1. plain: a scalar without quotes."""

    value: str | list[Node] | dict[str, Node]
    line: int

    def get(self, key: str) -> Node | None:
        """The value of a mapping's key, None where there is none."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    def text(self, key: str) -> str:
        """The scalar below a mapping's key; empty where there is none."""
        node = self.get(key)
        return node.value if node and isinstance(node.value, str) else ""

    def items(self, key: str) -> list[Node]:
        """The items of the list below a mapping's key; empty where there is none."""
        node = self.get(key)
        return node.value if node and isinstance(node.value, list) else []


def load(path: Path, text: str) -> Node:
    """The first document. An alias stands for its anchor's node, which is shared and never copied.

    Raises BadInput with file and line.
    """
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    anchors: dict[str, Node] = {}
    try:
        return _document(path, yaml.parse(text, Loader=loader), anchors)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"{mark.line + 1}" if mark else "1"
        raise BadInput(f"{path}:{line}: not YAML: {error.problem or error.context or error}") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadInput(f"{path}: not YAML: {str(error).splitlines()[0]}") from error


def _document(path: Path, events: Iterator[Any], anchors: dict[str, Node]) -> Node:
    import yaml

    stack: list[tuple[Node, list[Node]]] = []
    for event in events:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.ScalarEvent):
            done = Node(event.value, line)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in anchors:
                raise BadInput(f"{path}:{line}: not YAML: the alias {event.anchor} has no anchor")
            done = anchors[event.anchor]._replace(line=line)
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(stack) >= MAX_DEPTH:
                raise BadInput(f"{path}:{line}: nested more than {MAX_DEPTH} deep")
            stack.append((Node({} if isinstance(event, yaml.MappingStartEvent) else [], line), []))
            if event.anchor:
                anchors[event.anchor] = stack[-1][0]
            continue
        elif isinstance(event, yaml.CollectionEndEvent):
            done, children = stack.pop()
            _fill(done, children)
        elif isinstance(event, yaml.DocumentEndEvent):
            break
        else:
            continue
        if isinstance(event, yaml.ScalarEvent) and event.anchor:
            anchors[event.anchor] = done
        if not stack:
            return done
        stack[-1][1].append(done)
    return Node("", 1)


def _fill(node: Node, children: list[Node]) -> None:
    if isinstance(node.value, list):
        node.value.extend(children)
    elif isinstance(node.value, dict):
        for key, value in zip(children[::2], children[1::2], strict=True):
            if isinstance(key.value, str):
                node.value[key.value] = value

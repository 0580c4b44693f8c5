"""conda-lock.yml: conda packages and wheels for one or several platforms, each a section of its own."""

from __future__ import annotations

from pathlib import Path

from packaging.utils import canonicalize_name

from compatmatrix.errors import BadInput
from compatmatrix.manifests.conda_spec import CUDA_NAMES, CondaSpec
from compatmatrix.manifests.environment import cuda_of
from compatmatrix.manifests.format import Format
from compatmatrix.manifests.index_urls import BUILT, build_of
from compatmatrix.manifests.manifest import Entry, Manifest, Section
from compatmatrix.manifests.yaml_nodes import Node, load
from compatmatrix.model.finding import Place

_VERSIONS = ("1",)
_PLATFORMS = {
    "linux-64": "linux-x86_64",
    "linux-aarch64": "linux-aarch64",
    "win-64": "windows-amd64",
    "osx-64": "macos-x86_64",
    "osx-arm64": "macos-arm64",
}


def read(path: Path, text: str) -> Manifest:
    """Raises BadInput for an unknown version of the format."""
    root = load(path, text)
    if root.text("version") not in _VERSIONS:
        node = root.get("version")
        raise BadInput(
            f"{path}:{node.line if node else 1}: conda-lock version {root.text('version') or 'missing'} is not known",
            hint="make it anew with: conda-lock",
        )
    rows: dict[str, list[Node]] = {}
    for node in root.items("package"):
        rows.setdefault(node.text("platform"), []).append(node)
    sections = tuple(_section(path, platform, nodes) for platform, nodes in rows.items())
    return Manifest(path, sections)


def _section(path: Path, platform: str, nodes: list[Node]) -> Section:
    entries, specs, python = [], [], ""
    for node in nodes:
        name, version = str(canonicalize_name(node.text("name"))), node.text("version")
        place = Place(str(path), (node.get("version") or node).line)
        if node.text("manager") == "pip":
            flavour = build_of(node.text("url").rpartition("/")[0]) if name in BUILT else None
            entries.append(Entry(name, f"=={version}", place, flavour=flavour, only=bool(flavour)))
            continue
        if name == "python":
            python = f"=={version}"
        name = "torch" if name == "pytorch" else name
        build = node.text("build") or node.text("url").rpartition(f"-{version}-")[2]
        if name == "torch" or name in CUDA_NAMES:
            specs.append((CondaSpec(name, f"=={version}", build=build), place))
        entries.append(Entry(name, f"=={version}", place, conda=True))
    cuda, where = cuda_of(specs)
    return Section(platform, tuple(entries), python, _PLATFORMS.get(platform, ""), cuda=cuda, cuda_place=where)


FORMAT = Format("conda-lock.yml", read, relock="change environment.yml and run: conda-lock")

"""conda's package specifications ("conda-forge::pytorch=2.5.1=*cuda*"), as far as they name versions.

Source of the notation: conda's documentation of MatchSpec.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from compatmatrix.model.cuda import Cuda

# What conda calls by another name than PyPI.
_TORCH = frozenset({"pytorch", "pytorch-gpu", "pytorch-cpu"})
CUDA_NAMES = ("pytorch-cuda", "cuda-version", "cudatoolkit")
"""Packages whose version is that of CUDA, the most telling first."""

_SPEC = re.compile(
    r"(?:(?P<channel>[^\s=<>!~\[\]]+)::)?(?P<name>[A-Za-z0-9_][\w.-]*)\s*(?P<rest>[^\[]*)(?:\[(?P<more>.*)\])?$"
)


class CondaSpec(NamedTuple):
    """name: as on PyPI. specifier: PEP 440; empty where it names no version or cannot be said so. build: pattern."""

    name: str
    specifier: str
    channel: str = ""
    build: str = ""

    @property
    def cuda(self) -> Cuda | None:
        """The CUDA release that it names, where its version is one, or its build string tells; the first of a major."""
        if self.name in CUDA_NAMES:
            found = re.match(r"==?(\d+)(?:\.(\d+))?", self.specifier)
            return Cuda(int(found[1]), int(found[2] or 0)) if found else None
        return cuda_of_build(self.build)


def parse(text: str) -> CondaSpec | None:
    """Read one specification; None for what is none."""
    match = _SPEC.match(text.partition(" #")[0].strip())
    if not match:
        return None
    name = match["name"].lower()
    version, build = _version_and_build(match["rest"].strip())
    for key, value in re.findall(r"(\w+)\s*=\s*['\"]?([^'\"\],]+)", match["more"] or ""):
        version = value if key == "version" else version
        build = value if key == "build" else build
    channel = (match["channel"] or "").rpartition("/")[2] if "/linux" not in (match["channel"] or "") else ""
    return CondaSpec("torch" if name in _TORCH else name, _specifier(version), channel, build)


def _version_and_build(rest: str) -> tuple[str, str]:
    """ "=2.5.1=py*" and "2.5.1 py*" have a build string behind the version."""
    if match := re.fullmatch(r"([=<>!~]{0,2}[^=<>!~\s]+)(?:\s*=\s*|\s+)([^=<>!~\s]+)", rest):
        return match[1], match[2]
    return rest, ""


def _specifier(version: str) -> str:
    """conda's "=2.5" means any 2.5; "=2.5.1" is as good as exact: torch and its like have three numbers."""
    if not version or version == "*" or "|" in version:
        return ""
    parts = []
    for clause in version.replace(" ", "").split(","):
        if match := re.fullmatch(r"={0,2}v?(\d+(?:\.\d+)*)(\.?\*)?", clause):
            exact = match[1].count(".") >= 2 or clause.startswith("==") or (not clause.startswith("=") and not match[2])
            parts.append(f"=={match[1]}" if exact and not match[2] else f"=={match[1]}.*")
        elif match := re.fullmatch(r"(<=|>=|<|>|!=|~=)(\d[\w.]*)(\.?\*)?", clause):
            # ">=2.5.*" is an old way to write ">=2.5".
            star = ".*" if match[3] and match[1] == "!=" else ""
            parts.append(f"{match[1]}{match[2].rstrip('.')}{star}")
        else:
            return ""
    return ",".join(parts)


def cuda_of_build(build: str) -> Cuda | None:
    """The CUDA release in a build string: "py3.11_cuda12.4_cudnn9.1.0_0", "cuda126_mkl_py312h1234_300"."""
    if match := re.search(r"cuda_?(\d+)\.(\d+)", build):
        return Cuda(int(match[1]), int(match[2]))
    if match := re.search(r"cuda_?(\d{3})(?!\d)", build):
        return Cuda.from_tag(f"cu{match[1]}")
    return None


def written(text: str, specifier: str) -> str:
    """A specification with another version: channel and name stay, and a pattern that only tells CPU from CUDA; a build
    string of one version goes."""
    match = re.match(r"((?:[^\s=<>!~\[\]]+::)?[A-Za-z0-9_][\w.-]*)", text)
    version = re.sub(r"\+[^,]*", "", specifier)
    exact = re.fullmatch(r"==([^,*=]+)", version)
    kind = re.search(r"[=\s](\*?(?:cpu|cuda|gpu)_?\*)\s*$", text) if exact else None
    build = f"={kind[1]}" if kind else ""
    return f"{match[1] if match else text}{'=' + exact[1] if exact else version}{build}"

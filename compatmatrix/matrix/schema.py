"""The shape of `matrix.toml`: which tables there are and what each key of a row must look like."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date as date_of
from typing import Any, NamedTuple

from packaging.specifiers import InvalidSpecifier
from packaging.version import InvalidVersion, Version

from compatmatrix.matrix.rows import METHODS, specifiers
from compatmatrix.model.cuda import Arch, Capability, Cuda
from compatmatrix.model.host import Python

SCHEMA = 1
EVIDENCE = ("source", "method", "checked")

Check = Callable[[Any], str | None]


def text(value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else "expected a non-empty string"


def _parsed(parse: Callable[[str], object], what: str) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return f"expected {what}, as a string"
        try:
            parse(value)
        except (ValueError, InvalidVersion, InvalidSpecifier):
            return f"{value!r} is not {what}"
        return None

    return check


def date(value: Any) -> str | None:
    problem = f"{value!r} is not a date (YYYY-MM-DD)"
    if not isinstance(value, str) or len(value) != 10:
        return problem
    try:
        date_of.fromisoformat(value)
    except ValueError:
        return problem
    return None


def _source(value: Any) -> str | None:
    """Where a fact was read, in words: an address goes stale, and says less than the name of the thing."""
    return text(value) or ("names an address: say what was read instead" if "://" in value else None)


def _each(item: Check) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, list):
            return "expected a list"
        return next((problem for problem in map(item, value) if problem), None)

    return check


def _table(item: Check) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, dict):
            return "expected a table"
        return next(
            (f"{key}: {problem}" for key, problem in zip(value, map(item, value.values()), strict=True) if problem),
            None,
        )

    return check


def _one_of(*allowed: str) -> Check:
    return lambda value: None if value in allowed else f"{value!r} is not one of {', '.join(allowed)}"


def _number(value: Any) -> str | None:
    return None if isinstance(value, int) and not isinstance(value, bool) else "expected a whole number"


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "expected true or false"


def _matching(pattern: str, what: str) -> Check:
    return lambda value: None if isinstance(value, str) and re.fullmatch(pattern, value) else f"{value!r} is not {what}"


version = _parsed(Version, "a version")
spec = _parsed(specifiers, "a specifier set")
cuda = _parsed(Cuda.parse, "a CUDA version")
capability = _parsed(Capability.parse, "a compute capability")
arch = _parsed(Arch.parse, "an architecture")
python = _parsed(Python.parse, "a Python version")
platform = _matching(r"[a-z]+-[a-z0-9_]+", "a platform such as linux-x86_64")
name = _matching(r"[a-z0-9]+(-[a-z0-9]+)*", "a normalised package name")


class Table(NamedTuple):
    """One array of tables.

    key: the columns that name a row and must be unique together. later: a table that files of older releases lack.
    """

    required: dict[str, Check]
    optional: dict[str, Check]
    key: tuple[str, ...]
    later: bool = False


EVIDENCE_CHECKS: dict[str, Check] = {"source": _source, "method": _one_of(*METHODS), "checked": date}

_DRIVERS = {"driver-linux": version, "driver-windows": version}

TABLES: dict[str, Table] = {
    "cuda": Table({"version": cuda}, _DRIVERS, ("version",)),
    "cuda-family": Table({"major": _number, "driver-linux": version}, _DRIVERS, ("major",)),
    "capability": Table(
        {"capability": capability, "name": text},
        {
            "first-driver": _number,
            "last-driver": _number,
            "first-cuda": cuda,
            "last-cuda": cuda,
            "tegra": _flag,
            "neighbours-from": cuda,
        },
        ("capability",),
    ),
    "cudnn-floor": Table(
        {"cuda": _number, "version": version, "capability": capability}, {}, ("cuda", "version"), later=True
    ),
    "gpu": Table({"name": text, "capability": capability, "kind": text}, {"aliases": _each(text)}, ("name",)),
    "torch": Table({"version": version}, {"numpy": spec, "yanked": text}, ("version",)),
    "build": Table(
        {
            "torch": version,
            "build": _matching(r"cpu|cu\d{2,3}|rocm[\d.]+|xpu", "a build tag"),
            "platform": platform,
            "index": _one_of("pypi", "pytorch"),
            "pythons": _each(python),
            "wheel": text,
        },
        {
            "archs": _each(arch),
            "libc": _matching(r"\d+\.\d+", "a glibc version"),
            "cudnn": version,
            "nccl": version,
            "triton": version,
        },
        ("torch", "build", "platform", "index"),
    ),
    "torchvision": Table(
        {"version": version, "torch": spec}, {"pair": version, "pythons": _each(python), "yanked": text}, ("version",)
    ),
    "torchaudio": Table(
        {"version": version, "torch": spec}, {"pair": version, "pythons": _each(python), "yanked": text}, ("version",)
    ),
    "fastai": Table({"version": version}, {"python": spec, "requires": _table(spec), "yanked": text}, ("version",)),
    "limit": Table(
        {"package": name, "allowed": spec, "when": _table(spec), "symptom": text},
        {"code": text, "severity": _one_of("error", "warning"), "note": text},
        ("package", "allowed", "when"),
    ),
    "image": Table(
        {"repository": text, "tag": text},
        {"cuda": cuda, "flavour": _one_of("base", "runtime", "devel"), "os": text, "cudnn": version, "torch": version},
        ("repository", "tag"),
    ),
    "conda-channel": Table(
        {"name": text, "complete-from": version, "complete-to": version}, {"closed": _flag}, ("name",), later=True
    ),
    "conda": Table(
        {"channel": text, "package": name, "version": version},
        {"cuda": _each(cuda), "pythons": _each(python)},
        ("channel", "package", "version"),
        later=True,
    ),
}

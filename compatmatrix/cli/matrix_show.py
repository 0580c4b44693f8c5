"""People's questions to the matrix, answered as a table and as JSON values."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from packaging.version import InvalidVersion, Version

from compatmatrix.errors import UsageError
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.rows import Build, Fastai, admits
from compatmatrix.model.cuda import Cuda
from compatmatrix.rules.coverage import serves

SUBJECTS = ("torch", "fastai", "cuda", "gpu", "limits")


class Answer(NamedTuple):
    """lines: sentences above the table. data: the same as JSON values."""

    lines: list[str]
    header: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    data: dict[str, Any]


def show(matrix: Matrix, subject: str | None, name: str | None) -> Answer:
    """Answer one question. Raises UsageError for a name that the matrix does not know."""
    if subject is None:
        return _summary(matrix)
    if name is None or subject == "limits":
        return {"torch": _torches, "fastai": _fastais, "cuda": _cudas, "gpu": _gpus, "limits": _limits}[subject](matrix)
    return {"torch": _torch, "fastai": _fastai, "cuda": _cuda, "gpu": _gpu}[subject](matrix, name)


def _summary(matrix: Matrix) -> Answer:
    tables = {name: rows for name, rows in matrix.tables.items() if isinstance(rows, list)}
    rows = [(name, len(content), _methods(content)) for name, content in tables.items()]
    total = sum(len(content) for content in tables.values())
    methods = Counter(row["method"] for content in tables.values() for row in content)
    data = {"rows": {name: len(content) for name, content in tables.items()}, "methods": dict(methods)}
    return Answer([f"{total} rows: {_counts(methods)}"], ("table", "rows", "methods"), rows, data)


def _methods(rows: list[dict[str, Any]]) -> str:
    return _counts(Counter(row["method"] for row in rows))


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counter.most_common())


def _torches(matrix: Matrix) -> Answer:
    rows, data = [], []
    for torch in matrix.torches:
        builds = sorted({build.build for build in matrix.builds.get(torch, ())}, key=_build_order)
        vision, audio = matrix.partner("torchvision", torch), matrix.partner("torchaudio", torch)
        pythons = _pythons(matrix.builds.get(torch, ()))
        partner = [str(row.version) if row else "-" for row in (vision, audio)]
        rows.append((torch, *partner, _span(pythons), " ".join(builds)))
        data.append(
            {
                "torch": str(torch),
                "torchvision": partner[0],
                "torchaudio": partner[1],
                "pythons": pythons,
                "builds": builds,
            }
        )
    return Answer([], ("torch", "torchvision", "torchaudio", "Pythons", "builds"), rows, {"torch": data})


def _torch(matrix: Matrix, name: str) -> Answer:
    found = [torch for torch in matrix.torches if _named(name, torch)]
    if not found:
        raise UsageError(f"torch {name} is not in the matrix", hint="what is: compatmatrix matrix show torch")
    rows, data, lines = [], [], []
    for torch in found:
        row = matrix.torches[torch]
        vision, audio = matrix.partner("torchvision", torch), matrix.partner("torchaudio", torch)
        limits = f", numpy {row.numpy}" if row.numpy else ""
        lines.append(
            f"torch {torch}: torchvision {vision.version if vision else '-'}, "
            f"torchaudio {audio.version if audio else '-'}{limits}"
        )
        for build in matrix.builds.get(torch, ()):
            archs = " ".join(map(str, build.archs))
            rows.append(
                (torch, build.build, build.platform, build.index, _span(list(build.pythons)), archs, build.method)
            )
            data.append(
                {
                    "torch": str(torch),
                    "build": build.build,
                    "platform": build.platform,
                    "index": build.index,
                    "pythons": list(build.pythons),
                    "wheel": build.wheel,
                    "archs": [str(arch) for arch in build.archs],
                    "method": build.method,
                    "evidence": build.evidence._asdict(),
                }
            )
    header = ("torch", "build", "platform", "index", "Pythons", "architectures", "method")
    return Answer(lines, header, rows, {"builds": data})


def _fastais(matrix: Matrix) -> Answer:
    return _declared(list(matrix.fastais.values()))


def _declared(found: list[Fastai]) -> Answer:
    rows = [(row.version, row.python, row.requires.get("torch", ""), row.requires.get("fastcore", "")) for row in found]
    data = [{"fastai": str(row.version), "python": row.python, "requires": row.requires} for row in found]
    return Answer([], ("fastai", "Python", "torch", "fastcore"), rows, {"fastai": data})


def _fastai(matrix: Matrix, name: str) -> Answer:
    found = [row for version, row in matrix.fastais.items() if _named(name, version)]
    if not found:
        raise UsageError(f"fastai {name} is not in the matrix", hint="what is: compatmatrix matrix show fastai")
    if len(found) > 1:
        return _declared(found)
    row = found[0]
    rows = [("python", row.python, "declared")]
    rows += [(package, spec, "declared") for package, spec in row.requires.items()]
    for limit in matrix.limits:
        if "fastai" in limit.when and admits(limit.when["fastai"], row.version):
            others = ", ".join(f"{key} {spec}" for key, spec in limit.when.items() if key != "fastai")
            rows.append((limit.package, limit.allowed, f"found{f' with {others}' if others else ''}: {limit.symptom}"))
    data = [dict(zip(("package", "allowed", "how"), row, strict=True)) for row in rows]
    return Answer([f"fastai {row.version}"], ("package", "allowed", "how known"), rows, {"fastai": data})


def _cudas(matrix: Matrix) -> Answer:
    rows = [
        (r.cuda, r.drivers.get("linux", "-"), r.drivers.get("windows", "-"), _floor(matrix, r.cuda))
        for r in matrix.cudas.values()
    ]
    data = [
        {"cuda": str(row[0]), "driver_linux": str(row[1]), "driver_windows": str(row[2]), "floor_linux": str(row[3])}
        for row in rows
    ]
    return Answer([], ("CUDA", "its driver (Linux)", "(Windows)", "runs from (Linux)"), rows, {"cuda": data})


def _cuda(matrix: Matrix, name: str) -> Answer:
    try:
        cuda = Cuda.parse(name)
    except ValueError as error:
        raise UsageError(str(error), hint="write it as 12.8") from error
    row = matrix.cudas.get(cuda)
    if row is None:
        raise UsageError(f"CUDA {name} is not in the matrix", hint="what is: compatmatrix matrix show cuda")
    torches = [t for t in matrix.torches if any(b.cuda == cuda for b in matrix.builds.get(t, ()))]
    span = f"torch {torches[-1]} to {torches[0]}" if torches else "no torch in the matrix"
    lines = [
        f"CUDA {cuda}: runs from driver {_floor(matrix, cuda)} on Linux; "
        f"made with {row.drivers.get('linux', 'no driver of its own')}",
        f"builds for {cuda.tag}: {span}",
        f"seen: {row.evidence.source} ({row.evidence.checked})",
    ]
    data = {
        "cuda": str(cuda),
        "drivers": {system: str(driver) for system, driver in row.drivers.items()},
        "floor_linux": _floor(matrix, cuda),
        "torch": [str(torch) for torch in torches],
    }
    return Answer(lines, (), [], data)


def _floor(matrix: Matrix, cuda: Cuda) -> str:
    family = matrix.families.get(cuda.major)
    return str(family.drivers.get("linux", "-")) if family else "-"


def _gpus(matrix: Matrix) -> Answer:
    rows = [(row.name, row.capability, row.kind) for row in matrix.gpus]
    data = [{"name": row.name, "capability": str(row.capability), "kind": row.kind} for row in matrix.gpus]
    return Answer([], ("GPU", "capability", "kind"), rows, {"gpu": data})


def _gpu(matrix: Matrix, name: str) -> Answer:
    gpu = matrix.gpu_names.find(name)
    row = matrix.capabilities.get(gpu.capability) if gpu.capability else None
    serving = [
        build
        for torch in matrix.torches
        for build in matrix.builds.get(torch, ())
        if gpu.capability and serves(build, gpu.capability, None, build.platform.partition("-")[0], matrix)
    ]
    lines = [f"{gpu.name}: compute capability {gpu.capability}{f' ({row.name})' if row else ''}"]
    if row and row.first_driver:
        lines.append(f"needs driver R{row.first_driver} or later")
    if row and row.last_driver:
        lines.append(f"R{row.last_driver} is the last driver branch that supports it")
    if not serving:
        lines.append("no build in the matrix has code for it")
    newest = [build for build in serving if build.torch == serving[0].torch]
    if newest:
        lines.append(
            f"the last torch with code for it is {newest[0].torch}: {', '.join(dict.fromkeys(b.build for b in newest))}"
        )
    data = {
        "name": gpu.name,
        "capability": str(gpu.capability),
        "last_driver": row.last_driver if row else None,
        "last_torch": str(newest[0].torch) if newest else None,
        "last_builds": list(dict.fromkeys(build.build for build in newest)),
    }
    return Answer(lines, (), [], data)


def _limits(matrix: Matrix) -> Answer:
    rows = [
        (limit.package, limit.allowed, ", ".join(f"{k} {v}" for k, v in limit.when.items()), limit.symptom)
        for limit in matrix.limits
    ]
    data = [
        {
            "package": limit.package,
            "allowed": limit.allowed,
            "when": limit.when,
            "code": limit.code,
            "symptom": limit.symptom,
            "evidence": limit.evidence._asdict(),
        }
        for limit in matrix.limits
    ]
    return Answer([], ("package", "works", "with", "else"), rows, {"limits": data})


def _named(name: str, version: Version) -> bool:
    """2.8 names 2.8.0 and every patch of it; 2.8.0 names one release."""
    try:
        wanted = Version(name)
    except InvalidVersion as error:
        raise UsageError(f"not a version: {name!r}") from error
    return version.release[: len(wanted.release)] == wanted.release


def _pythons(builds: tuple[Build, ...]) -> list[str]:
    return sorted({python for build in builds for python in build.pythons}, key=_python_order)


def _python_order(text: str) -> tuple[Version, bool]:
    return Version(text.rstrip("t")), text.endswith("t")


def _span(pythons: list[str]) -> str:
    plain = sorted((p for p in pythons if not p.endswith("t")), key=_python_order)
    free = [p for p in pythons if p.endswith("t")]
    return (f"{plain[0]}-{plain[-1]}" if plain else "") + (f" {' '.join(free)}" if free else "")


def _build_order(tag: str) -> tuple[int, int]:
    cuda = Cuda.from_tag(tag)
    return (cuda.major, cuda.minor) if cuda else (0, 0)

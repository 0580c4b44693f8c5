"""People's questions to the matrix, answered as a table and as JSON values."""

from __future__ import annotations

from collections import Counter
from typing import Any

from packaging.version import InvalidVersion, Version

from compatmatrix.cli.matrix_show_hardware import (
    Answer,
    build_order,
    show_conda,
    show_cuda,
    show_cudas,
    show_gpu,
    show_gpus,
    show_images,
)
from compatmatrix.errors import UsageError
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.rows import Build, Fastai, admits

SUBJECTS = ("torch", "fastai", "cuda", "gpu", "limits", "images", "conda")


def show(matrix: Matrix, subject: str | None, name: str | None) -> Answer:
    """Answer one question. Raises UsageError for a name that the matrix does not know."""
    if subject is None:
        return _summary(matrix)
    if subject == "limits":
        return _limits(matrix, name)
    if subject == "images":
        return show_images(matrix, name)
    if subject == "conda":
        return show_conda(matrix, name)
    if name is None:
        return {"torch": _torches, "fastai": _fastais, "cuda": show_cudas, "gpu": show_gpus}[subject](matrix)
    return {"torch": _torch, "fastai": _fastai, "cuda": show_cuda, "gpu": show_gpu}[subject](matrix, name)


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
        builds = sorted({build.build for build in matrix.builds.get(torch, ())}, key=build_order)
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
            where = torch, build.build, build.platform, build.index, _span(list(build.pythons))
            parts = [str(part) if part else "-" for part in (build.cudnn, build.nccl, build.triton)]
            rows.append((*where, *parts, archs, build.method))
            data.append(
                {
                    "torch": str(torch),
                    "build": build.build,
                    "platform": build.platform,
                    "index": build.index,
                    "pythons": list(build.pythons),
                    "wheel": build.wheel,
                    "archs": [str(arch) for arch in build.archs],
                    "cudnn": str(build.cudnn) if build.cudnn else None,
                    "nccl": str(build.nccl) if build.nccl else None,
                    "triton": str(build.triton) if build.triton else None,
                    "method": build.method,
                    "evidence": build.evidence._asdict(),
                }
            )
    header = ("torch", "build", "platform", "index", "Pythons", "cuDNN", "NCCL", "triton", "architectures", "method")
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
    fitting = _fitting(matrix, row)
    lines = [f"fastai {row.version}{f', yanked: {row.yanked}' if row.yanked else ''}"]
    if fitting:
        partner = matrix.partner("torchvision", fitting[0])
        lines.append(
            f"works with torch {fitting[-1]} to {fitting[0]}{f' (torchvision {partner.version})' if partner else ''}"
        )
    torches = [str(torch) for torch in fitting]
    return Answer(lines, ("package", "allowed", "how known"), rows, {"fastai": data, "torch": torches})


def _fitting(matrix: Matrix, fastai: Fastai) -> list[Version]:
    """The torch releases that a fastai declares and that no limit on torch takes away, newest first."""
    limits = [
        limit.allowed
        for limit in matrix.limits
        if limit.package == "torch"
        and limit.severity == "error"
        and set(limit.when) == {"fastai"}
        and admits(limit.when["fastai"], fastai.version)
    ]
    wanted = [fastai.requires.get("torch", ""), *limits]
    return [torch for torch in matrix.torches if all(admits(spec, torch) for spec in wanted)]


def _limits(matrix: Matrix, name: str | None) -> Answer:
    found = [limit for limit in matrix.limits if name is None or name in (limit.package, *limit.when)]
    if not found:
        raise UsageError(f"no limit concerns {name}", hint="all of them: compatmatrix matrix show limits")
    rows = [
        (limit.package, limit.allowed, ", ".join(f"{k} {v}" for k, v in limit.when.items()), limit.symptom)
        for limit in found
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
        for limit in found
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

"""The packages of small conda channels, shaped as those of pytorch, nvidia, conda-forge, fastai and the defaults.

Names, build strings, dependencies and constraints are those of pytorch/builder's recipes (pytorch-nightly,
pytorch-cuda, pytorch-mutex, cpuonly) and of conda-forge's feedstocks; versions, CUDA releases and Pythons are the
matrix's rows.
What decides nothing is left out. A package holds what installers write and compatmatrix reads, and no library.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from compatmatrix.matrix import Matrix

PYTHONS = {"3.9": "3.9.19", "3.10": "3.10.14", "3.11": "3.11.9", "3.12": "3.12.4", "3.13": "3.13.1"}
SERIES = ("1.13.1", "2.0.1", "2.1.2", "2.3.1", "2.4.1", "2.5.1")
"""The torch releases that the channel pytorch holds here; conda-forge's are those of FORGE."""
FORGE = ("2.0.0", "2.3.1", "2.4.1", "2.6.0", "2.7.1", "2.10.0", "2.13.0")
CUDNN = {"11.6": "8.3.2", "11.7": "8.5.0", "11.8": "8.7.0", "12.1": "8.9.2", "12.4": "9.1.0"}
FASTAI = ("2.7.12", "2.7.14", "2.7.19", "2.8.1", "2.8.7")
NUMPY = ("1.26.4", "2.0.2", "2.2.6")
MKL = {"main": ("2021.4.0", "2023.1.0"), "conda-forge": ("2024.0.0", "2024.1.0", "2024.2.2")}


class Package(NamedTuple):
    """One package file. dist: its name for Python, empty where it is none; facts: what its version.py states."""

    channel: str
    name: str
    version: str
    build: str = "0"
    depends: tuple[str, ...] = ()
    constrains: tuple[str, ...] = ()
    dist: str = ""
    facts: Mapping[str, str | None] = {}
    track: str = ""
    python: str = ""

    @property
    def noarch(self) -> bool:
        return not self.python and (bool(self.dist) or self.name in ("cpuonly", "pytorch-mutex"))

    @property
    def number(self) -> int:
        tail = self.build.rpartition("_")[2]
        return int(tail) if tail.isdecimal() else 100 * (self.build == "cuda")


def packages(matrix: Matrix) -> Iterator[Package]:
    """All of them, but for python itself and pip."""
    yield from _numbers()
    yield from _pytorch(matrix)
    yield from _forge(matrix)
    for version in FASTAI:
        requires = next(row.requires for key, row in matrix.fastais.items() if str(key) == version)
        conda = {"torch": "pytorch"}
        names = ("torch", "torchvision", "fastcore", "pillow")
        depends = tuple(f"{conda.get(name, name)} {requires[name]}" for name in names if requires.get(name))
        for channel in ("fastai", "conda-forge"):
            yield Package(channel, "fastai", version, "py_0", ("python >=3.7", *depends), dist="fastai")
    for name, version in (("pandas", "2.2.2"), ("plum-dispatch", "2.5.3")):
        yield Package("conda-forge", name, version, "py_0", ("python >=3.7",), dist=name.replace("-", "_"))
    for version in ("1.5.29", "1.5.55", "1.7.29", "1.8.10"):
        for channel in ("fastai", "conda-forge"):
            yield Package(channel, "fastcore", version, "py_0", ("python >=3.7",), dist="fastcore")


def _numbers() -> Iterator[Package]:
    for channel, releases in MKL.items():
        for version in releases:
            yield Package(channel, "mkl", version, "h1_1")
    yield Package("main", "blas", "1.0", "mkl")
    yield Package("conda-forge", "blas", "2.122", "mkl", ("mkl >=2024",))
    for channel in ("main", "conda-forge"):
        for minor in PYTHONS:
            pin, tag = _python(minor), f"py{minor.replace('.', '')}"
            blas = ("blas 1.0 mkl", "mkl >=2021.4") if channel == "main" else ()
            for version in NUMPY:
                if (minor, version) not in {("3.9", "2.2.6"), ("3.13", "1.26.4"), ("3.13", "2.0.2")}:
                    yield Package(channel, "numpy", version, f"{tag}h1_0", (pin, *blas), dist="numpy", python=minor)
            yield Package(channel, "pillow", "10.4.0", f"{tag}h1_0", (pin,), dist="pillow", python=minor)


def _python(minor: str) -> str:
    major, _, number = minor.partition(".")
    return f"python >={minor},<{major}.{int(number) + 1}.0a0"


def _pytorch(matrix: Matrix) -> Iterator[Package]:
    """The channels pytorch and nvidia."""
    yield Package("pytorch", "pytorch-mutex", "1.0", "cuda")
    yield Package("pytorch", "pytorch-mutex", "1.0", "cpu", track="pytorch-mutex")
    yield Package("pytorch", "cpuonly", "2.0", "0", ("pytorch-mutex 1.0 cpu",), track="cpuonly")
    for cuda in CUDNN:
        after = f"{cuda.partition('.')[0]}.{int(cuda.partition('.')[2]) + 1}"
        libraries = ("cuda-cudart", "cuda-libraries", "libcublas")
        for name in libraries:
            yield Package("nvidia", name, f"{cuda}.0", "0")
        yield Package("pytorch", "pytorch-cuda", cuda, "h1_6", tuple(f"{name} >={cuda},<{after}" for name in libraries))
    for row in matrix.conda_releases:
        if row.channel != "pytorch" or str(row.version) not in SERIES:
            continue
        wheels = {minor for build in matrix.builds[row.version] for minor in build.pythons}
        for minor in [minor for minor in PYTHONS if minor in wheels and minor != "3.13"]:
            yield from _family(matrix, str(row.version), minor, "")
            for cuda in [str(cuda) for cuda in row.cudas if str(cuda) in CUDNN]:
                yield from _family(matrix, str(row.version), minor, cuda)


def _family(matrix: Matrix, version: str, minor: str, cuda: str) -> Iterator[Package]:
    """pytorch and its partners on the channel pytorch, for one Python; without CUDA the CPU's."""
    tag = f"py{minor}_cuda{cuda}_cudnn{CUDNN[cuda]}_0" if cuda else f"py{minor}_cpu_0"
    after = f"{cuda.partition('.')[0]}.{int(cuda.partition('.')[2]) + 1}" if cuda else ""
    gpu = (f"pytorch-cuda >={cuda},<{after}", "pytorch-mutex 1.0 cuda") if cuda else ("pytorch-mutex 1.0 cpu",)
    other = ("cpuonly <0",) if cuda else ("cpuonly",)
    needs = (_python(minor), "blas * mkl", "mkl >=2018", *gpu)
    facts = {"cuda": cuda or None}
    yield Package("pytorch", "pytorch", version, tag, needs, other, "torch", facts, python=minor)
    short = f"py{minor.replace('.', '')}_{f'cu{cuda}'.replace('.', '') if cuda else 'cpu'}"
    for name in ("torchvision", "torchaudio"):
        row = matrix.partner(name, next(key for key in matrix.torches if str(key) == version))
        needs = (_python(minor), f"pytorch {version}", *gpu)
        more = ("numpy >=1.11", "pillow >=5.3.0,!=8.3.*") if name == "torchvision" else ()
        if row:
            yield Package("pytorch", name, str(row.version), short, (*needs, *more), other, name, python=minor)


def _forge(matrix: Matrix) -> Iterator[Package]:
    for cuda in ("11.2", "11.8", "12.0", "12.6", "12.8", "12.9", "13.0"):
        constrains = (f"__cuda >={cuda.partition('.')[0]}", f"cudatoolkit {cuda}|{cuda}.*")
        yield Package("conda-forge", "cuda-version", cuda, "h2_3", constrains=constrains)
    for row in matrix.conda_releases:
        if row.channel == "conda-forge" and row.package == "pytorch" and str(row.version) in FORGE:
            for cuda in ("", *map(str, row.cudas)):
                yield from _forge_family(matrix, str(row.version), [p for p in row.pythons if p in PYTHONS], cuda)


def _forge_family(matrix: Matrix, version: str, pythons: list[str], cuda: str) -> Iterator[Package]:
    key = next(key for key in matrix.torches if str(key) == version)
    flavour, number, kind = (f"cuda{cuda.replace('.', '')}", 302, "cuda") if cuda else ("cpu", 102, "cpu")
    major = cuda.partition(".")[0]
    gpu = ("__cuda", f"cuda-version >={cuda},<{int(major) + 1}") if cuda else ()
    own, other = ("pytorch-gpu", "pytorch-cpu") if cuda else ("pytorch-cpu", "pytorch-gpu")
    vision = matrix.partner("torchvision", key)
    series = f">={version},<{key.major}.{key.minor + 1}.0a0"
    numpy = "numpy >=1.23,<3" if key.release >= (2, 4) else "numpy >=1.22,<2"
    for minor in pythons:
        tag = f"py{minor.replace('.', '')}"
        constrains = (f"{own} {version}", f"{other} <0.0a0")
        needs = (_python(minor), numpy, *gpu)
        build = f"{flavour}_mkl_{tag}_h{number}_{number}" if key.release >= (2, 5) else f"{flavour}_{tag}h1_{number}"
        facts = {"cuda": cuda or None}
        yield Package("conda-forge", "pytorch", version, build, needs, constrains, "torch", facts, python=minor)
        if vision:
            needs = (_python(minor), f"pytorch {series}", f"pytorch * {kind}*", "pillow >=5.3.0", *gpu[1:])
            build, name = f"{flavour}_{tag}_h1_1", "torchvision"
            yield Package("conda-forge", name, str(vision.version), build, needs, dist=name, python=minor)
    needs = (f"pytorch {version} {kind}*{number}",)
    yield Package("conda-forge", own, version, f"{flavour}_mkl_h{number}_{number}", needs)

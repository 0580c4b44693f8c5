"""Hosts, stacks, builds and small matrices for tests, built from a few words each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from packaging.version import Version

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.rows import Build, libc_floor
from compatmatrix.model.cuda import Arch, Capability
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.fact import Fact
from compatmatrix.model.finding import Evidence, Finding, Severity
from compatmatrix.model.host import Gpu, Host, Libc, Python
from compatmatrix.model.stack import Pin, Stack, local_flavour
from compatmatrix.rules import RULES, Case, judge

LINUX = "linux-x86_64"
NEW_DRIVER = "999.10"
"""A driver that is newer than everything."""

CHECKED = {"source": "made up for a test", "method": "inferred", "checked": "2024-01-31"}
"""The evidence of made-up rows."""

CODES = {
    "driver-too-old",
    "driver-too-new",
    "arch-missing",
    "torchvision-mismatch",
    "torchaudio-mismatch",
    "fastai-mismatch",
    "cpu-build-on-gpu",
    "numpy-abi",
    "pillow",
    "python-unsupported",
    "platform-unsupported",
    "glibc-too-old",
    "cuda-libs-conflict",
    "container-driver",
    "conda-mixed",
    "known-bad",
    "behaviour-change",
    "other",
}
"""The finding codes of the contract."""


def host(
    *capabilities: str,
    driver: str | None = "580.65.06",
    python: str | None = "3.11",
    platform: str | None = LINUX,
    libc: str | None = "glibc 2.35",
) -> Host:
    """A host by its GPUs' capabilities; "?" is a GPU of unknown capability. None stands for an unknown fact."""
    kind, _, number = (libc or "").partition(" ")
    gpus = tuple(Gpu("GPU ?") if text == "?" else Gpu(f"GPU {text}", Capability.parse(text)) for text in capabilities)
    return Host(
        python=Fact.of(Python.parse(python), "given") if python else Fact.unknown("nobody said"),
        platform=Fact.of(platform, "given") if platform else Fact.unknown("nobody said"),
        libc=Fact.of(Libc(kind, *map(int, number.split("."))), "given") if libc else Fact.unknown("nobody said"),
        driver=Fact.of(DriverVersion(driver), "given") if driver else Fact.unknown("nvidia-smi hangs"),
        gpus=Fact.of(gpus, "given"),
    )


def gpu_unknown(of: Host) -> Host:
    """The same host, where it is not known whether there is a GPU."""
    from dataclasses import replace

    return replace(of, gpus=Fact.unknown("nvidia-smi hangs"))


def pin(text: str) -> Pin:
    """A pin by "name==version"; "torchvision==0.28.0@cu130" has a flavour that the version does not say."""
    text, _, flavour = text.partition("@")
    name, _, number = text.partition("==")
    return Pin(name, Version(number), flavour or local_flavour(Version(number)), "a test")


def stack(*texts: str) -> Stack:
    """A stack of pins."""
    return Stack(map(pin, texts))


def build(
    archs: str = "",
    tag: str = "cu128",
    *,
    torch: str = "2.7.0",
    platform: str = LINUX,
    index: str = "pypi",
    pythons: Sequence[str] = ("3.10", "3.11"),
    wheel: str = "manylinux_2_28_x86_64",
) -> Build:
    """A torch build with the given architectures ("sm_80 sm_90 compute_90")."""
    return Build(
        torch=Version(torch),
        build=tag,
        platform=platform,
        index=index,
        pythons=tuple(pythons),
        wheel=wheel,
        libc=libc_floor(wheel),
        archs=tuple(map(Arch.parse, archs.split())),
        method="inferred",
        evidence=Evidence("made up for a test", "2024-01-31"),
    )


def find_build(matrix: Matrix, torch: str, tag: str, platform: str = LINUX) -> Build:
    """The matrix's own build of a release."""
    return next(b for b in matrix.builds_for(Version(torch), platform) if b.build == tag)


def case(matrix: Matrix, where: Host, *texts: str, made: Build | None = None) -> Case:
    """A case of an installed stack; made: a torch build in place of the matrix's."""
    found = Case.of(stack(*texts), where, matrix)
    return found._replace(build=made) if made else found


def with_rows(matrix: Matrix, table: str, *rows: dict[str, Any]) -> Matrix:
    """The matrix with one table replaced by made-up rows."""
    return Matrix({**matrix.tables, table: [{**CHECKED, **row} for row in rows]}, "sha256:made-up")


def severities(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    """Code and severity of each finding."""
    return [(finding.code, str(finding.severity)) for finding in findings]


def errors(found: Case) -> list[str]:
    """The codes of all errors that any rule sees in a case."""
    return [finding.code for finding in judge(found, RULES) if finding.severity is Severity.ERROR]


def newest(matrix: Matrix, tag: str = "", *, python: str = "3.11", platform: str = LINUX) -> Version:
    """The newest torch that has a build whose tag begins so, for a Python and a platform."""
    return next(
        torch
        for torch in matrix.torches
        for b in matrix.builds_for(torch, platform)
        if b.build.startswith(tag) and python in b.pythons
    )


SMALL = """\
schema = 1
limit = []

[index.pytorch]
url = "https://wheels.example/whl"
source = "made up"
method = "inferred"
checked = "2024-01-31"

[[cuda-family]]
major = 12
driver-linux = "525.60.13"
source = "made up"
method = "inferred"
checked = "2024-01-31"

[[cuda]]
version = "12.6"
driver-linux = "560.28.03"
source = "made up"
method = "inferred"
checked = "2024-01-31"

[[cuda]]
version = "12.8"
driver-linux = "570.26"
source = "made up"
method = "inferred"
checked = "2024-01-31"

[[capability]]
capability = "8.0"
name = "Ampere"
source = "made up"
method = "inferred"
checked = "2024-01-31"

[[cudnn-floor]]
cuda = 12
version = "9.0"
capability = "8.0"
source = "made up"
method = "inferred"
checked = "2024-01-31"

[[gpu]]
name = "NVIDIA A100"
capability = "8.0"
kind = "datacenter"
source = "made up"
method = "inferred"
checked = "2024-01-31"

[[torch]]
version = "2.7.0"
source = "made up"
method = "inferred"
checked = "2024-01-31"

[[torch]]
version = "2.8.0"
source = "made up"
method = "inferred"
checked = "2024-01-31"

[[build]]
torch = "2.7.0"
build = "cu126"
platform = "linux-x86_64"
index = "pypi"
pythons = ["3.10", "3.11"]
wheel = "manylinux_2_28_x86_64"
archs = ["sm_80"]
source = "made up"
method = "inferred"
checked = "2024-01-31"

[[build]]
torch = "2.8.0"
build = "cu128"
platform = "linux-x86_64"
index = "pypi"
pythons = ["3.10", "3.11"]
wheel = "manylinux_2_28_x86_64"
archs = ["sm_80"]
source = "made up"
method = "inferred"
checked = "2024-01-31"

[[torchvision]]
version = "0.23.0"
torch = "==2.8.0"
source = "made up"
method = "inferred"
checked = "2024-01-31"

[[torchaudio]]
version = "2.8.0"
torch = "==2.8.0"
source = "made up"
method = "inferred"
checked = "2024-01-31"

[[fastai]]
version = "2.8.4"
python = ">=3.10"
requires = { torch = ">=1.10,<2.9" }
source = "made up"
method = "inferred"
checked = "2024-01-31"

[[image]]
repository = "nvidia/cuda"
tag = "12.8.0-base-ubuntu22.04"
cuda = "12.8"
source = "made up"
method = "inferred"
checked = "2024-01-31"

[[conda-channel]]
name = "somewhere"
complete-from = "2.7.0"
complete-to = "2.8.0"
source = "made up"
method = "inferred"
checked = "2024-01-31"

[[conda]]
channel = "somewhere"
package = "pytorch"
version = "2.8.0"
cuda = ["12.8"]
source = "made up"
method = "inferred"
checked = "2024-01-31"
"""
"""A matrix file without faults, one or two rows a table."""


def row_line(text: str, table: str, number: int) -> int:
    """The line on which the number-th row of a table begins, both counted from 1."""
    starts = [line for line, row in enumerate(text.splitlines(), 1) if re.match(rf"\[\[{table}\]\]", row)]
    return starts[number - 1]


_EVIDENCE = 'source = "made up"\nmethod = "inferred"\nchecked = "2030-01-31"\n'

FUTURE_ROWS = f"""

[[cuda-family]]
major = 14
driver-linux = "700.10.01"
{_EVIDENCE}
[[cuda]]
version = "14.0"
driver-linux = "700.10.01"
{_EVIDENCE}
[[torch]]
version = "2.99.0"
{_EVIDENCE}
[[build]]
torch = "2.99.0"
build = "cu140"
platform = "linux-x86_64"
index = "pypi"
pythons = ["3.11", "3.12"]
wheel = "manylinux_2_28_x86_64"
archs = ["sm_80", "sm_90", "sm_100", "sm_120"]
{_EVIDENCE}
[[build]]
torch = "2.99.0"
build = "cpu"
platform = "linux-x86_64"
index = "pytorch"
pythons = ["3.11", "3.12"]
wheel = "manylinux_2_28_x86_64"
{_EVIDENCE}
[[torchvision]]
version = "0.99.0"
torch = "==2.99.0"
pythons = ["3.11", "3.12"]
{_EVIDENCE}"""
"""A torch of the future, to be added to the end of the real file: nothing but rows."""

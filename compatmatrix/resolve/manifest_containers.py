"""What a base image or conda's CUDA packages ask of the driver, and images on which no wheel runs.

Sources: NVIDIA's container toolkit (NVIDIA_REQUIRE_CUDA is compared with the driver's own CUDA; minor-version
compatibility does not count), docs.nvidia.com/deploy/cuda-compatibility for everything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from compatmatrix.manifests.manifest import BaseImage, Section
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.rows import evidence
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.finding import Evidence, Finding, Severity
from compatmatrix.model.host import Host
from compatmatrix.resolve.images import REPOSITORY as NVIDIA_CUDA
from compatmatrix.rules.case import driver_floor

_DATACENTER = "datacenter"


def container_findings(section: Section, host: Host, matrix: Matrix) -> Iterator[Finding]:
    """Findings on a section's base image and on the CUDA of its conda packages."""
    image = section.image
    if image:
        yield from _musl(image, section)
        yield from _no_such_tag(image, matrix)
    driver = host.driver.value
    if driver is None or not host.has_gpu:
        return
    if image and image.requires and image.cuda:
        floor = image_floor(image, matrix)
        severity = _without_compatibility(host, matrix)
        if floor and driver < floor and severity:
            release = matrix.cudas.get(image.cuda)
            may = "; the image's own compatibility libraries may help on some workstation cards"
            yield Finding(
                "container-driver",
                severity,
                f"driver {driver} is too old for the image {image.name}:{image.tag}: it asks for CUDA {image.cuda}, "
                f"which means driver {floor} or later; minor-version compatibility does not count here"
                f"{may if severity is Severity.WARNING else ''}",
                "the wheels bring CUDA themselves: take a plain Python image, an older tag, or update the driver",
                evidence=(release.evidence,) if release else (),
            )._replace(where=image.place)
    if section.cuda:
        floor = driver_floor(section.cuda, "linux", matrix)
        if floor and driver < floor:
            family = matrix.families.get(section.cuda.major)
            evidence: tuple[Evidence, ...] = (family.evidence,) if family else ()
            yield Finding(
                "driver-too-old",
                Severity.ERROR,
                f"driver {driver} is too old for CUDA {section.cuda}: it needs {floor} or later",
                "update the driver, or ask for an older CUDA",
                packages=("torch",),
                evidence=evidence,
                where=section.cuda_place,
            )


def image_floor(image: BaseImage, matrix: Matrix) -> DriverVersion | None:
    """The driver that brings the CUDA that an image asks for; None where the image asks for none."""
    release = matrix.cudas.get(image.cuda) if image.cuda and image.requires else None
    return release.drivers.get("linux") if release else None


def _without_compatibility(host: Host, matrix: Matrix) -> Severity | None:
    """How bad an old driver is; None where every GPU is, or may be, a data-centre card, which runs an image's own
    compatibility libraries.

    The images admit workstation brands of some driver branches (NVIDIA_REQUIRE_CUDA of 12.8 names nvidiartx, quadro and
    quadrortx of 470, 535, 550, 560 and 565), and the libraries run on selected ones of those cards: a warning.
    """
    rows = {row.name: row.kind for row in matrix.gpus}
    kinds = {rows.get(gpu.name, _DATACENTER) for gpu in host.gpus.value or ()} - {_DATACENTER}
    if not kinds:
        return None
    return Severity.WARNING if kinds == {"workstation"} else Severity.ERROR


def _musl(image: BaseImage, section: Section) -> Iterator[Finding]:
    torch = next((entry for entry in section.entries if entry.name == "torch" and not entry.conda), None)
    if image.musl and torch:
        yield Finding(
            "platform-unsupported",
            Severity.ERROR,
            f"{image.name}:{image.tag} is an Alpine system with musl: torch has wheels for glibc only",
            "take a Debian based image, such as the slim ones",
            packages=("torch",),
            where=torch.place,
        )


def _no_such_tag(image: BaseImage, matrix: Matrix) -> Iterator[Finding]:
    """Tags of NVIDIA's images have a release of three numbers; there is no "latest". Others than ours may exist, but
    cuDNN has one spelling a release: cudnn8, cudnn9, or cudnn without a number."""
    if not image.name.endswith(NVIDIA_CUDA):
        return
    rows = [row for row in matrix.tables.get("image", ()) if row["repository"] == NVIDIA_CUDA]
    spelt = [row for row in rows if _cudnn(str(row["tag"])) == _cudnn(image.tag)]
    if spelt and all(row["tag"] != image.tag for row in spelt):
        yield _wrong_tag(image, "its cuDNN is spelt otherwise for this release", spelt[-1])
        return
    numbers = image.tag.partition("-")[0]
    if not rows or numbers.count(".") >= 2:
        return
    system = image.tag.rpartition("-")[2]
    near = [row for row in rows if str(row["tag"]).startswith(f"{numbers}.") and numbers]
    if not near and image.tag not in ("", "latest"):
        return
    fitting = (row for row in near if ("cudnn" in row) == ("cudnn" in image.tag))
    same = [row for row in fitting if row.get("os") == system and f"-{row.get('flavour')}-" in image.tag] or near
    yield _wrong_tag(image, "its tags name a release with three numbers", same[-1] if same else None)


def _cudnn(tag: str) -> str:
    return re.sub(r"-cudnn\d*-", "-cudnn-", tag)


def _wrong_tag(image: BaseImage, why: str, instead: Mapping[str, Any] | None) -> Finding:
    return Finding(
        "other",
        Severity.WARNING,
        f"{image.name} has no tag {image.tag or 'latest'!r}: {why}",
        f"take {instead['repository']}:{instead['tag']}" if instead else "",
        evidence=(evidence(instead),) if instead else (),
        where=image.place,
    )

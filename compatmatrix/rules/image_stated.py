"""The image that a report names: whether its tag can exist, and whether the host's driver is enough for it.

The list of tags is not complete: that one is missing there says nothing. That NVIDIA's tags name a release with three
numbers does, and what docker itself says. An image asks the runtime for its CUDA (NVIDIA_REQUIRE_CUDA), which is
compared with what the driver brings: minor-version compatibility does not count. Data-centre GPUs run the image's
compatibility libraries instead. Source: NVIDIA's container toolkit; docs.nvidia.com/deploy/cuda-compatibility.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from compatmatrix.model.cuda import Cuda
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope
from compatmatrix.rules.stated import is_datacenter

_REFUSED = ("unsatisfied-condition", "container-cli")


def check(case: Case) -> Iterator[Finding]:
    name, _, tag = case.observed.image.partition(":")
    if not tag or not name.endswith("nvidia/cuda"):
        return
    yield from _missing(case, name, tag)
    yield from _too_new(case, name, tag)


def _missing(case: Case, name: str, tag: str) -> Iterator[Finding]:
    rows = [row for row in case.matrix.tables.get("image", ()) if name.endswith(str(row["repository"]))]
    numbers = tag.partition("-")[0]
    if any(row["tag"] == tag for row in rows) or (numbers != "latest" and numbers.count(".") != 1):
        return
    if not case.observed.sign("image-unknown"):
        return  # the short tags of old releases did exist
    words = set(tag.split("-")[1:])
    near = [row for row in rows if str(row["tag"]).startswith(f"{numbers}.")] or rows
    best = max(near, key=lambda row: len(words & set(str(row["tag"]).split("-")[1:])), default=None)
    yield Finding(
        "other",
        Severity.ERROR,
        f"there is no image {name}:{tag}: NVIDIA's tags name a release with three numbers",
        f"take {best['repository']}:{best['tag']}" if best else "",
    )


def _too_new(case: Case, name: str, tag: str) -> Iterator[Finding]:
    match = re.match(r"\d{1,2}\.\d{1,2}", tag)
    driver = case.host.driver.value
    if match is None or driver is None or case.observed.cuda_available or case.system != "linux":
        return
    release = case.matrix.cudas.get(Cuda.parse(match[0]))
    floor = release.drivers.get("linux") if release else None
    gpus = case.host.gpus.value or ()
    if release is None or floor is None or driver >= floor or driver.major >= floor.major:
        return
    if not gpus or any(is_datacenter(gpu, case.matrix) is not False for gpu in gpus):
        return
    refused = case.observed.sign(*_REFUSED, "cuda-unavailable", "no-gpu-visible") is not None
    yield Finding(
        RULE.code,
        Severity.ERROR if refused or case.observed.cuda_available is False else Severity.WARNING,
        f"driver {driver} is too old for the image {name}:{tag}: it asks for CUDA {match[0]}, which came with driver "
        f"{floor}; minor-version compatibility does not count here",
        "take an image of an older CUDA, a plain one (the wheels bring CUDA themselves), or update the host's driver",
        evidence=(release.evidence,),
    )


RULE = Rule("container-driver", "an image that the report names, against the host's driver", Scope.HOST, check)

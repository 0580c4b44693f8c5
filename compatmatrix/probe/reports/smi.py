"""nvidia-smi: the banner old and new, -L, -q, XML and query output; the kernel module's version file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from compatmatrix.probe.reports.seen import Seen, Trust
from compatmatrix.probe.reports.text import Line

_NUMBER = r"(\d{2,3}(?:\.\d{1,3}){0,3})"
_BANNER = re.compile(rf"NVIDIA-SMI\b.{{0,80}}?(?:Driver|KMD) Version:\s*{_NUMBER}\b", re.IGNORECASE)
_SMI = re.compile(rf"NVIDIA-SMI\s+{_NUMBER}\b")
_OFFERED = re.compile(r"CUDA (?:UMD |Driver )?Version\s*:\s*(\d{1,2}\.\d{1,2})\b", re.IGNORECASE)
_ROW = re.compile(
    r"\d{1,2}\s{1,4}([A-Z][A-Za-z0-9 .+/-]{2,60}?)\s+(?:On|Off|N/A|WDDM|TCC|MCDM|"
    r"WDDM-MCDM)\s*\|\s*(?:[0-9A-Fa-f]{4,8}:|N/A)"
)
_MODE = re.compile(r"(?:\s(WDDM|TCC|MCDM)|[a-zA-Z0-9.]\s+(?:On|Off))\s*\|\s*[0-9A-Fa-f]{8}:[0-9A-Fa-f]{2}:")
"""The mode of the driver: Windows has several, Linux says whether persistence mode is on."""
_OLD_ROW = re.compile(
    r"\d{1,2}\s{1,4}([A-Z][A-Za-z0-9 .+/-]{2,60}?)\s+(?:On|Off)\s*\|\s*[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}"
)
_LIST = re.compile(r"GPU \d+: (.{2,100}?) \(UUID: ")
_XML = re.compile(r"<(driver_version|kmd_version|cuda_version|cuda_umd_version|product_name)>([^<]{1,100})</")
_Q = re.compile(r"(Product Name|Driver Version|KMD Version|CUDA Version|CUDA UMD Version)\s{2,}:\s(\S.{0,100})$")
_MODULE = re.compile(rf"(?:NVRM version:|Kernel Module\b).{{0,80}}?\s\s?{_NUMBER}\s")
_FIELDS = {"name": "gpu", "gpu_name": "gpu", "driver_version": "driver", "compute_cap": "capability"}
_TELLS = {
    "driver_version": "driver", "kmd_version": "driver", "cuda_version": "driver-cuda",
    "cuda_umd_version": "driver-cuda", "product_name": "gpu",
}  # fmt: skip


def read(lines: Sequence[Line]) -> Iterator[Seen]:
    """Driver, the CUDA that it offers, and the GPUs."""
    columns: list[str] = []
    for line in lines:
        text = line.text
        header = [word.split(" [")[0].strip() for word in text.split(",")]
        if len(header) > 1 and set(header) & _FIELDS.keys():
            columns = header
            continue
        if columns:
            values = [value.strip() for value in text.split(",")]
            if len(values) == len(columns):
                for name, value in zip(columns, values, strict=True):
                    fact = _FIELDS.get(name)
                    if fact and value and not value.startswith("["):
                        yield Seen(fact, value[:100], line.number)
                continue
            columns = []
        yield from _line(line)


def _line(line: Line) -> Iterator[Seen]:
    text = line.text
    if "Version" in text or "NVIDIA-SMI" in text:
        banner = _BANNER.search(text) or (_SMI.match(text) if "N/A" not in text else None)
        if banner:
            yield Seen("driver", banner[1], line.number)
        if (
            banner
            or "NVIDIA-SMI" in text
            or re.match(r"(?:.{0,20}\bDriver Version|CUDA (?:UMD )?Version\s{3,}:)", text)
        ):
            offered = _OFFERED.search(text)
            if offered:
                yield Seen("driver-cuda", offered[1], line.number)
    query = _Q.match(text)
    if query and "NVIDIA-SMI" not in text:
        yield from _told(query[1].lower().replace(" ", "_"), query[2].strip(), line.number)
    row = _ROW.match(text) or _OLD_ROW.match(text) or _LIST.match(text)
    if row:
        yield Seen("gpu", row[1].strip(), line.number)
    system = _MODE.search(text)
    if system:
        yield Seen("os", f"{'Windows' if system[1] else 'Linux'}, by nvidia-smi", line.number, Trust.LIST)
    for tag, value in _XML.findall(text):
        yield from _told(tag, value.strip(), line.number)
    module = _MODULE.search(text + " ") if "NVRM" in text or "Kernel Module" in text else None
    if module:
        yield Seen("driver", module[1], line.number)
    if re.search(r"\bMIG (?:\d+g\.\d+gb|[1-7]g\.|devices:)", text):
        yield Seen("mig", text[:60], line.number)
    if re.search(r"No devices were found", text):
        yield Seen("no-gpu", text[:60], line.number)


def _told(tag: str, value: str, number: int) -> Iterator[Seen]:
    fact = _TELLS.get(tag)
    if not fact:
        return
    if fact == "gpu":
        yield Seen(fact, value, number)
        return
    match = re.match(_NUMBER if fact == "driver" else r"(\d{1,2}\.\d{1,2})\b", value)
    if match:
        yield Seen(fact, match[1], number)

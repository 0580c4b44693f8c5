"""What nvidia-smi says, read by pure functions: text in, a value out, never an exception.

Sources: the nvidia-smi manual (return codes, query fields, "N/A" values) and output pasted in public bug reports.
The banner is never read: its words change between drivers.
"""

import re
from typing import NamedTuple

from compatmatrix.model.cuda import Capability, Cuda
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.host import Gpu
from compatmatrix.probe.nvidia_trouble import LOST, Trouble, classify, shown

FORMAT = "--format=csv,noheader,nounits"
QUERY = ("--query-gpu=name,driver_version,compute_cap,memory.total", FORMAT)
"""One line a GPU; known from driver 510 on."""
QUERY_OLD = ("--query-gpu=name,driver_version,memory.total", FORMAT)
"""For drivers up to 470, which do not know compute_cap."""
XML = ("-q", "-x")
"""Everything; slow, but old and new drivers alike know it."""

NAMELESS = "NVIDIA GPU"
"""The name of a GPU whose own name cannot be read."""


class Answer(NamedTuple):
    """One answer of nvidia-smi.

    gpus: None where the list is not known or not complete. trouble and reason: why something is missing, in words
    that say how to go on; None and empty where nothing is. notes: other things worth telling.
    """

    driver: DriverVersion | None = None
    driver_cuda: Cuda | None = None
    gpus: tuple[Gpu, ...] | None = None
    trouble: Trouble | None = None
    reason: str = ""
    notes: tuple[str, ...] = ()


def parse_query(text: str, *, capability: bool = True) -> Answer:
    """Read the answer to QUERY, or to QUERY_OLD with capability=False.

    A line that is no GPU after the first GPU means that the list cannot be trusted: gpus is then None, while the
    driver stays known.
    """
    driver: DriverVersion | None = None
    gpus: list[Gpu] = []
    notes: list[str] = []
    broken = ""
    for line in text.splitlines():
        row = _row(line, capability)
        if row:
            gpus.append(row[1])
            driver = driver or row[0]
        elif re.search(LOST, line):
            notes.append(f"one GPU does not answer ({shown(line)}): reset it or reboot")
        elif line.strip().lower().startswith("warning"):
            notes.append(f"nvidia-smi: {shown(line)}")
        elif line.strip() and gpus:
            broken = line
    if not gpus:
        trouble, reason = classify(text)
        return Answer(trouble=trouble, reason=reason)
    if broken:
        reason = f"nvidia-smi's list of GPUs breaks off ({shown(broken)}): try it by hand"
        return Answer(driver, None, None, Trouble.UNREADABLE, reason, tuple(notes))
    if driver is None:
        reason = "nvidia-smi does not name the driver's version"
        return Answer(None, None, tuple(gpus), Trouble.UNREADABLE, reason, tuple(notes))
    return Answer(driver, None, tuple(gpus), notes=tuple(notes))


def parse_xml(text: str) -> Answer:
    """Read the answer to XML. Of a document that breaks off, the driver may still be known."""
    start = text.find("<nvidia_smi_log")
    if start < 0:
        trouble, reason = classify(text)
        return Answer(trouble=trouble, reason=reason)
    # Cutting off the prolog also drops any DOCTYPE, and with it entities.
    text = text[start:]
    head = text.partition("<gpu ")[0]
    driver = _version(_tag(head, "kmd_version")) or _version(_tag(head, "driver_version"))
    cuda = _cuda(_tag(head, "cuda_umd_version")) or _cuda(_tag(head, "cuda_version"))
    from xml.etree.ElementTree import ParseError, fromstring

    try:
        log = fromstring(text)
    except (ParseError, ValueError) as error:
        reason = f"nvidia-smi's XML breaks off ({error}): try it by hand"
        return Answer(driver, cuda, None, Trouble.UNREADABLE, reason)
    gpus = []
    mig = False
    for element in log.findall("gpu"):
        memory = (element.findtext("fb_memory_usage/total") or "").removesuffix("MiB")
        gpus.append(Gpu(_name(element.findtext("product_name") or ""), None, _memory(memory)))
        mig = mig or (element.findtext("mig_mode/current_mig") or "").strip() == "Enabled"
    attached = (log.findtext("attached_gpus") or "").strip()
    if attached.isdecimal() and int(attached[:6]) != len(gpus):
        reason = f"nvidia-smi speaks of {attached} GPUs and lists {len(gpus)}: try it by hand"
        return Answer(driver, cuda, None, Trouble.UNREADABLE, reason)
    if driver is None:
        return Answer(None, cuda, None, Trouble.UNREADABLE, "nvidia-smi's XML does not name the driver's version")
    return Answer(driver, cuda, tuple(gpus), notes=("MIG",) if mig else ())


def _row(line: str, capability: bool) -> tuple[DriverVersion | None, Gpu] | None:
    """Driver and GPU of one line; None for a line of another kind. Names may hold commas: split from the right."""
    count = 3 if capability else 2
    fields = [field.strip() for field in line.rsplit(",", count)]
    if len(fields) != count + 1:
        return None
    driver = _version(fields[1])
    if driver is None and not _missing(fields[1]):
        return None
    cc = _capability(fields[2]) if capability else None
    memory = _memory(fields[-1])
    if (capability and cc is None and not _missing(fields[2])) or (memory is None and not _missing(fields[-1])):
        return None
    return driver, Gpu(_name(fields[0]), cc, memory)


def _missing(text: str) -> bool:
    """nvidia-smi's ways to say that a field has no value: [N/A], [Not Supported], [Unknown Error], ERR!."""
    return bool(re.fullmatch(r"\[.*\]|N/A|ERR!|Unknown Error|Not Supported", text, re.IGNORECASE))


def _name(text: str) -> str:
    text = text.strip()
    return NAMELESS if not text or _missing(text) or text.lower() == "unknown" else text[:100]


def _version(text: str) -> DriverVersion | None:
    match = re.fullmatch(r"[0-9]{1,4}(?:\.[0-9]{1,4}){1,3}", text.strip())
    return DriverVersion(match[0]) if match else None


def _capability(text: str) -> Capability | None:
    try:
        return Capability.parse(text)
    except ValueError:
        return None


def _cuda(text: str) -> Cuda | None:
    match = re.match(r"\s*([0-9]{1,2}\.[0-9]{1,2})\b", text)
    return Cuda.parse(match[1]) if match else None


def _memory(text: str) -> int | None:
    match = re.fullmatch(r"([0-9]{1,9})(?: MiB)?", text.strip())
    return int(match[1]) if match else None


def _tag(text: str, name: str) -> str:
    match = re.search(rf"<{name}>([^<]{{0,100}})</{name}>", text)
    return match[1] if match else ""

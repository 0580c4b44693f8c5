"""Why nvidia-smi gave no facts: its error texts and exit statuses, named, with how to go on.

Sources: the nvidia-smi manual (section RETURN VALUE) and the texts pasted in public bug reports, drivers 331 to 610.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Trouble(StrEnum):
    """Why nvidia-smi gave no facts. TOO_OLD and UNREADABLE: another form of the question may still be answered."""

    NOT_LOADED = "not-loaded"
    MISMATCH = "mismatch"
    NO_DEVICES = "no-devices"
    PERMISSION = "permission"
    BLOCKED = "blocked"
    NO_LIBRARY = "no-library"
    LOST = "lost"
    HANGS = "hangs"
    NOT_STARTED = "not-started"
    TOO_OLD = "too-old"
    UNREADABLE = "unreadable"


LOST = r"Unable to (?:determine|detect) the device handle|GPU is lost|fallen off the bus|GPU requires reset"
"""A GPU that the driver has lost; other GPUs may still answer."""

_ERRORS: tuple[tuple[str, Trouble, str], ...] = (
    (
        r"driver/library version mismatch",
        Trouble.MISMATCH,
        "the loaded NVIDIA driver and its libraries differ in version (Driver/library version mismatch): "
        "reboot, or reload the driver's modules",
    ),
    (
        r"couldn.{0,3}t communicate with the NVIDIA driver|Failed to initialize NVML: Driver Not Loaded",
        Trouble.NOT_LOADED,
        "nvidia-smi is there, but the NVIDIA driver is not loaded: install or reload the driver, then reboot",
    ),
    (
        r"GPU access blocked by the operating system",
        Trouble.BLOCKED,
        "Windows does not let WSL use the GPU (GPU access blocked by the operating system): update WSL and the "
        "Windows driver, then run: wsl --shutdown",
    ),
    (
        r"couldn.{0,3}t find \S+ library in your system",
        Trouble.NO_LIBRARY,
        "nvidia-smi finds no NVML library: the driver is not installed completely, or a container was started "
        "without its GPUs (docker run --gpus all)",
    ),
    (
        r"No devices were found",
        Trouble.NO_DEVICES,
        "nvidia-smi finds no device, although the driver is loaded: the driver may not support the GPU, or the "
        "GPU has failed; see the kernel log",
    ),
    (
        LOST,
        Trouble.LOST,
        "a GPU does not answer any more: reset it or reboot",
    ),
    (
        r"Insufficient Permissions|you are not:\s*a\) running as an administrator",
        Trouble.PERMISSION,
        "nvidia-smi may not ask the GPU (Insufficient Permissions): run as a user with access to the device files",
    ),
    (
        r"Failed to initialize NVML",
        Trouble.NOT_LOADED,
        "the driver's library does not start (Failed to initialize NVML): reboot, or restart the container",
    ),
    (
        r"is not a valid field to query|is not recognized|Invalid combination of input arguments",
        Trouble.TOO_OLD,
        "this nvidia-smi does not know the question",
    ),
)

# The nvidia-smi manual, section RETURN VALUE.
_STATUS = {
    4: Trouble.PERMISSION,
    6: Trouble.NO_DEVICES,
    9: Trouble.NOT_LOADED,
    12: Trouble.NO_LIBRARY,
    15: Trouble.LOST,
}


def classify(text: str, status: int | None = None) -> tuple[Trouble, str]:
    """Name the trouble behind an answer without facts.

    text: what was printed on both streams. status: the exit status, used where the words say nothing.
    """
    for pattern, trouble, reason in _ERRORS:
        if re.search(pattern, text, re.IGNORECASE):
            library = re.search(r"NVML library version:\s*([0-9.]{1,20})", text)
            if trouble is Trouble.MISMATCH and library:
                reason = reason.replace("mismatch)", f"mismatch; libraries {library[1]})")
            return trouble, reason
    if status in _STATUS:
        trouble = _STATUS[status]
        return trouble, next(reason for _, known, reason in _ERRORS if known is trouble)
    line = next((line for line in text.splitlines() if line.strip()), "")
    if not line:
        return Trouble.UNREADABLE, f"nvidia-smi printed nothing (exit status {status}): try it by hand"
    return Trouble.UNREADABLE, f"nvidia-smi printed something unknown ({shown(line)}): try it by hand"


def shown(line: str) -> str:
    """A line as it may be quoted in a message: printable and short."""
    plain = "".join(c if c.isprintable() else "?" for c in line.strip())
    return f'"{plain[:100]}"'

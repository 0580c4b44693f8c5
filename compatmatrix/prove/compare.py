"""What has changed on a machine since its stack was proven: host and installed versions against the record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from packaging.version import InvalidVersion, Version

from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Gpu, Host
from compatmatrix.model.stack import Stack
from compatmatrix.prove.record import ProofRecord


class Change(NamedTuple):
    """One difference. what: "driver", "gpus", "python", "platform", "libc", "build", or a distribution's name.

    was, now: as text; now is empty for what is gone.
    """

    what: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.what} was {self.was or 'absent'}, is {self.now or 'gone'}"


def changes(record: ProofRecord, host: Host, stack: Stack) -> list[Change]:
    """Everything that differs from what was proven, host first; empty where the proof still speaks of this machine.

    A fact that either side does not know is no change, and neither is a distribution that the record does not name.
    """
    found = [*_host_changes(record.host, host)]
    flavour = stack["torch"].flavour if "torch" in stack else None
    if record.build and flavour and flavour != record.build:
        found.append(Change("build", record.build, flavour))
    for name, was in record.versions:
        pin = stack.get(name)
        if pin is None:
            found.append(Change(name, was, ""))
        elif not _same_release(was, pin.release):
            found.append(Change(name, was, str(pin.version)))
    return found


def _host_changes(before: Host, now: Host) -> list[Change]:
    facts: tuple[tuple[str, Fact[Any], Fact[Any], Callable[[Any], str]], ...] = (
        ("python", before.python, now.python, str),
        ("platform", before.platform, now.platform, str),
        ("libc", before.libc, now.libc, str),
        ("driver", before.driver, now.driver, str),
        ("gpus", before.gpus, now.gpus, _gpus),
    )
    found = []
    for what, was, is_now, word in facts:
        if was.value is None or is_now.value is None or was.value == is_now.value:
            continue
        one, other = word(was.value), word(is_now.value)
        if one != other:
            found.append(Change(what, one, other))
    return found


def _gpus(gpus: tuple[Gpu, ...]) -> str:
    """All GPUs in words, whatever their order and whether their capability was known."""
    counts = Counter(gpu.name for gpu in gpus)
    return ", ".join(f"{count} x {name}" if count > 1 else name for name, count in sorted(counts.items())) or "none"


def _same_release(was: str, now: Version) -> bool:
    """Whether two versions are the same but for their builds, which the metadata often does not tell."""
    try:
        return Version(Version(was).public) == now
    except InvalidVersion:
        return was == str(now)

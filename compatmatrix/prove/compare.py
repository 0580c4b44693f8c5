"""What has changed on a machine since its stack was proven: host and installed versions against the record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from packaging.version import InvalidVersion, Version

from compatmatrix.lock.read import read_packages
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Gpu, Host
from compatmatrix.model.stack import Stack
from compatmatrix.model.target import Target, applies
from compatmatrix.prove.record import SUBJECT, ProofRecord, digest

# Virtual environments bring these themselves, whatever was locked.
_SEEDS = frozenset({"pip", "setuptools", "wheel"})


class Change(NamedTuple):
    """One difference. what: "driver", "gpus", "python", "platform", "libc", "build", "lock", or a distribution's name.

    was, now: as text; was is empty for what is new, now for what is gone.
    """

    what: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.what} was {self.was or 'absent'}, is {self.now or 'gone'}"


def changes(record: ProofRecord, host: Host, stack: Stack, lock_text: str | None = None) -> list[Change]:
    """Everything that differs from what was proven, host first; empty where the proof still speaks of this machine.

    lock_text: the lock as it lies beside the record now, None where there is none. A fact that either side does not
    know is no change. The record names only what trains; with its lock, every package that is new, gone or another
    counts. Raises BadInput for a lock with the right digest that cannot be read.
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
    if lock_text is not None and not record.proves(lock_text):
        found.append(Change("lock", _short(record.lock_digest), _short(digest(lock_text))))
    elif lock_text is not None:
        told = {name for name, _ in record.versions}
        found += (change for change in _lock_changes(lock_text, host, stack) if change.what not in told)
    return found


def in_words(found: Iterable[Change]) -> list[str]:
    """A line for each change; packages that are new, and those that are gone, share one where they are several."""
    lines, new, gone = [], [], []
    for change in found:
        if not change.was:
            new.append(f"{change.what} {change.now}")
        elif not change.now:
            gone.append(f"{change.what} {change.was}")
        else:
            lines.append(str(change))
    for word, names in (("new", new), ("gone", gone)):
        lines += [f"{word}: {', '.join(names)}"] if names else []
    return lines


def _lock_changes(text: str, host: Host, stack: Stack) -> Iterator[Change]:
    """Installed packages that the lock does not name, or names in another version, and locked ones that are gone."""
    target, locked = Target.of(host), dict[str, list[tuple[Version, bool | None]]]()
    for package in read_packages(text, where=SUBJECT):
        locked.setdefault(package.name, []).append((package.version, applies(package.marker, target)))
    for name, rows in sorted(locked.items()):
        wanted = [version for version, here in rows if here is not False]
        if name not in stack:
            if any(here for _, here in rows) and name not in _SEEDS:
                yield Change(name, " or ".join(map(str, wanted)), "")
        elif wanted and not any(_same_release(str(version), stack[name].release) for version in wanted):
            yield Change(name, " or ".join(map(str, wanted)), str(stack[name].version))
    for name, pin in stack.items():
        if name not in locked and name not in _SEEDS:
            yield Change(name, "", str(pin.version))


def _short(found: str) -> str:
    return f"sha256:{found[:12]}"


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

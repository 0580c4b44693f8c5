"""NVIDIA driver versions."""

import re

from packaging.version import Version

_NEWEST = 999_999
"""Stands for the newest release of a branch, whichever that is."""


class DriverVersion(Version):
    """A driver's version. It compares as a version and prints as NVIDIA does: 535.104.05, not 535.104.5."""

    __slots__ = ()

    @classmethod
    def given(cls, text: str) -> "DriverVersion":
        """Read what people write: "535.104.05", "v535.104", or a branch, "535" or "R535".

        Who names a branch has some release of it, most likely a late one: the newest is meant. Raises ValueError.
        """
        match = re.fullmatch(r"[rRvV]?(\d{1,4}(?:\.\d{1,5}){0,3})", text.strip())
        if not match:
            raise ValueError(f"not a driver version: {text!r} (as nvidia-smi prints it: 535.104.05, or a branch: R535)")
        version = cls(match[1])
        if version.major < _OLDEST:
            raise ValueError(
                f"not a driver version: {text!r} (that may be CUDA's; the driver's is what nvidia-smi prints as Driver "
                "Version, such as 535.104.05)"
            )
        return version if "." in match[1] else cls(f"{version.major}.{_NEWEST}")

    def __str__(self) -> str:
        first, *rest = self.release
        if rest == [_NEWEST]:
            return f"R{first}"
        return ".".join([str(first), *(f"{number:02d}" for number in rest)])


_OLDEST = 100
"""Driver branches have three digits since 2008; CUDA releases have not reached that."""

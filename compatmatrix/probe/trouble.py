"""A finding about a live environment, and what takes it away besides other versions."""

from pathlib import Path
from typing import NamedTuple

from compatmatrix.model.finding import Finding

COPIES = "two-copies"
LIBRARIES = "cuda-libs-conflict"
TORCH_FAMILY = ("torch", "torchvision", "torchaudio")


class Trouble(NamedTuple):
    """A finding, and what takes it away besides other versions.

    remove, reinstall: distributions, the latter with their versions. renew: those to be installed again for this
    Python, in whichever version has a wheel for it. shell: a command for the user's own shell, which no child process
    can run for it. without: the folder that imports no longer see then.
    """

    finding: Finding
    remove: tuple[str, ...] = ()
    reinstall: tuple[str, ...] = ()
    renew: tuple[str, ...] = ()
    shell: str = ""
    without: Path | None = None

"""What only a live machine shows: copies that hide each other, libraries put first, files overwritten, no driver.

Nothing is run: folders are listed, the first bytes of libraries and the records of wheels are read.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from compatmatrix.model.cuda import Cuda
from compatmatrix.model.host import Host
from compatmatrix.model.stack import Stack
from compatmatrix.probe.copies import copies, dist_infos, import_path, of_other_python, records
from compatmatrix.probe.environment import Interpreter
from compatmatrix.probe.files import exists
from compatmatrix.probe.libraries import driver_library, library_path, mixed
from compatmatrix.probe.nvidia_wheels import nvidia_wheels
from compatmatrix.probe.trouble import Trouble

__all__ = ["Trouble", "import_path", "look_live", "requested"]


def look_live(
    interpreter: Interpreter,
    stack: Stack,
    host: Host,
    *,
    environ: Mapping[str, str] | None = None,
    root: Path = Path("/"),
    system: str = sys.platform,
) -> tuple[Trouble, ...]:
    """What the rules cannot see in names and versions. stack: as imports see it. Never raises.

    environ, root, system: the machine to look at (for tests).
    """
    environ = os.environ if environ is None else environ
    found = [*copies(interpreter, stack, environ), *records(interpreter, stack), *of_other_python(interpreter)]
    if system == "linux":
        wheels = nvidia_wheels(interpreter.site_packages)
        torch = stack.get("torch")
        cuda = Cuda.from_tag(torch.flavour) if torch and torch.flavour else None
        if cuda:
            found += mixed(wheels, cuda, interpreter.site_packages)
            found += library_path(wheels, cuda, environ)
            found += driver_library(host, environ, root)
    return tuple(found)


def requested(site_packages: Sequence[Path]) -> frozenset[str]:
    """The distributions that the user asked for by name: installers leave REQUESTED in their records (PEP 376)."""
    names = set()
    for folder in site_packages:
        for record in dist_infos(folder):
            if exists(folder / record / "REQUESTED"):
                names.add(record.partition("-")[0].lower().replace("_", "-"))
    return frozenset(names)

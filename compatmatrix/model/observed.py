"""What was seen of a machine beyond its stack and its host: error texts, and what torch says of itself."""

from typing import NamedTuple

from packaging.version import Version

from compatmatrix.model.cuda import Arch, Capability, Cuda
from compatmatrix.model.stack import Pin


class Sign(NamedTuple):
    """A known error text that was seen. name: of its row in `data/tokens.toml`. line: counted from 1."""

    name: str
    line: int
    text: str = ""


class Conflict(NamedTuple):
    """A requirement that pip or a package itself found broken: owner asks for spec of name, version is there.

    asked: the version is not there, but what somebody else insists on, so that a resolver found no set.
    """

    owner: str
    name: str
    spec: str
    version: str
    line: int
    asked: bool = False


class Wheel(NamedTuple):
    """A file that an installer refused: name, version and tags as its name has them ("cp310", "win_amd64")."""

    name: str
    version: str
    python: str
    platform: str
    line: int


class Observed(NamedTuple):
    """Nothing of it needs to be known.

    torch_cuda: the CUDA that torch was built with, as it says itself; torch_cpu: it says that it has none.
    cuda_available: torch.cuda.is_available(), None where nobody asked. archs: what torch says it was compiled for.
    capabilities: of the GPUs, as torch printed them. image: the container image. library_path: LD_LIBRARY_PATH.
    installer: "pip", "conda", "poetry", "uv", or empty. copies: other copies of the torch family, with their origin.
    requested: what was asked for and is not there. offered: what the index had of it, empty for nothing, None where
    nobody asked; offered_of: the package that it is of. offered_cut: that list breaks off, so that its last entry is
    not the newest. unmet: the range of torch that the index could not meet, "~=2.3". index_tag: the build whose index
    was named in an install command, "cu118". refused: a wheel that is there and that the installer does not take.
    rocm: torch is a build for AMD's GPUs. amd: the report tells of AMD's GPUs. driver_sought: a program looked for the
    driver and did not find it. build_open: torch is named by a sentence only, or without its build beside a CUDA that
    several of its builds may have: its build is not told.
    """

    signs: tuple[Sign, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    torch_cuda: Cuda | None = None
    torch_cpu: bool = False
    cuda_available: bool | None = None
    archs: tuple[Arch, ...] = ()
    capabilities: tuple[Capability, ...] = ()
    image: str = ""
    library_path: str = ""
    installer: str = ""
    copies: tuple[Pin, ...] = ()
    requested: tuple[Pin, ...] = ()
    offered: tuple[Version, ...] | None = None
    offered_cut: bool = False
    offered_of: str = "torch"
    unmet: str = ""
    index_tag: str = ""
    refused: Wheel | None = None
    rocm: bool = False
    amd: bool = False
    driver_sought: bool = False
    build_open: bool = False

    def sign(self, *names: str) -> Sign | None:
        """The first of these signs that was seen."""
        return next((sign for sign in self.signs if sign.name in names), None)


NOTHING = Observed()

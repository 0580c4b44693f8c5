"""CUDA versions, compute capabilities and compiled architectures.

A *capability* is what a GPU has (8.6). An *architecture* is what a wheel carries: machine code (`sm_86`, a
cubin) or PTX (`compute_90`), which the driver translates.
"""

import re
from typing import NamedTuple


class Cuda(NamedTuple):
    """A CUDA release as the compatibility rules see it: major and minor."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> "Cuda":
        """Read "12.6" or "12.6.3". Raises ValueError."""
        match = re.fullmatch(r"(\d{1,3})\.(\d{1,3})(?:\.\d+)*", text.strip())
        if not match:
            raise ValueError(f"not a CUDA version: {text!r}")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def from_tag(cls, tag: str) -> "Cuda | None":
        """Read a build tag: "cu126" is 12.6, "cu92" is 9.2; None for "cpu", "rocm6.2" and the like."""
        match = re.fullmatch(r"cu(\d+)(\d)", tag)
        return cls(int(match[1]), int(match[2])) if match else None

    @property
    def tag(self) -> str:
        """The build tag that PyTorch derives from the version: "cu126"."""
        return f"cu{self.major}{self.minor}"

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


class Capability(NamedTuple):
    """A GPU's compute capability, such as 8.6."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> "Capability":
        """Read "8.6". Raises ValueError."""
        match = re.fullmatch(r"(\d{1,2})\.(\d)", text.strip())
        if not match:
            raise ValueError(f"not a compute capability: {text!r}")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


class Arch(NamedTuple):
    """One compiled architecture of a wheel.

    ptx: translated by the driver, rather than machine code. suffix: "a" (this capability only) or "f" (this
    family only), as in `sm_90a`; empty for ordinary code.
    """

    ptx: bool
    capability: Capability
    suffix: str = ""

    @classmethod
    def parse(cls, text: str) -> "Arch":
        """Read "sm_86", "sm_90a" or "compute_90". Raises ValueError."""
        match = re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", text)
        if not match:
            raise ValueError(f"not an architecture: {text!r}")
        return cls(match[1] == "compute", Capability(int(match[2]), int(match[3])), match[4])

    def __str__(self) -> str:
        kind = "compute" if self.ptx else "sm"
        return f"{kind}_{self.capability.major}{self.capability.minor}{self.suffix}"

"""Images that bring torch with its partners: what a file leaves of them, and how it reads.

Source: the Dockerfile of pytorch/pytorch, which installs torch, torchvision and torchaudio of one release together.
"""

from __future__ import annotations

from collections.abc import Iterator

from packaging.version import Version

from compatmatrix.manifests.manifest import Part
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.finding import Finding, Severity


def left_behind(part: Part, matrix: Matrix) -> Iterator[Finding]:
    """A finding where a file replaces the torch of its image and leaves the image's torchvision as it was.

    pip only grumbles then. fastai imports torchvision, so with it that is an error.
    """
    image, torch = part.section.image, part.stack.get("torch")
    if image is None or not image.torch or torch is None or "torch" in part.conda | part.opaque:
        return
    named = {entry.name for entry in part.section.entries}
    old = matrix.partner("torchvision", Version(image.torch))
    new = matrix.partner("torchvision", torch.release)
    if "torchvision" in named or old is None or new is None or old.version == new.version:
        return
    yield Finding(
        "torchvision-mismatch",
        Severity.ERROR if "fastai" in named else Severity.WARNING,
        f"torch {torch.version} replaces the torch {image.torch} of {image.name}:{image.tag}, and its torchvision "
        f"{old.version} stays, which was made for torch {old.torch}",
        f"name torchvision=={new.version} beside it, or take an image with torch {torch.release}",
        packages=("torch", "torchvision"),
        evidence=(old.evidence,),
    )


def worded(finding: Finding, part: Part) -> Finding:
    """A finding on the torch of an image, with its place at what the file itself pins, and what pip would do."""
    own = [name for name in finding.packages if name not in part.opaque]
    if finding.where or "torch" not in part.opaque or "torch" not in finding.packages or not own:
        return finding
    image = part.section.image
    hint = finding.hint
    if image and image.torch and not hint and finding.code.endswith("-mismatch"):
        fix = f"take {', '.join(finding.fix)}, or " if finding.fix else ""
        hint = f"{fix}take an image with another torch: pip would replace that of the image by one from PyPI"
    return finding._replace(where=part.place_of(own), hint=hint)

"""A conda channel that never had the torch that a file takes from it: nothing will be found."""

from collections.abc import Iterator

from compatmatrix.manifests.manifest import Part
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.finding import Finding, Severity


def never_there(part: Part, matrix: Matrix) -> Iterator[Finding]:
    """A finding where the file leaves one channel only, and that channel is known never to have had the release."""
    torch = part.stack.get("torch")
    entry = next((entry for entry in part.section.entries if entry.name == "torch" and entry.conda), None)
    if torch is None or entry is None or not entry.channel:
        return
    channel = matrix.conda_lacks(entry.channel, torch.release)
    if channel is None:
        return
    there = [row.version for row in matrix.conda_releases if row.channel == channel.name]
    near = [*[v for v in there if v < torch.release][-1:], *[v for v in there if v > torch.release][:1]]
    hint = f"it has {' and '.join(map(str, near))}" if near else ""
    if channel.closed and torch.release > channel.complete_to:
        hint = f"the channel ended with {channel.complete_to}: take it from conda-forge, or by pip"
    yield Finding(
        "other",
        Severity.ERROR,
        f"the conda channel {channel.name} never had torch {torch.release}",
        hint,
        packages=("torch",),
        evidence=(channel.evidence,),
        where=entry.place,
    )

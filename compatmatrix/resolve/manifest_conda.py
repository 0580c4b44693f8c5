"""What conda will not find, or will leave unused: releases and Pythons that no channel has, cpuonly beside a GPU."""

from collections.abc import Iterator

from packaging.version import Version

from compatmatrix.manifests.manifest import Part
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.host import Host
from compatmatrix.resolve.given import GIVEN
from compatmatrix.rules.coverage import ever_served


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


def cpu_only(part: Part, host: Host, matrix: Matrix) -> Iterator[Finding]:
    """A finding where the file asks for conda's CPU build and the user named a GPU that some build would serve."""
    entry = next((entry for entry in part.section.entries if entry.name == "cpuonly" and entry.conda), None)
    if entry is None or host.gpus.origin not in GIVEN or not host.has_gpu:
        return
    platform = host.platform.value or ""
    served = [
        gpu.name
        for gpu in host.gpus.value or ()
        if gpu.capability and ever_served(gpu.capability, platform, host.driver_system, matrix)
    ]
    if served:
        yield Finding(
            "cpu-build-on-gpu",
            Severity.ERROR,
            f"cpuonly asks for the CPU build of torch: it leaves the {', '.join(dict.fromkeys(served))} unused",
            "leave cpuonly out, and name the CUDA of the build",
            packages=("torch",),
            where=entry.place,
        )


def no_python_there(part: Part, host: Host, matrix: Matrix) -> Iterator[Finding]:
    """A finding where no build of the release is for the Python, on the channels or as a wheel.

    The channel pytorch was built for the Pythons of the wheels (pytorch/builder). Silent where no row of a channel that
    the file may use says its Pythons.
    """
    torch, python = part.stack.get("torch"), host.python.value
    entry = next((entry for entry in part.section.entries if entry.name == "torch" and entry.conda), None)
    if torch is None or python is None or entry is None:
        return
    rows = [row for row in matrix.conda_releases if row.version == torch.release and entry.channel in ("", row.channel)]
    wheels = {minor for build in matrix.builds.get(torch.release, ()) for minor in build.pythons}
    if not rows or not wheels or not any(row.pythons or row.channel == entry.channel for row in rows):
        return
    there = {minor for row in rows for minor in row.pythons} | wheels
    if python.minor in there:
        return
    listed = ", ".join(sorted(there, key=lambda minor: Version(minor.rstrip("t"))))
    yield Finding(
        "python-unsupported",
        Severity.ERROR,
        f"conda has no torch {torch.release} for Python {python.minor}: there are builds for {listed}",
        packages=("torch",),
        evidence=(rows[0].evidence,),
        where=entry.place,
    )

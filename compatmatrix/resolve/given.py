"""What the user stated of a host, in contrast to what this machine happens to be."""

from compatmatrix.model.finding import Finding
from compatmatrix.model.host import Host

GIVEN = frozenset({"given", "host file", "host files"})
"""Origins of stated facts."""


def intended(finding: Finding, host: Host) -> bool:
    """That a file asks for the CPU build is no mistake only because this machine happens to have a GPU."""
    return finding.code == "cpu-build-on-gpu" and host.gpus.origin not in GIVEN

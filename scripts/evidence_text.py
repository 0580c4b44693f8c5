"""What an evidence folder holds, and how everything that names a person or a machine is taken out of it."""

from __future__ import annotations

import contextlib
import getpass
import platform
import re
from collections.abc import Iterable
from pathlib import Path

MANIFEST = "evidence.json"
INSTALLED = "installed.txt"
PROOF = "proof.json"
PAGE = "report.html"
SAMPLES = "nvidia_smi.json"
LOG = "log.txt"
FILES = (MANIFEST, INSTALLED, PROOF, PAGE, SAMPLES, LOG)
MOST_BYTES = 16 << 20
SCHEMA = 1

# (what it is, how it is found, what takes its place); the shape stays, so that readers of such output can be tried.
_OF_ONE_MACHINE = (
    ("UUID", r"\b(GPU|MIG)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", r"\1-00000000-0000-0000-0000-000000000000"),
    ("UUID", r"\b(?!0{8})[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "00000000-0000-0000-0000-000000000000"),
    ("serial number", r"(<(\w*serial\w*|gpu_pdi|\w*guid)>)(?!0?</|\[?N/A|Requested)[^<]+(</)", r"\g<1>0\g<3>"),
    (
        "serial number",
        r"(?m)^(\s*(?:\w+ )*(?:Serial Number|PDI|GUID)\s*: )(?!0$|\[?N/A|Requested)\S.*$",
        r"\g<1>0",
    ),
    ("host name", r"(?m)^((?:\s*Host ?name|<hostname>)\s*:?\s*)(?!HOST)[^\s<]+", r"\g<1>HOST"),
    ("address", r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", "00-00-00-00-00-00"),
    ("e-mail address", r"\b[\w.+-]+@(?!pypi\b|pytorch\b|installed\b)[\w-]+\.[a-z]{2,}\b", "NAME"),
)
_HOMES = re.compile(r"(?<![\w.])/(?:home|Users|root)(?:/[\w.-]+)?(?=[/\s\"':,)]|$)|[A-Z]:\\\\?Users\\\\?[\w.-]+")


def scrub(text: str, places: Iterable[tuple[str, str]] = ()) -> str:
    """A text without users, hosts, serial numbers, UUIDs, processes and home folders.

    places: (path of this machine, word instead of it), longest first. What names nobody stays as it was printed.
    """
    for path, word in sorted(places, key=lambda pair: -len(pair[0])):
        if path.startswith(("/", "\\")) or path[1:2] == ":":
            text = text.replace(path, word) if len(path) > 1 else text
        else:
            text = re.sub(rf"(?<![\w.-]){re.escape(path)}(?![\w-])", word, text)
    text = _without_processes(_without_table(text))
    for _, pattern, instead in _OF_ONE_MACHINE:
        text = re.sub(pattern, instead, text)
    return _HOMES.sub("HOME", text)


def of_this_machine() -> list[tuple[str, str]]:
    """The names of this machine and its user, as places for `scrub`; those too short or too common are left alone."""
    hosts = {platform.node(), platform.node().partition(".")[0]}
    found = [(str(Path.home()), "HOME"), *((name, "HOST") for name in hosts)]
    with contextlib.suppress(KeyError, OSError):
        found.append((getpass.getuser(), "USER"))
    common = {"root", "user", "ubuntu", "python", "cuda", "torch", "nvidia", "localhost", "gpu", "linux", "test", "app"}
    return [(name, word) for name, word in found if len(name) > 3 and name.lower() not in common]


def leaks(text: str) -> list[str]:
    """What a text still tells of one machine, in words; empty for a clean one."""
    found = [kind for kind, pattern, instead in _OF_ONE_MACHINE if re.sub(pattern, instead, text) != text]
    if _HOMES.search(text):
        found.append("home folder")
    return sorted(set(found))


def _without_table(banner: str) -> str:
    """The banner of nvidia-smi up to its table of processes."""
    lines = banner.split("\n")
    start = next((at for at, line in enumerate(lines) if re.match(r"\|\s+Processes:", line)), None)
    if start is None:
        return banner
    frame = start - 1 if start and lines[start - 1].startswith("+") else start
    return "\n".join(lines[:frame]).rstrip() + "\n"


def _without_processes(text: str) -> str:
    """What runs on a machine is its owner's business: `-q -x` and `-q` without the lists of processes."""
    text = re.sub(r"<processes>.*?</processes>", "<processes>\n\t\t</processes>", text, flags=re.S)
    kept, inside = [], -1
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(" "))
        if inside >= 0 and line.strip() and depth > inside:
            continue
        inside = depth if re.match(r"\s+Processes\s*(:.*)?$", line) else -1
        kept.append(line)
    return "\n".join(kept)

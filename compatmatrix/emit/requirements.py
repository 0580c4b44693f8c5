"""requirements.txt with hashes: plain pip and uv install it."""

from __future__ import annotations

from compatmatrix.emit.format import Format
from compatmatrix.emit.header import comment
from compatmatrix.index import without_credentials
from compatmatrix.model.decision import Decision
from compatmatrix.model.lock import Lock, Package


def render(lock: Lock) -> str:
    """Header, index line, and each package with the hashes of the files that fit the host."""
    lines = [
        *comment(lock.decision),
        *_how_to_install(lock.decision),
        "",
        *index_lines(lock.decision),
        *map(_entry, lock.packages),
    ]
    return "\n".join(lines) + "\n"


def index_lines(decision: Decision) -> list[str]:
    """The option that lets pip find builds with a local version; none for PyPI's own build."""
    return [f"--extra-index-url {without_credentials(decision.index_url)}"] if decision.index_url else []


def _how_to_install(decision: Decision) -> list[str]:
    # uv takes a name from the first index that has it, and PyTorch indexes carry old copies of numpy and others.
    strategy = " --index-strategy unsafe-best-match" if decision.index_url else ""
    return [
        f"# install: python -m pip install --require-hashes -r {FORMAT.filename}",
        f"# or: uv pip install --require-hashes{strategy} -r {FORMAT.filename}",
    ]


def pin(package: Package) -> str:
    """The package as a requirement: "numpy==1.26.4 ; python_version < '3.13'"."""
    marker = f" ; {package.marker}" if package.marker else ""
    return f"{package.name}=={package.version}{marker}"


def _entry(package: Package) -> str:
    return " \\\n    ".join([pin(package), *(f"--hash={digest}" for digest in package.hashes)])


FORMAT = Format("requirements", "requirements.txt", render, universal=True)

"""Laws of `fix FILE…` over files that nobody wrote: what it repairs stays repaired, what it cannot repair it leaves."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compatmatrix.cli.file_repair import Wish, repaired
from compatmatrix.matrix import load_matrix
from compatmatrix.model.cuda import Capability
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.fact import Fact
from compatmatrix.model.finding import Severity
from compatmatrix.model.host import Gpu, Host, Libc, Python
from compatmatrix.resolve.question import IndexPolicy
from compatmatrix.resolve.repair import ERRORS
from compatmatrix.resolve.targets import Target

MATRIX = load_matrix()
ASIDE = "anything"
BUILDS = ("cpu", "cu118", "cu121", "cu124", "cu126", "cu128")
INDEX = "https://download.pytorch.org/whl"
SOME = [release for release in MATRIX.torches if release.release >= (1, 12)][::3]
RELEASES = {
    "torch": [str(release) for release in SOME],
    "torchvision": [str(row.version) for one in SOME if (row := MATRIX.partner("torchvision", one))],
    "torchaudio": [str(row.version) for one in SOME if (row := MATRIX.partner("torchaudio", one))],
    "fastai": [str(release) for release in MATRIX.fastais if release.release >= (2, 5)][::2],
    "numpy": ["1.23.5", "1.26.4", "2.0.2", "2.2.6"],
    "pillow": ["9.5.0", "11.1.0"],
    "rich": ["13.7.0"],
}
HOSTS = [
    ("3.10", None, None),
    ("3.11", "7.0", "535.104.05"),
    ("3.11", "8.9", "550.54.14"),
    ("3.12", "12.0", "580.65.06"),
    ("3.10", "8.0", "470.256.02"),
]


def host(python: str, capability: str | None, driver: str | None) -> Target:
    gpus = (Gpu(f"GPU {capability}", Capability.parse(capability)),) if capability else ()
    return Target(
        f"a host with {capability}",
        Host(
            Fact.of(Python.parse(python), "given"),
            Fact.of("linux-x86_64", "given"),
            Fact.of(Libc("glibc", 2, 35), "given"),
            Fact.of(DriverVersion(driver), "given") if driver else Fact.unknown(ASIDE),
            Fact.of(gpus, "given"),
        ),
    )


@st.composite
def pins(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Names with specifiers: pins mostly, a range now and then."""
    names = ["torch", *draw(st.lists(st.sampled_from(list(RELEASES)[1:]), max_size=4, unique=True))]
    found = []
    for name in names:
        version = draw(st.sampled_from(RELEASES[name]))
        form = draw(st.sampled_from(["==", "==", "==", ">=", "<=", "~="]))
        found.append((name, f"{form}{version}"))
    return found


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str]:
    """A file's name and text."""
    listed, build = draw(pins()), draw(st.sampled_from(BUILDS))
    indexed, local = draw(st.booleans()), draw(st.booleans())
    if indexed and local:
        family = ("torch", "torchvision", "torchaudio")
        listed = [(n, f"{s}+{build}" if n in family and s.startswith("==") else s) for n, s in listed]
    texts = [name + spec for name, spec in listed]
    kind = draw(
        st.sampled_from(["requirements.txt", "Dockerfile", "pyproject.toml", "uv/pyproject.toml", "environment.yml"])
    )
    option = f"--extra-index-url {INDEX}/{build}"
    if kind == "requirements.txt":
        lines = ["# ours — keep", *([option] if indexed else []), *(f"{text}  # why" for text in texts)]
    elif kind == "Dockerfile":
        words = " ".join(f"'{text}'" for text in texts)
        lines = ["FROM python:3.11-slim", f"RUN pip install {option + ' ' if indexed else ''}{words}  && true"]
    elif kind == "environment.yml":
        pip = [f"      - {option}"] if indexed else []
        lines = ["dependencies:", "  - python", "  - pip:", *pip, *(f"      - {text}  # why" for text in texts)]
    else:
        lines = [
            "[project]",
            'name = "x"  # a name',
            "dependencies = [",
            *(f'    "{text}",  # why' for text in texts),
            "]",
        ]
        if kind.startswith("uv"):
            lines += ["", "[tool.uv]", "package = false"]
        if kind.startswith("uv") and indexed:
            sources = [f'{name} = {{ index = "pytorch-{build}" }}' for name, _ in listed if name.startswith("torch")]
            lines += ["", "[tool.uv.sources]", *sources, "", "[[tool.uv.index]]"]
            lines += [f'name = "pytorch-{build}"', f'url = "{INDEX}/{build}"', "explicit = true"]
    return kind.rpartition("/")[2], "\n".join(lines) + "\n"


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(files(), st.lists(st.sampled_from(HOSTS), min_size=1, max_size=2, unique=True))
def test_a_repair_holds_and_changes_nothing_else(
    file: tuple[str, str], hosts: list[tuple[str, str | None, str | None]]
) -> None:
    name, text = file
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text)
        wish = Wish(tuple(itertools.starmap(host, hosts)), MATRIX, IndexPolicy.AUTO, ERRORS)
        fixed = repaired(path, wish)
        old, new = fixed.texts.get(path, (text, text))
        assert old == text
        errors = [finding for _, finding in fixed.after if finding.severity is Severity.ERROR]
        if not any(finding.severity is Severity.ERROR for _, finding in fixed.before):
            assert new == text
        if errors:
            assert new == text, "nothing is half done"
        path.write_text(new)
        again = wish.findings(wish.judged(path, {}))
        assert [one for _, one in again if one.severity is Severity.ERROR] == errors
        assert not repaired(path, wish).changed, "a second repair changes nothing"
        moved = {change.name for change in fixed.changes}
        assert _others(old, moved) == _others(new, moved)


def _others(text: str, moved: set[str]) -> list[str]:
    """The lines without the versions of what moved, and without any index."""
    aside = r"\s*(name = .pytorch-|explicit = true|\[\[?tool\.uv\.|$|\w+ = \{ index)"
    lines = []
    for line in text.splitlines():
        bare = re.sub(rf"--extra-index-url {INDEX}/\w+ ", "", line)
        bare = re.sub(rf"\b({'|'.join(sorted(moved))})[=<>~!][^\s\"']*", r"\1", bare) if moved else bare
        if INDEX not in bare and not re.match(aside, bare):
            lines.append(bare)
    return lines

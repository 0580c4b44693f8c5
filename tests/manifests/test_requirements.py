from __future__ import annotations

from pathlib import Path

import pytest

from compatmatrix.errors import BadInput
from compatmatrix.manifests.requirements import logical_lines, read_requirements


def write(folder: Path, text: str | bytes, name: str = "requirements.txt") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def pins(folder: Path, text: str | bytes) -> dict[str, str]:
    return read_requirements(write(folder, text)).stack.versions()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n  \n",
        "# torch==2.8.0",
        "torch",
        "torch>=2.8",
        "torch~=2.8.0",
        "torch!=2.8.0",
        "torch==2.8.*",
        "torch @ https://wheels.example/torch-2.8.0.tar.gz",
        "https://wheels.example/torch-2.8.0.tar.gz",
        "./wheels/torch-2.8.0.tar.gz",
        "torch-2.8.0.tar.gz",
        "git+https://code.example/torch.git@v2.8.0",
        "-e .",
        "--index-url https://wheels.example/simple",
        "--extra-index-url=https://wheels.example/whl/cu126",
        "--hash=sha256:abc",
    ],
)
def test_no_exact_pin(tmp_path: Path, text: str) -> None:
    assert pins(tmp_path, text) == {}


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("torch==2.8.0", "torch", "2.8.0"),
        ("  torch == 2.8.0  ", "torch", "2.8.0"),
        ("torch==2.8.0+cu126", "torch", "2.8.0+cu126"),
        ("torch==2.8.0 # the last that works", "torch", "2.8.0"),
        ("Pillow==10.4.0", "pillow", "10.4.0"),
        ("plum_dispatch==2.5.7", "plum-dispatch", "2.5.7"),
        ("fastai[dev]==2.8.4", "fastai", "2.8.4"),
        ('torch==2.8.0; python_version >= "3.9"', "torch", "2.8.0"),
        ("torch==2.8.0 --hash=sha256:abc --hash=sha256:def", "torch", "2.8.0"),
        ("torch==2.8.0 \\\n    --hash=sha256:abc \\\n    --hash=sha256:def", "torch", "2.8.0"),
        ("torch==\\\n2.8.0", "torch", "2.8.0"),
        ("torch>=2,==2.8.0", "torch", "2.8.0"),
        ("\ufefftorch==2.8.0", "torch", "2.8.0"),
        ("torch==2.8.0\r\n", "torch", "2.8.0"),
    ],
)
def test_exact_pin(tmp_path: Path, text: str, name: str, version: str) -> None:
    assert pins(tmp_path, text) == {name: version}


def test_the_flavour_is_that_of_the_local_part(tmp_path: Path) -> None:
    stack = read_requirements(write(tmp_path, "torch==2.8.0+cu126\ntorchvision==0.23.0")).stack
    assert (stack["torch"].flavour, stack["torchvision"].flavour) == ("cu126", None)


def test_places_count_from_one_and_name_the_first_line_of_a_continuation(tmp_path: Path) -> None:
    path = write(tmp_path, "# pins\n\ntorch==2.8.0 \\\n  --hash=sha256:abc\nnumpy==2.0.0\n")
    found = read_requirements(path)
    assert found.places["torch"] == (str(path), 3)
    assert found.places["numpy"] == (str(path), 5)
    assert found.place_of(("fastai", "numpy", "torch")) == (str(path), 5)
    assert found.place_of(("fastai",)) is None
    assert found.stack["torch"].origin == f"{path}:3"


@pytest.mark.parametrize("option", ["-r ", "-r", "--requirement ", "--requirement=", "-c ", "--constraint "])
def test_includes_are_relative_to_the_file_that_includes(tmp_path: Path, option: str) -> None:
    write(tmp_path, "torch==2.8.0\n-r deeper.txt\n", "more/base.txt")
    deeper = write(tmp_path, "numpy==2.0.0\n", "more/deeper.txt")
    found = read_requirements(write(tmp_path, f"{option}more/base.txt\nfastai==2.8.4\n"))
    assert set(found.stack) == {"torch", "numpy", "fastai"}
    assert found.places["numpy"].line == 1
    assert Path(found.places["numpy"].file).resolve() == deeper


def test_the_same_file_twice_is_no_cycle(tmp_path: Path) -> None:
    write(tmp_path, "torch==2.8.0\n", "base.txt")
    write(tmp_path, "-r base.txt\n", "one.txt")
    write(tmp_path, "-r base.txt\n", "two.txt")
    assert set(read_requirements(write(tmp_path, "-r one.txt\n-r two.txt\n")).stack) == {"torch"}


@pytest.mark.parametrize("line", ["-r requirements.txt", "-r other.txt", "-r ./sub/../requirements.txt"])
def test_cycle(tmp_path: Path, line: str) -> None:
    write(tmp_path, "-r requirements.txt\n", "other.txt")
    (tmp_path / "sub").mkdir()
    with pytest.raises(BadInput, match="includes itself"):
        read_requirements(write(tmp_path, f"torch==2.8.0\n{line}\n"))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere\.txt: No such file"):
        read_requirements(tmp_path / "nowhere.txt")


def test_missing_include_names_the_line_that_asks_for_it(tmp_path: Path) -> None:
    path = write(tmp_path, "torch==2.8.0\n-r nowhere.txt\n")
    with pytest.raises(BadInput) as caught:
        read_requirements(path)
    assert f"{path}:2" in str(caught.value)


def test_not_utf8_names_file_and_line(tmp_path: Path) -> None:
    path = write(tmp_path, b"torch==2.8.0\n# caf\xe9\n")
    with pytest.raises(BadInput) as caught:
        read_requirements(path)
    assert caught.value.problems == (f"{path}:2: not UTF-8",)


def test_every_bad_line_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "torch=2.8.0\nnumpy==2.0.0\n[torch]\nfastai 2.8\n")
    with pytest.raises(BadInput) as caught:
        read_requirements(path)
    assert [problem.split(": ")[0] for problem in caught.value.problems] == [f"{path}:{n}" for n in (1, 3, 4)]


@pytest.mark.parametrize("raw", [b"\x00\x01\x02", b"PK\x03\x04\x80", b"torch==2.8.0\x00"])
def test_binary_files(tmp_path: Path, raw: bytes) -> None:
    with pytest.raises(BadInput):
        read_requirements(write(tmp_path, raw))


def test_huge_file(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(BadInput, match="larger than"):
        read_requirements(path)


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").mkdir()
    with pytest.raises(BadInput):
        read_requirements(tmp_path / "requirements.txt")


def test_of_two_pins_with_markers_the_one_that_applies_counts(tmp_path: Path) -> None:
    text = 'numpy==2.2.6; python_version >= "9"\nnumpy==1.26.4; python_version < "9"\n'
    assert pins(tmp_path, text) == {"numpy": "1.26.4"}


def test_arbitrary_equality_is_a_pin(tmp_path: Path) -> None:
    assert pins(tmp_path, "torch===2.8.0") == {"torch": "2.8.0"}


JOINED = [
    "a==1 \\\n  --hash=x\nb==2\n",
    "# a comment ends here \\\nb==2\n",
    "a==1 \\\n# a comment in between \\\nb==2\n",
    "a==1  # why \\\nb==2\nc==3\n",
    "a==1 \\ \nb==2\n",
    "a==1 \\",
    "\\\n\\\n\na==1",
    "a==1#not-a-comment\nb==2\t# one\n",
]


@pytest.mark.parametrize("text", JOINED)
def test_lines_are_joined_as_pip_joins_them(text: str) -> None:
    pip = pytest.importorskip("pip._internal.req.req_file")
    theirs = list(pip.ignore_comments(pip.join_lines(enumerate(text.splitlines(), start=1))))
    assert list(logical_lines(text)) == theirs


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("numpy\npytorch=1.6\n", "a list for conda"),
        ("# platform: linux-64\nfastai=1.0.36=py_1\n", "a list for conda"),
        ("torch==2.0.0 torchvision==0.15.1 -f https://wheels.example/whl/cpu\n", "one requirement a line"),
        ("torch==\n", ""),
    ],
)
def test_what_is_no_requirements_file_is_told_as_what_it_is(tmp_path: Path, text: str, hint: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_requirements(write(tmp_path, text))
    assert hint in caught.value.hint
    assert bool(hint) is bool(caught.value.hint)
    assert text.splitlines()[-1][:40] in caught.value.problems[0]

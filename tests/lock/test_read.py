from __future__ import annotations

import pytest
from packaging.version import Version

from compatmatrix.errors import BadInput, ToolFailed
from compatmatrix.lock.answer import Platforms, read_answer
from compatmatrix.lock.read import lock_digest, read_packages

H = "sha256:" + "a" * 64


def test_read_packages() -> None:
    text = f"# x\n--extra-index-url https://h/w # y\nb_B==1+cu126 ; python_version < '3.9' \\\n  --hash={H}\n"
    text += f"a==2 --hash={H}\n"
    a, b = read_packages(text)
    assert (a.name, a.version, a.hashes, a.marker) == ("a", Version("2"), (H,), "")
    assert (b.name, b.version, b.marker) == ("b-b", Version("1+cu126"), 'python_version < "3.9"')


def test_every_bad_line_is_named() -> None:
    lines = [f"a>=1 --hash={H}", f"b==1.* --hash={H}", "c==1", f"d --hash={H}", f"?? --hash={H}", f"e==x --hash={H}"]
    with pytest.raises(BadInput) as caught:
        read_packages("\n".join(lines), where="my.txt")
    assert [problem.split(": ")[0] for problem in caught.value.problems] == [f"my.txt:{n}" for n in range(1, 7)]


def test_a_line_cut_off_in_the_middle() -> None:
    assert read_packages(f"a==1 --hash={H} \\")[0].name == "a"
    with pytest.raises(BadInput):
        read_packages("a==1 \\\n  --hash=sha256:abc")


def test_digest() -> None:
    assert lock_digest("") == lock_digest("# only a comment\n\n")
    assert lock_digest("a==1\n") == lock_digest("# x\r\na==1 \r\n") != lock_digest("a==2\n")


@pytest.mark.parametrize(
    "text", ["", "x = [", "packages = 3", "[[packages]]\nname='a'", "[[packages]]\nname='a'\nversion='?'"]
)
def test_an_unreadable_answer_is_a_tool_failure(text: str) -> None:
    with pytest.raises(ToolFailed, match="cannot be read"):
        read_answer(text, "")


def test_a_file_without_hash_is_named() -> None:
    with pytest.raises(ToolFailed, match=r"a 1: the index gives no sha256"):
        read_answer("[[packages]]\nname='a'\nversion='1'\nwheels=[{url='u', hashes={md5='x'}}]", "")


def test_over_platforms_only_the_files_for_them_are_kept() -> None:
    """uv names the wheels of every platform, and of every later Python."""
    kept = ["cp312-cp312-manylinux_2_28_x86_64", "cp310-abi3-manylinux_2_28_x86_64", "cp312-cp312-macosx_14_0_arm64"]
    kept += ["cp312-cp312-macosx_10_13_universal2", "py3-none-any", "py2.py3-none-manylinux1_x86_64"]
    others = ["cp313-cp313-manylinux_2_28_x86_64", "cp312-cp312-musllinux_1_2_x86_64", "cp312-cp312-win_amd64"]
    others += [
        "cp312-cp312-manylinux_2_28_aarch64",
        "cp313-cp313-ios_13_0_arm64_iphoneos",
        "cp313-abi3-macosx_11_0_arm64",
    ]
    rows = ", ".join(
        f"{{url='https://h/a-1-{tag}.whl', hashes={{sha256='{number:064x}'}}}}"
        for number, tag in enumerate([*kept, *others])
    )
    text = f"[[packages]]\nname='a'\nversion='1'\nwheels=[{rows}]"
    (package,) = read_answer(text, "", universal=Platforms("cp312", ("linux-x86_64", "macos-arm64")))
    assert sorted(file.name for file in package.files) == sorted(f"a-1-{tag}.whl" for tag in kept)
    assert len(package.hashes) == len(kept)
    assert len(read_answer(text, "")[0].files) == len(kept) + len(others)

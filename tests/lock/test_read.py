from __future__ import annotations

import pytest
from packaging.version import Version

from compatmatrix.errors import BadInput, ToolFailed
from compatmatrix.lock.answer import read_answer
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

from __future__ import annotations

import pytest

from compatmatrix.errors import BadInput
from compatmatrix.probe.reports.text import MOST_BYTES, clean, cut, decode, strip


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ("> > torch==1.0", "torch==1.0"),
        (">>> torch.__version__", ">>> torch.__version__"),
        ("2024-01-02T03:04:05.123Z torch==1.0", "torch==1.0"),
        ("[2024-01-02 03:04:05,123] INFO: torch==1.0", "torch==1.0"),
        ("ERROR 03-26 05:25:01 engine.py:389] Error 804", "Error 804"),
        ("#12 3.456 torch==1.0", "torch==1.0"),
        ("web_1  | torch==1.0", "torch==1.0"),
        ("* torch==1.0", "torch==1.0"),
        ("**OS**: `Ubuntu`", "OS: Ubuntu"),
        ("\x1b[31mtorch==1.0\x1b[0m", "torch==1.0"),
        ("GPU 0\uff1a Tesla", "GPU 0:  Tesla"),
        ("a &gt; b", "a > b"),
        ("|   0  Tesla T4    Off  | 0000:00 |", "0  Tesla T4    Off  | 0000:00"),
        ("undefined%20symbol:%20ncclAlltoAll", "undefined symbol: ncclAlltoAll"),
        ("see https://u.example/a%20b", "see https://u.example/a%20b"),
        ("has no attribute _stored_args_", "has no attribute _stored_args_"),
    ],
)
def test_strip(line: str, plain: str) -> None:
    assert strip(line) == plain


def test_numbers_are_those_of_the_file() -> None:
    assert [line.number for line in clean("a\n\n\nb\n")] == [1, 4]


def test_logs_that_repeat_themselves_are_short() -> None:
    assert len(clean("".join(f"step {number}\n" for number in range(5000)))) < 100


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_encodings(encoding: str) -> None:
    assert "PyTorch version: 2.0.1" in decode("PyTorch version: 2.0.1\nOS: Linux\n".encode(encoding))


def test_latin_letters_do_not_make_a_binary() -> None:
    assert "torch==1.0" in decode("für torch==1.0\n".encode("cp1252"))


@pytest.mark.parametrize("raw", [b"", b" \n\t\n", b"\xef\xbb\xbf\n"])
def test_empty(raw: bytes) -> None:
    with pytest.raises(BadInput, match="empty"):
        decode(raw)


@pytest.mark.parametrize(
    "raw", [b"\x7fELF" + bytes(4000), bytes(range(256)) * 20, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 9]
)
def test_binary(raw: bytes) -> None:
    with pytest.raises(BadInput, match="binary"):
        decode(raw)


def test_long_reports_are_cut_in_the_middle() -> None:
    raw, shortened = cut(b"first\n" + b"x" * MOST_BYTES + b"\nlast")
    assert shortened and len(raw) <= MOST_BYTES + 1
    assert raw.startswith(b"first") and raw.endswith(b"last")
    assert cut(b"short") == (b"short", False)


FOLDED = (
    "Collecting environment information... PyTorch version: 2.1.2+cu121 Is debug build: False "
    "CUDA used to build PyTorch: 12.1 OS: Ubuntu 22.04.3 LTS (x86_64) Python version: 3.10.12 (main) "
    "Is CUDA available: False GPU models and configuration: GPU 0: NVIDIA A100-PCIE-40GB GPU 1: Tesla T4 "
    "Nvidia driver version: 450.80.02 [pip3] torch==2.1.2"
)


def test_line_ends_that_got_lost() -> None:
    lines = [line.text for line in clean(FOLDED)]
    for one in (
        "PyTorch version: 2.1.2+cu121",
        "GPU 1: Tesla T4",
        "Nvidia driver version: 450.80.02",
        "[pip3] torch==2.1.2",
    ):
        assert one in lines
    assert {line.number for line in clean(FOLDED)} == {1}


def test_a_long_line_that_is_one() -> None:
    sentence = "With PyTorch version: 2.1 on my machine " + "it is slower than before " * 10
    assert len(clean(sentence)) == 1


def test_html() -> None:
    assert [line.text for line in clean("<li><code>torch&gt;=2 &amp; &#39;x&#39;</code></li>")] == ["torch>=2 & 'x'"]
    assert [line.text for line in clean('File "a.py", line 1, in <module>')] == ['File "a.py", line 1, in <module>']

"""The door to the index: is the wheel there, is the index, whose settings count."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.version import Version
from serve_index import Index, serve, torch_world, wheel

from compatmatrix import index as door
from compatmatrix.errors import IndexClosed, IndexUnavailable
from compatmatrix.index import Timeout, file_names, has_wheel, host_of, pip_setting, uv_environment, without_credentials


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No index setting of the machine that runs the tests."""
    for name in ("PIP_INDEX_URL", "PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(door, "_PAUSES", (0.0, 0.0))
    monkeypatch.setattr(door, "_pip_files", lambda: [tmp_path / "global.conf", tmp_path / "user.conf"])


@pytest.fixture
def served() -> Iterator[Index]:
    with serve() as index:
        torch_world(index)
        index.add(
            "whl/cu126",
            wheel("torch", "9.9.9+cu126", tag="cp312-cp312-manylinux_2_28_x86_64"),
            wheel("torch", "9.9.7+cu126", tag="cp312-cp312-manylinux_2_28_x86_64"),
            wheel("torch", "9.9.7+cu126", tag="cp314-cp314t-manylinux_2_28_x86_64"),
            wheel("torch", "9.9.6+cu126", tag="cp39-abi3-win_amd64"),
            wheel("torch", "9.9.5+cu126", tag="cp312-none-macosx_11_0_arm64"),
            wheel("torch", "9.9.4+cu126", tag="cp37-cp37m-linux_x86_64"),
        )
        yield index


@pytest.mark.parametrize(
    ("version", "python_tag", "platform", "there"),
    [
        ("9.9.7+cu126", "cp312", "", True),
        ("9.9.7+cu126", "cp312", "linux-x86_64", True),
        ("9.9.7+cu126", "cp312", "linux-aarch64", False),
        ("9.9.7+cu126", "cp311", "", False),
        ("9.9.7+cu126", "cp314t", "", True),
        ("9.9.7+cu126", "cp314", "", False),
        ("9.9.7", "cp312", "", False),
        ("9.9.7+cpu", "cp312", "", False),
        ("9.9.6+cu126", "cp312", "windows-amd64", True),
        ("9.9.6+cu126", "cp312", "linux-x86_64", False),
        ("9.9.6+cu126", "cp38", "windows-amd64", False),
        ("9.9.6+cu126", "cp314t", "windows-amd64", False),
        ("9.9.5+cu126", "cp312", "macos-arm64", True),
        ("9.9.5+cu126", "cp312", "macos-x86_64", False),
        ("9.9.4+cu126", "cp37", "linux-x86_64", True),
        ("9.9.8+cu126", "cp399", "linux-x86_64", True),
    ],
)
def test_exactly_this_wheel(served: Index, version: str, python_tag: str, platform: str, there: bool) -> None:
    assert has_wheel(served.url("whl/cu126"), "torch", Version(version), python_tag, platform=platform) is there


def test_missing_project_and_missing_build_are_not_there(served: Index) -> None:
    assert not has_wheel(served.url("whl/cu126"), "nothing", Version("1"), "cp312")
    assert not has_wheel(served.url("whl/cu777"), "torch", Version("9.9.9+cu777"), "cp312")
    assert not has_wheel(served.url("simple/"), "nothing", Version("1"), "cp312")


def test_trouble_that_passes_is_tried_again(served: Index) -> None:
    served.failures["whl/cu126/torch"] = [503, 502]
    assert has_wheel(served.url("whl/cu126"), "Torch", Version("9.9.9+cu126"), "cp312")
    assert served.requests.count("whl/cu126/torch") == 3


@pytest.mark.parametrize("statuses", [[503, 503, 503], [418]])
def test_trouble_that_stays_is_unavailable(served: Index, statuses: list[int]) -> None:
    served.failures["whl/cu126/torch"] = list(statuses)
    with pytest.raises(IndexUnavailable, match=f"answered {statuses[0]}") as caught:
        has_wheel(served.url("whl/cu126"), "torch", Version("9.9.9+cu126"), "cp312")
    assert host_of(served.base) in str(caught.value)
    assert "--index pypi" in caught.value.hint
    assert "--torch-index-url" in caught.value.hint
    assert len(served.requests) == len(statuses)


def test_a_closed_index(served: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    served.failures["whl/cu126/torch"] = [401]
    with pytest.raises(IndexClosed, match="wants credentials"):
        has_wheel(served.url("whl/cu126"), "torch", Version("9.9.9+cu126"), "cp312")
    assert len(served.requests) == 1


def test_refused_connection_names_host_and_no_credentials() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(IndexUnavailable, match=rf"127\.0\.0\.1:{port}: the connection was refused") as caught:
        has_wheel(f"http://me:secret@127.0.0.1:{port}/whl", "torch", Version("1"), "cp312")
    assert "secret" not in str(caught.value)


def test_silence_is_unavailable_in_time() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/whl"
        with pytest.raises(IndexUnavailable, match=r"no answer within 0\.1 s"):
            has_wheel(url, "torch", Version("1"), "cp312", timeout=Timeout(0.1, 0.1, 0.2))


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://x/y", "http://[bad/whl", "http:///whl"])
def test_nonsense_urls_are_unavailable_and_no_traceback(url: str) -> None:
    with pytest.raises(IndexUnavailable):
        has_wheel(url, "torch", Version("1"), "cp312")


def test_a_dripping_server_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(door.time, "monotonic", lambda: next(clock))
    with pytest.raises(OSError, match="not complete within 15 s"):
        door._body(iter([b"a"] * 10), 15)


def test_file_names_in_every_dress() -> None:
    page = """<a href="/whl/cu126/torch-1%2Bcu126-a.whl#sha256=0">torch-1+cu126</a>
    <A class=x HREF='https://x/y/torch-2&#43;cu126-a.whl'>x</a><a href=../t-3.whl>y</a><a name=top></a>"""
    assert list(file_names(page)) == ["torch-1+cu126-a.whl", "torch-2+cu126-a.whl", "t-3.whl"]
    assert list(file_names('{"files": [{"filename": "a.whl"}, {"x": 1}, 3]}')) == ["a.whl"]
    assert list(file_names("{broken")) == []
    assert list(file_names("")) == []


def test_json_index(served: Index) -> None:
    served.add("simple", wheel("onlyjson", "1.0"))
    accepted = "application/vnd.pypi.simple.v1+json"
    _, kind, body = served.answer("/simple/onlyjson/", accepted)
    assert kind == accepted
    assert list(file_names(body.decode())) == ["onlyjson-1.0-py3-none-any.whl"]


def test_credentials() -> None:
    assert without_credentials("https://me:secret@host:8/p?q#f") == "https://host:8/p?q#f"
    assert without_credentials("https://host/p@x") == "https://host/p@x"
    assert without_credentials("") == ""


def test_pip_settings_in_pips_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pip_setting("index-url") == ""
    (tmp_path / "global.conf").write_text("[global]\nindex_url = https://global/simple\ncert = %(x)s/ca.pem\n")
    assert pip_setting("index-url") == "https://global/simple"
    assert pip_setting("cert") == "%(x)s/ca.pem"
    (tmp_path / "user.conf").write_text("[global]\nindex-url = https://user/simple\n[install]\nindex-url=https://i/s\n")
    assert pip_setting("index-url") == "https://i/s"
    (tmp_path / "user.conf").write_bytes(b"\xff\xfe broken [")
    assert pip_setting("index-url") == "https://global/simple"
    monkeypatch.setenv("PIP_INDEX_URL", "https://env/simple")
    assert pip_setting("index-url") == "https://env/simple"


def test_pip_config_file_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    named = tmp_path / "named.conf"
    monkeypatch.setenv("PIP_CONFIG_FILE", str(named))
    assert door._pip_files()[-1] == named
    monkeypatch.setenv("PIP_CONFIG_FILE", door.os.devnull)
    assert door._pip_files() == []


def test_uv_gets_pips_index_only_where_it_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror/simple")
    monkeypatch.setenv("PIP_CERT", "ca.pem")
    env = uv_environment()
    assert env["UV_DEFAULT_INDEX"] == "https://mirror/simple"
    assert env["SSL_CERT_FILE"] == "ca.pem"
    assert uv_environment("https://asked/simple")["UV_DEFAULT_INDEX"] == "https://asked/simple"
    config = tmp_path / "config/uv/uv.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[[index]]\nname = "own"\nurl = "https://own/simple"\ndefault = true\n')
    assert "UV_DEFAULT_INDEX" not in uv_environment()
    config.write_text('[[index]]\nname = "more"\nurl = "https://more/simple"\n')
    assert uv_environment()["UV_DEFAULT_INDEX"] == "https://mirror/simple"
    monkeypatch.setenv("UV_INDEX_URL", "https://uv/simple")
    assert "UV_DEFAULT_INDEX" not in uv_environment()


def test_uv_does_not_get_what_would_change_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UV_TORCH_BACKEND", "UV_NO_SOURCES", "UV_OVERRIDE", "UV_RESOLUTION", "UV_PROJECT", "UV_PYTHON"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("UV_INDEX_PYTORCH_PASSWORD", "kept")
    monkeypatch.setenv("UV_CACHE_DIR", "kept")
    kept = {key for key in uv_environment() if key.startswith("UV_")}
    assert kept >= {"UV_INDEX_PYTORCH_PASSWORD", "UV_CACHE_DIR"}
    assert not kept & {"UV_TORCH_BACKEND", "UV_NO_SOURCES", "UV_OVERRIDE", "UV_RESOLUTION", "UV_PROJECT", "UV_PYTHON"}

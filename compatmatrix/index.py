"""The door to package indexes: is a wheel there, and which index, certificates and settings does the user have.

The only file that talks HTTP, and the only one that reads the environment for index settings.
"""

from __future__ import annotations

import configparser
import html
import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from compatmatrix.errors import IndexClosed, IndexUnavailable

UNREACHABLE_HINT = "--index pypi takes PyPI's own build where it fits the host; --torch-index-url names a mirror"
CLOSED_HINT = "netrc, a keyring, UV_INDEX_PYTORCH_USERNAME and _PASSWORD, or the URL may hold them"

_PAUSES = (0.3, 0.9)
_MAX_BYTES = 64 * 1024 * 1024
_JSON = "application/vnd.pypi.simple.v1+json"
_HTML = "application/vnd.pypi.simple.v1+html"
_MISSING = {403, 404, 410}
_CLOSED = {401, 407}
_PASSING = {408, 425, 429, 500, 502, 503, 504}


class Timeout(NamedTuple):
    """Limits in seconds: to connect, between two bytes, and for one page as a whole."""

    connect: float = 3.0
    read: float = 10.0
    total: float = 30.0


def has_wheel(
    index_url: str, name: str, version: Version, python_tag: str, *, platform: str = "", timeout: Timeout | None = None
) -> bool:
    """Does an index have a wheel of exactly this version (local part included) for this Python?

    index_url: the folder of project pages (PEP 503 or 691). python_tag: "cp312"; wheels for any Python 3 fit too.
    platform: a host's platform ("linux-x86_64") where that matters. Missing, and forbidden, which is how buckets
    say missing, are False. Raises IndexUnavailable where the index cannot be asked, IndexClosed where it wants
    credentials that we do not have; uv may have them, from a keyring.
    """
    auth = None if "@" in index_url else _named_credentials()
    page = _get(f"{index_url.rstrip('/')}/{canonicalize_name(name)}/", timeout or Timeout(), auth)
    return page is not None and any(_fits(file, name, version, python_tag, platform) for file in file_names(page))


def file_names(page: str) -> Iterator[str]:
    """The file names on a project page, JSON or HTML, decoded ("%2B" and "&#43;" are "+")."""
    if page.lstrip().startswith("{"):
        try:
            rows = json.loads(page).get("files", [])
        except (ValueError, AttributeError):
            return
        yield from (str(row["filename"]) for row in rows if isinstance(row, Mapping) and "filename" in row)
        return
    for quoted in re.findall(r"""<a\s[^>]*?href\s*=\s*["']?([^"'\s>]+)""", page, re.IGNORECASE):
        path = re.split("[?#]", html.unescape(quoted))[0]
        yield unquote(path).rsplit("/", 1)[-1]


def _fits(file: str, name: str, version: Version, python_tag: str, platform: str) -> bool:
    if not file.endswith(".whl"):
        return False
    try:
        project, found, _, tags = parse_wheel_filename(file)
    except InvalidWheelFilename:
        return False
    return project == canonicalize_name(name) and found == version and fits_any(tags, python_tag, [platform])


def fits_any(tags: Iterable[Tag], python_tag: str, platforms: Sequence[str]) -> bool:
    """Whether a wheel of these tags installs on a Python ("cp312", "cp314t") on one of the platforms; "" is any."""
    return any(
        _python_fits(tag, python_tag) and any(_platform_fits(tag.platform, name) for name in platforms) for tag in tags
    )


def _python_fits(tag: Tag, python_tag: str) -> bool:
    base = python_tag.removesuffix("t")
    if tag.abi == "none":
        return tag.interpreter in (base, "py3")
    if tag.abi == "abi3":
        return base == python_tag and _not_newer(tag.interpreter, base)
    # A free-threaded interpreter ("cp314t") takes only its own kind of extension modules, and no other takes them.
    return tag.interpreter == base and tag.abi.endswith("t") == python_tag.endswith("t")


def _not_newer(built_for: str, python_tag: str) -> bool:
    built, wanted = (re.fullmatch(r"cp3(\d+)", tag) for tag in (built_for, python_tag))
    return bool(built and wanted and int(built[1]) <= int(wanted[1]))


def _platform_fits(tag: str, platform: str) -> bool:
    """Coarse: operating system and machine, not the C library's version."""
    system, _, machine = platform.partition("-")
    if not platform or tag == "any":
        return True
    if system == "windows":
        return tag == {"amd64": "win_amd64", "arm64": "win_arm64"}.get(machine)
    if system == "macos":
        return tag.startswith("macosx") and tag.endswith((machine, "universal2"))
    return "linux" in tag and tag.endswith(machine)


def page(url: str, timeout: Timeout | None = None) -> str | None:
    """A page of an index, JSON or HTML, as text; None where it has none. Raises IndexUnavailable."""
    return _get(url, timeout or Timeout())


def read_range(url: str, first: int, last: int | None = None, timeout: Timeout | None = None) -> tuple[bytes, int]:
    """Bytes first to last (inclusive) of a file, and the size of the whole; a negative first counts from the end.

    Raises IndexUnavailable where the file is missing or the server does not serve ranges: never the whole file.
    """
    wanted = f"bytes={first}" if first < 0 else f"bytes={first}-{'' if last is None else last}"
    answer = _ask(url, timeout or Timeout(total=120.0), {"Range": wanted, "Accept-Encoding": "identity"}, 206)
    size = re.search(r"/(\d+)$", answer[1]) if answer else None
    if answer is None or size is None:
        raise IndexUnavailable(f"package index {host_of(url)}: no such file, or no part of it can be had")
    return answer[0], int(size[1])


def _named_credentials() -> tuple[str, str] | None:
    """Name and password that the user gave uv for the index that our question calls "pytorch"."""
    name, password = (os.environ.get(f"UV_INDEX_PYTORCH_{part}", "") for part in ("USERNAME", "PASSWORD"))
    return (name, password) if name or password else None


def _get(url: str, timeout: Timeout, auth: tuple[str, str] | None = None) -> str | None:
    """A page's text, or None where the index says that there is none. Tries thrice; raises IndexUnavailable."""
    answer = _ask(url, timeout, {"Accept": f"{_JSON}, {_HTML};q=0.5, text/html;q=0.4"}, 200, auth)
    return None if answer is None else answer[0].decode("utf-8", "replace")


def _ask(
    url: str, timeout: Timeout, headers: Mapping[str, str], wanted: int, auth: tuple[str, str] | None = None
) -> tuple[bytes, str] | None:
    """The body of an answer of the wanted status, and its Content-Range; None where there is no such file."""
    import requests

    trouble = ""
    with requests.Session() as session:
        certificates = _first_set("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "SSL_CERT_FILE")
        for pause in (*_PAUSES, None):
            try:
                with session.get(
                    url,
                    timeout=(timeout.connect, timeout.read),
                    headers=headers,
                    stream=True,
                    auth=auth,
                    verify=certificates or True,
                ) as answer:
                    if answer.status_code in _MISSING:
                        return None
                    if answer.status_code == wanted:
                        body = _body(answer.iter_content(65536), timeout.total)
                        return body, answer.headers.get("Content-Range", "")
                    if answer.status_code in _CLOSED:
                        raise IndexClosed(f"package index {host_of(url)}: wants credentials", hint=CLOSED_HINT)
                    trouble = f"answered {answer.status_code}"
                    if answer.status_code not in _PASSING:
                        break
            except requests.exceptions.Timeout:
                trouble = f"no answer within {timeout.read:g} s"
            except requests.exceptions.SSLError:
                trouble = "its certificate is not trusted here"
                break
            except (requests.RequestException, OSError, ValueError) as error:
                trouble = _plain_reason(error)
                if isinstance(error, ValueError) and not isinstance(error, requests.ConnectionError):
                    break
            if pause is not None:
                time.sleep(pause)
    raise IndexUnavailable(f"package index {host_of(url)}: {trouble}", hint=UNREACHABLE_HINT)


def _body(chunks: Iterator[bytes], limit: float) -> bytes:
    # The read limit counts from byte to byte; a server that drips would otherwise hold us for ever.
    deadline = time.monotonic() + limit
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if time.monotonic() > deadline:
            raise OSError(f"the page was not complete within {limit:g} s")
        if size > _MAX_BYTES:
            raise OSError(f"the page is larger than {_MAX_BYTES // 2**20} MiB")
    return b"".join(parts)


def _plain_reason(error: Exception) -> str:
    """The cause in a few words; the libraries' own texts repeat the whole URL, credentials included."""
    text = str(error)
    for pattern, words in (
        (r"resolv|getaddrinfo|Name or service|nodename", "its name cannot be resolved"),
        (r"refused", "the connection was refused"),
        (r"[Pp]roxy", "the proxy does not let us through"),
        (r"unreachable", "the network is unreachable"),
        (r"^the page ", text),
    ):
        if re.search(pattern, text):
            return words
    return f"no connection ({type(error).__name__})"


def host_of(url: str) -> str:
    """Host and port of a URL: what may be shown of it."""
    host = re.match(r"[^/]*//([^/?#]*)", url)
    return host[1].rpartition("@")[2] or "without a name" if host else url


def without_credentials(url: str) -> str:
    """The URL as it may be written to a file."""
    return re.sub(r"^([^/]*//)[^/?#]*@", r"\1", url)


# Everything else that uv reads from the environment could change what is resolved (UV_TORCH_BACKEND,
# UV_NO_SOURCES, UV_OVERRIDE, …), and the same question must give the same lock.
_TORCH_LAYOUT = re.compile(r"/(cu\d+|cpu|rocm[\d.]+|xpu)(/simple)?/?$")
_UV_KEPT = re.compile(
    r"UV_(DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|INDEX_\w+_(USERNAME|PASSWORD)|INDEX_STRATEGY"
    r"|CONFIG_FILE|NO_CONFIG|CACHE_DIR|NO_CACHE|HTTP\w*|REQUEST_TIMEOUT|CONCURRENT\w*|SYSTEM_CERTS|NATIVE_TLS"
    r"|INSECURE_HOST|KEYRING_PROVIDER|CREDENTIALS_DIR|OFFLINE|EXCLUDE_NEWER"
    r"|PYTHON_INSTALL_DIR)"
)


def uv_environment(default_index: str | None = None) -> dict[str, str]:
    """The environment for uv: ours without what would change the answer, with the user's index and certificates.

    default_index: the base index that was asked for; None takes uv's own configuration, else pip's. It goes by
    environment and not by argument because other users can read arguments.
    """
    env = {key: value for key, value in os.environ.items() if not key.startswith("UV_") or _UV_KEPT.fullmatch(key)}
    env.pop("VIRTUAL_ENV", None)
    if default_index:
        env.pop("UV_INDEX_URL", None)
        env["UV_DEFAULT_INDEX"] = default_index
    elif not _uv_has_index(env):
        configured = pip_setting("index-url")
        if configured:
            env["UV_DEFAULT_INDEX"] = configured
    if pip_setting("keyring-provider") in ("import", "subprocess"):
        env.setdefault("UV_KEYRING_PROVIDER", "subprocess")
    certificates = pip_setting("cert")
    if certificates and not env.get("SSL_CERT_FILE"):
        env["SSL_CERT_FILE"] = certificates
    env.setdefault("UV_HTTP_TIMEOUT", "20")
    env.setdefault("UV_HTTP_CONNECT_TIMEOUT", "5")
    env.setdefault("UV_HTTP_RETRIES", "2")
    return env


def with_extra_indexes(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for uv with the further indexes of pip's settings; empty where there is nothing to add.

    pip looks at all indexes for the best version, and so does uv then. One in the PyTorch layout is left out: it is
    bound by us, and has old copies of numpy and others.
    """
    more = [url for url in pip_setting("extra-index-url").split() if not _TORCH_LAYOUT.search(url)]
    if not more or environment.get("UV_INDEX") or environment.get("UV_EXTRA_INDEX_URL"):
        return {}
    return {"UV_INDEX_STRATEGY": "unsafe-best-match", **environment, "UV_INDEX": " ".join(more)}


def _uv_has_index(env: Mapping[str, str]) -> bool:
    import tomllib

    if env.get("UV_DEFAULT_INDEX") or env.get("UV_INDEX_URL"):
        return True
    named = env.get("UV_CONFIG_FILE")
    base = env.get("APPDATA") if os.name == "nt" else env.get("XDG_CONFIG_HOME")
    files = [Path(named)] if named else [Path(base or "~/.config").expanduser() / "uv/uv.toml", Path("/etc/uv/uv.toml")]
    for file in files:
        try:
            data = tomllib.loads(file.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        pip = data.get("pip", {})
        if "index-url" in data or (isinstance(pip, dict) and "index-url" in pip):
            return True
        rows = data.get("index", [])
        if isinstance(rows, list) and any(isinstance(row, dict) and row.get("default") for row in rows):
            return True
    return False


def pip_setting(name: str) -> str:
    """One of pip's settings ("index-url", "cert") as pip itself would find it: environment, then its files; or ""."""
    value = _first_set(f"PIP_{name.upper().replace('-', '_')}")
    if value:
        return value
    for file in reversed(_pip_files()):
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(file.read_text("utf-8"))
        except (OSError, ValueError, configparser.Error):
            continue
        for section in ("install", "global"):
            for key in (name, name.replace("-", "_")):
                if parser.has_option(section, key) and parser.get(section, key).strip():
                    return parser.get(section, key).strip()
    return ""


def _pip_files() -> list[Path]:
    """pip's configuration files, weakest first: global, user, site, PIP_CONFIG_FILE."""
    named = os.environ.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return []
    home = Path.home()
    if sys.platform == "win32":
        machine = [Path(os.environ.get("PROGRAMDATA", "")) / "pip/pip.ini"]
        user = [home / "pip/pip.ini", Path(os.environ.get("APPDATA", "")) / "pip/pip.ini"]
        site = [Path(sys.prefix) / "pip.ini"]
    else:
        shared = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        machine = [
            Path("/etc/xdg/pip/pip.conf"),
            Path("/etc/pip.conf"),
            Path("/Library/Application Support/pip/pip.conf"),
        ]
        user = [home / ".pip/pip.conf", shared / "pip/pip.conf", home / "Library/Application Support/pip/pip.conf"]
        site = [Path(sys.prefix) / "pip.conf"]
    return [*machine, *user, *site, *([Path(named)] if named else [])]


def _first_set(*names: str) -> str:
    return next((os.environ[name] for name in names if os.environ.get(name)), "")

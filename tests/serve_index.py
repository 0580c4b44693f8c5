"""A small real package index on the loopback interface, for tests of uv, pip and our own door.

Two trees, as in the world: `/simple/` is the base index (HTML, PEP 503) and `/whl/<build>/` the PyTorch layout:
one project page a folder, hrefs that percent-encode the "+" of local versions, "#sha256=" fragments, and a
stale mirror of packages that belong to the base index. Wheels are real and tiny, built in memory.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import quote, unquote

STAMP = (2020, 1, 1, 0, 0, 0)


class File(NamedTuple):
    """One distribution file: its name on the index and its bytes."""

    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def wheel(
    name: str, version: str, requires: Sequence[str] = (), tag: str = "py3-none-any", requires_python: str = ""
) -> File:
    """Build an installable wheel with one module; the same arguments give the same bytes."""
    folder = f"{name.replace('-', '_')}-{version}.dist-info"
    meta = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    meta += [f"Requires-Dist: {requirement}" for requirement in requires]
    if requires_python:
        meta.append(f"Requires-Python: {requires_python}")
    files = {
        f"{name.replace('-', '_')}/__init__.py": f"__version__ = {version!r}\n",
        f"{folder}/METADATA": "\n".join(meta) + "\n",
        f"{folder}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{folder}/RECORD"])
    files[f"{folder}/RECORD"] = record
    return File(f"{name.replace('-', '_')}-{version}-{tag}.whl", _zip(files))


def sdist(name: str, version: str, requires: Sequence[str] = ()) -> File:
    """Build a source distribution whose backend is inside it, so that building needs no network."""
    backend = (
        "import os\n"
        f"NAME, VERSION, REQUIRES = {name!r}, {version!r}, {list(requires)!r}\n"
        "def _meta(d):\n"
        "    folder = os.path.join(d, f'{NAME}-{VERSION}.dist-info')\n"
        "    os.makedirs(folder, exist_ok=True)\n"
        "    lines = ['Metadata-Version: 2.1', 'Name: ' + NAME, 'Version: ' + VERSION]\n"
        "    lines += ['Requires-Dist: ' + r for r in REQUIRES]\n"
        "    open(os.path.join(folder, 'METADATA'), 'w').write('\\n'.join(lines) + '\\n')\n"
        "    text = 'Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n'\n"
        "    open(os.path.join(folder, 'WHEEL'), 'w').write(text)\n"
        "    return os.path.basename(folder)\n"
        "def prepare_metadata_for_build_wheel(d, config_settings=None):\n"
        "    return _meta(d)\n"
        "def build_wheel(d, config_settings=None, metadata_directory=None):\n"
        "    import tempfile, zipfile\n"
        "    t = tempfile.mkdtemp()\n"
        "    folder = _meta(t)\n"
        "    name = f'{NAME}-{VERSION}-py3-none-any.whl'\n"
        "    with zipfile.ZipFile(os.path.join(d, name), 'w') as z:\n"
        "        z.writestr(NAME + '/__init__.py', '')\n"
        "        z.write(os.path.join(t, folder, 'METADATA'), folder + '/METADATA')\n"
        "        z.write(os.path.join(t, folder, 'WHEEL'), folder + '/WHEEL')\n"
        "        z.writestr(folder + '/RECORD', '')\n"
        "    return name\n"
    )
    root = f"{name}-{version}"
    import tarfile

    buffer = io.BytesIO()
    members = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": backend,
    }
    # tarfile's own gzip layer writes the clock into the header; gzip with mtime=0 keeps the bytes stable.
    import gzip

    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for path, text in members.items():
            info = tarfile.TarInfo(f"{root}/{path}")
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    return File(f"{root}.tar.gz", buffer.getvalue())


def _zip(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path, STAMP), text)
    return buffer.getvalue()


class Index:
    """What is served: index path ("simple", "whl/cu126") to project to files; and what was asked for."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.trees: dict[str, dict[str, list[File]]] = {"simple": {}}
        self.requests: list[str] = []
        self.failures: dict[str, list[int]] = {}

    def add(self, tree: str, *files: File) -> None:
        """Publish files; the project is read from the file name."""
        for file in files:
            project = file.name.split("-")[0].replace("_", "-").lower()
            self.trees.setdefault(tree, {}).setdefault(project, []).append(file)

    def url(self, tree: str) -> str:
        return f"{self.base}/{tree}"

    def answer(self, path: str, accept: str) -> tuple[int, str, bytes]:
        """Status, content type and body for a path."""
        clean = unquote(path.split("#")[0].split("?")[0]).strip("/")
        self.requests.append(clean)
        if self.failures.get(clean):
            return self.failures[clean].pop(0), "text/plain", b"trouble"
        tree, _, rest = next((t + "/", "/", clean[len(t) + 1 :]) for t in [*self.trees, clean] if clean.startswith(t))
        tree = tree.rstrip("/")
        projects = self.trees.get(tree)
        if projects is None:
            return 403, "text/plain", b"no such index"
        project, _, name = rest.partition("/")
        if project not in projects:
            # The PyTorch index lives in a bucket that may not be listed: what is missing is "forbidden".
            return (404 if tree == "simple" else 403), "text/plain", b"missing"
        if not name:
            if tree == "simple" and "application/vnd.pypi.simple.v1+json" in accept and "text/html" not in accept:
                return 200, "application/vnd.pypi.simple.v1+json", _json_page(project, projects[project])
            return 200, "text/html", _html_page(project, projects[project])
        for file in projects[project]:
            if file.name == name:
                return 200, "application/octet-stream", file.data
        return 404, "text/plain", b"missing"


def _html_page(project: str, files: Sequence[File]) -> bytes:
    rows = "".join(
        f'    <a href="{quote(file.name)}#sha256={file.sha256}">{_shown(file.name)}</a><br/>\n' for file in files
    )
    page = f"<!DOCTYPE html>\n<html>\n  <body>\n    <h1>Links for {project}</h1>\n{rows}  </body>\n</html>\n"
    return page.encode()


def _shown(name: str) -> str:
    return html.escape(name).replace("+", "&#43;")


def _json_page(project: str, files: Sequence[File]) -> bytes:
    rows = [{"filename": f.name, "url": quote(f.name), "hashes": {"sha256": f.sha256}} for f in files]
    return json.dumps({"meta": {"api-version": "1.0"}, "name": project, "files": rows}).encode()


@contextmanager
def serve(user: str = "", password: str = "") -> Iterator[Index]:
    """Run an empty index until the block ends; a free port each time. With a user it wants credentials."""
    wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if user and self.headers.get("Authorization") != wanted:
                status, kind, body = 401, "text/plain", b"who are you?"
            else:
                status, kind, body = index.answer(self.path, self.headers.get("Accept", ""))
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="index"')
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up early is part of what is tested."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    index = Index(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def torch_world(index: Index) -> None:
    """Publish a small world: a CUDA build of torch, its partners, and decoys that must never be taken."""
    torch = ["numpy", "pillow-helper; sys_platform == 'nowhere'"]
    index.add(
        "whl/cu126",
        wheel("torch", "9.9.9+cu126", torch),
        wheel("torch", "9.9.8+cu126", torch),
        wheel("torchvision", "0.99.9+cu126", ["torch==9.9.9", "numpy", "pillow>=5"]),
        wheel("torchaudio", "9.9.9+cu126", ["torch==9.9.9"]),
        # Stale and hostile mirrors: an explicit index must not be asked for these.
        wheel("numpy", "1.0.0"),
        wheel("pillow", "99.0.0"),
        wheel("fastai", "99.0.0"),
    )
    index.add(
        "simple",
        wheel("torch", "9.9.9", torch),
        wheel("torchvision", "0.99.9", ["torch==9.9.9", "numpy", "pillow>=5"]),
        wheel("torchaudio", "9.9.9", ["torch==9.9.9"]),
        wheel(
            "fastai",
            "2.99.0",
            ["torch>=9,<10", "torchvision>=0.99", "fastcore>=1", "pillow", "tomli; python_version<'3.0'"],
        ),
        wheel("fastcore", "1.5.0", ["packaging-lite"]),
        wheel("packaging-lite", "1.0"),
        wheel("fastaudio-like", "1.0", ["torchaudio"]),
        wheel("numpy", "1.26.4"),
        wheel("numpy", "1.26.4", tag="cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64"),
        wheel("numpy", "1.26.4", tag="cp312-cp312-win_amd64"),
        wheel("numpy", "2.3.0"),
        wheel("pillow", "12.0.0"),
        sdist("pillow", "12.1.0"),
        sdist("onlysource", "1.0", ["numpy"]),
    )


if __name__ == "__main__":
    import time

    with serve() as running:
        torch_world(running)
        print(running.base, flush=True)
        time.sleep(3600)

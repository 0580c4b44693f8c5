"""A package index on the loopback interface: tiny wheels that can be read in parts, and how much it sent."""

from __future__ import annotations

import html
import io
import json
import re
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote

PADDING = 3 << 20
EMPTY: Mapping[str, bytes] = {}


class LayeredIndex:
    """Files by path. form: of project pages, "json" or "html". side_files, ranges: what the server offers."""

    def __init__(self) -> None:
        self.base = ""
        self.files: dict[str, bytes] = {}
        self.yanked: set[str] = set()
        self.form = "html"
        self.side_files = False
        self.ranges = True
        self.broken: set[str] = set()
        self.trouble = 500
        self.sent: list[tuple[str, int]] = []

    def add(
        self, tree: str, name: str, requires: Sequence[str] = (), python: str = "", members: Mapping[str, bytes] = EMPTY
    ) -> str:
        """Publish a wheel under "simple" or "whl/cu128", with these members by path."""
        project, version = name.split("-")[:2]
        lines = ["Metadata-Version: 2.1", f"Name: {project}", f"Version: {version}"]
        lines += [f"Requires-Dist: {requirement}" for requirement in requires]
        lines += [f"Requires-Python: {python}"] if python else []
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            # Stored and large: reading the whole wheel would be seen in what was sent.
            archive.writestr("padding.bin", bytes(PADDING))
            for path, data in members.items():
                archive.writestr(path, data)
            archive.writestr(f"{project}-{version}.dist-info/METADATA", "\n".join(lines) + "\n")
        self.files[f"/{tree}/{project}/{name}"] = buffer.getvalue()
        return f"/{tree}/{project}/{name}"

    def url(self, tree: str) -> str:
        return f"{self.base}/{tree}"

    def page(self, path: str) -> tuple[str, bytes] | None:
        names = [name.removeprefix(path) for name in self.files if name.startswith(path)]
        if not names:
            return None
        if self.form == "json":
            rows = [
                {"filename": n, "url": quote(n), "core-metadata": self.side_files, "yanked": path + n in self.yanked}
                for n in names
            ]
            return "application/vnd.pypi.simple.v1+json", json.dumps({"files": rows}).encode()
        marks = {n: ' data-yanked="bad"' if path + n in self.yanked else "" for n in names}
        side = ' data-core-metadata="true"' if self.side_files else ""
        links = [f'<a href="{quote(n)}#sha256=00"{marks[n]}{side}>{html.escape(n)}</a><br/>' for n in names]
        return "text/html", ("<html><body>" + "\n".join(links) + "</body></html>").encode()


@contextmanager
def serve_layers() -> Iterator[LayeredIndex]:
    """Run an empty index until the block ends."""
    made = LayeredIndex()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(self.path)
            status, kind, body, extra = self.find(path)
            made.sent.append((path, len(body)))
            self.send_response(status)
            for key, value in {"Content-Type": kind, "Content-Length": str(len(body)), **extra}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        def find(self, path: str) -> tuple[int, str, bytes, dict[str, str]]:
            if path in made.broken:
                return made.trouble, "text/plain", b"trouble", {}
            if path.endswith("/"):
                page = made.page(path)
                return (200, *page, {}) if page else (403, "text/plain", b"", {})
            data = made.files.get(path)
            if data is None and made.side_files and path.endswith(".whl.metadata"):
                with zipfile.ZipFile(io.BytesIO(made.files[path.removesuffix(".metadata")])) as archive:
                    name = next(name for name in archive.namelist() if name.endswith("METADATA"))
                    return 200, "text/plain", archive.read(name), {}
            if data is None:
                return 403, "text/plain", b"", {}
            wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
            if not wanted or not made.ranges:
                return 200, "application/octet-stream", data, {}
            first = int(wanted[1]) if wanted[1] else max(0, len(data) - int(wanted[2]))
            last = int(wanted[2]) if wanted[1] and wanted[2] else len(data) - 1
            extra = {"Content-Range": f"bytes {first}-{last}/{len(data)}"}
            return 206, "application/octet-stream", data[first : last + 1], extra

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""A small conda channel on this machine, its records shaped as conda-forge's recipes make them.

Names, build strings, dependencies and constraints are those of pytorch-cpu-feedstock, torchvision-feedstock,
cuda-version-feedstock and fastai-feedstock; packages that decide nothing here are left out.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def record(name: str, version: str, build: str = "0", *depends: str, constrains: tuple[str, ...] = ()) -> Record:
    number = int(build.rpartition("_")[2])
    fields = {"name": name, "version": version, "build": build, "build_number": number, "subdir": "linux-64"}
    return {**fields, "depends": list(depends), "constrains": list(constrains), "sha256": "0" * 64, "size": 1}


def pytorch(version: str, series: str, cuda: str = "") -> Iterator[Record]:
    """The packages of one build of pytorch; the build number prefers CUDA. series: what depends on it may take."""
    flavour, number = (f"cuda{cuda.replace('.', '')}", 302) if cuda else ("cpu", 102)
    kind, major = ("cuda" if cuda else "cpu"), cuda.partition(".")[0]
    gpu = ("__cuda", f"cuda-version >={cuda},<{int(major) + 1}") if cuda else ()
    other, own = ("pytorch-cpu", "pytorch-gpu") if cuda else ("pytorch-gpu", "pytorch-cpu")
    for python in ("3.11", "3.12"):
        tag = f"py{python.replace('.', '')}"
        needs = (f"python >={python},<3.{int(python[2:]) + 1}.0a0", "numpy >=1.23,<3", *gpu)
        constrains = (f"{own} {version}", f"{other} <0.0a0")
        yield record("pytorch", version, f"{flavour}_mkl_{tag}_h{number}_{number}", *needs, constrains=constrains)
        vision = f"0.{int(version.split('.')[1]) + 15}.0"
        torch = (f"pytorch {series}", f"pytorch * {kind}*")
        yield record("torchvision", vision, f"{flavour}_{tag}_hf00_1", needs[0], *torch, "pillow >=5.3.0", *gpu[1:])
    yield record(own, version, f"{flavour}_mkl_h{number}_{number}", f"pytorch {version} {kind}*_mkl*{number}")


def records() -> Iterator[Record]:
    for python in ("3.11.9", "3.12.12"):
        yield record("python", python, "h1_0_cpython_0")
    for cuda in ("11.8", "12.6", "12.9", "13.0"):
        constrains = (f"__cuda >={cuda.partition('.')[0]}", f"cudatoolkit {cuda}|{cuda}.*")
        yield record("cuda-version", cuda, "h2_3", constrains=constrains)
    for version in ("1.26.4", "2.4.0"):
        yield record("numpy", version, "py_0", "python")
    yield from (record("pip", "26.0", "pyh_0", "python"), record("pillow", "12.0.0", "py_0", "python"))
    yield record("fastcore", "1.8.10", "pyhd_0", "python >=3.10")
    needs = ("python >=3.10", "fastcore >=1.8.0", "torchvision >=0.11", "pytorch >=1.10,<3", "pillow >=9.0.0")
    yield record("fastai", "2.8.7", "pyhd_0", *needs)
    for cuda in ("", "12.9", "13.0"):
        yield from pytorch("2.13.0", ">=2.13.0,<2.14.0a0", cuda)
        yield from pytorch("2.12.1", ">=2.12.1,<2.13.0a0", cuda)


@contextmanager
def channel(folder: Path) -> Iterator[str]:
    """The address of the channel on the loopback while the context is open."""
    packages = {f"{row['name']}-{row['version']}-{row['build']}.conda": row for row in records()}
    for subdir, found in (("linux-64", packages), ("noarch", {})):
        (folder / subdir).mkdir()
        text = json.dumps({"info": {"subdir": subdir}, "packages": {}, "packages.conda": found, "repodata_version": 1})
        (folder / subdir / "repodata.json").write_text(text)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

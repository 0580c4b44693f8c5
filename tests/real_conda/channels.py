"""Conda channels in a folder: package files and indexes that the real conda reads, by file:// addresses."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from .packages import PYTHONS, Package

NAMES = ("main", "pytorch", "nvidia", "conda-forge", "fastai")
Files = dict[str, bytes]


def write_channels(folder: Path, packages: Iterable[Package]) -> None:
    """One folder a channel below the folder, each with linux-64 and noarch."""
    indexes: dict[tuple[str, str], dict[str, object]] = {(name, "noarch"): {} for name in NAMES}
    indexes |= {(name, "linux-64"): {} for name in NAMES}
    for channel, subdir in indexes:
        (folder / channel / subdir).mkdir(parents=True)
    for package, files in _with_python(packages):
        subdir = "noarch" if package.noarch else "linux-64"
        index = _index(package, subdir)
        data = _archive(package, index, files)
        name = f"{package.name}-{package.version}-{package.build}.tar.bz2"
        (folder / package.channel / subdir / name).write_bytes(data)
        sums = {"md5": hashlib.md5(data).hexdigest(), "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        indexes[package.channel, subdir][name] = {**index, **sums}
    for (channel, subdir), rows in indexes.items():
        text = json.dumps({"info": {"subdir": subdir}, "packages": rows, "packages.conda": {}, "repodata_version": 1})
        (folder / channel / subdir / "repodata.json").write_text(text)


def _index(package: Package, subdir: str) -> dict[str, object]:
    index: dict[str, object] = {
        "name": package.name,
        "version": package.version,
        "build": package.build,
        "build_number": package.number,
        "depends": list(package.depends),
        "constrains": list(package.constrains),
        "subdir": subdir,
        "arch": None if subdir == "noarch" else "x86_64",
        "platform": None if subdir == "noarch" else "linux",
        "timestamp": 1_700_000_000_000,
    }
    if subdir == "noarch":
        index["noarch"] = "python" if package.dist else "generic"
    if package.track:
        index["track_features"] = package.track
    return index


def _with_python(packages: Iterable[Package]) -> Iterator[tuple[Package, Files]]:
    for package in packages:
        yield package, _python_files(package)
    for minor, version in PYTHONS.items():
        build = "h955ad1f_0"
        for channel in ("main", "conda-forge"):
            files = interpreter(minor)
            yield Package(channel, "python", version, build), files
            pin = f"python >={minor},<3.{int(minor[2:]) + 1}.0a0"
            yield Package(channel, "pip", "24.2", f"py{minor.replace('.', '')}_0", (pin,), python=minor), _pip(minor)


def interpreter(minor: str) -> Files:
    """A python: this one, complete, where it is of that minor; else a word that starts this one."""
    if minor != f"{sys.version_info[0]}.{sys.version_info[1]}":
        return {f"bin/python{minor}": f"#!/bin/sh\nexec '{sys.executable}' \"$@\"\n".encode(), "bin/python": b""}
    library = Path(sysconfig.get_path("stdlib"))
    files = {f"bin/python{minor}": Path(sys.executable).resolve().read_bytes(), "bin/python": b""}
    left_out = ("test", "site-packages", "idlelib", "lib2to3", "ensurepip", "tkinter", "turtledemo", "config-")
    for path in library.rglob("*"):
        part = path.relative_to(library).parts
        if path.is_file() and "__pycache__" not in part and "test" not in part and not part[0].startswith(left_out):
            files[f"lib/python{minor}/{path.relative_to(library).as_posix()}"] = path.read_bytes()
    return files


def _pip(minor: str) -> Files:
    import ensurepip

    (wheel,) = (Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl")
    with zipfile.ZipFile(wheel) as opened:
        return {f"lib/python{minor}/site-packages/{name}": opened.read(name) for name in opened.namelist()}


def _python_files(package: Package) -> Files:
    if not package.dist:
        return {f"share/{package.name}/version": package.version.encode()}
    dist, version = package.dist, package.version
    root = f"lib/python{package.python}/site-packages" if package.python else "site-packages"
    files = {f"{root}/{dist if dist != 'pillow' else 'PIL'}/__init__.py": b""}
    if dist in ("torch", "torchvision", "torchaudio"):
        facts = "".join(f"{name} = {value!r}\n" for name, value in package.facts.items())
        files[f"{root}/{dist}/version.py"] = f"__version__ = {version!r}\n{facts}".encode()
    metadata = f"Metadata-Version: 2.1\nName: {dist}\nVersion: {version}\n".encode()
    if package.channel == "pytorch":
        # Its recipes run setup.py install.
        files[f"{root}/{dist}-{version}-py{package.python}.egg-info/PKG-INFO"] = metadata
        return files
    folder = f"{root}/{dist}-{version}.dist-info"
    # conda-build runs pip on the sources, and pip notes that it was asked.
    files |= {f"{folder}/METADATA": metadata, f"{folder}/INSTALLER": b"conda", f"{folder}/REQUESTED": b""}
    listed = "".join(f"{name.removeprefix(root + '/')},,\n" for name in files)
    return {**files, f"{folder}/RECORD": listed.encode()}


def _archive(package: Package, index: dict[str, object], files: Files) -> bytes:
    paths = []
    for name, data in files.items():
        kind = "softlink" if name == "bin/python" else "hardlink"
        digest = hashlib.sha256(data).hexdigest()
        paths.append({"_path": name, "path_type": kind, "sha256": digest, "size_in_bytes": len(data)})
    info: Files = {
        "info/index.json": json.dumps(index).encode(),
        "info/files": "".join(f"{name}\n" for name in files).encode(),
        "info/paths.json": json.dumps({"paths": paths, "paths_version": 1}).encode(),
    }
    if index.get("noarch") == "python":
        info["info/link.json"] = json.dumps({"noarch": {"type": "python"}, "package_metadata_version": 1}).encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:bz2", compresslevel=1) as archive:
        for name, data in {**info, **files}.items():
            entry = tarfile.TarInfo(name)
            entry.mode = 0o755 if name.startswith("bin/") or ".so" in name else 0o644
            if name == "bin/python":
                entry.type, entry.linkname = tarfile.SYMTYPE, next(one for one in files if one != name)[4:]
                archive.addfile(entry)
                continue
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()

"""Versions that are kept, locks over platforms, credentials: real uv against a real index on this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.version import Version
from serve_index import Index, serve, torch_world, wheel

from compatmatrix.emit import FORMATS, load
from compatmatrix.lock.closure import lock
from compatmatrix.lock.existing import differences, read_existing
from compatmatrix.model.lock import Package
from compatmatrix.model.target import platform_marker

from .conftest import make_decision

PINS = ("torch==9.9.9", "torchvision==0.99.9", "fastai==2.99.0")


def test_existing_versions_are_kept_where_they_fit() -> None:
    with serve() as world:
        torch_world(world)
        world.add("simple", wheel("fastcore", "1.6.0", ["packaging-lite"]))
        kept = [Package("fastcore", Version("1.5.0"), ()), Package("numpy", Version("9"), ())]
        fresh = lock(make_decision(pins=PINS), default_index=world.url("simple"))
        preferred = lock(make_decision(pins=PINS), default_index=world.url("simple"), preferences=kept)
    versions = [{package.name: str(package.version) for package in made.packages} for made in (fresh, preferred)]
    assert [found["fastcore"] for found in versions] == ["1.6.0", "1.5.0"]
    assert versions[1]["numpy"] == "1.26.4"


def test_over_platforms_each_build_comes_from_its_index(world: Index) -> None:
    linux, mac = platform_marker("linux-x86_64"), platform_marker("macos-arm64")
    decision = make_decision(
        pins=("fastai==2.99.0",), index_url=world.url("whl/cu126"), host=make_decision().host, constraints=("numpy<2",)
    )
    pairs = [("torch==9.9.9+cu126", linux), ("torchvision==0.99.9+cu126", linux), ("torch==9.9.9", mac)]
    pairs.append(("torchvision==0.99.9", mac))
    requirements = ("fastai==2.99.0", *(f"{pin} ; {where}" for pin, where in pairs))
    made = lock(
        replace(decision, elsewhere=("macos-arm64",), requirements=requirements), default_index=world.url("simple")
    )
    torches = [package for package in made.packages if package.name == "torch"]
    assert {(str(p.version), p.index) for p in torches} == {
        ("9.9.9", ""),
        ("9.9.9+cu126", world.url("whl/cu126")),
    }
    for package in torches:
        system = "linux" if package.index else "darwin"
        machine = "x86_64" if package.index else "arm64"
        assert Marker(package.marker).evaluate({"sys_platform": system, "platform_machine": machine})
    (numpy,) = [package for package in made.packages if package.name == "numpy"]
    assert not any("win_amd64" in file.name for file in numpy.files)


@pytest.mark.parametrize("name", ["requirements", "pylock", "json", "dockerfile", "slurm", "constraints", "conda"])
def test_every_lock_reads_back_as_itself(world: Index, tmp_path: Path, name: str) -> None:
    made = lock(make_decision(pins=PINS), default_index=world.url("simple"))
    form = load(name)
    path = tmp_path / form.filename
    path.write_text(form.render(made))
    existing = read_existing(path)
    assert existing.complete == (name not in ("constraints", "conda"))
    assert list(differences(existing, made)) == []
    changed = made.packages[0]
    newer = replace(made, packages=(replace(changed, version=Version("99")), *made.packages[1:]))
    assert list(differences(existing, newer)) == [
        f"{changed.name} {changed.version} is locked, {changed.name} 99 would be"
    ]


def test_differences_name_what_came_and_what_went(world: Index, tmp_path: Path) -> None:
    made = lock(make_decision(pins=PINS), default_index=world.url("simple"))
    path = tmp_path / "requirements.txt"
    path.write_text(load("requirements").render(made))
    other = replace(made, packages=(*made.packages[1:], Package("zz", Version("1"), ("sha256:" + "0" * 64,))))
    gone, came = differences(read_existing(path), other)
    assert gone.endswith("is locked and nothing needs it any more")
    assert came == "zz 1 is needed and not locked"


def test_credentials_by_netrc_are_used_and_written_nowhere(
    world: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(user="me", password="s3cret") as closed:
        torch_world(closed)
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login me password s3cret\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        made = lock(make_decision(index_url=closed.url("whl/cu126")), default_index=closed.url("simple"))
    for name in FORMATS:
        assert "s3cret" not in load(name).render(made)


def test_credentials_in_an_address_are_written_nowhere() -> None:
    with serve(user="me", password="s3cret") as closed:
        torch_world(closed)
        base, bound = (closed.url(tree).replace("//", "//me:s3cret@") for tree in ("simple", "whl/cu126"))
        made = lock(make_decision(index_url=bound), default_index=base)
    assert "s3cret" not in repr(made.packages[0].files)
    for name in FORMATS:
        assert "s3cret" not in load(name).render(made)

"""Environments laid out on disk as installers leave them, and what a look at the live machine finds there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cases import host, stack

from compatmatrix.model.fact import Fact
from compatmatrix.model.finding import Severity
from compatmatrix.model.host import Host, Python
from compatmatrix.probe.environment import Installer, Interpreter
from compatmatrix.probe.live import Trouble, import_path, look_live, requested

ELF = b"\x7fELF\x02\x01\x01"
CU12 = stack("torch==2.5.1@cu124")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    site = tmp_path / "venv/lib/python3.11/site-packages"
    site.mkdir(parents=True)
    return site


def environment(*folders: Path, installer: Installer | None = "uv") -> Interpreter:
    python = Fact.of(Python.parse("3.11"), "pyvenv.cfg")
    prefix = folders[-1].parents[2]
    return Interpreter(prefix / "bin/python", python, folders, "given", (), installer, prefix)


def package(folder: Path, name: str, version: str, *, requested: bool = False) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text("raise RuntimeError('must not run')\n")
    (folder / name / "version.py").write_text(f"__version__ = '{version}'\n")
    record = folder / f"{name}-{version.partition('+')[0]}.dist-info"
    record.mkdir()
    if requested:
        (record / "REQUESTED").touch()


def wheel(site: Path, name: str, version: str, base: str, **files: bytes) -> None:
    """An NVIDIA wheel with its record; the libraries go where the wheel puts them, over those of others."""
    lib = site / "nvidia" / base / "lib"
    lib.mkdir(parents=True, exist_ok=True)
    rows = []
    for stem, data in files.items():
        file = f"{stem.replace('__', '.so.')}"
        (lib / file).write_bytes(data)
        rows.append(f"nvidia/{base}/lib/{file},sha256=made-up,{len(data)}")
    record = site / f"{name.replace('-', '_')}-{version}.dist-info"
    record.mkdir()
    (record / "RECORD").write_text("\n".join([*rows, f"{record.name}/RECORD,,"]) + "\n")


def look(
    found: Interpreter,
    seen: object = CU12,
    environ: dict[str, str] | None = None,
    where: Host | None = None,
    **more: Path,
) -> list[Trouble]:
    return list(look_live(found, seen, where or host(), environ=environ or {}, system="linux", **more))  # type: ignore[arg-type]


def test_a_healthy_environment(site: Path) -> None:
    package(site, "torch", "2.5.1+cu124")
    wheel(site, "nvidia-nvjitlink-cu12", "12.4.127", "nvjitlink", libnvJitLink__12=ELF)
    wheel(site, "nvidia-cudnn-cu12", "9.1.0.70", "cudnn", libcudnn__9=ELF)
    assert look(environment(site)) == []
    assert look(environment(site), environ={"LD_LIBRARY_PATH": "/usr/lib:/nowhere", "PYTHONPATH": "/nowhere"}) == []


# Copies.


def test_pythonpath_hides_the_environment(site: Path, tmp_path: Path) -> None:
    package(site, "torch", "2.5.1+cu124")
    package(tmp_path / "other", "torch", "2.13.0+cpu")
    environ = {"PYTHONPATH": f"{tmp_path / 'other'}:/nowhere/too"}
    assert import_path(environment(site), environ) == (tmp_path / "other", site)
    (trouble,) = look(environment(site), stack("torch==2.13.0+cpu"), environ)
    assert trouble.finding.code == "two-copies"
    assert trouble.finding.severity is Severity.WARNING
    assert f"2.13.0+cpu in {tmp_path / 'other'} is imported" in trouble.finding.message
    assert trouble.shell == "export PYTHONPATH=/nowhere/too"
    (trouble,) = look(environment(site), CU12, {"PYTHONPATH": str(tmp_path / "other")})
    assert trouble.shell == "unset PYTHONPATH"


def test_the_same_version_twice_is_no_trouble(site: Path, tmp_path: Path) -> None:
    package(site, "torch", "2.5.1+cu124")
    package(tmp_path / "other", "torch", "2.5.1+cu124")
    assert look(environment(site), environ={"PYTHONPATH": str(tmp_path / "other")}) == []


def test_a_virtual_environment_over_the_systems_packages_is_as_it_should_be(site: Path, tmp_path: Path) -> None:
    package(site, "numpy", "2.2.0")
    package(tmp_path / "system", "numpy", "1.24.0")
    assert look(environment(site, tmp_path / "system"), stack("numpy==2.2.0")) == []


def test_the_users_folder_hides_a_conda_environment(site: Path, tmp_path: Path) -> None:
    user = tmp_path / "home/.local/lib/python3.11/site-packages"
    package(user, "torch", "2.1.0+cu121")
    package(site, "torch", "2.5.1+cu124")
    (trouble,) = look(environment(user, site, installer="conda"))
    assert trouble.remove == ("torch",)
    assert trouble.without == user


def test_the_users_folder_tears_the_family_apart(site: Path, tmp_path: Path) -> None:
    user = tmp_path / "home/.local/lib/python3.11/site-packages"
    package(user, "torch", "2.1.0+cu121")
    package(site, "torch", "2.5.1+cu124")
    package(site, "torchvision", "0.20.1+cu124")
    found = environment(user, site, installer=None)
    seen = stack("torch==2.1.0+cu121", "torchvision==0.20.1@cu124")
    assert [trouble.remove for trouble in look(found, seen)] == [("torch",)]
    package(user, "torchvision", "0.16.0+cu121")
    assert look(found, seen) == []


def test_two_records(site: Path) -> None:
    package(site, "numpy", "1.26.4")
    (site / "numpy-2.2.0.dist-info").mkdir()
    (trouble,) = look(environment(site), stack("numpy==2.2.0"))
    assert "1.26.4, 2.2.0" in trouble.finding.message
    assert trouble.reinstall == ("numpy==1.26.4",), "what is there tells more than either record"


def test_two_records_of_pillow(site: Path) -> None:
    """Whose module has another name than its distribution."""
    (site / "PIL").mkdir()
    (site / "PIL/_version.py").write_text('__version__ = "9.5.0"\n')
    for version in ("9.5.0", "12.3.0"):
        (site / f"pillow-{version}.dist-info").mkdir()
    compiled = site / "PIL/_imaging.cpython-311-x86_64-linux-gnu.so"
    for data, severity in ((b"", Severity.WARNING), (b"..9.5.0\0..", Severity.WARNING), (b"12.3.0\0", Severity.ERROR)):
        compiled.write_bytes(ELF + data if data else b"")
        (trouble,) = look(environment(site), stack("pillow==12.3.0"))
        assert trouble.reinstall == ("pillow==9.5.0",)
        assert trouble.finding.severity is severity
    assert trouble.finding.code == "pillow"


# Code for another Python.


def compiled(site: Path, name: str, version: str, *tags: str) -> None:
    record = site / f"{name}-{version}.dist-info"
    record.mkdir()
    (record / "WHEEL").write_text("Wheel-Version: 1.0\n" + "".join(f"Tag: {tag}\n" for tag in tags))


def test_an_environment_of_another_python(site: Path) -> None:
    """lib/python3.10 taken along to Python 3.11: what is compiled goes, what is not stays."""
    compiled(site, "torch", "2.5.1", "cp310-cp310-manylinux1_x86_64")
    compiled(site, "PyYAML", "6.0.1", "cp310-cp310-manylinux_2_17_x86_64", "cp310-cp310-manylinux2014_x86_64")
    compiled(site, "fastai", "2.7.12", "py3-none-any")
    compiled(site, "tokenizers", "0.20.0", "cp39-abi3-manylinux_2_17_x86_64")
    (trouble,) = look(environment(site))
    assert (trouble.finding.code, trouble.finding.severity) == ("python-unsupported", Severity.ERROR)
    assert "torch 2.5.1 was installed for cp310, this is Python 3.11, and so was pyyaml" in trouble.finding.message
    assert trouble.renew == ("pyyaml==6.0.1", "torch==2.5.1")
    assert look(environment(site, installer="conda")) == []


@pytest.mark.parametrize(
    "tag", ["cp311-cp311-manylinux_2_28_x86_64", "cp38-abi3-any", "py3-none-any", "cp310-none-any", "pp310-pypy310-any"]
)
def test_wheels_of_this_python(site: Path, tag: str) -> None:
    compiled(site, "torch", "2.5.1", tag)
    compiled(site, "numpy", "2.2.0", "cp310-cp310-manylinux_2_17_x86_64", tag)
    assert look(environment(site)) == []


# NVIDIA's wheels.


def test_wheels_of_two_cudas_in_one_folder(site: Path) -> None:
    wheel(site, "nvidia-cudnn-cu12", "9.1.0.70", "cudnn", libcudnn__9=ELF)
    wheel(site, "nvidia-cudnn-cu11", "9.1.0.70", "cudnn", libcudnn__9=ELF + b"other")
    (trouble,) = look(environment(site))
    assert trouble.finding.code == "cuda-libs-conflict"
    assert trouble.finding.severity is Severity.ERROR
    assert trouble.remove == ("nvidia-cudnn-cu11",)
    assert trouble.reinstall == ("nvidia-cudnn-cu12==9.1.0.70",)


def test_left_over_wheels_that_did_no_harm_are_a_warning(site: Path) -> None:
    wheel(site, "nvidia-cudnn-cu11", "8.7.0.84", "cudnn", libcudnn__8=ELF)
    wheel(site, "nvidia-cudnn-cu12", "9.1.0.70", "cudnn", libcudnn__9=ELF)
    (trouble,) = look(environment(site))
    assert trouble.finding.severity is Severity.WARNING


def test_a_package_may_need_the_other_cuda(site: Path) -> None:
    """TensorFlow for CUDA 11 beside torch for CUDA 12: silent while torch's files are whole, and nothing is removed."""
    wheel(site, "nvidia-cudnn-cu11", "8.7.0.84", "cudnn", libcudnn__8=ELF)
    wheel(site, "nvidia-cudnn-cu12", "9.1.0.70", "cudnn", libcudnn__9=ELF)
    record = site / "tensorflow-2.14.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Name: tensorflow\nRequires-Dist: nvidia-cudnn-cu11 ==8.7.0.84; extra == 'x'\n\n")
    assert look(environment(site)) == []
    (site / "nvidia/cudnn/lib/libcudnn.so.9").write_bytes(ELF + b"other")
    (trouble,) = look(environment(site))
    assert trouble.finding.severity is Severity.WARNING
    assert "an environment each" in trouble.finding.hint
    assert (trouble.remove, trouble.reinstall) == ((), ())


def test_wheels_that_keep_to_folders_of_their_own(site: Path) -> None:
    wheel(site, "nvidia-cublas-cu12", "12.4.5.8", "cublas", libcublasLt__12=ELF)
    wheel(site, "nvidia-cublas", "13.0.0.19", "cu13", libcublasLt__13=ELF)
    assert look(environment(site)) == []


def test_a_cpu_build_has_no_business_with_them(site: Path) -> None:
    wheel(site, "nvidia-cudnn-cu12", "9.1.0.70", "cudnn", libcudnn__9=ELF)
    wheel(site, "nvidia-cudnn-cu11", "9.1.0.70", "cudnn", libcudnn__9=ELF + b"other")
    assert look(environment(site), stack("torch==2.5.1+cpu")) == []


def test_libraries_that_went_with_another_wheel(site: Path) -> None:
    wheel(site, "nvidia-cudnn-cu12", "9.1.0.70", "cudnn", libcudnn__9=ELF, libcudnn_ops__9=ELF)
    (site / "nvidia/cudnn/lib/libcudnn_ops.so.9").unlink()
    assert look(environment(site)) == [], "slimmed images lack some of them"
    shutil.rmtree(site / "nvidia/cudnn")
    (trouble,) = look(environment(site))
    assert trouble.finding.severity is Severity.ERROR
    assert trouble.reinstall == ("nvidia-cudnn-cu12==9.1.0.70",)


# LD_LIBRARY_PATH.


def toolkit(folder: Path, name: str, soname: str, data: bytes = ELF) -> dict[str, str]:
    """A system's CUDA folder: the library by its full name, and the link that the loader looks for."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
    if name != soname:
        (folder / soname).symlink_to(name)
    return {"LD_LIBRARY_PATH": f"/opt/other:{folder}"}


@pytest.mark.parametrize(
    ("name", "soname", "data", "words"),
    [
        pytest.param("libnvJitLink.so.12.1.105", "libnvJitLink.so.12", ELF, "it is 12.1.105", id="an older nvJitLink"),
        pytest.param("libcudnn.so.9.8.0", "libcudnn.so.9", ELF, "must be of one version", id="another cuDNN"),
        pytest.param("libcudnn.so.9", "libcudnn.so.9", b"text", "it is no library", id="no library at all"),
    ],
)
def test_a_library_that_comes_first_and_does_not_fit(
    site: Path, tmp_path: Path, name: str, soname: str, data: bytes, words: str
) -> None:
    wheel(site, "nvidia-nvjitlink-cu12", "12.4.127", "nvjitlink", libnvJitLink__12=ELF)
    wheel(site, "nvidia-cudnn-cu12", "9.1.0.70", "cudnn", libcudnn__9=ELF)
    (trouble,) = look(environment(site), environ=toolkit(tmp_path / "cuda", name, soname, data))
    assert trouble.finding.code == "cuda-libs-conflict"
    assert trouble.finding.severity is Severity.ERROR
    assert words in trouble.finding.message
    assert trouble.shell == "export LD_LIBRARY_PATH=/opt/other"


@pytest.mark.parametrize(
    ("name", "soname"),
    [
        pytest.param("libnvJitLink.so.12.6.20", "libnvJitLink.so.12", id="newer"),
        pytest.param("libnvJitLink.so.12.4.99", "libnvJitLink.so.12", id="of the same minor"),
        pytest.param("libnvJitLink.so.13.0.39", "libnvJitLink.so.13", id="of another major, which nobody loads"),
        pytest.param("libnvJitLink.so.12", "libnvJitLink.so.12", id="of unknown version"),
        pytest.param("libcudart.so.12.1.105", "libcudart.so.12", id="cudart, which torch finds by RPATH"),
    ],
)
def test_a_library_that_does_no_harm(site: Path, tmp_path: Path, name: str, soname: str) -> None:
    wheel(site, "nvidia-nvjitlink-cu12", "12.4.127", "nvjitlink", libnvJitLink__12=ELF)
    wheel(site, "nvidia-cuda-runtime-cu12", "12.4.127", "cuda_runtime", libcudart__12=ELF)
    assert look(environment(site), environ=toolkit(tmp_path / "cuda", name, soname)) == []


def test_the_wheels_own_folder_may_come_first(site: Path) -> None:
    wheel(site, "nvidia-nvjitlink-cu12", "12.4.127", "nvjitlink", libnvJitLink__12=ELF)
    assert look(environment(site), environ={"LD_LIBRARY_PATH": str(site / "nvidia/nvjitlink/lib")}) == []


# The driver's own library.


def detected(*capabilities: str) -> Host:
    from dataclasses import replace

    given = host(*capabilities)
    return replace(
        given, gpus=Fact.of(given.gpus.value or (), "nvidia-smi"), driver=Fact.of(given.driver.value, "nvidia-smi")
    )


def test_no_libcuda(site: Path, tmp_path: Path) -> None:
    (trouble,) = look(environment(site), where=detected("8.0"), root=tmp_path)
    assert trouble.finding.code == "container-driver"
    assert trouble.finding.severity is Severity.WARNING
    assert look(environment(site), where=detected(), root=tmp_path) == []
    assert look(environment(site), where=host("8.0"), root=tmp_path) == [], "a GPU that was given is not this machine's"


@pytest.mark.parametrize("place", ["usr/lib/x86_64-linux-gnu/libcuda.so.1", "usr/lib/wsl/lib/libcuda.so.1"])
def test_libcuda_in_a_folder(site: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).write_bytes(ELF)
    assert look(environment(site), where=detected("8.0"), root=tmp_path) == []


def test_libcuda_in_the_loaders_cache(site: Path, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/ld.so.cache").write_bytes(b"glibc-ld.so.cache1.1\0libcuda.so.1\0/odd/place/libcuda.so.1\0")
    assert look(environment(site), where=detected("8.0"), root=tmp_path) == []


def test_what_was_asked_for_by_name(site: Path) -> None:
    package(site, "torch", "2.5.1", requested=True)
    package(site, "numpy", "2.2.0")
    assert requested((site, site / "nowhere")) == {"torch"}

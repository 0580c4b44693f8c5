"""scripts/gpu_evidence.py and take_evidence.py: nobody is named, what is wrong is refused, what fits is filed."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from prove.measured import MEASURED

from compatmatrix.model.cuda import Capability, Cuda
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Gpu, Host, Libc, Python
from compatmatrix.model.proof import Probe, SmokeResult, Status
from compatmatrix.probe.nvidia_smi import parse_xml
from compatmatrix.prove.record import make_record, read_record, write_record
from compatmatrix.resolve.proven import load_rows

ROOT = Path(__file__).resolve().parent.parent
UUID = "1a2b3c4d-1111-2222-3333-123456789abc"
XML = f"""<?xml version="1.0" ?>
<nvidia_smi_log>
	<driver_version>580.159.04</driver_version>
	<cuda_version>13.0</cuda_version>
	<attached_gpus>1</attached_gpus>
	<gpu id="00000000:00:05.0">
		<product_name>NVIDIA H200</product_name>
		<serial>1653023012345</serial>
		<uuid>GPU-{UUID}</uuid>
		<gpu_pdi>0x1234567890abcdef</gpu_pdi>
		<platformInfo><chassis_serial_number>1820123456789</chassis_serial_number></platformInfo>
		<fabric><clusterUuid>{UUID}</clusterUuid></fabric>
		<mig_mode><current_mig>Disabled</current_mig></mig_mode>
		<fb_memory_usage><total>143771 MiB</total></fb_memory_usage>
		<processes>
			<process_info><pid>4242</pid><process_name>/home/alice/train.py</process_name></process_info>
		</processes>
	</gpu>
</nvidia_smi_log>
"""
LONG = f"""    Product Name                          : NVIDIA H200
    Serial Number                         : 1653023012345
    GPU UUID                              : GPU-{UUID}
    GPU PDI                               : 0x1234567890abcdef
        Chassis Serial Number             : 1820123456789
    Processes
        Process ID                        : 4242
            Name                          : /home/alice/train.py
    Capabilities
        EGM                               : disabled
"""
BANNER = """| NVIDIA-SMI 580.159.04             Driver Version: 580.159.04     CUDA Version: 13.0     |
+-----------------------------------------------------------------------------------------+
| Processes:                                                                              |
|    0   N/A  N/A            4242      C   /home/alice/train.py                    500MiB |
+-----------------------------------------------------------------------------------------+
"""
SECRETS = ("16530", "18201", "1a2b", "123456789", "4242", "alice", "0x1234")


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", autouse=True)
def beside_each_other() -> Any:
    """The scripts import each other as they do when they are run."""
    before = list(sys.path)
    sys.path.insert(0, str(ROOT / "scripts"))
    yield
    sys.path[:] = before


@pytest.mark.parametrize("text", [XML, LONG, BANNER], ids=["xml", "q", "banner"])
def test_what_names_a_machine_or_a_person_is_taken_out(text: str) -> None:
    words = script("evidence_text")
    clean = words.scrub(text)
    assert not [secret for secret in SECRETS if secret in clean]
    assert words.leaks(text) and words.leaks(clean) == []
    assert words.scrub(clean) == clean
    kept = {XML: "NVIDIA H200", LONG: "EGM                               : disabled", BANNER: "CUDA Version: 13.0"}
    assert kept[text] in clean


def test_a_scrubbed_answer_is_read_as_before() -> None:
    assert parse_xml(script("evidence_text").scrub(XML)) == parse_xml(XML)


def test_names_of_hosts_and_paths_give_way_and_words_that_hold_them_stay() -> None:
    scrub = script("evidence_text").scrub
    places = [("/data/job", "WORK"), ("titan", "HOST"), ("bob", "USER")]
    said = scrub("/data/job/x on titan by bob: bobbin, NVIDIA TITAN, titan-x; /home/carol/y, /Users/dave/z", places)
    assert said == "WORK/x on HOST by USER: bobbin, NVIDIA TITAN, titan-x; HOME/y, HOME/z"


@pytest.mark.parametrize(
    "name", sorted(path.name for path in (ROOT / "tests/data/nvidia_smi").iterdir() if path.suffix != ".md")
)
def test_no_sample_tells_of_a_machine(name: str) -> None:
    assert script("evidence_text").leaks((ROOT / "tests/data/nvidia_smi" / name).read_bytes().decode()) == []


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one proof, the page and the samples' folder."""
    into = tmp_path / "checkout"
    rows = [row for row in load_rows(ROOT / "data" / "proofs") if row.python == "3.12" and row.libc]
    row = rows[-1]
    (into / "docs").mkdir(parents=True)
    (into / "docs" / "smoke.md").write_text("There larger batches pay. No GPU has been measured yet.\n\n## On\n")
    shutil.copytree(ROOT / "data" / "proofs" / row.record, into / "data" / "proofs" / row.record)
    (into / "data" / "proofs" / "index.json").write_text(json.dumps({"schema": 1, "proofs": [row.to_dict()]}))
    (into / "tests" / "data" / "nvidia_smi").mkdir(parents=True)
    return into


def evidence(folder: Path, checkout: Path, *, kind: str = "_CudaDeviceProperties", driver: str = "580.159.04") -> Path:
    """A folder as gpu_evidence.py leaves it on a machine that installed the lock of the checkout's proof."""
    (row,) = load_rows(checkout / "data" / "proofs")
    from compatmatrix.lock.read import read_packages

    pins = read_packages((checkout / "data" / "proofs" / row.record / "requirements.txt").read_text())
    installed = "".join(f"{package.name}=={package.version}\n" for package in pins)
    host = Host(
        python=Fact.of(Python.parse("3.12.3"), "asked"),
        platform=Fact.of("linux-x86_64", "asked"),
        libc=Fact.of(Libc("glibc", 2, 39), "asked"),
        driver=Fact.of(DriverVersion(driver), "nvidia-smi"),
        gpus=Fact.of((Gpu("NVIDIA H200", Capability(9, 0), 143771),), "nvidia-smi"),
        driver_cuda=Fact.of(Cuda(13, 0), "nvidia-smi"),
    )
    probes = (Probe("imports", Status.PASS, "torch", 1.0),)
    result = SmokeResult(probes, "cuda:0 NVIDIA H200", tuple(sorted(row.stack.items())), 12.3)
    build = row.build.partition("@")[0]
    folder.mkdir()
    write_record(folder / "proof.json", make_record(installed, result, host, build=build, index="installed"))
    scrub = script("evidence_text").scrub
    samples = {
        "xml": scrub(XML),
        "query": "NVIDIA H200, 580.159.04, 9.0, 143771\n",
        "banner": scrub(BANNER),
        "list": "",
    }
    (folder / "installed.txt").write_text(installed)
    (folder / "nvidia_smi.json").write_text(json.dumps(samples))
    texts = {path.name: path.read_bytes() for path in folder.iterdir()}
    manifest = {
        "schema": 1,
        "facts": {"gpus": [{"kind": kind}]},
        "full": {"report": MEASURED},
        "digests": {name: hashlib.sha256(text).hexdigest() for name, text in texts.items()},
    }
    (folder / "evidence.json").write_text(json.dumps(manifest))
    return folder


def take(monkeypatch: pytest.MonkeyPatch, *words: Any) -> int:
    monkeypatch.setattr(sys, "argv", ["take_evidence.py", *map(str, words)])
    status: int = script("take_evidence").main()
    load_rows.cache_clear()
    return status


def test_a_whole_folder_is_taken(tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert take(monkeypatch, "--into", checkout, evidence(tmp_path / "folder", checkout)) == 0
    samples = sorted(path.name for path in (checkout / "tests/data/nvidia_smi").iterdir())
    assert samples == ["real_banner_580_h200.txt", "real_query_580_h200.csv", "real_xml_580_h200.xml"]
    old, new = load_rows(checkout / "data" / "proofs")
    assert (new.level, new.record, new.lock) == ("trained-gpu", f"{old.record}-h200", old.lock)
    record = read_record(checkout / "data" / "proofs" / new.record / "proof.json")
    assert record.proves((checkout / "data" / "proofs" / new.record / "requirements.txt").read_text())
    page = (checkout / "docs" / "smoke.md").read_text()
    assert "No GPU has been measured yet" not in page
    assert "NVIDIA H200, torch " in page and "    cpu, 2 threads     4096" in page
    assert page.endswith("## On\n")


def test_what_was_not_installed_from_a_lock_makes_no_lock(
    tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = evidence(tmp_path / "folder", checkout)
    (row,) = load_rows(checkout / "data" / "proofs")
    lock = checkout / "data" / "proofs" / row.record / "requirements.txt"
    lock.write_text(lock.read_text() + "zzz==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n")
    assert take(monkeypatch, "--into", checkout, folder) == 0
    assert len(load_rows(checkout / "data" / "proofs")) == 1
    (proof,) = (checkout / "data" / "evidence").glob("*-h200/proof.json")
    assert read_record(proof).proves((proof.parent / "requirements.txt").read_text())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "Properties"}, "torch names no real GPU: Properties"),
        ({"driver": "535.54.03"}, "nvidia-smi and inspect name these drivers: 535.54.03, 580.159.04"),
    ],
)
def test_contradictions_are_refused(
    tmp_path: Path,
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, str],
    words: str,
) -> None:
    assert take(monkeypatch, "--into", checkout, evidence(tmp_path / "folder", checkout, **change)) == 1
    assert words in capsys.readouterr().err
    assert not list((checkout / "tests/data/nvidia_smi").iterdir())


def test_changed_named_and_foreign_files_are_refused(
    tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = evidence(tmp_path / "folder", checkout)
    (folder / "installed.txt").write_text("torch==9\n")
    (folder / "log.txt").write_text(f"GPU-{UUID} in /home/alice\n")
    (folder / "notes.doc").write_text("")
    assert take(monkeypatch, "--into", checkout, "--check", folder) == 1
    said = capsys.readouterr().err
    for words in (
        "notes.doc: does not belong there",
        "log.txt: tells a UUID",
        "log.txt: tells a home folder",
        "installed.txt: changed since it was written",
        "proof.json: of another list than installed.txt",
    ):
        assert words in said


def test_wheels_lie_before_what_an_environment_has(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "click-99.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("click.py", "late = True\n")
        wheel.writestr("click-99.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: click\nVersion: 99.0\n")
    inside = script("gpu_evidence").with_wheels(Path(sys.executable), tmp_path, tmp_path / "venv")
    ask = "import click, packaging; from importlib.metadata import version; print(click.late, version('click'))"
    told = subprocess.run([inside, "-I", "-c", ask], capture_output=True, text=True)
    assert (told.stdout.split(), told.stderr) == (["True", "99.0"], "")


def test_an_interpreter_without_torch_is_told_and_a_folder_of_others_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    argv = ["gpu_evidence.py", "--python", sys.executable, "--out", str(tmp_path / "out"), "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", argv)
    collect = script("gpu_evidence").main
    assert collect() == 3
    assert "has no torch that answers" in capsys.readouterr().err
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    assert collect() == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.txt"]

"""The payload by itself: which Pythons read it, what its tables say, and that its folder hides no module."""

from __future__ import annotations

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from types import ModuleType

import pytest

from compatmatrix.prove.smoke import LEVELS, PAYLOAD, smoke

OLDEST = (3, 7)
QUESTION = {"device": "cpu", "seed": 42, "level": "quick"}
PARTS = sorted(PAYLOAD.parent.glob("*.py"))


@pytest.fixture(scope="module")
def payload() -> ModuleType:
    return load()


def load() -> ModuleType:
    """The payload as a module; the path of imports is left as it was."""
    spec = importlib.util.spec_from_file_location("smoke_payload", PAYLOAD)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path[:] = before
    return module


def old_python() -> Path | None:
    """A working interpreter of the oldest version, from PATH or from pyenv."""
    name = "python{}.{}".format(*OLDEST)
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = [shutil.which(name), *root.glob("versions/{}.{}.*/bin/python3".format(*OLDEST))]
    for candidate in filter(None, found):
        if subprocess.run([candidate, "-I", "-c", ""], capture_output=True).returncode == 0:
            return Path(candidate)
    return None


@pytest.fixture(scope="module")
def oldest() -> Path:
    found = old_python()
    if found is None:
        pytest.skip("no interpreter of the oldest version here")
    return found


def test_what_lies_beside_it_hides_no_module_of_a_stack() -> None:
    """Its folder is on the path of imports, so that everything in it must have a name that nothing else has."""
    names = [path.name for path in PAYLOAD.parent.iterdir() if path.name != "__pycache__"]
    assert [name for name in names if not name.startswith(("smoke_", "run_smoke.py", "ruff.toml", "."))] == []


@pytest.mark.parametrize("part", PARTS, ids=lambda path: str(path.name))
def test_the_oldest_grammar_takes_it(part: Path) -> None:
    ast.parse(part.read_text("utf-8"), feature_version=OLDEST)


@pytest.mark.parametrize("part", PARTS, ids=lambda path: str(path.name))
def test_only_the_standard_library_at_import_time(part: Path) -> None:
    own = {path.stem for path in PARTS}
    top = ast.parse(part.read_text("utf-8")).body
    names = {alias.name.split(".")[0] for node in top if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in top if isinstance(node, ast.ImportFrom)}
    assert names - own <= sys.stdlib_module_names


@pytest.mark.parametrize("part", PARTS, ids=lambda path: str(path.name))
def test_parts_stay_short(part: Path) -> None:
    assert len(part.read_text("utf-8").splitlines()) <= 350


def test_the_oldest_python_compiles_it(oldest: Path) -> None:
    code = "import sys\nfor name in sys.argv[1:]: compile(open(name, encoding='utf-8').read(), name, 'exec')"
    done = subprocess.run([oldest, "-I", "-c", code, *PARTS], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_copy_may_leave_the_longer_probes_out(tmp_path: Path) -> None:
    for part in PARTS:
        if part.stem not in {"smoke_full", "smoke_bench", "smoke_ranks"}:
            shutil.copy(part, tmp_path)
    run = tmp_path / "run_smoke.py"
    done = subprocess.run([sys.executable, run, "cpu"], capture_output=True, text=True, timeout=60)
    assert " imports " in done.stdout
    assert "resnet" not in done.stdout


def test_the_oldest_python_answers(oldest: Path) -> None:
    result = smoke(oldest, timeout=60)
    assert result.failure == ""
    assert [probe.name for probe in result.probes][:2] == ["imports", "numpy-bridge"]


def test_every_probe_says_what_it_proves(payload: ModuleType) -> None:
    for name, function, needs, level, fault in payload.PROBES:
        assert function.__doc__, name
        assert callable(fault), f"{name}: no fault to test it with"
        assert level in (*LEVELS, "asked")
        assert function.__name__ == name.replace("-", "_")
        earlier = [probe[0] for probe in payload.PROBES]
        assert set(needs) <= set(earlier[: earlier.index(name)]), f"{name} stands on a later probe"


@pytest.mark.parametrize(
    ("level", "wanted", "names"),
    [
        ("default", ["conv"], ["imports", "device", "kernel", "conv"]),
        ("quick", ["tabular"], ["imports", "numpy-bridge", "device", "kernel", "tabular"]),
        ("default", [], []),
    ],
)
def test_a_wanted_probe_brings_what_it_stands_on(
    payload: ModuleType, level: str, wanted: list[str], names: list[str]
) -> None:
    assert [probe[0] for probe in payload.plan(level, wanted)] == names


def test_a_higher_level_has_all_of_a_lower_one(payload: ModuleType) -> None:
    quick, default, full = ([probe[0] for probe in payload.plan(level, None)] for level in LEVELS)
    assert set(quick) < set(default) < set(full)
    assert "learner" in quick
    assert {"tabular", "export", "memory", "oom"} <= set(default)
    assert {"resnet", "distributed", "gpus", "torch-compile"} == set(full) - set(default)


def test_the_bench_is_made_only_where_it_is_asked_for(payload: ModuleType) -> None:
    assert "bench" not in [probe[0] for probe in payload.plan("full", None)]
    assert [probe[0] for probe in payload.plan("quick", None, bench=True)][-1] == "bench"


def test_an_unknown_probe_is_refused(payload: ModuleType) -> None:
    with pytest.raises(SystemExit, match="unknown probes: dance"):
        payload.plan("default", ["dance"])


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("RuntimeError: Numpy is not available", "numpy-abi"),
        ("AttributeError: _ARRAY_API not found", "numpy-abi"),
        ("ValueError: numpy.dtype size changed, may indicate binary incompatibility", "numpy-abi"),
        ("RuntimeError: operator torchvision::nms does not exist", "torchvision-mismatch"),
        ("NotImplementedError: Could not run 'torchvision::nms' with arguments from 'CUDA'", "torchvision-mismatch"),
        ("RuntimeError: Couldn't load custom C++ ops. This can happen if", "torchvision-mismatch"),
        ("RuntimeError: CUDA error: no kernel image is available for execution on the device", "arch-missing"),
        ("UserWarning: Found GPU0 which is not compatible with the current PyTorch installation.", "arch-missing"),
        ("RuntimeError: The NVIDIA driver on your system is too old (found version 11040).", "driver-too-old"),
        ("RuntimeError: CUDA error: the provided PTX was compiled with an unsupported toolchain.", "driver-too-old"),
        ("RuntimeError: Found no NVIDIA driver on your system.", None),
        ("AssertionError: Torch not compiled with CUDA enabled", "cpu-build-on-gpu"),
        ("ImportError: libcudnn.so.9: cannot open shared object file: No such file or directory", "cuda-libs-conflict"),
        ("ImportError: undefined symbol: __nvJitLinkAddData_12_1, version libnvJitLink.so.12", "cuda-libs-conflict"),
        ("ImportError: libtorch_cpu.so: undefined symbol: iJIT_NotifyEvent", "known-bad"),
        ("ModuleNotFoundError: No module named 'pkg_resources'", "known-bad"),
        ("AttributeError: module 'PIL.Image' has no attribute 'ANTIALIAS'", "pillow"),
        ("ImportError: cannot import name 'PILLOW_VERSION' from 'PIL' (PIL/__init__.py)", "pillow"),
        ("ImportError: cannot import name 'typedispatch' from 'fastcore.dispatch'", "fastai-mismatch"),
        ("ModuleNotFoundError: No module named 'fastcore.dispatch'", "fastai-mismatch"),
        ("UnpicklingError: Weights only load failed.", "fastai-mismatch"),
        ("RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB", None),
        ("RuntimeError: cuDNN error: CUDNN_STATUS_NOT_INITIALIZED", None),
        ("ModuleNotFoundError: No module named 'torch'", None),
    ],
)
def test_the_words_of_an_error_point_to_its_cause(payload: ModuleType, said: str, code: str | None) -> None:
    assert sys.modules["smoke_causes"].said_cause(said) == code


@pytest.mark.parametrize(
    ("arch", "capability", "serves"),
    [
        ("sm_86", (8, 9), True),
        ("sm_86", (8, 0), False),
        ("sm_90", (8, 6), False),
        ("sm_86", (9, 0), False),
        ("sm_120", (12, 1), True),
        ("sm_100", (11, 0), False),
        ("sm_90a", (9, 0), True),
        ("sm_90a", (9, 1), False),
        ("compute_70", (12, 0), True),
        ("compute_90", (8, 6), False),
        ("gfx90a", (9, 0), False),
    ],
)
def test_which_code_runs_where(payload: ModuleType, arch: str, capability: tuple[int, int], serves: bool) -> None:
    assert sys.modules["smoke_stack"].serves(arch, capability) is serves


def test_warnings_are_gathered_for_each_probe(
    payload: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        monkeypatch.setattr(warnings, "showwarning", lambda message, *rest: shown.append(str(message)))
        run = sys.modules["smoke_core"].Run(QUESTION | {"work_dir": str(tmp_path)})
        heard = sys.modules["smoke_watch"].Heard(run)

        def complain() -> None:
            warnings.warn(f"cannot write\n{tmp_path}", UserWarning, stacklevel=1)
            warnings.warn(f"no {tmp_path}/x in {sys.prefix}" + "!" * 300, RuntimeWarning, stacklevel=1)
            warnings.warn("will go", FutureWarning, stacklevel=1)
            warnings.warn("will go", DeprecationWarning, stacklevel=1)

        complain()
        complain()
        first = heard.take()
        complain()
        assert heard.take() == first
        assert heard.take() == []
    assert first[0] == "UserWarning: cannot write"
    assert first[1].startswith("RuntimeWarning: no .../x in ...!!!")
    assert len(first[1]) == 200
    assert len(first) == 2, "a deprecation is about releases that are not here"
    assert "will go" in shown, "what is gathered is printed as well"


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGUSR1")
def test_worker_processes_print_their_stacks_when_time_is_up() -> None:
    code = (
        "import multiprocessing, sys, time; sys.path.append(sys.argv[1]); import smoke_watch\n"
        "def stuck_in_a_worker(): time.sleep(60)\n"
        "if __name__ == '__main__':\n"
        "    smoke_watch.tell_workers_stacks(0.3)\n"
        "    child = multiprocessing.get_context('fork').Process(target=stuck_in_a_worker); child.start()\n"
        "    time.sleep(0.9); child.terminate(); child.join()\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, PAYLOAD.parent], capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert "stack of the worker process" in done.stderr
    assert "in stuck_in_a_worker" in done.stderr


def test_an_error_is_told_with_the_line_that_says_what_happened(payload: ModuleType) -> None:
    told = sys.modules["smoke_causes"].told
    error = AttributeError(
        "Exception occured in `Recorder` when calling event `after_batch`:\n\tno attribute 'x'\nmore"
    )
    line, _ = told(error)
    assert line == (
        "AttributeError: Exception occured in `Recorder` when calling event `after_batch`: no attribute 'x'"
    )
    assert told(ValueError("one\ntwo"))[0] == "ValueError: one"
    assert told(ValueError())[0] == "ValueError"
    assert told(sys.modules["smoke_core"].Wrong("plain"))[0] == "plain"

"""Options that mean the same in every command, and the host that they describe."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from packaging.version import InvalidVersion

from compatmatrix.cli.bundle import F, bundled
from compatmatrix.cli.output import note
from compatmatrix.errors import BadInput, UsageError
from compatmatrix.matrix import Matrix, load_matrix
from compatmatrix.model.cuda import Capability
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.host import Gpu, Host, Libc, Python, host_from_dict
from compatmatrix.probe.host import Given, detect_host
from compatmatrix.probe.interpreter import Interpreter, find_interpreter

if TYPE_CHECKING:
    from compatmatrix.resolve.targets import Target

MAX_HOST_FILE = 1_000_000


class HostOptions(NamedTuple):
    """What the user said of the host. Nothing is looked at before `host` or `interpreter` is called."""

    python: Path | None
    python_version: Python | None
    platform: str | None
    glibc: Libc | None
    driver: DriverVersion | None
    gpu: tuple[str, ...]
    cc: tuple[Capability, ...]
    no_gpu: bool
    host_files: tuple[Path, ...]
    matrix_file: Path | None

    def matrix(self) -> Matrix:
        """The matrix to judge by."""
        return chosen_matrix(self.matrix_file)

    def interpreter(self) -> Interpreter:
        """The interpreter to look at."""
        return find_interpreter(self.python)

    def host(self, matrix: Matrix, interpreter: Interpreter | None = None, *, search: bool = True) -> Host:
        """The host, given and detected. interpreter: one that was already found; search: else look for one."""
        if any("@" in text for text in self.gpu) and not self.host_files:
            return _one_for_all([target.host for target in self.targets(matrix, interpreter)])
        given = self._given(matrix)
        if self.host_files:
            return _overridden(self._from_files(), given)
        if interpreter is None and search and (given.python is None or self.python):
            interpreter = self.interpreter()
        return detect_host(interpreter, matrix.capability_of, given)

    @property
    def names_hosts(self) -> bool:
        """Whether several hosts are named, or one by its GPU and driver together."""
        return len(self.host_files) > 1 or any("@" in text for text in self.gpu)

    def targets(self, matrix: Matrix, interpreter: Interpreter | None = None) -> "tuple[Target, ...]":
        """Every host that the user means: each host file, each driver of `--gpu NAME@DRIVER`, else the one."""
        from compatmatrix.resolve.targets import Target

        if self.host_files:
            given = self._given(matrix)
            return tuple(Target(str(path), _overridden(_read_host(path), given)) for path in self.host_files)
        drivers: dict[str, list[str]] = {}
        for text in self.gpu:
            name, at, driver = text.rpartition("@")
            drivers.setdefault(driver if at else "", []).append(name if at else text)
        if not any(drivers):
            return (Target("this host", self.host(matrix, interpreter)),)
        interpreter = interpreter or (self.interpreter() if self.python or self.python_version is None else None)
        return tuple(
            Target(
                f"{' and '.join(names)}{f', driver {text}' if text else ''}",
                self._replace(gpu=tuple(names), driver=_driver(text) if text else self.driver).host(
                    matrix, interpreter, search=False
                ),
            )
            for text, names in drivers.items()
        )

    def _given(self, matrix: Matrix) -> Given:
        gpus: tuple[Gpu, ...] | None = None
        if self.no_gpu:
            if self.gpu or self.cc:
                raise UsageError("--no-gpu together with --gpu or --cc: which of them?")
            gpus = ()
        elif self.gpu or self.cc:
            named = tuple(matrix.gpu_names.find(name) for name in self.gpu)
            _need_capabilities(self.cc, matrix)
            if named and self.cc and (len(named), named[0].capability) != (1, *self.cc):
                said = ", ".join(f"{gpu.name} ({gpu.capability})" for gpu in named)
                raise UsageError(f"--gpu and --cc together: {said} and {', '.join(map(str, self.cc))}: which of them?")
            gpus = named or tuple(Gpu(f"GPU of capability {cc}", cc) for cc in self.cc)
        return Given(self.python_version, self.platform, self.glibc, self.driver, gpus)

    def _from_files(self) -> Host:
        hosts = [_read_host(path) for path in self.host_files]
        return hosts[0] if len(hosts) == 1 else _one_for_all(hosts)


def chosen_matrix(named: Path | None) -> Matrix:
    """The matrix that was named, else the user's refreshed copy while it counts, else the shipped one."""
    if named is not None:
        return load_matrix(named)
    from compatmatrix.probe.own_matrix import matrix_in_force

    found = matrix_in_force()
    if found.aside:
        note(f"{found.aside} was made from another release's matrix and is not used: compatmatrix matrix refresh")
    return load_matrix(found.path)


def only_one_host(where: HostOptions, who: str) -> None:
    """Raise UsageError where several hosts are named to a command that is about one. who: "inspect shows"."""
    drivers = {text.rpartition("@")[2] if "@" in text else "" for text in where.gpu}
    if len(where.host_files) > 1 or len(drivers) > 1:
        raise UsageError(f"{who} one host: name one --host, and GPUs of one driver")


def _need_capabilities(named: tuple[Capability, ...], matrix: Matrix) -> None:
    """Refuse what no GPU has. One beyond the matrix's newest may come, and PTX may serve it."""
    known = sorted(matrix.capabilities)
    problems = []
    for cc in named:
        if known and cc not in known and cc < known[-1]:
            near = min(known, key=lambda one: (abs(one.major - cc.major), abs(one.minor - cc.minor)))
            problems.append(f"--cc: {cc} is not a capability in the matrix; the nearest is {near}")
    if problems:
        raise UsageError(problems, hint="compatmatrix matrix show gpu NAME says which one a GPU has")


def _driver(text: str) -> DriverVersion:
    try:
        return DriverVersion.given(text)
    except ValueError as error:
        raise UsageError(f"--gpu NAME@DRIVER: {error}") from error


def _read_host(path: Path) -> Host:
    try:
        raw = path.read_bytes()[: MAX_HOST_FILE + 1]
        if len(raw) > MAX_HOST_FILE:
            raise BadInput(f"{path}: larger than {MAX_HOST_FILE} bytes, not a host file")
        data = json.loads(raw.decode("utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not JSON ({error})", hint="write one with: compatmatrix inspect --json") from error
    return host_from_dict(data, where=str(path))


def _one_for_all(hosts: list[Host]) -> Host:
    """The host that stands for several: all their GPUs, the oldest driver and C library. Raises UsageError."""
    problems = []
    for name in ("platform", "python"):
        values = {str(getattr(host, name).value) for host in hosts}
        if len(values) > 1:
            problems.append(f"the hosts differ in {name} ({', '.join(sorted(values))}): lock for each by itself")
    if problems:
        raise UsageError(problems)
    from compatmatrix.model.fact import Fact

    with_gpu = [host for host in hosts if host.gpus.value]
    unknown = next((host for host in hosts if host.gpus.value is None), None)
    gpus = tuple(gpu for host in hosts for gpu in host.gpus.value or ())
    drivers = [host.driver for host in with_gpu]
    libcs = [host.libc for host in hosts if host.libc.value]
    return Host(
        python=hosts[0].python,
        platform=hosts[0].platform,
        libc=min(libcs, key=lambda fact: fact.value or Libc("", 0, 0)) if libcs else hosts[0].libc,
        driver=min(drivers, key=lambda fact: fact.value or DriverVersion("0"), default=hosts[0].driver),
        gpus=unknown.gpus if unknown else Fact.of(gpus, "host files"),
        notes=tuple(dict.fromkeys(note for host in hosts for note in host.notes)),
    )


def _overridden(host: Host, given: Given) -> Host:
    from dataclasses import replace

    from compatmatrix.model.fact import Fact

    changes: dict[str, Any] = {
        name: Fact.of(value, "given") for name, value in given._asdict().items() if value is not None
    }
    return replace(host, **changes)


if TYPE_CHECKING:
    ParamType = click.ParamType[Any]
else:
    ParamType = click.ParamType  # generic only in newer versions of click


def _type(parse: Callable[[str], Any], name: str) -> ParamType:
    class Parsed(ParamType):
        def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
            try:
                return parse(value) if isinstance(value, str) else value
            except (ValueError, InvalidVersion) as error:
                self.fail(str(error), param, ctx)

    Parsed.name = name
    return Parsed()


def _glibc(text: str) -> Libc:
    import re

    match = re.fullmatch(r"(\d+)\.(\d+)", text)
    if not match:
        raise ValueError(f"not a glibc version: {text!r}")
    return Libc("glibc", int(match[1]), int(match[2]))


def _capability(text: str) -> Capability:
    """ "8.6", and as architectures are written: "sm_86", "86"."""
    import re

    match = re.fullmatch(r"(?:sm_|compute_)?(\d{1,2}?)\.?(\d)", text.strip().lower())
    if not match:
        raise ValueError(f"not a compute capability: {text!r} (such as 8.6)")
    return Capability(int(match[1]), int(match[2]))


def _platform(text: str) -> str:
    import re

    if not re.fullmatch(r"[a-z]+-[a-z0-9_]+", text):
        raise ValueError(f"not a platform: {text!r} (linux-x86_64, macos-arm64, windows-amd64 …)")
    return text


_OPTIONS = [
    click.option(
        "--python", type=click.Path(path_type=Path), help="The interpreter, or its environment's folder, to look at."
    ),
    click.option("--python-version", type=_type(Python.parse, "x.y"), help="Decide for this Python."),
    click.option("--platform", type=_type(_platform, "name"), help="Decide for this platform, such as linux-x86_64."),
    click.option("--glibc", type=_type(_glibc, "x.y"), help="The host's glibc."),
    click.option(
        "--driver", type=_type(DriverVersion.given, "version"), help="The host's NVIDIA driver: 535.104.05, or R535."
    ),
    click.option(
        "--gpu",
        multiple=True,
        metavar="NAME[@DRIVER]",
        help='A GPU of the host, such as "Tesla V100" or h200; with its driver, a host of its own. Repeatable.',
    ),
    click.option(
        "--cc",
        multiple=True,
        type=_type(_capability, "x.y"),
        help="A GPU by compute capability; beside one --gpu, to confirm it. Repeatable.",
    ),
    click.option("--no-gpu", is_flag=True, help="The host has no NVIDIA GPU."),
    click.option(
        "--host",
        "host_files",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A host file from `inspect --json`. Repeatable: one stack for all, or the fewest.",
    ),
    click.option(
        "--matrix", "matrix_file", type=click.Path(path_type=Path), metavar="FILE", help="Judge by this matrix."
    ),
]


def host_options(function: F) -> F:
    """Add the options of the host; the command gets them as one HostOptions in `where`."""
    return bundled(function, _OPTIONS, HostOptions, "where")


json_option = click.option("--json", "as_json", is_flag=True, help="Answer as JSON (stable, schema 1).")
strict_option = click.option("--strict", is_flag=True, help="Warnings and unknowns count as errors.")
offline_option = click.option("--offline", is_flag=True, help="Ask no index.")

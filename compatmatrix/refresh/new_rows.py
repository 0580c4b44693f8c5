"""New rows of the matrix from what an index tells, each with its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from packaging.version import Version

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.rows import admits
from compatmatrix.model.cuda import Cuda
from compatmatrix.refresh.change import YANKED, evident
from compatmatrix.refresh.library import Library, like, read_library
from compatmatrix.refresh.observe import Cells, Progress, Row
from compatmatrix.refresh.sources import Sources


def cudas(fresh: Iterable[Row], matrix: Matrix, sources: Sources) -> Iterator[Cells]:
    """Rows for CUDA releases that the matrix has not: when their PTX loads is not known."""
    named: dict[Cuda, Row] = {}
    for row in fresh:
        cuda = Cuda.from_tag(row.cells["build"])
        if cuda is not None and cuda not in matrix.cudas:
            named.setdefault(cuda, row)
    for cuda in sorted(named):
        source = f"the build {named[cuda].wheel.name}"
        yield evident("cuda", {"version": str(cuda)}, source, "metadata", sources.today)


def with_archs(row: Row, matrix: Matrix, sources: Sources, progress: Progress) -> tuple[Cells, Library | None]:
    """The cells of a new build with its architectures, and what its library says where that was read."""
    origin = f"{'the PyTorch index' if row.cells['index'] == 'pytorch' else 'PyPI'} wheel {row.wheel.name}: METADATA"
    tags = "tags of all its wheels"
    cuda = Cuda.from_tag(row.cells["build"])
    library = None
    if cuda is not None and sources.measure:
        progress(f"measuring {row.wheel.name}")
        library = read_library(row.wheel)
    neighbour = like(row, matrix) if cuda is not None and library is None else None
    if library is not None:
        cells = {**row.cells, "archs": list(library.archs)}
        source, method = f"{origin}, bytes of {library.name}; {tags}", "measured"
    elif neighbour is not None:
        cells = {**row.cells, "archs": list(neighbour["archs"])}
        source, method = f"{origin}; {tags}; architectures as in {neighbour['torch']}, not read", "inferred"
    else:
        cells = row.cells
        source, method = f"{origin}; {tags}{'; architectures not read' if cuda is not None else ''}", "metadata"
    return evident("build", cells, source, method, sources.today), library


def torch(
    release: Version,
    found: Iterable[tuple[Row, Cells, Library | None]],
    yanked: set[str],
    matrix: Matrix,
    sources: Sources,
) -> Cells:
    """The row of a new release. found: its builds. yanked: the releases that are."""
    cells: Cells = {"version": str(release)}
    window = next((known.numpy for known in matrix.torches.values() if known.numpy), "")
    end = {"yanked": YANKED} if str(release) in yanked else {}
    for row, _, library in found:
        if library is not None and Version(row.cells["torch"]) == release:
            # Compiled against NumPy 1 alone, as the releases of which the matrix says so.
            cells["numpy"] = "" if library.numpy2 else window
            source = f"wheel {row.wheel.name}: bytes of {library.name}"
            return evident("torch", {**cells, **end}, source, "measured", sources.today)
    nearest = max((known for known in matrix.torches if known < release), default=None)
    cells["numpy"] = matrix.torches[nearest].numpy if nearest else ""
    source = f"torch {release} on the index; NumPy ABI as before it, not read"
    return evident("torch", {**cells, **end}, source, "inferred", sources.today)


def paired(new: list[Row], torches: list[Version], sources: Sources) -> Iterator[Cells]:
    """New torchvision or torchaudio releases, each with the torch that it came out with."""
    index = "PyPI" if sources.pypi else "the PyTorch index"
    loose: list[Cells] = []
    made: list[Cells] = []
    for row in sorted(new, key=lambda row: Version(row.cells["version"]), reverse=True):
        cells = with_words(row.cells)
        source = (
            f"{row.table} {cells['version']} on {index}: METADATA of the linux-x86_64 wheel, tags of all its wheels"
        )
        if cells["torch"].startswith("==") and "*" not in cells["torch"]:
            made.append(evident(row.table, cells, source, "metadata", sources.today))
            continue
        # A loose pin does not say which torch it came out with: the one of the same number, else the newest for the
        # newest, the one before for the one before.
        fitting = sorted((known for known in torches if admits(cells["torch"], known)), reverse=True)
        own = Version(cells["version"])
        pair = own if own in fitting else next(iter(fitting[len(loose) :]), fitting[-1] if fitting else max(torches))
        loose.append(cells)
        cells = {**cells, "torch": cells["torch"] or f">={pair}", "pair": str(pair)}
        source = f"{source}; no exact pin, paired by order of release"
        made.append(evident(row.table, cells, source, "inferred", sources.today))
    return reversed(made)


def with_words(cells: Cells) -> Cells:
    """The cells with "yanked" as the matrix has it: a reason, or none."""
    return {**cells, "yanked": YANKED if cells.get("yanked") else ""}

from __future__ import annotations

from packaging.requirements import Requirement

from compatmatrix.emit.requirements import render
from compatmatrix.lock.read import lock_digest, read_packages
from compatmatrix.model.lock import Lock


def test_reads_back(named_lock: tuple[str, Lock]) -> None:
    _, lock = named_lock
    read = read_packages(render(lock))
    assert [(p.name, p.version, p.hashes, p.marker) for p in read] == [
        (p.name, p.version, p.hashes, p.marker) for p in lock.packages
    ]


def test_index_line_only_for_the_pytorch_index(cuda_lock: Lock, cpu_lock: Lock) -> None:
    assert "\n--extra-index-url https://index.example/whl/cu126\n" in render(cuda_lock)
    assert "index-url" not in render(cpu_lock)


def test_every_entry_is_a_requirement_with_hashes(cuda_lock: Lock) -> None:
    joined = render(cuda_lock).replace("\\\n", "")
    entries = [line for line in joined.splitlines() if line and line[0] not in "#-"]
    assert [Requirement(entry.split(" --hash")[0].strip()).name for entry in entries] == [
        package.name for package in cuda_lock.packages
    ]
    assert all("--hash=sha256:" in entry for entry in entries)


def test_header_says_what_it_is_valid_for(cuda_lock: Lock, cpu_lock: Lock) -> None:
    text = render(cuda_lock)
    assert "# host: linux-x86_64, Python 3.12.1, glibc 2.36\n" in text
    assert "# gpu: 2 x Tesla V100 (7.0), 1 x Odd One; driver 580.126.11\n" in text
    assert "# proof: trained-gpu (cu126/9.9.9.json)\n" in text
    assert "# gpu: none\n" in render(cpu_lock)
    assert "# proof: resolved\n" in render(cpu_lock)


def test_digest_is_that_of_what_is_installed(cuda_lock: Lock, cpu_lock: Lock) -> None:
    text = render(cuda_lock)
    bare = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert lock_digest(text) == lock_digest(bare) == lock_digest(text.replace("\n", "\r\n"))
    assert lock_digest(text) != lock_digest(render(cpu_lock))
    assert lock_digest(text) != lock_digest(text.replace("1.26.4", "1.26.5"))

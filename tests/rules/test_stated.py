from __future__ import annotations

from cases import case, host

from compatmatrix.matrix import load_matrix
from compatmatrix.model.cuda import Capability, Cuda
from compatmatrix.model.driver import DriverVersion
from compatmatrix.rules.stated import offers, runs_offered, toolkit_knows, toolkit_reaches, torch_cuda

from .reported import report_case


def test_what_a_driver_was_made_with() -> None:
    here = case(load_matrix(), host())
    for driver, cuda in (("410.104", (10, 0)), ("470.161.03", (11, 4)), ("535.54.03", (12, 2)), ("418.56", (10, 1))):
        assert offers(DriverVersion(driver), here) == Cuda(*cuda)


def test_by_release_before_eleven_and_by_major_after() -> None:
    matrix = load_matrix()
    assert not runs_offered(Cuda(10, 1), Cuda(10, 2), matrix)
    assert runs_offered(Cuda(11, 4), Cuda(11, 8), matrix)
    assert not runs_offered(Cuda(11, 8), Cuda(12, 1), matrix)
    assert runs_offered(Cuda(12, 2), Cuda(11, 8), matrix)


def test_what_a_toolkit_reaches() -> None:
    matrix = load_matrix()
    assert toolkit_reaches(Cuda(11, 0), Capability(8, 6), matrix)
    assert not toolkit_reaches(Cuda(10, 2), Capability(8, 6), matrix)
    assert not toolkit_reaches(Cuda(13, 0), Capability(7, 0), matrix)
    assert not toolkit_reaches(Cuda(8, 0), Capability(2, 1), matrix)
    assert toolkit_reaches(Cuda(9, 0), Capability(7, 5), matrix)
    assert not toolkit_knows(Cuda(9, 0), Capability(7, 5), matrix)


def test_where_the_cuda_of_torch_comes_from() -> None:
    def cuda(text: str) -> str:
        built = torch_cuda(report_case(text))
        return str(built.cuda) if built else ""

    assert cuda("PyTorch version: 1.3.0\nCUDA used to build PyTorch: 9.2\nOS: Linux\n") == "9.2"
    assert cuda("torch==1.3.0+cu92\n") == "9.2"
    assert cuda("torch==1.3.0\nOS: Linux\n") == "10.1"
    assert cuda("torch==1.3.0\nOS: Windows 10\n") == ""
    assert cuda("conda install pytorch\ntorch==1.3.0\nOS: Linux\n") == ""
    assert cuda("CUDA used to build PyTorch: None\n") == ""

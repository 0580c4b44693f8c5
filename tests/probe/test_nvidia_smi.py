from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatmatrix.model.cuda import Capability, Cuda
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.host import Gpu
from compatmatrix.probe.nvidia_smi import NAMELESS, Answer, parse_query, parse_xml
from compatmatrix.probe.nvidia_trouble import Trouble, classify

from .fakes import SAMPLES


def sample(name: str) -> str:
    return (SAMPLES / name).read_bytes().decode()


@pytest.mark.parametrize(
    ("name", "driver", "gpus"),
    [
        ("query_510_t4.csv", "510.47.03", [("Tesla T4", "7.5", 15360)]),
        ("query_525_1080ti.csv", "525.147.05", [("NVIDIA GeForce GTX 1080 Ti", "6.1", 11264)]),
        ("query_535_h200_x8.csv", "535.183.06", [("NVIDIA H200", "9.0", 143771)] * 8),
        (
            "query_550_mixed.csv",
            "550.54.15",
            [("Tesla V100-SXM2-16GB", "7.0", 16384), ("NVIDIA GeForce RTX 4090", "8.9", 24564)],
        ),
        ("query_550_mig_denied.csv", "550.90.07", [("NVIDIA A100-SXM4-40GB", "8.0", None)]),
        ("query_570_rtx5090.csv", "570.124.04", [("NVIDIA GeForce RTX 5090", "12.0", 32607)]),
        ("query_575_wsl.csv", "576.02", [("NVIDIA GeForce RTX 4070 Laptop GPU", "8.9", 8188)]),
        ("query_580_gb10.csv", "580.95.05", [("NVIDIA GB10", "12.1", None)]),
        ("query_595_b200.csv", "595.58.03", [("NVIDIA B200", "10.0", 183359)] * 2),
        ("query_610_rtx4070.csv", "610.47", [("NVIDIA GeForce RTX 4070", "8.9", 12282)]),
        ("query_comma_in_name.csv", "580.65.06", [("NVIDIA Prototype, Revision B", "9.0", 81559)]),
        ("query_broken_fields.csv", "550.54.15", [(NAMELESS, None, None), ("NVIDIA RTX A6000", None, 49140)]),
    ],
)
def test_query(name: str, driver: str, gpus: list[tuple[str, str | None, int | None]]) -> None:
    expected = tuple(Gpu(gpu, Capability.parse(cc) if cc else None, memory) for gpu, cc, memory in gpus)
    assert parse_query(sample(name)) == Answer(DriverVersion(driver), None, expected)


@pytest.mark.parametrize(
    ("name", "driver", "gpus"),
    [
        ("query_old_390.csv", "390.157", [("GeForce GTX 780", 3020)]),
        ("query_old_418.csv", "418.87.01", [("Tesla K80", 11441)] * 2),
        ("query_old_450.csv", "450.80.02", [("A100-SXM4-40GB", 40537)]),
        ("query_old_470.csv", "470.182.03", [("NVIDIA GeForce GTX 1080 Ti", 11178)]),
    ],
)
def test_query_without_capability(name: str, driver: str, gpus: list[tuple[str, int]]) -> None:
    expected = tuple(Gpu(gpu, None, memory) for gpu, memory in gpus)
    assert parse_query(sample(name), capability=False) == Answer(DriverVersion(driver), None, expected)


def test_a_lost_gpu_leaves_the_others() -> None:
    answer = parse_query(sample("query_580_lost.csv"))
    assert [gpu.name for gpu in answer.gpus or ()] == ["NVIDIA H100 80GB HBM3"]
    assert "one GPU does not answer" in answer.notes[0]


def test_a_warning_is_no_gpu() -> None:
    answer = parse_query(sample("query_580_warning.csv"))
    assert len(answer.gpus or ()) == 1
    assert "infoROM is corrupted" in answer.notes[0]


def test_a_list_that_breaks_off_is_no_list() -> None:
    answer = parse_query(sample("query_truncated.csv"))
    assert answer.driver == DriverVersion("535.104.05")
    assert answer.gpus is None
    assert answer.trouble is Trouble.UNREADABLE
    assert "breaks off" in answer.reason


@pytest.mark.parametrize(
    ("name", "driver", "cuda", "gpus", "notes"),
    [
        ("xml_390.xml", "390.157", None, [("GeForce GTX 780", 3020)], ()),
        ("xml_418.xml", "418.56", "10.1", [("Quadro P2000", 5059)], ()),
        ("xml_450.xml", "450.80.02", "11.0", [("A100-SXM4-40GB", 40537)], ()),
        (
            "xml_535.xml",
            "535.86.05",
            "12.2",
            [("NVIDIA GeForce RTX 4090", 24564), ("NVIDIA GeForce RTX 3090", 24576)],
            (),
        ),
        ("xml_550_mig.xml", "550.90.07", "12.4", [("NVIDIA H100 80GB HBM3", 81559)], ("MIG",)),
        ("xml_610.xml", "610.43.02", "13.3", [("NVIDIA B200", 183359)], ()),
        ("xml_no_gpu.xml", "535.86.05", "12.2", [], ()),
    ],
)
def test_xml(name: str, driver: str, cuda: str | None, gpus: list[tuple[str, int]], notes: tuple[str, ...]) -> None:
    expected = tuple(Gpu(gpu, None, memory) for gpu, memory in gpus)
    offered = Cuda.parse(cuda) if cuda else None
    assert parse_xml(sample(name)) == Answer(DriverVersion(driver), offered, expected, notes=notes)


def test_chatter_before_the_xml_is_skipped() -> None:
    assert parse_xml("WARNING: infoROM is corrupted\n" + sample("xml_535.xml")) == parse_xml(sample("xml_535.xml"))


@pytest.mark.parametrize("name", ["xml_truncated.xml", "xml_miscount.xml"])
def test_broken_xml_still_names_the_driver(name: str) -> None:
    answer = parse_xml(sample(name))
    assert (answer.driver, answer.driver_cuda, answer.gpus) == (DriverVersion("535.86.05"), Cuda(12, 2), None)
    assert answer.trouble is Trouble.UNREADABLE


def test_entities_are_not_expanded() -> None:
    bomb = '<!DOCTYPE nvidia_smi_log [<!ENTITY a "aaaa">]>\n<nvidia_smi_log><driver_version>&a;</driver_version>'
    assert parse_xml(bomb + "</nvidia_smi_log>").trouble is Trouble.UNREADABLE


@pytest.mark.parametrize(
    ("name", "trouble", "words"),
    [
        ("error_field.txt", Trouble.TOO_OLD, "does not know"),
        ("error_option.txt", Trouble.TOO_OLD, "does not know"),
        ("error_not_loaded.txt", Trouble.NOT_LOADED, "not loaded"),
        ("error_nvml_unknown.txt", Trouble.NOT_LOADED, "restart the container"),
        ("error_mismatch_470.txt", Trouble.MISMATCH, "(Driver/library version mismatch): reboot"),
        ("error_mismatch_550.txt", Trouble.MISMATCH, "libraries 550.54): reboot"),
        ("error_no_devices.txt", Trouble.NO_DEVICES, "finds no device"),
        ("error_permission.txt", Trouble.PERMISSION, "device files"),
        ("error_wsl_blocked.txt", Trouble.BLOCKED, "wsl --shutdown"),
        ("error_no_library.txt", Trouble.NO_LIBRARY, "--gpus all"),
        ("error_lost.txt", Trouble.LOST, "reboot"),
        ("garbage_localised.txt", Trouble.UNREADABLE, "Le système"),
        ("banner_535.txt", Trouble.UNREADABLE, "try it by hand"),
    ],
)
def test_error_texts(name: str, trouble: Trouble, words: str) -> None:
    for answer in (parse_query(sample(name)), parse_xml(sample(name))):
        assert answer.trouble is trouble
        assert words in answer.reason
        assert (answer.driver, answer.gpus) == (None, None)


@pytest.mark.parametrize(
    ("status", "trouble"),
    [(9, Trouble.NOT_LOADED), (6, Trouble.NO_DEVICES), (12, Trouble.NO_LIBRARY), (1, Trouble.UNREADABLE)],
)
def test_the_exit_status_speaks_where_words_say_nothing(status: int, trouble: Trouble) -> None:
    assert classify("", status)[0] is trouble
    assert classify("???", status)[0] is trouble


def test_quotes_are_short_and_printable() -> None:
    reason = classify("\x1b[31m" + "x" * 5000)[1]
    assert "\x1b" not in reason
    assert len(reason) < 200


ROWS = st.lists(
    st.sampled_from(["NVIDIA H200", " ", ",", ", ", "535.1", "9.0", "[N/A]", "ERR!", "1" * 5000, "\n", "<gpu ", "\x00"])
    | st.text(max_size=8)
).map("".join)


@given(ROWS | st.text() | st.binary().map(lambda data: data.decode("utf-8", "replace")))
def test_no_text_raises(text: str) -> None:
    for answer in (
        parse_query(text),
        parse_query(text, capability=False),
        parse_xml(text),
        parse_xml("<nvidia_smi_log><driver_version>1.2</driver_version>" + text),
    ):
        assert (answer.gpus is None or answer.driver is None) <= bool(answer.reason)

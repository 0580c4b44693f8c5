"""Labels of other languages."""

from __future__ import annotations

import pytest

from compatmatrix.probe.reports.abroad import fact_of


@pytest.mark.parametrize(
    ("label", "fact"),
    [
        ("Betriebssystem", "os"),
        ("PyTorch-Version", "torch"),
        ("Versi\u00f3n de Python", "python"),
        ("Controlador NVIDIA", "driver"),
        ("Tarjeta gr\u00e1fica", "gpu"),
        ("\u64cd\u4f5c\u7cfb\u7edf", "os"),
        ("PyTorch\u7248\u672c", "torch"),
        ("\u9a71\u52a8\u7248\u672c", "driver"),
        ("\u663e\u5361", "gpu"),
        ("Python\u306e\u30d0\u30fc\u30b8\u30e7\u30f3", "python"),
        ("\u30c9\u30e9\u30a4\u30d0\u30fc", "driver"),
        ("CUDA laut nvidia-smi", "driver-cuda"),
        ("CUDA\u7248\u672c", ""),
        ("Python-Pfad", ""),
        ("Treiber der Maus", ""),
    ],
)
def test_label(label: str, fact: str) -> None:
    assert fact_of(label) == fact

"""What the reader of a decision is told."""

from __future__ import annotations

from dataclasses import replace

from cases import find_build, host, newest
from packaging.version import Version

from compatmatrix.matrix import Matrix

from .asking import decided


def test_the_last_torch_for_an_old_gpu_is_named(matrix: Matrix) -> None:
    made = decided(matrix, host("3.7", driver="470.256.02"))
    assert any(
        f"torch {made.stack.release('torch')} (cu118) is the last with code for GPU 3.7" in n for n in made.notes
    )
    assert any("R470 is the last driver branch" in note for note in made.notes)


def test_no_single_wheel_is_said_plainly(matrix: Matrix) -> None:
    made = decided(matrix, host("7.0", "10.0"))
    (sentence,) = [note for note in made.notes if "no single wheel" in note]
    assert f"no single wheel of torch {newest(matrix)} serves GPU 7.0 (7.0) and GPU 10.0 (10.0)" in sentence
    assert f"the newest single wheel for all is torch {made.stack.release('torch')} ({made.build})" in sentence
    build = find_build(matrix, str(made.stack.release("torch")), made.build)
    assert {"sm_70", "sm_100"} <= set(map(str, build.archs))


def test_several_gpus_of_one_kind_need_no_words(matrix: Matrix) -> None:
    assert not any("single wheel" in note for note in decided(matrix, host("9.0", "9.0")).notes)


def test_a_gpu_that_no_wheel_serves_is_left_to_the_cpu_and_said(matrix: Matrix) -> None:
    made = decided(matrix, host("3.0", driver="470.256.02"))
    assert made.build == "cpu"
    assert any("no torch in the matrix has code for GPU 3.0" in note for note in made.notes)


def test_healthy_decisions_say_nothing(matrix: Matrix) -> None:
    assert decided(matrix, host("9.0")).notes == ()
    assert decided(matrix, host()).notes == ()


def test_the_same_question_with_another_matrix_is_another_answer(matrix: Matrix) -> None:
    few = {**matrix.tables, "torch": [row for row in matrix.tables["torch"] if row["version"] == "2.5.1"]}
    few["build"] = [row for row in matrix.tables["build"] if row["torch"] == "2.5.1"]
    made = decided(Matrix(few, "sha256:few"), host("8.0"))
    assert made.stack.release("torch") == Version("2.5.1")
    assert made.matrix_digest == "sha256:few"
    assert replace(made, matrix_digest="") != made

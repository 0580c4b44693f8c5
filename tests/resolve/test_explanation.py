from __future__ import annotations

import json

from cases import host

from compatmatrix.matrix import Matrix
from compatmatrix.resolve.decide import Refusal, decide
from compatmatrix.resolve.explanation import grouped
from compatmatrix.resolve.question import Question, parse_requirements


def test_no_rejections_no_groups() -> None:
    assert grouped(()) == []


def test_groups_by_code_in_order_of_appearance(matrix: Matrix) -> None:
    made = decide(Question(host("7.0", driver="535.104.05")), matrix)
    groups = grouped(made.rejected)
    assert len({group.code for group in groups}) == len(groups)
    assert groups[0].code == made.rejected[0].findings[0].code
    assert {group.code for group in groups} == {one.findings[0].code for one in made.rejected}


def test_every_candidate_is_named_once(matrix: Matrix) -> None:
    made = decide(Question(host(python="3.5")), matrix)
    assert isinstance(made, Refusal)
    (group,) = grouped(made.rejected)
    assert group.code == "python-unsupported"
    assert len(set(group.candidates)) == len(group.candidates)
    assert group.candidates[0].startswith("torch ")


def test_versions_that_fell_by_fastai_name_it(matrix: Matrix) -> None:
    made = decide(Question(host(), parse_requirements(["fastai==2.7.9", "torch==2.5.1"])), matrix)
    (group,) = grouped(made.rejected)
    assert group.candidates[0].startswith("fastai 2.7.9 with torch 2.5.1")


def test_json_values(matrix: Matrix) -> None:
    made = decide(Question(host("7.0")), matrix)
    rows = json.loads(json.dumps([group.to_dict() for group in grouped(made.rejected)]))
    for row in rows:
        assert set(row) == {"code", "count", "candidates", "example", "evidence"}
        assert row["count"] == len(row["candidates"]) > 0
        assert row["evidence"]

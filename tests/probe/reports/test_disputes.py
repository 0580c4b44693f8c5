"""Why a resolver found no set: each dispute as owner, package, requirement and the version that somebody insists on."""

from __future__ import annotations

import pytest

from compatmatrix.probe.reports.disputes import read
from compatmatrix.probe.reports.text import clean


def told(text: str) -> list[str]:
    return [one.value for one in read(clean(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "The conflict is caused by:\n    The user requested torch==2.7.0\n"
            "    fastai 2.7.18 depends on torch<2.6 and >=1.10\n    fastai 2.7.17 depends on torch<2.5 and >=1.10\n",
            ["fastai|torch|<2.6,>=1.10|2.7.0"],
        ),
        (
            "The conflict is caused by:\n    torchvision 0.16.0 depends on torch==2.1.0\n"
            "    xformers 0.0.26.post1 depends on torch==2.3.0\n",
            ["xformers|torch|==2.3.0|2.1.0"],
        ),
        (
            "Because fastai==2.7.19 depends on torch>=1.10,<2.7 and your project\n      depends on torch==2.7.1, "
            "we can conclude that your project's requirements are unsatisfiable.\n",
            ["fastai|torch|>=1.10,<2.7|2.7.1"],
        ),
        (
            "Because demo depends on both torch (=1.1.0) and torchvision (^0.4.0)\n and torchvision (0.4.0) depends on "
            "torch (1.2.0), version solving failed.\n",
            ["torchvision|torch|==1.2.0|1.1.0"],
        ),
        (
            "Unable to find a resolution for torch because of the following conflicts:\n  torch==2.1.0 (from project)\n"
            "  torch<2.1,>=1.7 (from fastai 2.7.12)\n",
            ["fastai|torch|<2.1,>=1.7|2.1.0"],
        ),
        (
            "ContextualVersionConflict: (torch 2.1.0 (/usr/lib), Requirement.parse('torch<2.1,>=1.7'), {'fastai'})",
            ["fastai|torch|<2.1,>=1.7|2.1.0"],
        ),
    ],
)
def test_each_resolver(text: str, expected: list[str]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "fastai 2.7.18 depends on torch<2.6 and >=1.10, the user requested torch==2.7.0",  # nobody says that it failed
        "Because torchvision (0.10.0+cu111) depends on torch (1.9.0)\n and demo depends on torch (1.9.0+cu111), "
        "torchvision is forbidden.\n",  # poetry 1.1; the pair is right
        "Because no versions of torchvision match >0.23.0,<0.24.0\n and torchvision (0.23.0) depends on torch (2.8.0), "
        "version solving failed.\n",
    ],
)
def test_silence(text: str) -> None:
    assert told(text) == []

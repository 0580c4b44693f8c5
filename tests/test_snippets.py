"""What others copy out of our pages, and what their tools read: held against the schemas of those tools."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

check_jsonschema = pytest.importorskip("check_jsonschema")

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests/emit/golden"


def snippet(title: str) -> str:
    """The first YAML below a title of docs/ci.md, its placeholders filled."""
    page = (ROOT / "docs/ci.md").read_text()
    (text,) = re.findall(rf"^## {title}\n.*?^```yaml\n(.*?)^```", page, re.S | re.M)
    return text.replace("<this repository>@<a tag>", "owner/name@v1").replace(
        "<this repository>", "https://git.example/a"
    )


def judged(schema: str, path: Path) -> tuple[int, str]:
    done = CliRunner().invoke(check_jsonschema.main, ["--builtin-schema", f"vendor.{schema}", str(path)])
    return done.exit_code, done.output


@pytest.mark.parametrize("name", ["cuda-compose.yaml", "cpu-compose.yaml", "plain-compose.yaml"])
def test_compose_by_its_specification(name: str, tmp_path: Path) -> None:
    assert judged("compose-spec", GOLDEN / name)[0] == 0
    (tmp_path / "compose.yaml").write_text((GOLDEN / name).read_text().replace("init: true", "init: [true]"))
    assert judged("compose-spec", tmp_path / "compose.yaml")[0] == 1


def test_the_action_is_one() -> None:
    assert judged("github-actions", ROOT / "action.yml") == (0, "ok -- validation done\n")


@pytest.mark.parametrize(("title", "schema"), [("GitHub", "github-workflows"), ("GitLab", "gitlab-ci")])
def test_the_pages_snippets(title: str, schema: str, tmp_path: Path) -> None:
    path = tmp_path / "snippet.yml"
    path.write_text(snippet(title))
    assert judged(schema, path)[0] == 0
    path.write_text(snippet(title).replace("runs-on:", "run-on:").replace("script:", "scripts:"))
    assert judged(schema, path)[0] == 1


def test_the_pages_hooks_exist() -> None:
    (repository,) = yaml.safe_load(snippet("pre-commit"))["repos"]
    known = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    assert {hook["id"] for hook in repository["hooks"]} <= known

"""A real browser runs the page's script, and says the same as the engine about many hosts."""

from __future__ import annotations

import html
import json
import random
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cases import host

from compatmatrix.errors import UsageError
from compatmatrix.matrix import Matrix
from compatmatrix.model.decision import Decision
from compatmatrix.model.host import Host
from compatmatrix.page.verdicts import pythons
from compatmatrix.resolve.candidates import torch_candidates
from compatmatrix.resolve.decide import decide
from compatmatrix.resolve.judgement import rejects_host
from compatmatrix.resolve.question import Prefer, Question
from compatmatrix.resolve.unlock import unlocked_by_driver

pytestmark = pytest.mark.slow

QUIET = "--disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"


def chromium(folder: Path, *options: str) -> str:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium here")
    argv = [program, "--headless", "--no-sandbox", *QUIET.split(), "--disable-sync", f"--user-data-dir={folder}/user"]
    done = subprocess.run([*argv, *options], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def told(folder: Path, page: str, expression: str) -> Any:
    """What the page's script answers; its policy is taken out, which would not let a test ask."""
    asked = f"<script>document.body.innerHTML='';const out=document.createElement('pre');out.id='out';\
out.textContent=JSON.stringify((()=>{{const facts=window.given;{expression}}})());document.body.append(out);</script>"
    keep = "<script>window.given=JSON.parse(document.getElementById('facts').textContent);</script>"
    path = folder / "asked.html"
    plain = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    path.write_text(plain.replace("</body>", f"{keep}{asked}</body>"), encoding="utf-8")
    found = re.search(r'<pre id="out">(.*?)</pre>', chromium(folder, "--dump-dom", path.as_uri()), re.DOTALL)
    assert found, "the page's script failed"
    return json.loads(html.unescape(found[1]))


def asked(matrix: Matrix, rng: random.Random) -> dict[str, Any]:
    """A host at random, more often at the borders than in between."""
    platform = rng.choice(["linux-x86_64"] * 3 + ["windows-amd64"] * 2 + sorted(matrix.platforms))
    known = [row.drivers for row in (*matrix.families.values(), *matrix.cudas.values())]  # type: ignore[attr-defined]
    drivers = sorted(str(driver) for each in known for driver in each.values())
    drivers += [f"{row.first_driver}.{rng.randrange(200)}" for row in matrix.capabilities.values() if row.first_driver]
    driver = rng.choice([*drivers, f"{rng.randrange(340, 640)}.{rng.randrange(200)}.{rng.randrange(99):02}"])
    floors = ["2.17", "2.27", "2.28", "2.35"] if platform.startswith("linux") else ["11.0", "14.0"]
    libc = rng.choice(["", "", *floors])
    gpu = rng.choice([None, *range(len(matrix.capabilities))] if not platform.startswith("macos") else [None])
    wanted = [python for python in pythons(matrix) if not python.endswith("t")]
    return {"platform": platform, "python": rng.choice(wanted), "driver": driver, "gpu": gpu, "libc": libc}


def as_host(matrix: Matrix, of: dict[str, Any]) -> Host:
    kind = "macos" if of["platform"].startswith("macos") else "glibc"
    libc = f"{kind} {of['libc']}" if of["libc"] and not of["platform"].startswith("windows") else None
    gpus = [] if of["gpu"] is None else [str(list(matrix.capabilities)[of["gpu"]])]
    return host(*gpus, driver=of["driver"], python=of["python"], platform=of["platform"], libc=libc)


def test_it_agrees_with_the_engine_about_many_hosts(tmp_path: Path, matrix: Matrix, real_page: str) -> None:
    rng = random.Random(20261121)
    hosts = [asked(matrix, rng) for _ in range(400)]
    works = "builds.filter(b=>!b.against.length&&!b.yanked).map(b=>[b.version,b.tag,b.vision])"
    chosen = "choice&&[facts.fastais[choice.fastai][0],choice.build.version,choice.build.vision,choice.build.tag]"
    newer = "unlocked(facts,host,choice).map(([driver,other])=>[driver,other.build.version])"
    each = f"const {{builds,choice}}=judge(facts,host);return [{works},{chosen},{newer}]"
    answers = told(tmp_path, real_page, f"return {json.dumps(hosts)}.map(host=>{{{each}}})")
    fits = 0
    for one, (builds, choice, unlocked) in zip(hosts, answers, strict=True):
        question = Question(as_host(matrix, one), prefer=Prefer.NEWEST)
        expected = [
            [str(found.build.full_version), found.build.build, str(found.stack["torchvision"].version)]
            for found in torch_candidates(question, matrix)
            if "torchvision" in found.stack and not rejects_host(found, question.host, matrix)
        ]
        assert [build for build in builds if build[2]] == expected, one
        decision = decide(question, matrix)
        stack = decision.stack if isinstance(decision, Decision) else None
        wanted = stack and [str(stack[name].version) for name in ("fastai", "torch", "torchvision")]
        assert choice == (wanted and [*wanted, decision.build]), one
        fits += choice is not None
        steps = list(unlocked_by_driver(question, matrix, stack.release("torch") if stack else None))
        best = [str(step.decision.stack.release("torch")) for step in steps][-1:]
        assert [torch.partition("+")[0] for _, torch in unlocked][-1:] == best, one
    assert 100 < fits < 390, "the hosts of this test are all alike"


def test_gpus_are_found_as_the_engine_finds_them(tmp_path: Path, matrix: Matrix, real_page: str) -> None:
    names = [name for row in matrix.gpus for name in (row.name, *row.aliases)]
    names += [" ".join(row.name.split()[-2:]) for row in matrix.gpus] + [row.name.lower() for row in matrix.gpus]
    names += ["A100", "h200", "RTX 6000", "Tesla", "no such card", "4090 laptop", "GeForce", "(ti)"]
    find = "try{return facts.capabilities[findGpu(facts,name)][0]}catch(error){return error.message}"
    answers = told(tmp_path, real_page, f"return {json.dumps(names)}.map(name=>{{{find}}})")
    for name, answer in zip(names, answers, strict=True):
        try:
            expected = str(matrix.gpu_names.find(name).capability)
        except UsageError as error:
            assert ("different generations" in answer) == ("different generations" in str(error)), name
        else:
            assert answer == expected, name
    numbers = "return ['8.6','sm_90','120'].map(text=>facts.capabilities[findGpu(facts,text)][0])"
    assert told(tmp_path, real_page, numbers) == ["8.6", "9.0", "12.0"]


def test_the_address_asks_and_the_page_answers(tmp_path: Path, real_page: str) -> None:
    path = tmp_path / "page.html"
    path.write_text(real_page, encoding="utf-8")

    def seen(**question: str) -> str:
        text = chromium(tmp_path, "--dump-dom", f"{path.as_uri()}#{urlencode(question)}")
        body = re.sub(r"<script.*?</script>|<option.*?</option>", "", text, flags=re.DOTALL)
        return html.unescape(re.sub(r"<[^>]+>", " ", body))

    pascal = seen(gpu="GTX 1080 Ti", driver="570.124.06", python="3.12", platform="linux-x86_64")
    assert "+cu126" in pascal
    assert "R580 is the last driver branch" in pascal
    assert 'compatmatrix lock --gpu "GTX 1080 Ti" --driver 570.124.06 --python-version 3.12' in pascal
    assert "! torch" in seen(gpu="Tesla K80", driver="470.57.02", python="3.9")
    blackwell = seen(gpu="RTX 5090", driver="550.54.14", python="3.12")
    assert "no torch in the matrix fits" in blackwell
    assert "would unlock torch" in blackwell
    wrong = seen(gpu="RTX 9999", driver="new")
    assert "No such GPU" in wrong
    assert "A driver reads like" in wrong
    assert "No answer yet" in wrong and "torch 2." not in wrong.partition("The facts")[0].partition("Platform")[2]
    assert "[[build]]" not in wrong
    assert "build: " in wrong


@pytest.mark.parametrize(("width", "scheme"), [(1200, 1), (1200, 0), (390, 1), (390, 0)])
def test_a_browser_draws_it(tmp_path: Path, real_page: str, width: int, scheme: int) -> None:
    (tmp_path / "page.html").write_text(real_page, encoding="utf-8")
    picture = tmp_path / "page.png"
    look = (f"--window-size={width},2000", f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={picture}")
    chromium(tmp_path, "--hide-scrollbars", *look, (tmp_path / "page.html").as_uri())
    data = picture.read_bytes()
    assert int.from_bytes(data[16:20], "big") == width
    assert len(data) > 50_000, "an empty page is smaller"

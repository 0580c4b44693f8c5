"""The page itself: one file that asks nobody, with its data, its script and its looks inside."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from pathlib import Path

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.page.facts import facts
from compatmatrix.prove.page.style import COLOURS, PAGE

_STYLE = """
form{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,13rem),1fr));gap:.8rem;margin:1rem 0}
label,.label{display:block;font-weight:600}
form .hint{color:var(--faint);font-size:.85rem}
input,select{width:100%;padding:.5rem;font:inherit;color:var(--ink);background:var(--ground);
border:1px solid var(--faint);border-radius:.3rem;min-height:2.75rem}
input[type=search]{width:auto;max-width:100%}
p>label{display:inline}
input:focus-visible,select:focus-visible,pre:focus-visible{outline:3px solid var(--link);outline-offset:1px}
.verdict pre{background:var(--ground);margin:.4rem 0}
[aria-invalid]{border:2px solid var(--fail)}
.wrong{color:var(--fail);font-size:.9rem;margin:.2rem 0 0}
.wrong:empty{display:none}
summary{cursor:pointer;padding:.6rem 0;min-height:2.75rem;font-weight:600}
details{border-bottom:1px solid var(--rule)}
details table{font-size:.85rem}
details td{max-width:24rem}
th,td{overflow-wrap:normal}
td.source{min-width:16rem;overflow-wrap:anywhere}
td.list{min-width:11rem}
@media (min-width:44.01rem){form{grid-template-columns:2fr 1.2fr .8fr 1.2fr 1.2fr}
#releases th,#releases td:nth-child(4){white-space:nowrap}}
[hidden]{display:none}
"""
_FIELDS = """
<form id="question">
<div><label for="gpu">GPU</label><input id="gpu" list="gpus" autocomplete="off" spellcheck="false"
 placeholder="none" aria-describedby="gpu-hint gpu-wrong"><span class="hint" id="gpu-hint">a name, or a compute
 capability such as 8.6; empty: none</span><datalist id="gpus"></datalist><p class="wrong" id="gpu-wrong"
 role="alert"></p></div>
<div><label for="driver">Driver</label><input id="driver" inputmode="decimal" autocomplete="off" placeholder="newest"
 aria-describedby="driver-hint driver-wrong"><span class="hint" id="driver-hint">as nvidia-smi prints it, such as
 535.104.05</span><p class="wrong" id="driver-wrong" role="alert"></p></div>
<div><label for="python">Python</label><select id="python"></select></div>
<div><label for="platform">Platform</label><select id="platform"></select></div>
<div><label for="libc">glibc or macOS</label><input id="libc" inputmode="decimal" autocomplete="off" placeholder="any"
 aria-describedby="libc-hint libc-wrong"><span class="hint" id="libc-hint">such as 2.35; empty: new
 enough</span><p class="wrong" id="libc-wrong" role="alert"></p></div>
</form>
"""


def render(matrix: Matrix) -> str:
    """The whole page as HTML. No clock is looked at: the same matrix gives the same bytes."""
    known = facts(matrix)
    # "</script>" and "<!--" inside the data would end it early.
    data = json.dumps(known, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    script = Path(__file__).with_name("page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}; form-action \'none\'">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><title>compatmatrix: which torch runs here</title>'
        f"<style>{COLOURS}{PAGE}{_STYLE}</style></head>\n<body>\n<main>\n"
        f"{_head(matrix)}{_FIELDS}"
        '<section aria-label="answer" aria-live="polite" id="answer"><noscript><p>The choice needs JavaScript; the '
        "answers of the command line do not: <code>compatmatrix explain</code>.</p></noscript></section>\n"
        '<section><h2>Every torch release</h2><table class="cards"><caption>For the host above, the newest first. A '
        "build is named by its CUDA release.</caption>"
        '<thead><tr><th scope="col">Here</th><th scope="col">Release</th><th scope="col">Builds, and why not</th>'
        '<th scope="col">Partner</th><th scope="col">fastai</th></tr></thead><tbody id="releases"></tbody></table>'
        "</section>\n"
        '<section><h2>The facts</h2><p class="faint">Every row of the matrix: where it was read (source), how (method: '
        "metadata of the package, measured from the wheel, documented by the vendor, reported in a thread, inferred) "
        'and when (checked).</p><div id="tables"></div></section>\n</main>\n'
        f'<script type="application/json" id="facts">{data}</script>\n<script>{script}</script>\n</body>\n</html>\n'
    )


def _head(matrix: Matrix) -> str:
    torches, fastais = list(matrix.torches), list(matrix.fastais)
    rows = [row for table in matrix.tables.values() if isinstance(table, list) for row in table]
    checked = max((str(row["checked"]) for row in rows), default="never")
    spans = [f"{name} {found[-1]} to {found[0]}" for name, found in (("torch", torches), ("fastai", fastais)) if found]
    return (
        '<header><p class="faint">compatmatrix</p><h1>Which torch runs here?</h1><p class="faint">'
        f"{len(rows)} facts on {escape(' and '.join(spans))}, last checked {escape(checked)}. Matrix "
        f"{escape(matrix.digest[:19])}.</p></header>"
    )

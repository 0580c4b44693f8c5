"""How the page and its charts look, in light and in dark. Pairs of colours keep a contrast of 4.5 or more: tested."""

from __future__ import annotations

LIGHT = {
    "ground": "#ffffff",
    "panel": "#f4f6f8",
    "ink": "#16202a",
    "faint": "#51606e",
    "rule": "#c9d1d9",
    "pass": "#11653a",
    "fail": "#a9201c",
    "skip": "#5b4b00",
    "link": "#0b4fa8",
    "s0": "#0b4fa8",
    "s1": "#b34700",
    "s2": "#11653a",
    "s3": "#8a2a86",
}
DARK = {
    "ground": "#11161c",
    "panel": "#1a222b",
    "ink": "#e8edf2",
    "faint": "#a9b6c2",
    "rule": "#3b4855",
    "pass": "#6fd69b",
    "fail": "#ff9b93",
    "skip": "#e6cf6b",
    "link": "#8fc1ff",
    "s0": "#8fc1ff",
    "s1": "#ffb072",
    "s2": "#6fd69b",
    "s3": "#e79be3",
}
TEXT = ("ink", "faint", "pass", "fail", "skip", "link", "s0", "s1", "s2", "s3")
GROUNDS = ("ground", "panel")


def _variables(colours: dict[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in colours.items())


COLOURS = f":root{{{_variables(LIGHT)}}}@media (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}"

CHART = """
.chart{display:block;width:100%;height:auto;max-width:34rem}
.chart text{font:11px system-ui,sans-serif;fill:var(--ink)}
.chart .grid{stroke:var(--rule);stroke-width:1}
.chart .axis{stroke:var(--faint);stroke-width:1}
.chart .line{fill:none;stroke-width:2;stroke-linejoin:round}
.chart .mark{stroke:none}
.chart .s0 .line{stroke:var(--s0)}.chart .s0 .mark{fill:var(--s0)}
.chart .s1 .line{stroke:var(--s1);stroke-dasharray:6 3}.chart .s1 .mark{fill:var(--s1)}
.chart .s2 .line{stroke:var(--s2);stroke-dasharray:2 3}.chart .s2 .mark{fill:var(--s2)}
.chart .s3 .line{stroke:var(--s3);stroke-dasharray:9 3 2 3}.chart .s3 .mark{fill:var(--s3)}
"""

PAGE = """
:root{color-scheme:light dark}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:1rem;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);
background:var(--ground);overflow-wrap:anywhere}
h1{font-size:1.6rem;margin:.2rem 0 .6rem}
h2{font-size:1.2rem;margin:2rem 0 .6rem}
h3{font-size:1rem;margin:.4rem 0}
a{color:var(--link)}
.faint{color:var(--faint)}
.verdict{border-left:.5rem solid;padding:.6rem 1rem;background:var(--panel)}
.verdict strong{font-size:1.25rem}
.verdict p{margin:.2rem 0}
.pass{color:var(--pass)}.fail{color:var(--fail)}.skip{color:var(--skip)}
.plain{color:var(--ink)}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr));gap:1rem}
figure{margin:0;padding:.8rem;background:var(--panel);border-radius:.4rem}
figcaption{color:var(--faint);font-size:.9rem}
figure img{max-width:100%;height:auto;background:#fff}
table{border-collapse:collapse;width:100%}
caption{text-align:left;color:var(--faint);padding:.3rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--rule)}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tr.best td,tr.best th{background:var(--panel);font-weight:600}
.scroll{overflow-x:auto}
.scroll:focus-visible,a:focus-visible,summary:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.status{font-weight:700;white-space:nowrap}
.cards th{white-space:nowrap}
pre{background:var(--panel);padding:.8rem;overflow-x:auto;white-space:pre-wrap}
@media (max-width:44rem){
.cards thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.cards,.cards caption,.cards tbody{display:block}
.cards tr{display:grid;grid-template-columns:auto 1fr auto;column-gap:.6rem;padding:.5rem 0;
border-bottom:1px solid var(--rule)}
.cards td,.cards th{border:0;padding:.1rem 0}
.cards td.wide{order:1;grid-column:1/-1}
}
@media print{body{max-width:none}}
"""

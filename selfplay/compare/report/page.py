"""report.html: one file with everything in it, for any screen and for paper.

No script, no font, no picture is fetched.  All words that come from files are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from selfplay.compare.analysis.sentence import spell_flops, spell_metric
from selfplay.compare.comparison import Comparison
from selfplay.compare.pool import Pool
from selfplay.compare.report.canvas import Picture
from selfplay.compare.report.output import GENERATOR
from selfplay.compare.report.palette import style_sheet
from selfplay.compare.report.tables import (
    Table,
    chief_crossings,
    crossings_table,
    elasticities_table,
    fits_table,
    groups_table,
    pool_table,
)
from selfplay.compare.views import View

_CSS = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);
font:1rem/1.55 "Source Sans 3","Segoe UI",system-ui,-apple-system,"Helvetica Neue",Arial,sans-serif}
main{max-width:62rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{font-size:1rem;font-weight:600;color:var(--muted);margin:0 0 1.25rem;overflow-wrap:anywhere}
.answer{font:400 clamp(1.35rem,4.2vw,1.9rem)/1.3 Georgia,"Iowan Old Style","Times New Roman",serif;
margin:0 0 .9rem;text-wrap:pretty;overflow-wrap:anywhere}
.second{font-size:1.05rem;margin:0 0 .75rem;color:var(--muted);overflow-wrap:anywhere}
.facts{font-size:.9rem;color:var(--muted);border-top:1px solid var(--line);padding-top:.75rem;
margin-top:1.5rem}
nav{font-size:.9rem;margin:.25rem 0 2rem;display:flex;flex-wrap:wrap;gap:.25rem 1rem}
a{color:var(--selfplay)}
h2{font-size:1.3rem;line-height:1.25;margin:3.25rem 0 .5rem;text-wrap:balance}
h3{font-size:1rem;margin:2rem 0 .4rem}
figure{margin:2.25rem 0 0}
figure .title{font-weight:650;margin:0 0 .35rem}
figcaption{font-size:.9rem;line-height:1.5;color:var(--muted);margin-top:.4rem;max-width:46rem;
overflow-wrap:anywhere}
.scroll{overflow-x:auto;-webkit-overflow-scrolling:touch}
.scroll svg{display:block;width:100%;height:auto;min-width:40rem}
.scroll svg.small{width:auto;max-width:none;min-width:0}
table{border-collapse:collapse;font-size:.85rem;line-height:1.35;font-variant-numeric:tabular-nums;
min-width:100%}
th{min-width:3.5rem;font-weight:600;text-align:right;vertical-align:bottom;color:var(--muted);
border-bottom:1px solid var(--muted);padding:.3rem .6rem}
td{text-align:right;vertical-align:top;border-bottom:1px solid var(--line);padding:.3rem .6rem;
white-space:nowrap}
th:first-child,td:first-child,.words{text-align:left;white-space:normal}
td:first-child{min-width:12rem}small{color:var(--muted);font-size:.92em;white-space:nowrap}.words{min-width:14rem}
th:first-child,td:first-child{padding-left:0}
.note{font-size:.85rem;color:var(--muted);margin:.5rem 0 0;max-width:46rem}
li{margin:.25rem 0;overflow-wrap:anywhere}
pre,code{font:.85rem/1.5 ui-monospace,"SFMono-Regular",Menlo,Consolas,"DejaVu Sans Mono",monospace}
pre{background:var(--wash);padding:.75rem 1rem;border-radius:.3rem;white-space:pre-wrap;
overflow-wrap:anywhere}
.swipe{display:none}
@media screen and (max-width:40rem){main{padding:1.5rem 1rem 3rem}
.swipe{display:block;font-size:.85rem;color:var(--muted);margin:0 0 .25rem}
.scroll{border-right:2px solid var(--line)}.scroll.table{border:0;overflow:visible}
thead{display:none}table,tbody,tr,td{display:block;min-width:0}
tr{border-bottom:1px solid var(--muted);padding:.5rem 0}
td,td:first-child,.words{white-space:normal;min-width:0;padding:.15rem 0;border:0}
td:not(:first-child){display:flex;justify-content:space-between;gap:1rem;overflow-wrap:anywhere}
td:not(:first-child)::before{content:attr(data-head);text-align:left;color:var(--muted)}
td:first-child{font-weight:600}}
@media print{@page{margin:15mm 14mm}html{font-size:9.5pt}main{max-width:none;padding:0}
nav{display:none}table{font-size:7.2pt}th,td{padding:.15rem .3rem}figure{margin-top:1.25rem}
figure,tr{break-inside:avoid}h2,h3,figure .title{break-after:avoid}h2{margin-top:2rem}
.scroll{overflow:visible}.scroll svg{min-width:0;max-height:82mm}
.scroll svg.tall{max-height:205mm}.scroll svg.small{max-width:100%;max-height:70mm}
td:first-child{min-width:34mm}.words{min-width:0}td,th{white-space:normal}a{color:inherit}}
"""


def write_page(
    found: Comparison,
    views: Sequence[View],
    pool: Pool | None,
    pictures: Sequence[Picture],
    subject: str,
    command: str,
    written: str,
) -> str:
    """The page; ``subject`` is what was compared, ``command`` repeats it."""
    runs = sum(len(group.runs) for group in found.groups)
    settings = found.groups[0].runs[0].settings
    out = f"; {len(found.skipped)} left out" if found.skipped else ""
    facts = f"{settings.game}, {_count(runs, 'run')} in {_count(len(found.groups), 'group')}{out}."
    sections = [
        ("figures", "Figures", "".join(_figure(each) for each in pictures)),
        ("tables", "Tables", "".join(_table(each) for each in _tables(found, views, pool))),
        ("notes", "Notes", _notes(found)),
        ("measured", "How it was measured", _measured(found, views)),
        ("repeat", "How to repeat it", _repeat(command, written)),
    ]
    body = "".join(
        f'<section id="{name}"><h2>{title}</h2>{text}</section>' for name, title, text in sections
    )
    links = "".join(f'<a href="#{name}">{title}</a>' for name, title, _ in sections)
    more = [found.charged_sentence, *(f"{_search(view)}: {view.sentence}" for view in views[1:])]
    second = "".join(f'<p class="second">{_sentence(each)}</p>' for each in more if each)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta name="generator" content="{GENERATOR}">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<title>{escape(subject)}: {escape(found.sentence)}</title>"
        f"<style>{style_sheet()}{_CSS}</style></head><body><main><header>"
        f'<h1>Comparison of {escape(subject)}</h1><p class="answer">{_sentence(found.sentence)}</p>'
        f'{second}<p class="facts">{escape(facts)}</p><nav>{links}</nav></header>'
        f"{body}</main></body></html>\n"
    )


def _tables(found: Comparison, views: Sequence[View], pool: Pool | None) -> list[Table]:
    named = [groups_table(views)]
    crossings = []
    for free, charged in ((True, ""), (False, ", the expert charged")):
        for view in views:
            shown = chief_crossings(view.curves, view.crossings if free else view.crossings_charged)
            crossings.append(crossings_table(shown, f"Crossings{charged}: {view.title}"))
    law = [fits_table(found.fits, found.loss), elasticities_table(found)]
    rated = [] if pool is None else [pool_table(pool)]
    return [table for table in (*named, *crossings, *law, *rated) if table.rows]


def _figure(drawn: Picture) -> str:
    kind = {"matrix": "small", "strength-groups": "tall", "epochs": "tall"}.get(drawn.name, "plain")
    svg = drawn.svg.replace("<svg ", f'<svg class="{kind}" ', 1)
    return (
        f'<figure id="figure-{drawn.name}"><p class="title">{escape(drawn.title)}</p>'
        '<p class="swipe">wider than this screen: swipe sideways</p>'
        f'<div class="scroll" tabindex="0" role="group" aria-label="{escape(drawn.title)}">'
        f"{svg}</div>"
        f"<figcaption>{escape(drawn.caption)}</figcaption></figure>"
    )


def _table(table: Table) -> str:
    words = {i for i, head in enumerate(table.heads) if head.startswith("parameters (")}
    kind = [' class="words"' if i in words else "" for i in range(len(table.heads))]
    named = [f' data-head="{escape(head)}"' for head in table.heads]  # shown on narrow screens
    heads = "".join(
        f'<th scope="col"{kind[i]}>{escape(head)}</th>' for i, head in enumerate(table.heads)
    )
    rows = "".join(
        "<tr>"
        + "".join(f"<td{kind[i]}{named[i]}>{_cell(cell)}</td>" for i, cell in enumerate(row))
        + "</tr>"
        for row in table.rows
    )
    note = f'<p class="note">{escape(table.note)}.</p>' if table.note else ""
    return (
        f'<h3>{escape(table.title)}</h3><div class="scroll table" tabindex="0" role="group" '
        f'aria-label="{escape(table.title)}"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{note}"
    )


def _cell(text: str) -> str:
    """A value with its interval below it."""
    found = re.fullmatch(r"([^ ]+(?: points| nats)?) (\([^()]*\))", text)
    if found is None:
        return escape(text)
    return f"{escape(found[1])}<br><small>{escape(found[2])}</small>"


def _notes(found: Comparison) -> str:
    if not found.notes:
        return "<p>Nothing was left out.</p>"
    return "<ul>" + "".join(f"<li>{_sentence(note)}</li>" for note in found.notes) + "</ul>"


def _measured(found: Comparison, views: Sequence[View]) -> str:
    settings = found.groups[0].runs[0].settings
    judged = f"Positions with truth: {settings.positions or 'those that ship with the game'}."
    if settings.inferences:
        judged = (
            f"Problems kept aside: the first {settings.limit:,} of "
            f"{settings.problems or 'those that ship with the game'}."
        )
    told = [
        f"Game: {settings.game}. {judged} Search where there is one: {settings.effort}.",
        "Measures, each in figures of its own and never mixed: "
        + "; ".join(view.title for view in views)
        + ".",
        f"The laws are of the {spell_metric(found.loss)}: the least value of each run."
        if found.loss
        else "There are no power laws: they are of losses, and the runs have scores only.",
        "Compute is FLOPs at 2 a multiply-add, of the learner (3 times forwards a sample) and of "
        "generating data (forwards a position evaluated). Measuring is not charged.",
        "Curves are means over seeds on a common grid of 20 points a factor of ten, straight "
        "between measurements in the logarithm of compute, never beyond what all seeds of a group "
        "reached.",
        "Intervals are of 95%: a multiplier bootstrap over seeds, with the spread of Student's t, "
        "then over the test positions. A group of one seed has none.",
        "Crossing: the compute from which on the mean of one regime stays better than that of the "
        "other. Only regimes of own games against regimes that are taught are compared, at equal "
        "size of the net where both have it.",
        "Laws are fitted in logarithms by the sum of Huber losses; the held-out error is that of "
        "a fit without the largest half-decade.",
    ]
    if found.charged:
        told.append(
            f"Where the expert is charged, each CPU second of it counts "
            f"{spell_flops(found.flop_rate)} FLOPs: all FLOPs of the runs over their wall time."
        )
    return "<ul>" + "".join(f"<li>{escape(each)}</li>" for each in told) + "</ul>"


def _repeat(command: str, written: str) -> str:
    return (
        f"<pre>{escape(command)}</pre><p>The numbers are in <code>compare.json</code> beside this "
        f"page, the figures as SVG and PNG in <code>compare/figures</code>. Written "
        f"{escape(written)}.</p>"
    )


def _search(view: View) -> str:
    return view.title.partition(", ")[2] or view.title


def _sentence(text: str) -> str:
    return escape(text[:1].upper() + text[1:]) + "."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")

"""Print every option of a recipe, or every metric of a run, with its meaning."""

from __future__ import annotations

import argparse
import itertools
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from selfplay.verbs.answer import Answer
from selfplay.verbs.arguments import Parser

if TYPE_CHECKING:
    from selfplay.section import Section

OPTIONS = """\
# Options

Each table is a section of a recipe, a TOML file; the first stands above all sections. `net`,
`search`, `regime` and `backend` have kinds, chosen by `kind`. This page is what `selfplay config`
prints."""


METRICS = """\
# Metrics

What `metrics.jsonl` and TensorBoard hold; the x axis, `step`, is positions generated. In
TensorBoard `strength/*` is called `1_strength/*`, so that it comes first, and stands in Custom
Scalars too; its intervals and sets are in groups of their own. Means over moves include fast moves,
and the moves of games still running. A metric with an interval has `_low` and `_high` beside it,
the ends of 95%. This page is what `selfplay config metrics` prints."""


def arguments(parser: Parser) -> None:
    parser.add_argument(
        "what", nargs="?", choices=("options", "metrics"), default="options",
        help="the options of recipes, or the metrics of runs (default: options)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> Answer:
    if arguments.what == "options":
        print("\n\n".join([OPTIONS, *itertools.starmap(_table, _sections())]))
    else:
        print(METRICS, *_metrics(), sep="\n")
    return Answer({})


def _sections() -> Iterator[tuple[str, type[Section]]]:
    """The heading of each section and the class that it is read into."""
    from selfplay.config import Config
    from selfplay.section import Section, kinds_of

    yield "Top level", Config
    for name, field in Config.model_fields.items():
        if isinstance(field.default, Section):
            default = type(field.default)
            for kind in kinds_of(field):
                mark = kind.model_fields.get("kind")
                suffix = f', kind = "{mark.default}"' if mark else ""
                suffix += ", the default" if mark and kind is default else ""
                yield f"[{name}]{suffix}", kind


def _table(title: str, kind: type[Section]) -> str:
    from selfplay.section import Section

    about = " ".join((kind.__doc__ or "").partition("\n\n")[0].split()).replace("``", "`")
    about = re.sub(r"^Section `[^`]*`( with `[^`]*`)?[:.] *", "", about)
    rows = [
        f"| `{name}` | {_default(field)} | {' '.join(str(field.description).split())} |"
        for name, field in kind.model_fields.items()
        if name != "kind" and not isinstance(field.default, Section)
    ]
    head = ["| Option | Default | Meaning |", "|---|---|---|"]
    intro = [f"{about[0].upper()}{about[1:]}", ""] if about else []
    return "\n".join([f"## {title}", "", *intro, *(head if rows else []), *rows]).rstrip()


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    return "none" if field.default is None else f"`{json.dumps(field.default)}`"


def _metrics() -> list[str]:
    from selfplay.training.metrics import table

    rows = [
        f"| `{each.name}` | {each.meaning} | {each.unit} | {each.better} | "
        f"{'yes' if each.interval else ''} |"
        for each in table()
    ]
    head = ["", "| Metric | Definition | Unit | Better | Interval |", "|---|---|---|---|---|"]
    return [*head, *rows]

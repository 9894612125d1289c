"""Print what a recipe may say, as Markdown: every option with its default and meaning."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, get_args

from selfplay.verbs.answer import Answer
from selfplay.verbs.arguments import Parser

if TYPE_CHECKING:
    from selfplay.section import Section

HEAD = """\
# Options

Each table is a section of a recipe, a TOML file; the first stands above all sections. `net`,
`search`, `regime` and `backend` have kinds, chosen by `kind`. This page is what `selfplay config`
prints."""


def arguments(parser: Parser) -> None:
    pass


def run(arguments: argparse.Namespace) -> Answer:
    print("\n\n".join([HEAD, *map(_table, sections())]))
    return Answer({})


def sections() -> Iterator[tuple[str, type[Section]]]:
    """The heading of each section and the class that it is read into."""
    from selfplay.config import Config
    from selfplay.section import Section

    yield "Top level", Config
    for name, field in Config.model_fields.items():
        if isinstance(field.default, Section):
            default = type(field.default)
            for kind in _kinds(field.annotation):
                mark = kind.model_fields.get("kind")
                suffix = f', kind = "{mark.default}"' if mark else ""
                suffix += ", the default" if mark and kind is default else ""
                yield f"[{name}]{suffix}", kind


def _kinds(annotation: Any) -> list[type[Section]]:
    """The classes that a field of the configuration may be."""
    return list(get_args(annotation)) or [annotation]


def _table(titled: tuple[str, type[Section]]) -> str:
    from selfplay.section import Section

    title, kind = titled
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
    if field.default is None:
        return "none"
    return f"`{_toml(field.default)}`"


def _toml(value: Any) -> str:
    return json.dumps(list(value) if isinstance(value, tuple) else value)

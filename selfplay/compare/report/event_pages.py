"""What a comparison shows beside its curves, for TensorBoard: figures as images, tables as text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard.summary import text

from selfplay.compare.report.canvas import Picture
from selfplay.compare.report.events import open_events
from selfplay.compare.report.table import Table

RUN = "report"  # TensorBoard's name of what is of no single group


def write_pages(folder: Path, pictures: Sequence[Picture], tables: Sequence[Table]) -> None:
    """Writes the run ``RUN`` below ``folder``: each figure under Images, each table under Text.

    Raises ValueError with a sentence where the disk does not take it.
    """
    now = time.time()
    (folder / RUN).mkdir()
    file = open_events(folder / RUN, now)
    for each in pictures:
        width, height = (int.from_bytes(each.png[at : at + 4], "big") for at in (16, 20))
        image = Summary.Image(
            encoded_image_string=each.png, colorspace=4, width=width, height=height
        )
        value = Summary.Value(tag=f"{each.name}/{each.title}", image=image)
        file.add(0, now, summary=Summary(value=[value]))
    for table in tables:
        file.add(0, now, summary=text(table.title, as_markdown(table)))
    file.close()


def as_markdown(table: Table) -> str:
    """The table as Markdown; what would be mark-up in a cell is text."""
    ruler = ["---" if words else "---:" for words in (True, *table.words[1:])]
    rows = [table.heads, ruler, *table.rows]
    lines = ["".join(f"| {_plain(cell)} " for cell in row) + "|" for row in rows]
    return "\n".join([*lines, "", _plain(table.note)]) if table.note else "\n".join(lines)


def _plain(cell: str) -> str:
    escaped = cell.replace("&", "&amp;").replace("<", "&lt;").replace("|", "&#124;")
    return escaped.replace("*", "&#42;").replace("_", "&#95;").replace("`", "&#96;")

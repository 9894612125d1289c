"""``selfplay compare``: runs are read and compared, and what they say is written down."""

from __future__ import annotations

import datetime
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from selfplay.compare.comparison import Comparison, compare
from selfplay.compare.content import comparison_json
from selfplay.compare.output import OWN, REPORT, choose_folder, prepare, write
from selfplay.compare.pool import Pool, read_pool
from selfplay.compare.views import View, make_views

MOST_RUNS = 40  # that TensorBoard's older pages choose by themselves


class Published(NamedTuple):
    """What was found, and where it was written."""

    found: Comparison
    views: tuple[View, ...]
    pool: Pool | None
    content: dict[str, Any]  # of compare.json
    folder: Path

    @property
    def report(self) -> Path:
        return self.folder / REPORT

    @property
    def figures(self) -> Path:
        return self.folder / OWN / "figures"

    @property
    def logdir(self) -> Path:
        """What TensorBoard shows at once: of many runs its Custom Scalars choose none."""
        groups = self.found.groups
        count = len(groups) + sum(len(group.runs) for group in groups)
        return self.folder / OWN if count > MOST_RUNS else self.folder


def publish(names: list[str], metric: str, loss: str, out: str | None, command: str) -> Published:
    """Compares the runs and writes report, numbers, figures and curves for TensorBoard.

    Raises ValueError or ImportError with a sentence; then nothing has been written.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise ImportError(
            "the figures need matplotlib, which is not installed: pip install 'selfplay[compare]'"
        )
    found = compare(names, metric, loss)
    folder = choose_folder(names, out)
    prepare(folder)
    views = make_views(found)
    pool = _read_pool(names)
    content = comparison_json(found, views, pool)
    from selfplay.compare.canvas import standalone
    from selfplay.compare.events import write_events
    from selfplay.compare.figures import draw_all
    from selfplay.compare.page import write_page

    pictures = draw_all(found, views, pool)
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    page = write_page(found, views, pool, pictures, _subject(names), command, now)

    def fill(own: Path) -> None:
        figures = own / "figures"
        figures.mkdir()
        for each in pictures:
            (figures / f"{each.name}.svg").write_text(standalone(each), encoding="utf-8")
            (figures / f"{each.name}.png").write_bytes(each.png)
        write_events(own, views)

    write(folder, page, content, fill)
    return Published(found, views, pool, content, folder)


def _read_pool(names: Sequence[str]) -> Pool | None:
    """The first pool in the folders that were named."""
    folders = [Path(name) for name in names if Path(name).is_dir()]
    return next((pool for each in folders if (pool := read_pool(each)) is not None), None)


def _subject(names: Sequence[str]) -> str:
    if len(names) <= 3:
        return ", ".join(names)
    return f"{', '.join(names[:2])} and {len(names) - 2} more"

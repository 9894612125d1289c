"""``selfplay compare``: runs are read and compared, and what they say is written down."""

from __future__ import annotations

import datetime
import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from selfplay.compare.comparison import Comparison, compare
from selfplay.compare.pool import Pool, read_pool
from selfplay.compare.report.content import comparison_json
from selfplay.compare.report.output import OWN, REPORT, choose_folder, prepare, write

MOST_RUNS = 40  # that TensorBoard's older pages choose by themselves


class Published(NamedTuple):
    """A comparison, and where it was written."""

    comparison: Comparison
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
        groups = self.comparison.groups
        count = len(groups) + sum(len(group.runs) for group in groups)
        return self.folder / OWN if count > MOST_RUNS else self.folder


class Request(NamedTuple):
    """What is asked for."""

    names: tuple[str, ...]  # of runs, or of folders that hold runs
    metric: str | None  # of the curves; None: by what the runs have
    loss: str | None  # of the laws; None: likewise
    out: str | None  # None: see output.choose_folder
    pool: int | None  # games a pair to play first; None: the pool is shown if there is one
    simulations: int | None  # of the pool, 0: the nets alone; None: play_pool.SIMULATIONS
    command: str  # that repeats it


def publish(asked: Request, tell: Callable[[str], None] = lambda _: None) -> Published:
    """Compares the runs and writes report, numbers, figures and curves for TensorBoard.

    Raises ValueError or ImportError with a sentence; then no report has been written.
    """
    try:
        importlib.import_module("matplotlib")
    except ImportError as error:
        raise ImportError(
            "the figures need matplotlib, which is not installed: pip install 'selfplay[compare]'"
        ) from error
    names = asked.names
    comparison = compare(names, asked.metric, asked.loss)
    folder = choose_folder(names, asked.out)
    prepare(folder)
    if asked.pool is None:
        folders = dict.fromkeys([folder, *map(Path, names)])
        pool = next(filter(None, map(read_pool, folders)), None)
    else:
        pool = _play_pool(folder, comparison, asked.pool, asked.simulations, tell)
    comparison = comparison._replace(pool=pool)
    tell("drawing")
    content = comparison_json(comparison)
    from selfplay.compare.report.canvas import standalone
    from selfplay.compare.report.events import write_events
    from selfplay.compare.report.figures import draw_all
    from selfplay.compare.report.page import write_page

    pictures = draw_all(comparison)
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    page = write_page(comparison, pictures, _subject(names), asked.command, now)

    def fill(own: Path) -> None:
        figures = own / "figures"
        figures.mkdir()
        for each in pictures:
            (figures / f"{each.name}.svg").write_text(standalone(each), encoding="utf-8")
            (figures / f"{each.name}.png").write_bytes(each.png)
        write_events(own, comparison.views)

    write(folder, page, content, fill)
    return Published(comparison, content, folder)


def _play_pool(
    folder: Path,
    comparison: Comparison,
    games: int,
    simulations: int | None,
    tell: Callable[[str], None],
) -> Pool:
    """Plays what is missing of the pool of all runs."""
    from selfplay.compare.play_pool import SIMULATIONS, PoolOrder, play_pool

    order = PoolOrder(games, SIMULATIONS if simulations is None else simulations)
    return play_pool(
        folder,
        comparison.groups,
        order,
        lambda at: tell(f"match {at.played + 1} of {at.of}: {at.pair}"),
    )


def _subject(names: Sequence[str]) -> str:
    if len(names) <= 3:
        return ", ".join(names)
    return f"{', '.join(names[:2])} and {len(names) - 2} more"

"""``selfplay compare``: runs are read and compared, and what they say is written down::

    report.html  compare.json
    compare/  figures/strength.svg .png ...   report/events.out...   GROUP/events.out...
            made-by-selfplay-compare.json

The folder compare/ is replaced as a whole; nothing that somebody else wrote is overwritten.
"""

from __future__ import annotations

import datetime
import importlib
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from selfplay.compare.comparison import Comparison, compare
from selfplay.compare.compute import choose_compute
from selfplay.compare.pool import Pool, read_pool
from selfplay.compare.report.content import comparison_json
from selfplay.system.files import (
    aside,
    refuse_links_out,
    remove_abandoned,
    write_text_atomically,
)
from selfplay.training.folder import RunFolder
from selfplay.training.places import RUNS

if TYPE_CHECKING:
    from selfplay.compare.report.canvas import Picture

OWN = "compare"  # the folder below the one that is named
MARK = "made-by-selfplay-compare.json"  # in it: names all files that are ours
GENERATOR = "selfplay compare"  # what page.html says that it is of
REPORT, NUMBERS = "report.html", "compare.json"
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
    out: str | None  # None: see _choose_folder
    pool: int | None  # games a pair to play first; None: the pool is shown if there is one
    simulations: int | None  # of the pool, 0: the nets alone; None: play_pool.SIMULATIONS
    command: str  # that repeats it
    compute: str | None = None  # how compute is counted; None: in FLOPs


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
    comparison = compare(names, asked.metric, asked.loss, choose_compute(asked.compute))
    folder = _choose_folder(names, asked.out)
    _prepare(folder)
    if asked.pool is None:
        folders = dict.fromkeys([folder, *map(Path, names)])
        pool = next(filter(None, map(read_pool, folders)), None)
    else:
        pool = _play_pool(folder, comparison, asked.pool, asked.simulations, tell)
    comparison = comparison._replace(pool=pool)
    tell("drawing")
    from selfplay.compare.report.figures import draw_all
    from selfplay.compare.report.page import write_page

    content = comparison_json(comparison)
    pictures = draw_all(comparison)
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    subject = ", ".join(names if len(names) <= 3 else names[:2])
    subject += f" and {len(names) - 2} more" if len(names) > 3 else ""
    page = write_page(comparison, pictures, subject, asked.command, now)
    _write_own(folder / OWN, pictures, comparison)
    numbers = json.dumps(content, indent=1, ensure_ascii=False)
    write_text_atomically(folder / NUMBERS, numbers + "\n")
    write_text_atomically(folder / REPORT, page)
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


def _choose_folder(names: Sequence[str], out: str | None) -> Path:
    """``out``, else the folder of runs if just one was named, else runs/compare.

    The report on all of ``runs`` lies in runs/compare too: no report has that name for its parts.
    """
    if out:
        return Path(out)
    only = Path(names[0])
    alone = len(names) == 1 and only.is_dir() and not RunFolder(only).config_file.is_file()
    return only if alone and only.resolve() != RUNS.resolve() else RUNS / OWN


def _prepare(folder: Path) -> None:
    """Makes the folder; ValueError with a sentence where nothing can be written into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = aside(folder / OWN)
        probe.mkdir()
        probe.rmdir()
    except OSError as error:
        why = error.strerror or error
        raise ValueError(f"cannot write into {folder} ({why}); name another with --out") from error
    refuse_links_out(folder, (OWN,))
    own = folder / OWN
    if own.exists() and not _is_ours(own):
        raise ValueError(f"{own} is not of selfplay compare; move it or name another --out")
    for name, sign in ((REPORT, GENERATOR), (NUMBERS, '"sentence"')):
        path = folder / name
        if path.exists() and not (path.is_file() and sign in _head(path)):
            raise ValueError(f"{path} is not of selfplay compare; move it or name another --out")


def _write_own(own: Path, pictures: Sequence[Picture], comparison: Comparison) -> None:
    """Figures and files for TensorBoard, in a folder that takes the place of ``own`` when whole."""
    from selfplay.compare.report.canvas import standalone
    from selfplay.compare.report.event_pages import write_pages
    from selfplay.compare.report.events import write_events
    from selfplay.compare.report.one_pass_events import write_one_passes
    from selfplay.compare.report.page import report_tables

    remove_abandoned(own)
    made = aside(own)
    try:
        (made / "figures").mkdir(parents=True)
        for each in pictures:
            svg, png = (made / "figures" / f"{each.name}.{end}" for end in ("svg", "png"))
            svg.write_text(standalone(each), encoding="utf-8")
            png.write_bytes(each.png)
        write_pages(made, pictures, report_tables(comparison))
        write_one_passes(made, comparison.one_passes)
        write_events(made, comparison.views)
        files = sorted(str(p.relative_to(made)) for p in made.rglob("*") if p.is_file())
        (made / MARK).write_text(json.dumps({"files": files}, indent=1) + "\n", encoding="utf-8")
        _replace(own, made)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _replace(own: Path, new: Path) -> None:
    """Puts ``new`` in the place of ``own``, of which only our own files go away."""
    if own.exists():
        files = RunFolder(own).read_json(MARK).get("files")
        ours = {MARK, *map(str, files if isinstance(files, list) else [])}
        for path in [p for p in own.rglob("*") if not p.is_dir() or p.is_symlink()]:
            name = path.relative_to(own)
            if str(name) not in ours and not (new / name).exists():
                (new / name.parent).mkdir(parents=True, exist_ok=True)
                path.rename(new / name)
        old = aside(own.with_name(f"{OWN}.old"))
        own.rename(old)
        new.rename(own)
        shutil.rmtree(old, ignore_errors=True)
    else:
        new.rename(own)


def _is_ours(folder: Path) -> bool:
    return (folder / MARK).is_file() or (folder.is_dir() and not any(folder.iterdir()))


def _head(path: Path) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(4096)

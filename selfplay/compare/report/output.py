"""Where a comparison is written: two files, and a folder of its own that is replaced as a whole::

    report.html  compare.json
    compare/  figures/strength.svg .png ...   GROUP/events.out...   made-by-selfplay-compare.json

Nothing that somebody else wrote is overwritten or deleted.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from selfplay.system.files import (
    aside,
    refuse_links_out,
    remove_abandoned,
    write_text_atomically,
)
from selfplay.training.folder import RUNS, RunFolder

OWN = "compare"  # the folder below the one that is named
MARK = "made-by-selfplay-compare.json"  # in it: names all files that are ours
GENERATOR = "selfplay compare"  # what a report of ours says that it is
REPORT, NUMBERS = "report.html", "compare.json"


def choose_folder(names: Sequence[str], out: str | None) -> Path:
    """``out``, else the folder of runs if just one was named, else runs/compare.

    The report on all of ``runs`` lies in runs/compare too: no report has that name for its parts.
    """
    if out:
        return Path(out)
    only = Path(names[0])
    alone = len(names) == 1 and only.is_dir() and not RunFolder(only).config_file.is_file()
    return only if alone and only.resolve() != RUNS.resolve() else RUNS / OWN


def prepare(folder: Path) -> None:
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


def write(folder: Path, page: str, content: dict[str, Any], fill: Callable[[Path], None]) -> None:
    """Writes everything; ``fill`` writes what lies in the folder of its own."""
    own = folder / OWN
    remove_abandoned(own)
    made = aside(own)
    try:
        made.mkdir()
        fill(made)
        files = sorted(str(p.relative_to(made)) for p in made.rglob("*") if p.is_file())
        (made / MARK).write_text(json.dumps({"files": files}, indent=1) + "\n", encoding="utf-8")
        _replace(own, made)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    write_text_atomically(
        folder / NUMBERS, json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    )
    write_text_atomically(folder / REPORT, page)


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

"""Links in a folder that lead out of it: nothing is written where they lead."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def refuse_links_out(folder: Path, names: Iterable[str]) -> None:
    """Raises ValueError with a sentence when a part of ``folder`` really lies elsewhere."""
    home = os.path.realpath(folder)
    for name in names:
        place = os.path.realpath(folder / name)
        if os.path.commonpath([home, place]) != home:
            raise ValueError(
                f"{folder / name} is a link that leads out of the folder, to {place}: nothing is "
                f"written there; put what it holds in its place, or give another folder with --out"
            )

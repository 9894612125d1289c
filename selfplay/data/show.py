"""What a data set holds, for people and for scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selfplay.data.dataset import size_on_disk
from selfplay.data.generate import Progress
from selfplay.data.manifest import Manifest
from selfplay.system.printable import in_one_line

_HEADS = ("games", "positions", "unique", "duplicates", "first wins", "draws", "second wins")


def data_lines(folder: Path, manifest: Manifest) -> list[str]:
    """A table by split, and what is known of the source."""
    source = manifest.source
    lines = [
        f"{folder}: {manifest.game}, {manifest.counts['all'].games:,} games of {source.expert}",
        f"  {'split':12}" + "".join(f"{head:>13}" for head in _HEADS),
    ]
    for split, counts in manifest.counts.items():
        if counts.positions or split != "dropped":
            cells = "".join(f"{value:>13,}" for value in counts)
            lines.append(f"  {split.replace('_', ' '):12}{cells}")
    if manifest.counts["dropped"].positions:
        lines.append("  (dropped: positions of validation games that occur in training too)")
    lines += [
        f"  expert       {source.expert_s:,.1f} CPU seconds"
        + (f", {source.expert_flops:.2g} FLOPs of nets" if source.expert_flops else ""),
        f"  licence      {source.licence or 'not stated'}",
        f"  on disk      {size_on_disk(folder) / 1e6:,.1f} MB in {len(manifest.shards)} shards",
        f"  made         {manifest.created}",
    ]
    return [in_one_line(line) for line in (*lines, *(f"  note         {n}" for n in source.notes))]


def data_json(folder: Path, manifest: Manifest) -> dict[str, Any]:
    """The same as one object."""
    return {
        "data": str(folder),
        "game": manifest.game,
        "spec": manifest.spec,
        "actions": manifest.actions,
        "source": manifest.source._asdict(),
        "counts": {split: counts._asdict() for split, counts in manifest.counts.items()},
        "shards": len(manifest.shards),
        "bytes": size_on_disk(folder),
        "created": manifest.created,
    }


def progress_text(done: Progress) -> str:
    """How far the making of a data set is."""
    left = done.wall_s * (done.of - done.games) / done.games
    return (
        f"{done.games:,} of {done.of:,} games · {done.positions:,} positions · "
        f"{done.expert_s:,.0f} CPU seconds of the expert · {left:,.0f} s left"
    )

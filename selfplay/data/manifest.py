"""manifest.json of a data set: where it comes from, what is in it, the hashes of its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from selfplay.system.files import write_text_atomically
from selfplay.system.text import read_text

FORMAT = 1
NAME = "manifest.json"
_BYTES = 1 << 26  # of a manifest at most


class Source(NamedTuple):
    """Where games come from and what they cost."""

    expert: str  # "solver, temperature 1", "WTHOR 1977-2021"
    licence: str = ""
    expert_s: float = 0.0  # CPU seconds that the expert took
    expert_flops: float = 0.0  # of its nets, at 2 a multiply-add
    notes: tuple[str, ...] = ()


class Counts(NamedTuple):
    """What a split holds."""

    games: int = 0  # with a position in the split
    positions: int = 0
    unique: int = 0  # positions, mirror images counted once
    duplicates: int = 0  # positions - unique
    first_wins: int = 0  # games that brought the first player more than 0
    draws: int = 0
    second_wins: int = 0


class Shard(NamedTuple):
    """One folder of columns."""

    name: str
    rows: int
    sha256: dict[str, str]  # by file name


class Manifest(NamedTuple):
    """All that is known of a data set without opening its columns."""

    format: int
    spec: str  # how envs.make builds the game
    game: str  # its name, which tells the board size
    actions: int
    source: Source
    counts: dict[str, Counts]  # by split; "all" is the whole set
    shards: tuple[Shard, ...]
    created: str  # UTC

    @property
    def positions(self) -> int:
        return sum(shard.rows for shard in self.shards)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes the file whole or not at all."""
    plain = manifest._asdict() | {
        "source": manifest.source._asdict(),
        "counts": {split: counts._asdict() for split, counts in manifest.counts.items()},
        "shards": [shard._asdict() for shard in manifest.shards],
    }
    write_text_atomically(folder / NAME, json.dumps(plain, indent=2, ensure_ascii=False) + "\n")


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a data set.

    Raises ValueError with a sentence when there is none, or when it is damaged or of another
    format.
    """
    path = folder / NAME
    if not folder.is_dir():
        raise ValueError(f"there is no data set {folder}; make one with 'selfplay data'")
    if not path.is_file():
        raise ValueError(
            f"{folder} is no whole data set: it has no {NAME}, which is written last; name "
            f"another, or make it anew with 'selfplay data' and --out"
        )
    text = read_text(path, strict=True, limit=_BYTES)
    try:
        plain = json.loads(text)
        found = plain["format"]
        if found == FORMAT:
            return _parsed(plain)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"{path} is damaged ({reason}); make the data set again") from error
    raise ValueError(f"{path} has data format {str(found)[:40]}, this version reads {FORMAT}")


def _parsed(plain: dict[str, Any]) -> Manifest:
    """Raises ValueError, or what Python does, where a part is not what it must be."""
    source = Source(**plain["source"])
    if not isinstance(source.notes, (list, tuple)):
        raise ValueError("the notes are no list")
    source = source._replace(notes=tuple(source.notes))
    if not all(type(value) in (int, float) for value in (source.expert_s, source.expert_flops)):
        raise ValueError("a cost is no number")
    _check_texts(source.expert, source.licence, *source.notes)
    _check_texts(plain["spec"], plain["game"], plain["created"])
    counts = {split: Counts(**plain["counts"][split]) for split in plain["counts"]}
    for split in ("train", "validation", "held_out", "dropped", "all"):
        if plain["counts"][split].keys() != counts[split]._asdict().keys():
            raise ValueError(f"the counts of {split} are not complete")
        _check_counts(*counts[split])
    _check_counts(plain["actions"])
    shards = tuple(Shard(**shard) for shard in plain["shards"])
    if not shards:
        raise ValueError("it names no shard")
    for shard in shards:
        _check_shard(shard)
    return Manifest(**plain | {"source": source, "counts": counts, "shards": shards})


def _check_shard(shard: Shard) -> None:
    names = [shard.name, *shard.sha256]
    if not all(isinstance(name, str) and Path(name).name == name for name in names):
        raise ValueError("a name that leads out of the folder")
    _check_texts(*shard.sha256.values())
    if type(shard.rows) is not int or not 1 <= shard.rows < 1 << 40:
        raise ValueError(f"a shard of {shard.rows} rows")


def _check_texts(*values: object) -> None:
    for value in values:
        if not isinstance(value, str):
            raise ValueError(f"{str(value)[:40]} stands where a text is expected")


def _check_counts(*values: object) -> None:
    for value in values:
        if type(value) is not int or value < 0:
            raise ValueError(f"{str(value)[:40]} stands where a number of things is expected")

"""manifest.json of a data set: where it comes from, what is in it, the hashes of its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from selfplay.system.files import write_text_atomically
from selfplay.system.text import read_text

FORMAT = 1
NAME = "manifest.json"
_BYTES = 1 << 26  # of a manifest at most


def _inside(name: str) -> str:
    if Path(name).name != name:
        raise ValueError("a name that leads out of the folder")
    return name


def _whole(counts: dict[str, Counts]) -> dict[str, Counts]:
    if missing := {"train", "validation", "held_out", "dropped", "all"} - counts.keys():
        raise ValueError(f"the counts of {' and '.join(sorted(missing))} are missing")
    return counts


def _some(shards: tuple[Shard, ...]) -> tuple[Shard, ...]:
    if not shards:
        raise ValueError("it names no shard")
    return shards


Count = Annotated[int, Field(ge=0)]
Name = Annotated[str, AfterValidator(_inside)]  # of a file or a folder


class Source(NamedTuple):
    """Where games come from and what they cost."""

    expert: str  # "solver, temperature 1", "WTHOR 1977-2021"
    licence: str = ""
    expert_s: float = 0.0  # CPU seconds that the expert took
    expert_flops: float = 0.0  # of its nets, at 2 a multiply-add
    notes: tuple[str, ...] = ()


class Counts(NamedTuple):
    """What a split holds."""

    games: Count  # with a position in the split
    positions: Count
    unique: Count  # positions, mirror images counted once
    duplicates: Count  # positions - unique
    first_wins: Count  # games that brought the first player more than 0
    draws: Count
    second_wins: Count


class Shard(NamedTuple):
    """One folder of columns."""

    name: Name
    rows: Annotated[int, Field(ge=1, lt=1 << 40)]
    sha256: dict[Name, str]  # by file name


class Manifest(NamedTuple):
    """All that is known of a data set without opening its columns."""

    format: int
    spec: str  # how envs.make builds the game
    game: str  # its name, which tells the board size
    actions: Count
    source: Source
    counts: Annotated[dict[str, Counts], AfterValidator(_whole)]  # by split; "all": the whole set
    shards: Annotated[tuple[Shard, ...], AfterValidator(_some)]
    created: str  # UTC

    @property
    def positions(self) -> int:
        return sum(shard.rows for shard in self.shards)


_MANIFEST = TypeAdapter(Manifest, config=ConfigDict(strict=True))


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
        found = json.loads(text)["format"]
        if found == FORMAT:
            return _MANIFEST.validate_json(text)
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        reason = _reason(error)
        raise ValueError(f"{path} is damaged ({reason}); make the data set again") from error
    raise ValueError(f"{path} has data format {str(found)[:40]}, this version reads {FORMAT}")


def _reason(error: Exception) -> object:
    """What is wrong with a manifest, in a few words."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}"
    return f"it lacks {error}" if isinstance(error, KeyError) else error

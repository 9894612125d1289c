"""manifest.json of a data set: its source, what it holds, hashes of its files; told in words."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from selfplay.system.files import write_text_atomically
from selfplay.system.printable import in_one_line
from selfplay.system.text import read_text

FORMAT = 1
NAME = "manifest.json"
_BYTES = 1 << 26  # of a manifest at most
_HEADS = ("games", "positions", "unique", "duplicates", "first wins", "draws", "second wins")


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


_MANIFEST = TypeAdapter(Manifest, config=ConfigDict(strict=True))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes the file whole or not at all."""
    plain = _plain(manifest) | {"shards": [shard._asdict() for shard in manifest.shards]}
    write_text_atomically(folder / NAME, json.dumps(plain, indent=2, ensure_ascii=False) + "\n")


def read_manifest(folder: Path, game: str = "") -> Manifest:
    """The manifest of a data set, of a game by that name if one is given.

    Raises ValueError with a sentence when there is none, or when it is damaged or of another
    format.
    """
    path = folder / NAME
    if not folder.is_dir():
        raise ValueError(f"there is no data set {folder}; make one with {_made(folder, game)}")
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


def _made(folder: Path, game: str) -> str:
    """The commands that make a data set of a game."""
    out = f"--out {shlex.quote(str(folder))}"
    if game == "pong":  # nobody is an expert of it
        return (
            f"'selfplay mirror --player late --minutes 10 --out runs/mirror/late', then "
            f"'selfplay data mirror runs/mirror/late {out}'"
        )
    if game:
        return f"'selfplay data EXPERT {game} {out}' ('selfplay data --help' lists experts)"
    return "'selfplay data'"


def _reason(error: Exception) -> object:
    """What is wrong with a manifest, in a few words."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}"
    return f"it lacks {error}" if isinstance(error, KeyError) else error


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
        f"  on disk      {_size_on_disk(folder) / 1e6:,.1f} MB in {len(manifest.shards)} shards",
        f"  made         {manifest.created}",
    ]
    return [in_one_line(line) for line in (*lines, *(f"  note         {n}" for n in source.notes))]


def data_json(folder: Path, manifest: Manifest) -> dict[str, Any]:
    """The same as one object."""
    plain = _plain(manifest)
    kept = ("game", "spec", "actions", "source", "counts")
    return {
        "data": str(folder),
        **{name: plain[name] for name in kept},
        "shards": len(manifest.shards),
        "bytes": _size_on_disk(folder),
        "created": manifest.created,
    }


def _plain(manifest: Manifest) -> dict[str, Any]:
    """The manifest as objects of JSON, but for its shards."""
    counts = {split: counts._asdict() for split, counts in manifest.counts.items()}
    return manifest._asdict() | {"source": manifest.source._asdict(), "counts": counts}


def _size_on_disk(folder: Path) -> int:
    """The bytes of the files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

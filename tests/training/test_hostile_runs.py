"""Run folders of strangers: whatever their files say, the answer is a value or one sentence."""

from __future__ import annotations

import contextlib
import io
import json
import resource
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hostile import CONFIG, LINE, nonsense, replace_by_what_never_ends

from selfplay.config import Config
from selfplay.learning import checkpoint, shards
from selfplay.regimes.ledger import Ledger
from selfplay.sweep.forecast import read_paid
from selfplay.system.size_limits import refuse_swollen
from selfplay.system.text import read_object
from selfplay.training import metrics_file as metrics
from selfplay.training.agent import load_agent
from selfplay.training.folder import RunFolder
from selfplay.verbs import cli


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A small run whose checkpoint holds its net alone."""
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.write_json("config.json", CONFIG.dump())
    folder.write_json("provenance.json", {"finished": True})
    (folder.path / "metrics.jsonl").write_text(json.dumps(LINE) + "\n", encoding="utf-8")
    checkpoint.save(folder.checkpoint(1), whole(CONFIG))
    return folder


def whole(config: Config) -> dict[str, Any]:
    net = config.net.build(config.rules())
    return {"game": config.game, "iteration": 1, "config": config.dump(), "net": net.state_dict()}


def test_nonsense_in_the_files_of_a_run_is_a_value_or_a_sentence(run: RunFolder) -> None:
    path = run.path / "file"
    contents = list(nonsense())
    assert len(contents) > 100
    for content in contents:
        path.write_bytes(content)
        with contextlib.suppress(ValueError):
            assert isinstance(read_object(path), dict)
        assert isinstance(run.read_json("file"), dict)
        (run.path / "metrics.jsonl").write_bytes(content)
        lines = metrics.read_metrics(run.path)
        assert all(line["step"] >= 0 and line["phase"] for line in lines)
        read_paid(run.path)
        for name in ("config.json", "provenance.json"):
            (run.path / name).write_bytes(content)
        with contextlib.suppress(ValueError):
            run.config()


@pytest.mark.parametrize("name", ["config.json", "provenance.json", "metrics.jsonl"])
@pytest.mark.parametrize("kind", ["pipe", "zeros", "folder", "hole"])
def test_what_never_ends_is_not_read(name: str, kind: str, run: RunFolder) -> None:
    replace_by_what_never_ends(run.path / name, kind)
    assert run.read_json(name) == {}


@pytest.mark.parametrize("kind", ["pipe", "zeros", "hole"])
def test_a_checkpoint_that_never_ends_is_not_read(kind: str, run: RunFolder) -> None:
    path = run.checkpoint(1)
    replace_by_what_never_ends(path, kind)
    with pytest.raises(ValueError, match=str(path)):
        load_agent(str(run.path))


def rewritten(path: Path, change: Any, packed: int = zipfile.ZIP_STORED) -> None:
    """The zip at ``path`` with ``change(name, content)`` in place of each part."""
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as old:
        parts = [(each.filename, old.read(each)) for each in old.infolist()]
    with zipfile.ZipFile(path, "w", packed) as new:
        for name, content in parts:
            new.writestr(name, change(name, content))


def pickled(value: bytes) -> Any:
    """A change that puts ``value``, as pickled, in the place of the net."""
    head = b"\x80\x02}(X\x06\x00\x00\x00formatK\x01X\x03\x00\x00\x00net"
    return lambda name, content: head + value + b"u." if name.endswith("data.pkl") else content


def laughs() -> bytes:
    """Sixty lists, each of which holds the one before twice."""
    text = b"]q\x00"
    for k in range(1, 60):
        text += b"]q" + bytes([k]) + b"(h" + bytes([k - 1]) + b"h" + bytes([k - 1]) + b"e"
    return text


BOMBS = {
    "bytes": pickled(b"cbuiltins\nbytearray\n\x8a\x05\x00\x00\x00\x00\x01\x85R"),
    "storage": pickled(b"ctorch.storage\nUntypedStorage\nJ\x00\x00\x00\x40\x85R"),
    "tensor": pickled(b"ctorch\nFloatTensor\nJ\x00\x00\x00\x10\x85R"),
    "laughs": pickled(laughs()),
    "deep": pickled(b"]" * 20_000 + b"a" * 19_999),
    "a command": pickled(b"cposix\nsystem\nX\x0c\x00\x00\x00touch PWNED!\x85R"),
    "a list": pickled(b"]"),
    "a number": pickled(b"K\x05"),
    "a net of numbers": pickled(b"}X\x01\x00\x00\x00aK\x01s"),
    "a net without names": pickled(b"}K\x01K\x01s"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_a_checkpoint_claims_takes_no_memory(name: str, run: RunFolder) -> None:
    path = run.checkpoint(1)
    torch.save({"format": 1, "net": {}}, path)
    rewritten(path, BOMBS[name])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match="checkpoint"):
        load_agent(str(run.path))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB
    assert not Path("PWNED!").exists()


def test_packed_parts_are_not_unpacked(run: RunFolder) -> None:
    """Kilobytes that would become megabytes."""
    path = run.checkpoint(1)
    rewritten(path, lambda name, content: bytes(1 << 22), zipfile.ZIP_DEFLATED)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(checkpoint.DamagedError):
        checkpoint.load(path)
    with pytest.raises(ValueError, match="missing or damaged"):
        shards.count_samples(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB


def test_tensors_that_repeat_one_number_are_refused(run: RunFolder) -> None:
    path = run.checkpoint(1)
    torch.save({"format": 1, "net": {"w": torch.ones(1).expand(10**10)}}, path)
    with pytest.raises(checkpoint.DamagedError):
        checkpoint.load(path)
    refuse_swollen({"tied": [torch.ones(10)] * 1000}, 40)
    with pytest.raises(ValueError, match="larger than its 40 bytes"):
        refuse_swollen([torch.ones(1).expand(10**7)], 40)
    with pytest.raises(ValueError, match="not a plain one"):
        refuse_swollen(torch.ones(2, 2).to_sparse(), 1000)


@pytest.mark.parametrize("key", ["format", "game", "iteration", "config", "net", "precision"])
@pytest.mark.parametrize("value", [None, [], {"x": 1}, "x", -1, 1.5])
def test_keys_of_a_checkpoint_that_say_nonsense(key: str, value: Any, run: RunFolder) -> None:
    if (key, value) in (("config", {"x": 1}), ("precision", "x")):
        return  # to play with the net they are not asked for
    checkpoint.save(run.checkpoint(1), whole(CONFIG) | {key: value})
    with pytest.raises(ValueError, match=r"checkpoint|trained on|format"):
        load_agent(str(run.path))


def test_keys_of_a_checkpoint_that_are_missing(run: RunFolder) -> None:
    content = {"format": 1, **whole(CONFIG)}
    for key in ("net", "format"):
        torch.save({k: v for k, v in content.items() if k != key}, run.checkpoint(1))
        with pytest.raises(ValueError, match="checkpoint"):
            load_agent(str(run.path))


@pytest.mark.parametrize(
    "training",
    [
        {"loop": {}},
        {"loop": 5, "ledger": 5, "learner": 5, "replay_total": 5},
        {"loop": {}, "ledger": {"x": 1}, "learner": {}, "replay_total": 0},
        {"loop": {}, "ledger": {"wall_s": "x"}, "learner": {}, "replay_total": 0},
        {"loop": {}, "ledger": {"wall_s": float("nan")}, "learner": {}, "replay_total": 0},
        {"loop": {}, "ledger": {}, "learner": {}, "replay_total": 2**62},
        {"loop": {}, "ledger": {}, "learner": {"net": {}}, "replay_total": 0},
    ],
)
def test_a_training_that_says_nonsense_is_a_sentence(
    training: dict[str, Any], run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint.save(
        run.checkpoint(1), whole(CONFIG) | {"precision": "float32", "training": training}
    )
    assert cli.main(["train", str(run.path)]) == 1
    err = capsys.readouterr().err
    assert "to train anew give another folder with --out" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "name", [".lock", "checkpoints", "replay", "games", "metrics.jsonl", "report.md"]
)
def test_nothing_is_written_where_a_link_leads(
    name: str, run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = tmp_path / "outside"
    place = run.path / name
    if place.is_dir():
        place.rename(outside)
    elif name in ("replay", "games"):
        outside.mkdir()
    else:
        outside.write_text("precious", encoding="utf-8")
        place.unlink(missing_ok=True)
    place.symlink_to(outside)
    before = sorted(outside.iterdir()) if outside.is_dir() else outside.read_bytes()
    assert cli.main(["train", str(run.path)]) == 1
    assert "is a link that leads out of the folder" in capsys.readouterr().err
    assert (sorted(outside.iterdir()) if outside.is_dir() else outside.read_bytes()) == before


@pytest.mark.parametrize(
    "name",
    [
        "report.md", "provenance.json", "games/000001.txt", "notes.txt", "checkpoints/a.pt",
        "metrics.jsonl", "events.out.tfevents.1.x", "replay/000001.npz",
    ],
)  # fmt: skip
def test_a_new_run_writes_over_nobodys_files(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    precious = tmp_path / "mine" / name
    precious.parent.mkdir(parents=True)
    precious.write_text("precious", encoding="utf-8")
    Path("small.toml").write_text('game = "nim"\nnet.kind = "mlp"\n', encoding="utf-8")
    assert cli.main(["train", "small.toml", "--out", "mine"]) == 1
    told = capsys.readouterr().err
    assert "is not a run folder (it has no config.json), but there is mine" in told
    assert precious.read_text(encoding="utf-8") == "precious"
    assert [path for path in (tmp_path / "mine").rglob("*") if path.is_file()] == [precious]


def test_a_ledger_is_what_it_was() -> None:
    """The keys that the tests above leave out are those of a ledger."""
    assert {"wall_s", "positions", "iteration"} <= set(Ledger().state_dict())


@pytest.mark.parametrize("content", ["[]", "{}", "mine", '{"name": "x"}'])
def test_a_sweep_writes_over_nobodys_file(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "small.toml").write_text('base.game = "nim"\n[[arm]]\nname = "a"\n', "utf-8")
    (tmp_path / "sweep.json").write_text(content, encoding="utf-8")
    words = ["sweep", str(tmp_path / "small.toml"), "--out", str(tmp_path)]
    assert cli.main([*words, "--set", "net.kind=mlp"]) == 1
    assert "sweep.json is not of a sweep" in capsys.readouterr().err
    assert (tmp_path / "sweep.json").read_text(encoding="utf-8") == content

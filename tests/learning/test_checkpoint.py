"""Checkpoints: whole or not there, and never a stranger's code."""

from __future__ import annotations

import pickle
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from traps import Trap

from selfplay.learning import checkpoint

CONTENT = {
    "net": {"weight": torch.arange(6.0).reshape(2, 3), "steps": torch.tensor(3)},
    "training": {
        "ledger": {"positions": 12, "wall_s": 1.5},
        "actors": {"0": {"seed": np.array([2**62, -1]), "solved": np.array([True, False])}},
        "rng": '{"state": 1}',
        "averaged": None,
    },
}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "checkpoints" / "000001.pt"
    checkpoint.save(path, CONTENT)
    return path


def test_comes_back_as_it_was(saved: Path) -> None:
    content = checkpoint.load(saved)
    assert torch.equal(content["net"]["weight"], torch.arange(6.0).reshape(2, 3))
    assert content["training"]["ledger"] == {"positions": 12, "wall_s": 1.5}
    assert content["training"]["averaged"] is None
    actor = checkpoint.unpacked(content["training"]["actors"])["0"]
    np.testing.assert_array_equal(actor["seed"], np.array([2**62, -1]))
    assert actor["solved"].dtype == np.bool_


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no checkpoint .*000007\.pt"):
        checkpoint.load(tmp_path / "000007.pt")


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_checkpoint_cut_short_is_refused(saved: Path, share: float) -> None:
    whole = saved.read_bytes()
    saved.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"000001\.pt is not a whole checkpoint"):
        checkpoint.load(saved)


def test_every_flipped_bit_is_noticed(saved: Path) -> None:
    whole, rng = saved.read_bytes(), np.random.default_rng(1)
    for place in [*rng.integers(len(whole), size=300), *range(-100, 0)]:
        content = bytearray(whole)
        content[place] ^= 1 << int(rng.integers(8))
        saved.write_bytes(content)
        with pytest.raises(checkpoint.DamagedError, match=r"000001\.pt is not a whole checkpoint"):
            checkpoint.load(saved)


@pytest.mark.parametrize("size", [1, 16, 512, 4096])
def test_every_hole_is_noticed(size: int, saved: Path) -> None:
    checkpoint.save(saved, {"net": {"weight": torch.ones(5000)}})
    whole, rng = saved.read_bytes(), np.random.default_rng(2)
    for place in rng.integers(len(whole) - size, size=30).tolist():
        content = whole[:place] + bytes(size) + whole[place + size :]
        if content == whole:  # it was empty there
            continue
        saved.write_bytes(content)
        with pytest.raises(checkpoint.DamagedError):
            checkpoint.load(saved)


def test_a_checkpoint_from_before_there_were_seals_is_read_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "000001.pt"
    torch.save({"format": 1, "net": {"weight": torch.ones(5000)}}, path)
    assert torch.equal(checkpoint.load(path)["net"]["weight"], torch.ones(5000))
    content = path.read_bytes()
    weights = content.index(torch.ones(5000).numpy().tobytes())
    path.write_bytes(content[: weights + 99] + b"\x00" + content[weights + 100 :])
    with pytest.raises(checkpoint.DamagedError):
        checkpoint.load(path)


@pytest.mark.parametrize("how", [pickle.dump, torch.save], ids=["pickle", "torch"])
def test_a_strangers_file_runs_no_code(how: Callable[..., None], tmp_path: Path) -> None:
    trap, path = tmp_path / "sprung", tmp_path / "000001.pt"
    with open(path, "wb") as file:
        how({"format": 1, "net": {}, "trap": Trap(trap)}, file)
    with pytest.raises(ValueError, match="not a whole checkpoint of this project"):
        checkpoint.load(path)
    assert not trap.exists()
    torch.load(path, weights_only=False) if how is torch.save else pickle.loads(path.read_bytes())
    assert trap.exists()  # it is a working trap


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"state_dict": {}}, "no checkpoint of this project"),
        ({"format": 99, "net": {}}, "has checkpoint format 99, this version reads up to 2"),
    ],
)
def test_a_torch_file_of_something_else_is_refused(
    content: object, sentence: str, tmp_path: Path
) -> None:
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(ValueError, match=sentence):
        checkpoint.load(tmp_path / "a.pt")


@contextmanager
def small_files_only() -> Iterator[None]:
    """The system refuses files of more than 4 kB, as a full disk would.

    A fixture would keep the limit while pytest reports the test, and its report is a file too.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_a_checkpoint_that_does_not_fit_leaves_the_one_before(saved: Path) -> None:
    with (
        small_files_only(),
        pytest.raises(ValueError, match=r"could not be saved \(.*File too large\)"),
    ):
        checkpoint.save(saved, {"net": {"weight": torch.zeros(100_000)}})
    assert checkpoint.load(saved)["training"]["ledger"]["positions"] == 12
    assert list(saved.parent.iterdir()) == [saved]

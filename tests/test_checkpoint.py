"""Checkpoints and replay shards: whole or not there, and never a stranger's code."""

from __future__ import annotations

import errno
import os
import pickle
import resource
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import numpy as np
import pytest
import torch

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from selfplay import arrays, checkpoint
from selfplay.replay import example_samples
from selfplay.types import Samples

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


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_checkpoint_cut_short_is_refused(saved: Path, share: float) -> None:
    whole = saved.read_bytes()
    saved.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"000001\.pt is not a whole checkpoint"):
        checkpoint.load(saved)


def test_damaged_bytes_never_end_in_anything_but_a_sentence(saved: Path) -> None:
    whole, rng = saved.read_bytes(), np.random.default_rng(0)
    for _ in range(200):
        place, value = int(rng.integers(len(whole))), int(rng.integers(256))
        saved.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
        try:
            checkpoint.load(saved)
        except ValueError as error:
            assert str(saved) in str(error)  # noqa: PT017  most damage hits padding and does none


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


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


def test_a_torch_file_of_something_else_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": {}}, tmp_path / "a.pt")
    with pytest.raises(ValueError, match="no checkpoint of this project"):
        checkpoint.load(tmp_path / "a.pt")


def test_a_later_format_says_both_numbers(tmp_path: Path) -> None:
    torch.save({"format": 99, "net": {}}, tmp_path / "a.pt")
    with pytest.raises(ValueError, match="has checkpoint format 99, this version reads 1"):
        checkpoint.load(tmp_path / "a.pt")


def _disk_full(file: IO[bytes]) -> None:
    file.write(b"the first half")
    raise OSError(errno.ENOSPC, "No space left on device")


def _torch_on_a_full_device(file: IO[bytes]) -> None:
    with open("/dev/full", "wb") as full:
        torch.save({"x": torch.zeros(100_000)}, full)


def _numpy_on_a_full_device(file: IO[bytes]) -> None:
    with open("/dev/full", "wb") as full:
        np.savez(full, x=np.zeros(100_000))


@pytest.mark.parametrize("write", [_disk_full, _torch_on_a_full_device, _numpy_on_a_full_device])
def test_a_full_disk_leaves_what_was_there(write: Callable[..., None], tmp_path: Path) -> None:
    path = tmp_path / "000001.pt"
    path.write_bytes(b"the last good one")
    with pytest.raises(ValueError, match=r"could not be saved \(no space left on the disk\)"):
        checkpoint.write_atomically(path, write)
    assert path.read_bytes() == b"the last good one"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("free", "full"), [(1000, True), (1 << 40, False)])
def test_an_error_of_torch_means_a_full_disk_only_if_it_is_full(
    free: int, full: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(file: IO[bytes]) -> None:
        raise RuntimeError("unexpected pos 704 vs 598")

    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    with pytest.raises(ValueError, match="could not be saved") as error:
        checkpoint.write_atomically(tmp_path / "1.pt", fails)
    assert ("no space left on the disk" in str(error.value)) == full
    assert ("make room" in str(error.value)) == full
    assert ("unexpected pos 704 vs 598" in str(error.value)) != full


def test_a_renamed_file_is_flushed_with_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First the content, then the name: after a power cut the one without the other is no use."""
    path, real, flushed = tmp_path / "1.pt", os.fsync, []

    def fsync(descriptor: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        flushed.append((kind, path.exists()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    checkpoint.write_text_atomically(path, "text")
    assert flushed == [("file", False), ("folder", True)]


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


def test_a_forbidden_folder_gives_its_own_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.mkdir()  # no file can take the place of a folder
    with pytest.raises(ValueError, match=r"could not be saved \(.*directory"):
        checkpoint.write_text_atomically(path, "{}")
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupted(file: IO[bytes]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checkpoint.write_atomically(tmp_path / "a.pt", interrupted)
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from selfplay import checkpoint

def half(file):
    file.write(b"half of it")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)

checkpoint.write_atomically(Path(sys.argv[1]), half)
"""


def test_a_process_killed_while_writing_leaves_what_was_there(saved: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(saved)], check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert checkpoint.load(saved)["training"]["ledger"]["positions"] == 12


def some_samples(count: int) -> Samples:
    rng = np.random.default_rng(0)
    like = example_samples(TicTacToe())
    samples: Samples = arrays.tree_map(
        lambda a: rng.integers(0, 2, (count, *a.shape[1:])).astype(a.dtype), like
    )
    return samples


def test_samples_come_back_as_they_were(tmp_path: Path) -> None:
    samples = some_samples(37)
    checkpoint.save_samples(tmp_path / "1.npz", samples)
    loaded = checkpoint.load_samples(tmp_path / "1.npz", example_samples(TicTacToe()))
    assert type(loaded.obs) is type(samples.obs)
    for got, given in zip(arrays.leaves(loaded), arrays.leaves(samples), strict=True):
        assert got.dtype == given.dtype
        np.testing.assert_array_equal(got, given)
    assert checkpoint.count_samples(tmp_path / "1.npz") == 37


def test_samples_of_another_game_are_refused(tmp_path: Path) -> None:
    checkpoint.save_samples(tmp_path / "1.npz", some_samples(3))
    with pytest.raises(ValueError, match="positions of another game"):
        checkpoint.load_samples(tmp_path / "1.npz", example_samples(Connect4()))


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_damaged_samples_are_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "1.npz"
    checkpoint.save_samples(path, some_samples(100))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    for read in (
        lambda: checkpoint.load_samples(path, example_samples(TicTacToe())),
        lambda: checkpoint.count_samples(path),
    ):
        with pytest.raises(ValueError, match=r"1\.npz is missing or damaged"):
            read()


def test_samples_with_pickles_inside_are_refused(tmp_path: Path) -> None:
    path, trap = tmp_path / "1.npz", tmp_path / "sprung"
    fields = {f"field{i}": np.array([Trap(trap)], object) for i in range(8)}
    np.savez(path, **fields)
    with pytest.raises(ValueError, match="missing or damaged"):
        checkpoint.load_samples(path, example_samples(TicTacToe()))
    assert not trap.exists()

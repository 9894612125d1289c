"""Where compiled kernels are kept."""

from __future__ import annotations

import os
import pickle
import stat
import tempfile
from pathlib import Path

import numpy as np
import pytest

from selfplay import jit
from selfplay.system.user_folders import is_private


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, on a machine where the home takes no cache."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_without_a_home_the_cache_is_the_users_own(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also on a system without user numbers."""
    assert jit._cache_folder().parent == nowhere / f"selfplay-{os.getuid()}"
    monkeypatch.delattr(os, "getuid")
    assert jit._cache_folder().parent == nowhere / "selfplay-user"


def test_a_cache_that_others_can_write_is_closed_to_them(nowhere: Path) -> None:
    parent = nowhere / f"selfplay-{os.getuid()}"
    parent.mkdir()
    parent.chmod(0o777)
    folder = jit._cache_folder()
    assert folder.parent == parent
    assert stat.S_IMODE(parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_cache_behind_a_link_is_not_taken(nowhere: Path) -> None:
    (nowhere / "theirs").mkdir()
    (nowhere / f"selfplay-{os.getuid()}").symlink_to(nowhere / "theirs")
    assert jit._cache_folder().name.startswith("selfplay-numba-")
    assert list((nowhere / "theirs").iterdir()) == []


def test_a_cache_of_another_user_is_not_taken(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it lies in the home."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(nowhere / "home"))
    (nowhere / "home" / "selfplay").mkdir(parents=True)
    for place in (nowhere / "home" / "selfplay", nowhere / "selfplay-12345"):
        assert is_private(place)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert not is_private(nowhere / "home" / "selfplay")
    assert jit._cache_folder().name.startswith("selfplay-numba-")


@pytest.fixture
def cache(tmp_path: Path) -> jit._CheckedFile:
    kept = jit._CheckedFile(str(tmp_path), "kernel", ("source", 1))
    kept.save("signature", {"code": 7})
    assert kept.load("signature") == {"code": 7}
    return kept


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize(
    "damage", ["empty", "cut", "zeros", "one bit", "a foreign pickle", "folder"]
)
def test_what_is_damaged_in_the_cache_is_compiled_again(
    damage: str, ending: str, cache: jit._CheckedFile, tmp_path: Path
) -> None:
    (file,) = tmp_path.glob(f"*.{ending}")
    whole = file.read_bytes()
    file.unlink()
    if damage == "folder":
        file.mkdir()
    else:
        flipped = bytes([*whole[:-3], whole[-3] ^ 4, *whole[-2:]])
        file.write_bytes(
            {
                "empty": b"",
                "cut": whole[: len(whole) // 2],
                "zeros": bytes(len(whole)),
                "one bit": flipped,
                "a foreign pickle": pickle.dumps(("0.0", ("source", 1), {})),
            }[damage]
        )
    assert cache.load("signature") is None
    cache.save("signature", {"code": 8})
    assert cache.load("signature") == (None if damage == "folder" else {"code": 8})


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    lost = jit._CheckedFile(str(tmp_path / "gone"), "kernel", ("source", 1))
    lost.save("signature", 7)
    assert lost.load("signature") is None


def test_kernels_have_the_checked_cache() -> None:
    assert isinstance(jit.lowest_index._cache._cache_file, jit._CheckedFile)  # type: ignore[attr-defined]
    assert jit.lowest_index(np.uint64(8)) == 3

"""Where compiled kernels are kept."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from selfplay import jit


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, on a machine where the home takes no cache."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_without_a_home_the_cache_is_the_users_own(nowhere: Path) -> None:
    assert jit._cache_folder().parent == nowhere / f"selfplay-{os.getuid()}"


def test_a_system_without_user_numbers_has_a_cache_too(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "getuid")
    assert jit._cache_folder().parent == nowhere / "selfplay-user"

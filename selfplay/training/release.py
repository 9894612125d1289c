"""Turns a finished run into one that ships: ``python -m selfplay.training.release RUN [--half]``.

What stays: config, provenance, metrics, report and the net of the newest checkpoint, some of it
smaller than before.  The agent can be played against and measured, but not trained on.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from selfplay.learning import checkpoint
from selfplay.training.folder import RunFolder, find_run


def release(folder: RunFolder, half: bool = False) -> Path:
    """The one checkpoint that is left, without what only training needs.

    ``half`` rounds its weights to float16, which halves its size.
    """
    newest, content = folder.load_net(None)
    content.pop("training", None)
    if half:
        content["net"] = {
            name: tensor.half() if tensor.is_floating_point() else tensor
            for name, tensor in content["net"].items()
        }
    checkpoint.save(newest, content)
    for other in folder.checkpoints():
        if other != newest:
            other.unlink()
    for name in ("replay", "games"):
        shutil.rmtree(folder.path / name, ignore_errors=True)
    for other in (folder.path / ".lock", *folder.path.glob("events.out.tfevents.*")):
        other.unlink(missing_ok=True)
    return newest


if __name__ == "__main__":
    kept = release(find_run(sys.argv[1]), half="--half" in sys.argv[2:])
    print(f"{kept} is left, {kept.stat().st_size / 1e6:.1f} MB")

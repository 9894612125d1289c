"""Trained agents: what comes out of a run and can be played, measured and matched."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Any, NamedTuple

import envs
from selfplay.config import Config
from selfplay.nets import Net, NetSection
from selfplay.nets.evaluator import NetEvaluator, choose_device, computes_bfloat16
from selfplay.search import Search
from selfplay.training.folder import RunFolder, find_run, shadowed
from selfplay.types import Game

_CACHE = 1 << 16  # positions remembered


class Agent(NamedTuple):
    """A net of a run with the search it was trained with."""

    name: str
    game: Game
    evaluator: NetEvaluator
    search: Search
    config: Config
    step: int  # the checkpoint's number


class SavedNet(NamedTuple):
    """The net of a checkpoint."""

    folder: RunFolder
    section: NetSection
    path: Path  # of the checkpoint
    content: dict[str, Any]

    def build(self, game: Game) -> Net:
        """The net for ``game``; ValueError with a sentence when its weights are of another."""
        net = self.section.build(game)
        try:
            net.load_state_dict(self.content["net"])
        except (RuntimeError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{self.path} does not fit the net that {self.folder.config_file} describes: it "
                f"belongs to another run, or the config was edited"
            ) from error
        return net


def find_agent(name: str, step: int | None = None) -> tuple[RunFolder, int | None]:
    """The run of a name as ``load_agent`` takes it, and the checkpoint that is asked for."""
    run, at, number = name.rpartition("@")
    return (find_run(run), int(number)) if at and number.isdecimal() else (find_run(name), step)


def load_agent(name: str, step: int | None = None, game: str | None = None) -> Agent:
    """The agent of a run ("runs/x", a part of its name, "x@500" for a checkpoint).

    Raises ValueError when there is none, or it was trained on another game than ``game``.
    """
    folder, step = find_agent(name, step)
    name = name if step is None else name.removesuffix(f"@{step}")
    if hidden := shadowed(name, folder):
        _say_once(f"{name!r} is your run {folder.path}; the one that ships is {hidden}")
    config = folder.config()
    rules = config.rules()
    asked = rules if game is None else envs.make(game)
    if asked.name != rules.name:
        raise ValueError(
            f"{folder.path} was trained on {rules.name} ({rules.num_actions} actions); "
            f"you asked for {asked.name} ({asked.num_actions})"
        )
    net = SavedNet(folder, config.net, *folder.load_net(step))
    path, saved = net.path, net.content
    if saved.get("game", config.game) != config.game:
        raise ValueError(
            f"{path} was trained on {saved['game']}, but {folder.config_file} says {config.game}"
        )
    built = net.build(rules)
    section = config.evaluator.model_copy(update={"cache": _CACHE})
    on_cpu = choose_device(section.device) == "cpu"
    fast = ("float32", "bfloat16") if computes_bfloat16("cpu") else ("float32",)
    if section.precision == "auto" and on_cpu and saved.get("precision") in fast:
        section = section.model_copy(update={"precision": saved["precision"]})  # as its run had it
    evaluator = section.inference(built, rules).evaluator(built, rules)
    evaluator.rules = rules  # others may play the same game and see less of it
    label = str(folder.path) if step is None else f"{folder.path}@{step}"
    return Agent(label, rules, evaluator, config.search, config, int(path.stem))


@functools.cache
def _say_once(sentence: str) -> None:
    print(f"selfplay: {sentence}", file=sys.stderr)

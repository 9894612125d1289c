"""The guide of a prover: an agent that was trained on the proving game."""

from __future__ import annotations

import torch

from envs.proving.game import SMALL, Fold, Proving
from selfplay.nets.evaluator import NetEvaluator
from selfplay.proving.searches import Guide
from selfplay.training.agent import SavedNet, find_agent
from selfplay.training.places import SHIPPED
from selfplay.types import Evaluator

REFERENCE = "reference/prove"  # below ``runs``: the prover that ships


def fold_of(name: str) -> Fold | None:
    """The problems that a run keeps aside where it deals them into folds (``regime.folds``)."""
    config = find_agent(name)[0].config()
    folds = getattr(config.regime, "folds", 0)
    return Fold(config.seed % folds, folds) if folds else None


def load_guide(name: str) -> Guide:
    """The guide that a run was trained to be ("runs/x", a part of its name, "x@500").

    The problems of the run need not be here.  It is asked on the CPU whatever ``evaluator.device``
    says, and torch is left with one thread: positions come a few at a time, from many processes
    where many problems are judged.  Raises ValueError with a sentence when the run or its
    checkpoint proves nothing.
    """
    folder, step = find_agent(name)
    config = folder.config()
    if config.game.partition("?")[0] != Proving.name:
        raise ValueError(
            f"{folder.path} was trained on {config.game}, it proves nothing; train a prover "
            f"with 'selfplay train configs/prove.toml'"
        )
    net = SavedNet(folder, config.net, *folder.load_net(step))
    # rules need problems; nets fit all
    rules = config.model_copy(update={"problems": str(SMALL)}).rules()
    if not isinstance(rules, Proving):
        raise ValueError(f"{folder.config_file}: {config.game!r} is not the proving game")
    torch.set_num_threads(1)

    def opinions(game: Proving) -> Evaluator:
        return NetEvaluator(net.build(game), game.num_actions, "cpu", torch.float32, 0)

    if config.net.of_one_game:
        return Guide(name, rules, config.search, opinions)
    evaluator = opinions(rules)
    return Guide(name, rules, config.search, lambda game: evaluator)


def reference() -> str | None:
    """The name of the prover that ships; None where it does not."""
    path = SHIPPED / REFERENCE
    return str(path) if (path / "config.json").is_file() else None

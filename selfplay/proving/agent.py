"""The guide of a prover out of a trained run."""

from __future__ import annotations

import torch

from envs.proving.game import OWN, Proving
from selfplay.nets.evaluator import NetEvaluator
from selfplay.proving.guided import Guide
from selfplay.proving.trials import Unguided
from selfplay.search import Puct
from selfplay.training.folder import SHIPPED, find_run
from selfplay.types import Evaluator

REFERENCE = "reference/prove"  # below ``runs``: the prover that ships
_ANY = OWN / "pelletier" / "pelletier_24.p"  # rules need problems; nets fit all


def load_guide(name: str) -> Guide:
    """The guide that a run was trained to be ("runs/x", a part of its name, "x@500").

    The problems of the run need not be here.  Torch is left with one thread: positions come a few
    at a time.  Raises ValueError with a sentence when the run or its checkpoint proves nothing.
    """
    run, at, number = name.rpartition("@")
    wanted = at and number.isdecimal()
    folder = find_run(run if wanted else name)
    config = folder.config()
    if config.game.partition("?")[0] != "proving":
        raise ValueError(
            f"{folder.path} was trained on {config.game}, it proves nothing; train a prover with "
            f"'selfplay train configs/prove.toml'"
        )
    path, saved = folder.load_net(int(number) if wanted else None)
    weights = saved["net"]
    rules = config.model_copy(update={"problems": str(_ANY)}).rules()
    if not isinstance(rules, Proving):
        raise ValueError(f"{folder.config_file}: {config.game!r} is not the proving game")
    torch.set_num_threads(1)

    def opinions(game: Proving) -> Evaluator:
        net = config.net.build(game)
        try:
            net.load_state_dict(weights)
        except (RuntimeError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{path} does not fit the net that {folder.config_file} describes: it belongs to "
                f"another run, or the config was edited"
            ) from error
        return NetEvaluator(net, game.num_actions, "cpu", torch.float32, 0)

    if config.net.kind == "walks":  # knows nothing of the problems: one net for all
        evaluator = opinions(rules)
        return Guide(name, rules, config.search, lambda game: evaluator)
    return Guide(name, rules, config.search, opinions)


def unguided() -> Guide:
    """A guide without opinion, for searches that are looked at."""
    rules = Proving(str(_ANY))
    opinion: Evaluator = Unguided(rules.num_actions)
    return Guide("none", rules, Puct(look_ahead=False), lambda game: opinion)


def reference() -> str | None:
    """The name of the prover that ships; None where it does not."""
    path = SHIPPED / REFERENCE
    return str(path) if (path / "config.json").is_file() else None

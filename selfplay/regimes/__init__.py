"""Data regimes: where the positions come from that a net learns from."""

from typing import Annotated

from pydantic import Field

from selfplay.regimes.dagger import Dagger
from selfplay.regimes.frozen import Frozen
from selfplay.regimes.imitation import Imitation
from selfplay.regimes.mixture import ImitationThenSelfPlay
from selfplay.regimes.policy_gradient import PolicyGradient
from selfplay.regimes.prove import Prove
from selfplay.regimes.selfplay import SelfPlay

Regime = Annotated[
    SelfPlay | Imitation | PolicyGradient | ImitationThenSelfPlay | Frozen | Dagger | Prove,
    Field(discriminator="kind"),
]

__all__ = [
    "Dagger",
    "Frozen",
    "Imitation",
    "ImitationThenSelfPlay",
    "PolicyGradient",
    "Prove",
    "Regime",
    "SelfPlay",
]

"""Data regimes: where the positions come from that a net learns from, one regime a file.

How samples are made is in ``actors`` and ``data``, how they are learned from in ``learning``.
"""

from typing import Annotated, get_args

from pydantic import Field

from selfplay.regimes.base import RegimeSection
from selfplay.regimes.dagger import Dagger
from selfplay.regimes.frozen import Frozen
from selfplay.regimes.imitation import Imitation
from selfplay.regimes.mixture import ImitationThenSelfPlay
from selfplay.regimes.policy_gradient import PolicyGradient
from selfplay.regimes.prove import Prove
from selfplay.regimes.selfplay import SelfPlay

# in the order of tables and figures, within those of own games and within those that are taught
Regime = Annotated[
    SelfPlay | ImitationThenSelfPlay | PolicyGradient | Prove | Imitation | Dagger | Frozen,
    Field(discriminator="kind"),
]
REGIMES: dict[str, type[RegimeSection]] = {
    section.model_fields["kind"].default: section for section in get_args(get_args(Regime)[0])
}
LOOKS = {look.kind: look for section in REGIMES.values() for look in section.looks}


__all__ = ["LOOKS", "REGIMES", "Regime", "RegimeSection", "SelfPlay"]

"""Data regimes: where the positions come from that a net learns from."""

from selfplay.regimes.selfplay import SelfPlay

Regime = SelfPlay

__all__ = ["Regime", "SelfPlay"]

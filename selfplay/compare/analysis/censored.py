"""Straight lines through values of which some are only known to lie beyond an end (Tobin 1958)."""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr

from selfplay.compare.records import F64

STEEPEST = 10.0  # slopes are looked for between its two signs
STEPS = 100
CONVERGED = 1e-9
_LONGEST = 1.0  # step of a parameter


def censored_line(x: F64, y: F64, ends: tuple[float, float], sigma: F64) -> F64:
    """[B, 2] f64, the level at x = 0 and the slope of greatest likelihood for each row of ``y``.

    ``y`` [B, G] at ``x`` [G], each with a normal error of ``sigma`` [G]; -inf says that it lies
    below the first of ``ends``, inf that it lies above the second.  The likelihood is concave, so
    that Newton's steps lead to its top; where values beyond the ends leave the slope free, it
    stops at STEEPEST.
    """
    side = np.where(np.isinf(y), np.sign(y), 0.0)
    at = np.clip(y, *ends)
    design = np.stack([np.ones_like(x), x], axis=1)  # [G, 2]
    root = design / sigma[:, None]
    line = (at / sigma) @ np.linalg.pinv(root).T
    for _ in range(STEPS):
        line[:, 1] = np.clip(line[:, 1], -STEEPEST, STEEPEST)
        z = (line @ design.T - at) / sigma
        # of a censored value the chance to lie as far out as it does, of others the density
        mills = np.exp(-((side * z) ** 2) / 2 - log_ndtr(side * z)) / np.sqrt(2 * np.pi)
        pull = np.where(side == 0, -z, side * mills)
        weight = np.where(side == 0, 1.0, mills * (side * z + mills))
        slope = pull @ root
        bend = np.einsum("bg,gp,gq->bpq", weight, root, root) + 1e-9 * np.eye(2)
        step = np.linalg.solve(bend, slope[..., None])[..., 0]
        step = np.clip(step, -_LONGEST, _LONGEST)
        line = line + step
        if np.abs(step).max() < CONVERGED:
            break
    line[:, 1] = np.clip(line[:, 1], -STEEPEST, STEEPEST)
    return line

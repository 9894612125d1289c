"""Robust fits: the sum (not the mean) of Huber losses in log space, to convergence.

A mean over samples makes the objective so small that optimisers stop early, and replicates that
stop where they started make intervals too narrow.

The fit to the measurements is scipy's, from several starts.  The refits to bootstrap replicates
have the same objective and the same box, all of them side by side in Levenberg-Marquardt steps.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares

from selfplay.compare.analysis.laws import Form, bounds, predict, starts
from selfplay.compare.records import F64

TIGHT = 1.345  # spreads: residuals beyond count as outliers (Huber 1981)
EFFICIENCY = 0.95  # of the fit at TIGHT against least squares, where errors are normal
STEPS = 200
CONVERGED = 1e-6  # the largest change of a parameter in a step that ends a fit


def best_fit(form: Form, u: F64, log_loss: F64, delta: float) -> F64:
    """[P] f64, the theta of the least sum of Huber losses of ``delta``; samples u [M, V]."""
    low, high = bounds(form, log_loss)
    results = [
        least_squares(
            lambda theta: predict(form, theta[None], u)[0][0] - log_loss,
            np.clip(start, low + 1e-9, high - 1e-9),
            jac=lambda theta: predict(form, theta[None], u)[1][0], bounds=(low, high),
            loss="huber", f_scale=delta, xtol=1e-10, ftol=1e-12, gtol=1e-10,
        )
        for start in starts(form, u, log_loss)
    ]  # fmt: skip
    best: F64 = min(results, key=lambda result: float(result.cost)).x
    return best


def refits(form: Form, u: F64, log_loss: F64, delta: float, first: F64) -> F64:
    """[B, P] f64, the theta of each row of ``log_loss`` [B, M], begun at ``first`` [K, P]."""
    tries = [
        _descend(form, u, log_loss, delta, np.tile(theta, (len(log_loss), 1))) for theta in first
    ]
    costs = np.stack([cost for _, cost in tries])
    best = costs.argmin(axis=0)
    chosen: F64 = np.stack([theta for theta, _ in tries])[best, np.arange(len(best))]
    return chosen


def huber(residual: F64, delta: float) -> F64:
    """The loss of each residual: a parabola, straight beyond ``delta``."""
    size = np.abs(residual)
    loss: F64 = np.where(size <= delta, size**2 / 2, delta * (size - delta / 2))
    return loss


def _descend(form: Form, u: F64, log_loss: F64, delta: float, theta: F64) -> tuple[F64, F64]:
    """[B, P] and [B]: where Levenberg-Marquardt ends, and the cost there."""
    low, high = _boxes(form, log_loss)
    theta = np.clip(theta, low, high)
    value, slope = predict(form, theta, u)
    residual = value - log_loss
    cost = huber(residual, delta).sum(axis=1)
    damping = np.full(len(theta), 1e-3)
    going = np.arange(len(theta))
    for _ in range(STEPS):
        r, jacobian = residual[going], slope[going]
        weight = delta / np.maximum(np.abs(r), delta)
        pull = np.einsum("bmp,bm->bp", jacobian, weight * r)
        # a parameter at its bound that is pulled outwards stays there
        stuck = ((theta[going] <= low[going]) & (pull > 0)) | (
            (theta[going] >= high[going]) & (pull < 0)
        )
        jacobian = np.where(stuck[:, None, :], 0.0, jacobian)
        curve = np.einsum("bmp,bmq->bpq", jacobian * weight[:, :, None], jacobian)
        scale = np.einsum("bpp->bp", curve)
        ridge = damping[going, None] * np.maximum(scale, 1e-8) + np.where(stuck, 1.0, 1e-12)
        curve += ridge[:, :, None] * np.eye(theta.shape[1])
        pull = np.where(stuck, 0.0, pull)
        step = np.linalg.solve(curve, pull[..., None])[..., 0]
        tried = np.clip(theta[going] - np.clip(step, -2.0, 2.0), low[going], high[going])
        value, new_slope = predict(form, tried, u)
        new_residual = value - log_loss[going]
        new_cost = huber(new_residual, delta).sum(axis=1)
        better = new_cost <= cost[going]
        change = np.abs(tried - theta[going]).max(axis=1)
        rows = going[better]
        theta[rows], cost[rows] = tried[better], new_cost[better]
        residual[rows], slope[rows] = new_residual[better], new_slope[better]
        damping[going] = np.where(better, damping[going] / 5, damping[going] * 7)
        going = going[(change > CONVERGED) & (damping[going] < 1e12)]
        if not len(going):
            break
    return theta, cost


def _boxes(form: Form, log_loss: F64) -> tuple[F64, F64]:
    """[B, P] each, ``bounds`` for each row."""
    both = [bounds(form, row) for row in log_loss]
    return np.stack([low for low, _ in both]), np.stack([high for _, high in both])

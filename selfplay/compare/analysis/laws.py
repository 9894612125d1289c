"""The laws that losses are fitted to, and robust fits of them, many side by side.

All is logarithmic.  A fit's parameters are a row of theta [B, P]; u [M, V] is ln x less its mean.
Exponents and the floor are held as logarithms, so that they stay positive.  What is made least is
the sum (not the mean) of Huber losses: a mean over samples makes the objective so small that
optimisers stop early, and replicates that stop where they started make intervals too narrow.

Shape suffixes: B fits, M samples, P parameters, V variables.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.optimize import least_squares

from selfplay.compare.records import F64

Form = Literal["power", "floor", "nested", "additive"]

# the parameters as they are reported; theta has the floor, if any, at its end
LAWS: dict[Form, tuple[str, ...]] = {
    "power": ("scale", "exponent"),
    "floor": ("scale", "exponent", "floor"),
    "nested": ("scale_n", "exponent_n", "scale_d", "exponent_d"),
    "additive": ("scale_n", "exponent_n", "scale_d", "exponent_d", "floor"),
}
_EXPONENTS = slice(1, None, 2)  # which of theta are logarithms of exponents
STEEPEST, FLATTEST = 10.0, 0.01  # exponents are looked for in between
NO_FLOOR = 1e-3  # of the smallest loss: a floor as low as this is none
TIGHT = 1.345  # spreads: residuals beyond count as outliers (Huber 1981)
EFFICIENCY = 0.95  # of the fit at TIGHT against least squares, where errors are normal
STEPS = 200
CONVERGED = 1e-6  # the largest change of a parameter in a step that ends a fit


def predict(form: Form, theta: F64, u: F64) -> tuple[F64, F64]:
    """ln L [B, M] and its derivatives by theta [B, M, P]."""
    if form == "nested":
        return _nested(theta, u)
    terms, slopes = [], []
    for v in range(u.shape[1]):
        exponent = np.exp(theta[:, 2 * v + 1, None])
        fall = exponent * u[:, v]
        terms.append(theta[:, 2 * v, None] - fall)
        slopes += [(v, np.ones_like(fall)), (v, -fall)]
    if "floor" in LAWS[form]:
        terms.append(np.broadcast_to(theta[:, -1:], terms[0].shape))
        slopes.append((u.shape[1], np.ones_like(terms[0])))
    log, share = _log_sum(np.stack(terms))
    return log, np.stack([share[term] * slope for term, slope in slopes], axis=-1)


def _nested(theta: F64, u: F64) -> tuple[F64, F64]:
    a_n, a_d = np.exp(theta[:, 1, None]), np.exp(theta[:, 3, None])
    fall_n, fall_d = a_n * u[:, 0], a_d * u[:, 1]
    inner = np.stack([theta[:, 0, None] - fall_n, theta[:, 2, None] - fall_d]) / a_d
    log, share = _log_sum(inner)
    value = a_d * log
    by_outer = value - a_d * (share * inner).sum(axis=0) - share[1] * fall_d
    return value, np.stack([share[0], -share[0] * fall_n, share[1], by_outer], axis=-1)


def _log_sum(terms: F64) -> tuple[F64, F64]:
    """ln of the sum of exp over the first axis, and the share of each."""
    top = terms.max(axis=0)
    parts = np.exp(terms - top)
    total = parts.sum(axis=0)
    return top + np.log(total), parts / total


def reported(form: Form, theta: F64, centre: F64) -> F64:
    """[..., P] f64, the parameters by the names of the law: scales in units of x, no logarithms.

    ``centre`` [V] is the mean of ln x.
    """
    parameters: F64 = np.exp(theta)
    with np.errstate(over="ignore"):  # the scale of a flat law may lie beyond all numbers
        for v, at in enumerate(range(0, 2 * len(centre), 2)):
            parameters[..., at] = np.exp(centre[v] + theta[..., at] / parameters[..., at + 1])
    return parameters


def starts(form: Form, log_loss: F64) -> F64:
    """[K, P] f64: where the search for theta begins."""
    middle, with_floor = float(np.median(log_loss)), "floor" in LAWS[form]
    rows = []
    for exponent in (0.1, 0.4, 1.2):
        for floor in (-3.0, -0.2) if with_floor else (0.0,):
            theta = np.full(len(LAWS[form]), middle)
            theta[_EXPONENTS] = np.log(exponent)
            if form == "nested":
                theta[[0, 2]] = middle - exponent * np.log(2)
            if form == "additive":
                theta[[0, 2]] -= np.log(2)
            if with_floor:
                theta[-1] = log_loss.min() + floor
            rows.append(theta)
    return np.stack(rows)


def _bounds(form: Form, log_loss: F64) -> tuple[F64, F64]:
    """[..., P] f64 each: the box that theta is looked for in, of each row of ``log_loss``."""
    shape = *log_loss.shape[:-1], len(LAWS[form])
    low, high = np.full(shape, -np.inf), np.full(shape, np.inf)
    low[..., _EXPONENTS], high[..., _EXPONENTS] = np.log([FLATTEST, STEEPEST])
    if "floor" in LAWS[form]:
        high[..., -1] = log_loss.min(axis=-1)
        low[..., -1] = high[..., -1] + np.log(NO_FLOOR)
    return low, high


def best_fit(form: Form, u: F64, log_loss: F64, delta: float) -> F64:
    """[P] f64, the theta of the least sum of Huber losses of ``delta``; the best of all starts."""
    low, high = _bounds(form, log_loss)
    results = [
        least_squares(
            lambda theta: predict(form, theta[None], u)[0][0] - log_loss,
            np.clip(start, low + 1e-9, high - 1e-9),
            jac=lambda theta: predict(form, theta[None], u)[1][0], bounds=(low, high),
            loss="huber", f_scale=delta, xtol=1e-10, ftol=1e-12, gtol=1e-10,
        )
        for start in starts(form, log_loss)
    ]  # fmt: skip
    best: F64 = min(results, key=lambda result: float(result.cost)).x
    return best


def refits(form: Form, u: F64, log_loss: F64, delta: float, first: F64) -> F64:
    """[B, P] f64, the theta of each row of ``log_loss`` [B, M], begun at ``first`` [K, P].

    The objective and the box are those of ``best_fit``; all rows take their steps side by side.
    """
    tries = [
        _descend(form, u, log_loss, delta, np.tile(theta, (len(log_loss), 1))) for theta in first
    ]
    best = np.stack([cost for _, cost in tries]).argmin(axis=0)
    chosen: F64 = np.stack([theta for theta, _ in tries])[best, np.arange(len(best))]
    return chosen


def huber(residual: F64, delta: float) -> F64:
    """The loss of each residual: a parabola, straight beyond ``delta``."""
    size = np.abs(residual)
    loss: F64 = np.where(size <= delta, size**2 / 2, delta * (size - delta / 2))
    return loss


def _descend(form: Form, u: F64, log_loss: F64, delta: float, theta: F64) -> tuple[F64, F64]:
    """[B, P] and [B]: where Levenberg-Marquardt ends, and the cost there."""
    low, high = _bounds(form, log_loss)
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

"""The laws that losses are fitted to: predictions and their derivatives, many fits at a time.

All is logarithmic.  A fit's parameters are a row of theta [B, P]; u [M, V] is ln x less its mean.
Exponents and the floor are held as logarithms, so that they stay positive.

Shape suffixes: B fits, M samples, P parameters.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from selfplay.compare.records import F64

Form = Literal["power", "floor", "nested", "additive"]

STEEPEST, FLATTEST = 10.0, 0.01  # exponents are looked for in between
NO_FLOOR = 1e-3  # of the smallest loss: a floor as low as this is none


class Law(NamedTuple):
    """The shape of one form."""

    names: tuple[str, ...]  # of the parameters as they are reported
    exponents: tuple[int, ...]  # which of theta are logarithms of exponents
    floor: int | None  # which of theta is the logarithm of the floor


LAWS: dict[Form, Law] = {
    "power": Law(("scale", "exponent"), (1,), None),
    "floor": Law(("scale", "exponent", "floor"), (1,), 2),
    "nested": Law(("scale_n", "exponent_n", "scale_d", "exponent_d"), (1, 3), None),
    "additive": Law(("scale_n", "exponent_n", "scale_d", "exponent_d", "floor"), (1, 3), 4),
}


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
    if LAWS[form].floor is not None:
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


def bounds(form: Form, log_loss: F64) -> tuple[F64, F64]:
    """[P] f64 each: the box that theta is looked for in."""
    law = LAWS[form]
    low, high = np.full(len(law.names), -np.inf), np.full(len(law.names), np.inf)
    low[list(law.exponents)], high[list(law.exponents)] = np.log([FLATTEST, STEEPEST])
    if law.floor is not None:
        low[law.floor], high[law.floor] = log_loss.min() + np.log(NO_FLOOR), log_loss.min()
    return low, high


def starts(form: Form, u: F64, log_loss: F64) -> F64:
    """[K, P] f64: where the search for theta begins."""
    law, middle = LAWS[form], float(np.median(log_loss))
    rows = []
    for exponent in (0.1, 0.4, 1.2):
        for floor in (-3.0, -0.2) if law.floor is not None else (0.0,):
            theta = np.full(len(law.names), middle)
            theta[list(law.exponents)] = np.log(exponent)
            if form in ("nested", "additive"):
                theta[[0, 2]] -= np.log(2)
            if form == "nested":
                theta[[0, 2]] = middle - exponent * np.log(2)
            if law.floor is not None:
                theta[law.floor] = log_loss.min() + floor
            rows.append(theta)
    return np.stack(rows)


def reported(form: Form, theta: F64, centre: F64) -> F64:
    """[..., P] f64, the parameters by the names of the law: scales in units of x, no logarithms.

    ``centre`` [V] is the mean of ln x.
    """
    parameters: F64 = np.exp(theta)
    with np.errstate(over="ignore"):  # the scale of a flat law may lie beyond all numbers
        for v, at in enumerate(range(0, 2 * len(centre), 2)):
            parameters[..., at] = np.exp(centre[v] + theta[..., at] / parameters[..., at + 1])
    return parameters

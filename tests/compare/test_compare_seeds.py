"""The law over seeds, order of learning and agreement: closed forms, and planted truths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from test_compare_curves import group_of, run_of

from selfplay.compare.analysis.pairs import BLOCKS, block_sizes, in_blocks
from selfplay.compare.analysis.seeds import seed_spread, seed_spreads
from selfplay.compare.analysis.similarity import (
    Similarity,
    error_pairs,
    first_solved,
    order_pairs,
    similarities,
)
from selfplay.compare.groups import Group
from selfplay.compare.histories import History, read_histories
from selfplay.measure.answers import Answers, answers_path, write_answers
from selfplay.types import Bool

RUN = run_of(np.array([1e12, 1e13]), {})


def groups_of(*parts: list[Bool]) -> tuple[list[Group], dict[Path, History]]:
    """Groups a, b, ... of runs that erred so, [T, M] each."""
    groups, histories = [], {}
    for letter, wrong in zip("abc", parts, strict=False):
        paths = [Path(f"{letter}{i}") for i in range(len(wrong))]
        groups.append(group_of(letter, [RUN._replace(path=path) for path in paths]))
        for path, each in zip(paths, wrong, strict=True):
            histories[path] = History("0" * 16, np.arange(len(each)), each)
    return groups, histories


def found(*parts: list[Bool]) -> dict[tuple[str, str], Similarity]:
    return {(each.a, each.b): each for each in similarities(*groups_of(*parts))}


def test_the_ratio_of_variances_by_hand() -> None:
    """Rates 2/4, 2/4 and 1/4; of the positions' variances 1/3 + 1/3 + 1/3 + 0 make 1 / 16."""
    wrong = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0]])
    spread = seed_spread("a", wrong.astype(np.float64))
    assert spread is not None
    assert spread.rate == pytest.approx(5 / 12)
    assert spread.spread**2 == pytest.approx(1 / 48)
    assert spread.independent**2 == pytest.approx(1 / 16)
    assert spread.ratio.value == pytest.approx(1 / 3)
    # 2 ratio / chi2 of two degrees of freedom, whose quantiles are -2 ln(1 - q)
    assert spread.ratio.low == pytest.approx(2 / 3 / (-2 * np.log(0.025)))
    assert spread.ratio.high == pytest.approx(2 / 3 / (-2 * np.log(0.975)))
    assert seed_spread("a", np.ones((3, 4))) is None


@pytest.mark.parametrize("together", [1, 12])
def test_intervals_hold_how_many_positions_go_together(together: int) -> None:
    """Blocks of positions that a seed gets right or wrong at once: the variance is so many fold."""
    rng, held = np.random.default_rng(0), 0
    difficulty = rng.beta(0.5, 2, 600)
    for _ in range(200):
        wrong = (rng.random((8, 600)) < difficulty).repeat(together, axis=1)
        spread = seed_spread("a", wrong.astype(np.float64))
        assert spread is not None
        held += spread.ratio.low <= together <= spread.ratio.high
    assert 181 <= held <= 198  # of 200, by chance 190


def test_groups_are_told_by_their_last_measurement() -> None:
    rng = np.random.default_rng(0)
    runs = [rng.random((3, 500)) < np.array([[0.9], [0.5], [0.2]]) for _ in range(4)]
    groups, histories = groups_of(runs, runs[:1])
    (spread,) = seed_spreads(groups, histories)  # one seed has no spread
    assert (spread.label, spread.seeds, spread.positions) == ("a", 4, 500)
    assert spread.rate == pytest.approx(np.mean([run[-1] for run in runs]))
    # a run that is not finished was measured last at another compute
    first, *rest = groups[0].runs
    growing = groups[0]._replace(runs=(first._replace(finished=False), *rest))
    (spread,) = seed_spreads([growing], histories)
    assert spread.seeds == 3
    assert spread.rate == pytest.approx(np.mean([run[-1] for run in runs[1:]]))


def test_a_position_is_solved_when_it_is_erred_on_no_more() -> None:
    wrong = np.array([[1, 0, 1, 0, 1], [1, 0, 0, 1, 1], [0, 0, 0, 0, 1]], np.bool_)
    assert first_solved(wrong).tolist() == [2, 0, 1, 2, 3]


def learned_at(time: np.ndarray, count: int = 40) -> Bool:
    """[count, M], wrong until ``time`` [M] of normal numbers has come."""
    clock = np.linspace(-3, 3, count)
    return np.asarray(clock[:, None] < time)


def test_the_order_of_learning_is_spearmans() -> None:
    rng = np.random.default_rng(0)
    times = rng.standard_normal((3, 300)) + rng.standard_normal(300)
    wrong = [learned_at(time, count) for time, count in zip(times, (5, 40, 9), strict=True)]
    solved = np.stack([first_solved(each) for each in wrong])
    expected = stats.spearmanr(solved, axis=1).statistic
    pairs = order_pairs(wrong)
    np.testing.assert_allclose(pairs.whole, expected, atol=1e-12)
    assert pairs.without.shape == (BLOCKS, 3, 3)


def test_intervals_hold_the_planted_order_and_agreement() -> None:
    """Seeds share a part of when they learn a position; others err on a share of the same ones.

    Of normal numbers of correlation r, Spearman's is 6 / pi asin(r / 2).  Where each seed throws
    the coin that all share with probability q and else its own, kappa is q ** 2.
    """
    rng, held, q = np.random.default_rng(0), np.zeros(3), 0.7
    expected = 6 / np.pi * np.arcsin(0.6 / 2)
    for _ in range(100):
        shared = rng.standard_normal(800)
        one, other = (
            [
                learned_at(np.sqrt(0.6) * shared + np.sqrt(0.4) * rng.standard_normal(800))
                for _ in range(4)
            ]
            for _ in range(2)
        )
        told = found(one, other)
        coin, own = rng.random(800) < 0.3, rng.random((4, 800)) < 0.3
        last = np.where(rng.random((4, 800)) < q, coin, own)
        # at first each errs everywhere, so that no position is left out
        errs = found([np.stack([np.ones(800, np.bool_), each]) for each in last])["a", "a"]
        for i, (interval, truth) in enumerate(
            ((told["a", "a"].order, expected), (told["a", "b"].order, expected),
             (errs.agreement, q**2))
        ):  # fmt: skip
            held[i] += interval.low <= truth <= interval.high
    assert (held >= 88).all(), held  # of 100


def test_agreement_is_cohens_at_equal_strength() -> None:
    rng = np.random.default_rng(0)
    early, late, other = rng.random((3, 200)) < np.array([[0.5], [0.1], [0.4]])
    errors = error_pairs([np.stack([np.ones(200, np.bool_), early, late]), other[None]])
    # the second ends weaker: it is set beside the first where that was as weak
    agree, a, b = (early == other).mean(), early.mean(), other.mean()
    chance = a * b + (1 - a) * (1 - b)
    assert errors.kappa.whole[0, 1] == pytest.approx((agree - chance) / (1 - chance))
    assert errors.shared[0, 1] == pytest.approx(2 * (early & other).mean() / (a + b))
    assert errors.chance[0, 1] == pytest.approx(2 * a * b / (a + b))
    assert np.diagonal(errors.kappa.whole).tolist() == [1.0, 1.0]
    # without a block of positions, it is that of the others
    out = in_blocks(np.arange(1, 201))[3]
    kept = ~np.isin(np.arange(1, 201), out)
    agree, a, b = (early == other)[kept].mean(), early[kept].mean(), other[kept].mean()
    chance = a * b + (1 - a) * (1 - b)
    assert errors.kappa.without[3, 0, 1] == pytest.approx((agree - chance) / (1 - chance))


def test_blocks_hold_each_position_once_and_are_equally_large() -> None:
    dealt = in_blocks(np.arange(1, 334))
    assert sorted(dealt[dealt > 0].tolist()) == [*range(1, 334)]
    sizes = (dealt > 0).sum(axis=1)
    assert sizes.tolist() == block_sizes(333).tolist()
    assert sizes.max() - sizes.min() <= 1
    assert dealt.shape == (BLOCKS, 24)


def test_positions_that_nobody_errs_on_and_runs_measured_twice() -> None:
    rng = np.random.default_rng(0)
    wrong = [rng.random((3, 100)) < 0.5 for _ in range(2)]
    once = [each[-2:] for each in wrong]
    easy = [np.concatenate([each, np.zeros((3, 900), np.bool_)], axis=1) for each in wrong]
    (plain,), (more,), (short,) = (found(part).values() for part in (wrong, easy, once))
    assert plain.shared == more.shared
    assert plain.chance == more.chance
    assert plain.order.value == pytest.approx(more.order.value)
    assert np.isnan(short.order.value)
    assert short.agreement.value == pytest.approx(plain.agreement.value, abs=0.2)
    assert similarities([], {}) == ()
    assert found([np.zeros((2, 9), np.bool_)] * 2) == {}


def test_histories_are_read_of_the_runs_that_kept_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    wrong = rng.random((3, 13)) < 0.5
    mass = rng.random(13).astype(np.float32)
    for name, digest in (("a", "a" * 16), ("b", "a" * 16), ("other", "b" * 16), ("bad", "a" * 16)):
        for i, step in enumerate((500, 1000, 12_000)):
            mistakes = {"search": ~wrong[i], "net": wrong[i]}
            answers = Answers(digest, mistakes, {"search": mass, "net": mass})
            path = answers_path(tmp_path / name, step)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_answers(path, answers)
    answers_path(tmp_path / "bad", 1000).write_bytes(b"PK")
    (tmp_path / "none").mkdir()
    names = ("a", "b", "other", "bad", "none")
    histories = read_histories([tmp_path / name for name in names])
    assert [path.name for path in histories] == ["a", "b"]
    assert "000001000.npz is missing, damaged" in capsys.readouterr().err
    history = histories[tmp_path / "a"]
    assert history.steps.tolist() == [500, 1000, 12_000]
    np.testing.assert_array_equal(history.wrong, wrong)

"""Numbers of recipes and of the command line have an end: beyond it one sentence, no overflow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from program import refused, run
from pydantic import BaseModel

from selfplay.config import Config, parse_config
from selfplay.verbs.players import refuse_both


def numbers(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every option of a recipe that holds a number, and the kinds of section that it needs."""
    for name, field in model.model_fields.items():
        kinds = (field.annotation, *get_args(field.annotation))
        if int in kinds or float in kinds:
            kind = model.model_fields.get("kind")
            needs = {f"{prefix}kind": kind.default} if kind else {}
            yield f"{prefix}{name}", needs
        for inner in kinds:
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from numbers(inner, f"{prefix}{name}.")


BEYOND = [str(2**64), "9" * 5000, "-1", "nan", "inf", "1e400", "²"]
OPTIONS = sorted({(name, *needs.items()) for name, needs in numbers(Config)})


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option[0])
def test_numbers_of_a_recipe_have_an_end(option: tuple[Any, ...]) -> None:
    name, *needs = option
    beyond = 10**45 if name == "budget.flops" else 2**64
    for value in (beyond, 10**60, "inf", "nan", "-inf", "1e300", -(2**64)):
        overrides = [*(f"{key}={kind}" for key, kind in needs), f"{name}={value}"]
        with pytest.raises(ValueError, match=name.rpartition(".")[2]):
            parse_config({}, overrides)


def test_the_options_are_found() -> None:
    names = {option[0] for option in OPTIONS}
    assert {"seed", "learner.batch", "evaluator.cache", "budget.seconds", "net.channels"} <= names
    assert len(names) > 50


@pytest.mark.parametrize(
    "words",
    [
        "match random random --seed", "match random random --games", "play random --seed",
        "play random --simulations", "data solver nim --out d --games",
        "data solver nim --out d --openings", "data solver nim --out d --processes",
        "data solver nim --out d --temperature", "data solver nim --out d --seed",
        "check nim --games", "check nim --seed", "bench nim --seconds", "bench nim --games",
        "evaluate run --limit", "sweep s.toml --jobs",
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", BEYOND)
def test_numbers_of_the_command_line_have_an_end(words: str, value: str, tmp_path: Path) -> None:
    assert_refused(tmp_path, words, value)


def assert_refused(place: Path, words: str, value: str) -> None:
    """The last of the words is an option that does not take the value."""
    *before, option = words.split()
    assert option in refused(run(place, *before, f"{option}={value}"), code=2)


def test_the_largest_seed_is_taken() -> None:
    assert parse_config({}, (f"seed={2**63 - 1}",)).seed == 2**63 - 1
    assert math.isfinite(parse_config({}, ("budget.seconds=1e9",)).budget.seconds or math.inf)


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "1e9"])
def test_a_time_a_move_has_bounds(value: str, tmp_path: Path) -> None:
    told = run(tmp_path, "match", "random", "solver", f"--seconds={value}")
    assert told.returncode == 2
    assert "is not a time a move in seconds, above 0 and up to a day" in told.stderr


def test_a_search_has_one_limit() -> None:
    with pytest.raises(ValueError, match="--simulations and --seconds both say how long"):
        refuse_both(0, 0.5)
    refuse_both(None, 0.5)

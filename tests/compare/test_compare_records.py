"""Run folders read back against what was planted in them."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path

import numpy as np
import pytest
from hostile import CONFIG, LINE, nonsense, replace_by_what_never_ends
from synthetic_runs import FLOPS, expert_data, power, write_run, write_sweep
from tiny_runs import change_config

from selfplay.compare.comparison import compare
from selfplay.compare.groups import group_runs
from selfplay.compare.records import Settings, flop_rate, read_run, read_runs

LAW = power(1e9, 0.3)


def older(run: Path) -> Path:
    """The run as one of a version that did not write down how large its net is."""
    text = (run / "metrics.jsonl").read_text().replace("net/parameters", "cost/older")
    (run / "metrics.jsonl").write_text(text)
    return run


def labels(folder: Path) -> list[str]:
    return [group.label for group in group_runs(read_runs([folder]).runs)]


def test_a_run_says_what_was_written(tmp_path: Path) -> None:
    folder = write_run(
        tmp_path / "a", LAW, kind="imitation", seed=7, data=expert_data(1000), expert_s=12.5,
        regime={"data": "runs/data/t1", "games": 1000}, finished=False,
    )  # fmt: skip
    own = write_run(tmp_path / "own", LAW, kind="policy_gradient", regime={"games": 256})
    assert read_run(own).games is None  # those are no set of data
    run = read_run(folder)
    assert (run.kind, run.seed, run.games, run.finished) == ("imitation", 7, 1000, False)
    assert run.expert == "solver, temperature 1"
    (folder / "provenance.json").write_text('{"command": "of an older version"}')
    assert read_run(folder).finished
    assert run.settings == ("tictactoe", 64, "", "", 0, 0, "", False)
    points = run.points
    np.testing.assert_allclose(points.flops, FLOPS)
    np.testing.assert_allclose(points.wall_s, FLOPS / 1e10)
    assert (points.expert_s == 12.5).all()
    below, above = points.error("strength/mistake_rate")
    rate = points.of("strength/mistake_rate")
    np.testing.assert_allclose(rate - below, points.of("strength/mistake_rate_low"))
    np.testing.assert_allclose(rate + above, points.of("strength/mistake_rate_high"))
    assert np.isnan(points.of("strength/unheard_of")).all()


@pytest.mark.parametrize(("width", "parameters"), [(16, 508), (64, 1996)])
def test_the_size_of_a_net_is_said_or_counted(width: int, parameters: int, tmp_path: Path) -> None:
    run = write_run(tmp_path / "a", LAW, width=width)
    assert read_run(run).parameters == read_run(older(run)).parameters == parameters


def test_damaged_lines_are_counted_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_run(tmp_path / "a", LAW)
    with open(folder / "metrics.jsonl", "ab") as file:
        file.write(b"5\n\xff\n")
    assert len(read_run(folder).points.flops) == len(FLOPS)
    path = folder / "metrics.jsonl"
    assert capsys.readouterr().err == f"{path}: 2 lines are damaged and left out\n"


def test_older_lines_take_the_ledger_of_the_line_before(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a", LAW)
    rows = [
        {"step": 1, "phase": "learn", "cost/flops_learn": 3e9, "cost/flops_generate": 1e9},
        {"step": 1, "phase": "strength", "strength/mistake_rate": 0.25},
        {"step": 2, "phase": "learn", "cost/flops_learn": 6e9, "cost/flops_generate": 2e9},
        {"step": 2, "phase": "strength", "strength/mistake_rate": 0.125},
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows) + '{"step": 3, "strength/mis'
    (folder / "metrics.jsonl").write_text(text)
    points = read_run(folder).points
    assert points.flops.tolist() == [4e9, 8e9]
    assert points.of("strength/mistake_rate").tolist() == [0.25, 0.125]


def test_runs_that_differ_in_their_seed_are_one_group(tmp_path: Path) -> None:
    runs = read_runs([write_sweep(tmp_path / "sweep")]).runs
    assert flop_rate(runs) == pytest.approx(1e10)  # all compute over all time
    groups = group_runs(runs)
    assert len(groups) == 12
    assert all([run.seed for run in group.runs] == [0, 1, 2] for group in groups)
    frozen = [group for group in groups if group.kind == "frozen"]
    # whatever seed their makers had
    assert [group.maker_parameters for group in frozen] == [508, 1996, 508, 1996]
    assert [group.positions for group in frozen] == [5000] * 4


def test_labels_tell_what_differs(tmp_path: Path) -> None:
    for name, games, temperature in (("a", 1000, 0), ("b", 1000, 1), ("c", 10_000, 1)):
        expert = f"solver, temperature {temperature}"
        write_run(
            tmp_path / name, LAW, kind="imitation", data=expert_data(games, expert),
            regime={"data": f"runs/data/{expert}", "games": games},
        )  # fmt: skip
    write_run(tmp_path / "d", LAW)
    write_run(tmp_path / "e", LAW, regime={"positions": 4096})
    assert labels(tmp_path) == [
        "imitation, 1,000 games, temperature 0",
        "imitation, 1,000 games, temperature 1",
        "imitation, 10,000 games, temperature 1",
        "self-play",
        "self-play, positions 4096",
    ]


def test_kinds_of_net_are_told_and_budgets_where_nothing_else_differs(tmp_path: Path) -> None:
    for name, width, budget in (("a", 16, 1e12), ("b", 32, 1e13)):
        change_config(write_run(tmp_path / name, LAW, width=width), budget={"flops": budget})
    small, large = "508 parameters", "1,004 parameters"
    assert labels(tmp_path) == [f"self-play, {small}", f"self-play, {large}"]
    change_config(tmp_path / "b", net={"kind": "resnet"})
    assert labels(tmp_path) == [f"self-play, mlp net, {small}", f"self-play, resnet net, {large}"]
    change_config(tmp_path / "b", net={"kind": "mlp"})
    change_config(tmp_path / "a", net={"width": 32})
    (tmp_path / "a" / "metrics.jsonl").write_bytes((tmp_path / "b/metrics.jsonl").read_bytes())
    assert labels(tmp_path) == ["self-play, budget.flops 1e+12", "self-play, budget.flops 1e+13"]


def test_the_effort_of_a_search_in_words() -> None:
    assert Settings("othello", 64, "").effort == "64 simulations a move"
    assert Settings("othello", 0, "").effort == "net alone"
    assert Settings("proving", 64, "", "", 100, 2000).effort == "2,000 inferences a problem"


def test_runs_measured_in_other_ways_are_refused(tmp_path: Path) -> None:
    write_run(tmp_path / "a", LAW)
    change_config(write_run(tmp_path / "b", LAW, seed=1), strength={"positions": "p.csv"})
    with pytest.raises(ValueError, match=r"strength.positions = '', .*b has 'p.csv'"):
        read_runs([tmp_path])


GUMBEL = {"kind": "gumbel", "simulations": 16, "considered": 16}


def searched(folder: Path, seed: int, search: dict[str, object], **strength: object) -> Path:
    """A run with this section [search]."""
    run = change_config(write_run(folder, LAW, seed=seed), strength=strength)
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | {"search": search}))
    return run


def test_of_runs_measured_with_other_searches_the_nets_alone_are_compared(tmp_path: Path) -> None:
    searched(tmp_path / "a", 0, GUMBEL)
    searched(tmp_path / "b", 1, GUMBEL | {"considered": 4})
    read = read_runs([tmp_path])
    assert [run.settings.search.count("considered = 4,") for run in read.runs] == [0, 1]
    alone = {f"net_mistake_rate{end}" for end in ("", "_low", "_high")}
    alone |= {"policy_cross_entropy", "value_cross_entropy"}
    for run in read.runs:
        assert {name.removeprefix("strength/") for name in run.points.strength} == alone
    assert read.notes[0].startswith("only nets alone are compared, since")
    found = compare([tmp_path])
    assert found.metric == "strength/net_mistake_rate"
    assert read.notes[0] in found.notes
    with pytest.raises(ValueError, match="no run has 'strength/mistake_rate'; there are"):
        compare([tmp_path], metric="strength/mistake_rate")


@pytest.mark.parametrize(
    ("one", "other", "strength", "equal"),
    [
        (GUMBEL, GUMBEL | {"simulations": 4}, {}, True),  # measuring has a number of its own
        (GUMBEL, GUMBEL | {"value_scale": 1.0}, {}, True),  # the default, said by one alone
        (GUMBEL, GUMBEL | {"look_ahead": False}, {}, False),
        ({"kind": "puct"}, {"kind": "puct", "noise_share": 0.0}, {}, True),  # of self-play alone
        ({"kind": "puct"}, {"kind": "puct", "exploration": 2.0}, {}, False),
        (GUMBEL, {"kind": "puct"}, {}, False),
        (GUMBEL, GUMBEL, {"searched": 60}, False),
    ],
)
def test_which_searches_are_equal(
    one: dict[str, object],
    other: dict[str, object],
    strength: dict[str, object],
    equal: bool,
    tmp_path: Path,
) -> None:
    searched(tmp_path / "a", 0, one)
    searched(tmp_path / "b", 1, other, **strength)
    read = read_runs([tmp_path])
    assert (read.notes == ()) == equal
    assert all(run.points.has("strength/mistake_rate") == equal for run in read.runs)


def test_it_is_said_where_some_have_learned_what_all_are_judged_on(tmp_path: Path) -> None:
    write_run(tmp_path / "a", LAW, strength={"apart": True})
    write_run(tmp_path / "b", LAW, seed=1, strength={"apart": True})
    assert read_runs([tmp_path]).notes == ()
    write_run(tmp_path / "c", LAW, seed=2)  # of an earlier version, perhaps
    (note,) = read_runs([tmp_path]).notes
    assert note.startswith(f"{tmp_path / 'c'} may have learned from positions that it is judged on")


def test_cells_that_failed_are_named_and_the_others_compared(tmp_path: Path) -> None:
    write_run(tmp_path / "good", LAW)
    damaged = write_run(tmp_path / "damaged", LAW, seed=1)
    (damaged / "config.json").write_text("{")
    change_config(older(write_run(tmp_path / "huge", LAW, seed=4)), net={"width": 10**9})
    early = write_run(tmp_path / "early", LAW, seed=2)
    (early / "metrics.jsonl").write_text('{"step": 1, "phase": "learn", "time": 1.0}\n')
    for name in ("absent", "data-ttt"):  # the second holds what is told of a data set
        (tmp_path / name).mkdir()
    cells = [{"name": "early", "state": "failed", "error": "out of memory"}, {"name": "absent"}]
    (tmp_path / "sweep.json").write_text(json.dumps({"cells": cells}))
    read = read_runs([tmp_path])
    assert [run.path.name for run in read.runs] == ["good"]
    reasons = {each.path.name: each.reason for each in read.skipped}
    assert reasons.keys() == {"damaged", "huge", "early", "absent"}
    assert "config.json is damaged" in reasons["damaged"]
    assert "net.width = 1000000000: Input should be less than or equal to 65536" in reasons["huge"]
    assert "no measurement of strength yet" in reasons["early"]
    assert reasons["early"].endswith("; the sweep says: out of memory")
    assert "has no config.json" in reasons["absent"]


def test_a_run_twice_is_no_second_seed(tmp_path: Path) -> None:
    write_run(tmp_path / "a", LAW)
    write_run(tmp_path / "b", LAW)
    read = read_runs([tmp_path, tmp_path / "a"])
    assert len(read.runs) == 1
    assert "the same configuration and seed 0" in read.skipped[0].reason


def test_two_stocks_are_no_run_twice_and_all_of_one_is_its_size(tmp_path: Path) -> None:
    for maker in (0, 1):
        write_run(tmp_path / f"maker{maker}", LAW, seed=maker)
        regime = {"run": str(tmp_path / f"maker{maker}")}
        data = {"expert": "another run", "positions": 9000 + maker, "unique": 8000}
        write_run(tmp_path / f"frozen{maker}", LAW, kind="frozen", regime=regime, data=data)
    read = read_runs([tmp_path])
    assert not read.skipped
    frozen = [run for run in read.runs if run.kind == "frozen"]
    assert [run.positions for run in frozen] == [9000, 9001]
    assert len(group_runs(read.runs)) == 2


def test_runs_whose_nets_see_more_of_the_same_game_are_compared(tmp_path: Path) -> None:
    for spec in ("connect4", "connect4?threats=true"):
        run = write_run(tmp_path / spec[-4:], LAW)
        change_config(run, game=spec)
    runs = read_runs([tmp_path]).runs
    assert [run.settings.game for run in runs] == ["connect4"] * 2
    assert len(group_runs(runs)) == 2


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A run of one measurement, whose files a test damages."""
    (tmp_path / "config.json").write_text(json.dumps(CONFIG.dump()))
    (tmp_path / "provenance.json").write_text('{"finished": true}')
    (tmp_path / "metrics.jsonl").write_text(json.dumps(LINE) + "\n")
    assert read_run(tmp_path).finished
    return tmp_path


def test_nonsense_in_the_files_of_a_run_is_a_value_or_a_sentence(hostile: Path) -> None:
    for name in ("metrics.jsonl", "config.json", "provenance.json"):
        whole = (hostile / name).read_bytes()
        for content in nonsense():
            (hostile / name).write_bytes(content)
            with contextlib.suppress(ValueError):
                read_run(hostile)
        (hostile / name).write_bytes(whole)


@pytest.mark.parametrize("name", ["config.json", "provenance.json", "metrics.jsonl"])
@pytest.mark.parametrize("kind", ["pipe", "zeros", "folder", "hole"])
def test_what_never_ends_is_not_read(name: str, kind: str, hostile: Path) -> None:
    replace_by_what_never_ends(hostile / name, kind)
    with pytest.raises(ValueError, match=str(hostile)):
        read_run(hostile)


def test_an_option_that_an_older_version_did_not_write_is_named(tmp_path: Path) -> None:
    write_run(tmp_path / "new", LAW)
    file = write_run(tmp_path / "old", LAW, seed=1) / "config.json"
    file.write_text(file.read_text().replace('"simulations"', '"older"'))
    (skipped,) = read_runs([tmp_path]).skipped
    assert skipped.reason == f"{file} lacks 'simulations': it is damaged, or of too old a version"


def test_long_runs_are_read_in_seconds(tmp_path: Path) -> None:
    filler = json.dumps({f"learn/{i}": 0.123456789 for i in range(20)} | {"step": 1}) + "\n"
    for seed in range(25):
        folder = write_run(tmp_path / f"{seed:03}", LAW, seed=seed)
        with open(folder / "metrics.jsonl", "a") as file:
            file.write(filler * 2000)
    start = time.monotonic()
    assert len(read_runs([tmp_path]).runs) == 25
    assert time.monotonic() - start < 5


def test_a_run_that_stopped_early_and_went_on_has_not_stopped(tmp_path: Path) -> None:
    """What its last measurement says counts."""
    run = write_run(tmp_path / "a", LAW)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    measured = [line for line in lines if line["phase"] == "strength"]
    for stops, expected in (((-1,), True), ((2,), False), ((2, -1), True)):
        for number in stops:
            measured[number]["cost/stopped"] = 1.0
        (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        assert read_run(run).points.stopped is expected
        for line in measured:
            line.pop("cost/stopped", None)

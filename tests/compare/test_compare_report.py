"""``selfplay compare`` from outside: what it prints and writes, in a browser, and its refusals."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import answer, refused, run
from synthetic_runs import CROSSING, expert_data, imitated, power, write_run, write_sweep

from selfplay.compare.report import events

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = 'solver <script>alert("x")</script> & $x^$ \x1b[31m'
Compare = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("place")


@pytest.fixture(scope="module")
def compare(place: Path) -> Compare:
    """``selfplay compare WORDS`` in ``place``."""
    return partial(run, place, "compare")


@pytest.fixture(scope="module")
def sweep(place: Path) -> Path:
    """Planted runs, one cell that failed, one damaged, and a pool."""
    folder = write_sweep(place / "sweep", seeds=3)
    for name in ("early", "broken"):
        (folder / name).mkdir()
    (folder / "broken" / "config.json").write_text("{")
    cells = [{"name": "early", "state": "failed", "error": "MemoryError: <b>no</b> memory left"}]
    (folder / "sweep.json").write_text(json.dumps({"cells": cells}))
    labels = ["self-play, 1,996 parameters", "random"]
    pool = {
        "labels": labels, "elo": [212.0, -212.0], "low": [150.0, -280.0], "high": [280.0, -150.0],
        "games": 40, "simulations": 64, "score": [[None, 0.92], [0.08, None]],
        "own_mistake_rate": [0.031, None], "own_low": [0.02, None], "own_high": [0.05, None],
    }  # fmt: skip
    (folder / "pool.json").write_text(json.dumps({"terms": {}, "pool": pool, "matches": []}))
    return folder


@pytest.fixture(scope="module")
def done(compare: Compare, sweep: Path) -> subprocess.CompletedProcess[str]:
    """The comparison that most tests look at."""
    return compare("sweep", "--json")


@pytest.fixture(scope="module")
def content(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = answer(done)
    return found


@pytest.fixture(scope="module")
def page(done: subprocess.CompletedProcess[str], sweep: Path) -> str:
    return (sweep / "report.html").read_text(encoding="utf-8")


def rows(page: str, title: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    below = page.split(f"<h3>{title}</h3>", 1)[1].split("</table>", 1)[0]
    cells = [re.findall(r"<td.*?</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", below)[1:]]
    return [[html.unescape(re.sub("<[^>]*>", " ", each)).strip() for each in row] for row in cells]


def test_the_numbers_are_those_that_were_planted(content: dict[str, Any], sweep: Path) -> None:
    assert json.loads((sweep / "compare.json").read_text()) == content
    by_label = {group["label"]: group for group in content["groups"]}
    assert len(by_label) == 12
    imitation = by_label["imitation, 10,000 games, 1,996 parameters"]
    assert imitation["low"] < imitation["value"] < imitation["high"]
    assert imitation["value"] == pytest.approx(imitated(10_000, 64)(1e14), abs=0.01)
    assert imitation["flops"] == pytest.approx(1e14)
    assert imitation["effective_epochs"] == pytest.approx(1e8 / 50_000)
    assert (imitation["expert_s"], imitation["wall_s"]) == (100.0, 1e4)
    assert [run["seed"] for run in imitation["runs"]] == [0, 1, 2]
    (law,) = (fit for fit in content["fits"] if (fit["of"], fit["form"]) == ("D", "floor"))
    exponent = law["parameters"]["exponent"]
    assert exponent["low"] <= 0.3 <= exponent["high"]
    assert len(content["elasticities"]) == 7
    better_data_teach_more = np.diff(content["matrix"]["value"], axis=0) < 0
    assert better_data_teach_more.all()


def test_views_cross_where_it_was_planted(content: dict[str, Any]) -> None:
    first, second = content["views"]
    metrics = first["metric"], second["metric"]
    assert metrics == ("strength/mistake_rate", "strength/net_mistake_rate")
    assert content["sentence"].startswith(
        "self-play overtakes imitation of 10,000 games (solver, temperature 1) at "
    )
    (crossing,) = (
        each
        for each in first["crossings"]
        if each["a"].startswith("self-play") and each["b"].startswith("imitation, 10,000")
    )
    assert crossing["low"] < CROSSING < crossing["high"]
    gradient = (each for each in first["crossings"] if each["a"].startswith("policy gradient"))
    assert {each["state"] for each in gradient} == {"behind"}
    with_search, alone = (np.array(view["curves"][4]["mean"]) for view in (first, second))
    assert alone == pytest.approx(np.minimum(1, 1.5 * with_search), abs=1e-6)


def test_charging_the_expert_moves_its_curves(content: dict[str, Any]) -> None:
    assert content["flop_rate"] == pytest.approx(1e10)
    assert "the seconds of expert and search charged" in content["charged_sentence"]
    view = content["views"][0]
    for group, free, late in zip(content["groups"], view["curves"], view["charged"], strict=True):
        assert group["label"] == free["label"] == late["label"]
        start = 1e10 * (1 + (group["games"] or 0) / 100 if group["expert"] else 1)
        assert start <= late["flops"][0] * 1.0001 < start * 10**0.06


def test_the_manual_names_what_json_holds(content: dict[str, Any]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "comparing.md").read_text(encoding="utf-8")
    table = page.split("| JSON |", 1)[1].split("\n\n", 1)[0]
    cells = {line.split("|")[1]: line for line in table.splitlines() if line.startswith("| `")}
    keys = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(keys) == sorted(content)
    (groups,) = (line for cell, line in cells.items() if "groups" in cell)
    (views,) = (line for cell, line in cells.items() if "views" in cell)
    assert set(content["groups"][0]) <= set(re.findall(r"`(\w+)`", groups))
    assert set(content["views"][0]) <= set(re.findall(r"`(\w+)`", views))


def test_the_page_begins_with_the_sentence(page: str, content: dict[str, Any]) -> None:
    (first,) = re.findall(r'<p class="answer">(.*?)</p>', page)
    sentence = content["exchange_sentence"]
    assert html.unescape(first) == f"{sentence[0].upper()}{sentence[1:]}."
    (second, *_) = re.findall(r'<p class="second">(.*?)</p>', page)
    assert html.unescape(second)[1:] == f"{content['sentence'][1:]}."
    assert page.index('class="answer"') < page.index("<svg")
    assert f"{content['charged_sentence'][1:]}." in html.unescape(page)


def test_the_tables_hold_the_numbers(page: str, content: dict[str, Any]) -> None:
    table = rows(page, "Groups of runs: mistake rate")
    assert [row[0] for row in table][:2] == [
        "self-play, N\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}1,996",
        "policy gradient, N\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}1,996",
    ]
    group = content["groups"][-1]
    value, low, high = (f"{100 * group[name]:.2f}" for name in ("value", "low", "high"))
    assert table[0][1:4] == ["3", "1,996", "=1.0e7"]
    assert table[0][5].split() == [f"{value}%", f"({low}", "to", f"{high})"]
    pairs = rows(page, "Crossings: mistake rate, 64 simulations a move")
    assert len(pairs) == 6
    assert {row[1] for row in pairs} <= {"overtakes", "better all along", "worse to the end"}
    pool = rows(page, "Elo in one pool")
    assert pool[0][1:3] == ["+212", "+150 to +280"]
    assert pool[1] == ["random", "-212", "-280 to -150", "8.0%", "-", "-"]


def test_what_failed_is_named_and_escaped(page: str, content: dict[str, Any]) -> None:
    reasons = [each["reason"] for each in content["skipped"]]
    assert any("the sweep says: MemoryError: <b>no</b> memory left" in each for each in reasons)
    assert any("config.json is damaged" in each for each in reasons)
    assert "MemoryError: &lt;b&gt;no&lt;/b&gt; memory left" in page
    assert "<b>" not in page


def test_the_page_needs_nothing_from_elsewhere(page: str) -> None:
    assert "<script" not in page
    assert not re.search(r"(?:src|href)=\"(?!#|data:,)", page)
    assert "@import" not in page
    assert re.findall(r"url\((?!#)", page) == []
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


FIGURES = [
    "exchange", "strength", "strength-charged", "strength-groups", "strength-net_mistake_rate",
    "law-data", "law-compute", "epochs", "matrix", "search-raw", "pool",
]  # fmt: skip


def test_every_figure_is_in_the_page_and_beside_it_and_says_what_it_shows(
    page: str, sweep: Path, content: dict[str, Any]
) -> None:
    assert re.findall(r'<figure id="figure-([^"]+)"', page) == FIGURES
    figures = sweep / "compare" / "figures"
    assert sorted(p.name for p in figures.iterdir()) == sorted(
        f"{name}.{end}" for name in FIGURES for end in ("png", "svg")
    )
    words = {}
    for name in FIGURES:
        assert (figures / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        drawn = ElementTree.parse(figures / f"{name}.svg").getroot()
        assert drawn.tag == f"{SVG}svg"
        assert float(drawn.attrib["width"]) > 100
        words[name] = "\n".join("".join(each.itertext()) for each in drawn.iter(f"{SVG}text"))
    at = re.search(r"at (\S+ FLOPs \(95%: \S+)-", content["sentence"])
    assert at is not None  # the crossing that is marked is that of the sentence
    axes = ("training compute, FLOPs", "mistake rate, 64 simulations a move", "self-play")
    assert [text for text in (*axes, at[1]) if text not in words["strength"]] == []
    for value in np.ravel(content["matrix"]["value"]):
        assert f"{100 * value:.1f}%" in words["matrix"]
    assert "Elo" in words["pool"]


def test_people_read_the_sentence_first(done: subprocess.CompletedProcess[str]) -> None:
    lines = done.stderr.removeprefix("drawing\n").splitlines()  # said on a busy machine
    assert lines[0].startswith("Matching D games (solver, temperature 1) takes self-play ")
    assert lines[1].startswith("Self-play overtakes imitation of 10,000 games (solver, temp")
    assert any(line.split()[:1] == ["self-play,"] for line in lines)
    assert any(line.startswith("Note: left out: ") for line in lines)
    assert lines[-1].startswith("Next: tensorboard --logdir sweep")
    assert "Written: sweep/report.html" in lines[-2]
    assert "\x1b" not in done.stderr


def test_names_of_strangers_do_no_harm(compare: Compare, place: Path) -> None:
    write_run(place / "odd <i>" / "a", power(1e9, 0.3))
    write_run(
        place / "odd <i>" / "b", power(1e9, 0.1), kind="imitation",
        regime={"data": "d", "games": 10}, data=expert_data(10, HOSTILE),
    )  # fmt: skip
    shown = compare("odd <i>")
    assert shown.returncode == 0, shown.stderr
    assert "\x1b" not in shown.stdout
    assert 'solver <script>alert("x")</script> & $x^$ ?[31m' in shown.stdout
    page = (place / "odd <i>" / "report.html").read_text()
    assert "<script" not in page
    assert "<i>" not in page
    assert "solver &lt;script&gt;" in page


def test_a_run_measured_once_is_compared_again_and_only_what_is_its_own_replaced(
    compare: Compare, place: Path
) -> None:
    folder, own = place / "short", place / "short" / "compare"
    write_run(folder / "run", power(1e9, 0.3), flops=np.array([3e10]))
    told = "was measured at too few points of compute to say anything"
    assert told in compare("short").stdout
    assert "<figure" not in (folder / "report.html").read_text()
    (own / "mine.txt").write_text("mine")
    before = {path.name for path in own.rglob("events*")}
    assert told in compare("short").stdout
    after = {path.name for path in own.rglob("events*")}
    assert len(before) == len(after) == 3
    assert not before & after
    assert (own / "mine.txt").read_text() == "mine"
    assert [*folder.glob(".*")] == []
    # the folder of the report is no run
    assert json.loads((folder / "compare.json").read_text())["skipped"] == []
    (own / "made-by-selfplay-compare.json").unlink()
    assert "short/compare is not of selfplay compare; move it" in refused(compare("short"))
    assert (own / "mine.txt").exists()


@pytest.fixture(scope="module")
def some(place: Path) -> Path:
    """Runs that something is wrong with."""
    write_run(place / "one", power(1e9, 0.3))
    write_run(place / "other", power(1e9, 0.3), seed=1, strength={"simulations": 32})
    write_run(place / "unmeasured", power(1e9, 0.3), flops=np.empty(0))
    (place / "empty").mkdir()
    (place / "file").write_text("")
    return place


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("nowhere", "there is no run 'nowhere'"),
        ("empty", "there is nothing to compare in empty: no run lies there"),
        ("unmeasured", "unmeasured has no measurement of strength yet"),
        ("one other", "one has strength.simulations = 64, other has 32; compare them apart"),
        ("one --metric strength/elo", "no run has 'strength/elo'; there are: strength/mistake_"),
        ("one --loss strength/optimal_mass", "power laws are of losses"),
        ("one --out file", "cannot write into file (File exists); name another with --out"),
        ("one --pool 2 --out pool", "no run has a checkpoint that could play"),
        ("one --pool-simulations 0", "--pool-simulations means nothing without --pool GAMES"),
    ],
)
def test_refusals_are_one_sentence(compare: Compare, some: Path, words: str, sentence: str) -> None:
    assert sentence in refused(compare(*words.split()))


def test_one_run_alone_on_a_terminal_of_ascii(some: Path) -> None:
    words = "one", "--metric", "strength/net_mistake_rate", "--loss", "strength/no_such"
    shown = run(some, "compare", *words, encoding="ascii", LC_ALL="C", TERM="dumb")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.isascii()
    assert "(one seed, so there is no interval)" in shown.stdout.splitlines()[0]
    assert "Written: runs/compare/report.html" in shown.stdout
    assert "(one seed)" in shown.stdout
    content = json.loads((some / "runs" / "compare" / "compare.json").read_text())
    assert content["metric"] == content["loss"] == "strength/net_mistake_rate"
    metrics = [view["metric"] for view in content["views"]]
    assert metrics == ["strength/net_mistake_rate", "strength/mistake_rate"]
    assert content["groups"][0]["low"] is None
    assert content["sentence"].endswith("there is no other regime to compare it with")
    assert (content["views"][0]["charged"], content["matrix"]) == ([], None)


def test_without_matplotlib_the_extra_is_named(
    compare: Compare, some: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "pip install 'selfplay[compare]'" in refused(compare("one", "--out", "never"))
    assert not (some / "never").exists()


def test_ctrl_c_leaves_nothing_half_written(
    compare: Compare, some: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []

    def interrupted(folder: Path, views: object) -> None:
        written.extend(folder.rglob("*.svg"))
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(events, "write_events", interrupted)
    assert refused(compare("one", "--out", "stopped"), code=130) == "selfplay: interrupted"
    assert len(written) > 0
    assert list((some / "stopped").iterdir()) == []


CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

SCREENS = {"wide": (1200, "light"), "dark": (1200, "dark"), "phone": (390, "light")}

PROBE = """
<script>
addEventListener('load', () => {
  const figures = [...document.querySelectorAll('figure')].map(figure => {
    const svg = figure.querySelector('svg'), box = svg.getBoundingClientRect();
    const drawn = getComputedStyle(svg.querySelector('path[style*="var(--"]'));
    return {id: figure.id, width: box.width, height: box.height,
            texts: svg.querySelectorAll('text').length,
            colours: drawn.fill + drawn.stroke};
  });
  const style = (what, part) => getComputedStyle(document.querySelector(what), part);
  parent.postMessage({
    screen: name, figures, heads: style('td:nth-child(2)', '::before').content,
    cut: [...document.querySelectorAll('table')].filter(each => each.scrollWidth > innerWidth)
      .length,
    wide: document.documentElement.scrollWidth > innerWidth,
    swipe: style('.swipe').display, paper: style('body').backgroundColor}, '*');
});
</script>
"""

ALL = """<!DOCTYPE html><script>
const seen = {};
addEventListener('message', ({data}) => {
  seen[data.screen] = data;
  document.title = JSON.stringify(seen);
});
</script>"""


@pytest.fixture(scope="module")
def screens(page: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a browser makes of the page on each of the screens, all of them frames of one page."""
    if CHROMIUM is None:
        pytest.skip("needs Debian's chromium")
    folder = tmp_path_factory.mktemp("browser")
    probed = page.replace("</body>", f"{PROBE}</body>")
    (folder / "probed.html").write_text(probed, encoding="utf-8")
    frames = "".join(
        f'<iframe name="{name}" src="probed.html" style="border:0; width:{width}px; height:900px; '
        f'color-scheme:{scheme}"></iframe>'
        for name, (width, scheme) in SCREENS.items()
    )
    (folder / "all.html").write_text(ALL + frames, encoding="utf-8")
    shown = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            f"--user-data-dir={folder / 'profile'}", "--window-size=1300,900",
            "--enable-logging=stderr", "--v=0", "--blink-settings=preferredColorScheme=1",
            "--virtual-time-budget=5000", "--dump-dom", (folder / "all.html").as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    assert "CONSOLE" not in shown.stderr
    title = re.search(r"<title>(\{.*?)</title>", shown.stdout)
    assert title is not None
    seen: dict[str, Any] = json.loads(html.unescape(title[1]))
    return seen


@pytest.mark.parametrize("name", SCREENS)
def test_the_report_in_a_browser(screens: dict[str, Any], name: str) -> None:
    seen = screens[name]
    assert [each["id"] for each in seen["figures"]] == [f"figure-{name}" for name in FIGURES]
    for each in seen["figures"]:
        assert each["width"] > 300
        assert each["height"] > 80
        assert each["texts"] > 5
        assert "rgb" in each["colours"]
    assert seen["paper"] == ("rgb(20, 23, 28)" if name == "dark" else "rgb(255, 255, 255)")
    assert seen["cut"] == 0  # a row of a table is a list where the screen is narrow
    shown = ('"seeds"', "block") if name == "phone" else ("none", "none")
    assert (seen["heads"], seen["swipe"]) == shown
    assert not seen["wide"]  # nothing but tables and figures scrolls sideways

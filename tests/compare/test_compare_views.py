"""The further views of a comparison from outside: what is printed, written and drawn of them."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic_views import GAMMA, PARTING, SLOPE, STOCKS, WIDTHS, write_views
from tensorboard.plugins.text.metadata import PLUGIN_NAME
from tiny_runs import events_of

from selfplay.compare.publish import Published, Request, publish
from selfplay.compare.report.event_pages import as_markdown
from selfplay.compare.report.one_pass_events import TAG
from selfplay.compare.report.table import Table
from selfplay.compare.report.tables import print_comparison

GRADIENT = "policy gradient, 1,996 parameters"
FIGURES = ("one-pass", "search-plane", "search-pushes", "search-raw", "seeds", "similarity")
TABLES = (
    "One pass against L(D)", "Training against search at equal strength",
    "Does the prior move where the search pushed it?", "Spread over seeds",
    "Order of learning and agreement",
)  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder = write_views(tmp_path_factory.mktemp("views"))
    asked = Request((str(folder),), None, None, None, None, None, "selfplay compare views")
    return publish(asked)


def test_the_numbers_are_those_that_were_planted(done: Published) -> None:
    content: dict[str, Any] = done.content
    (passes,) = content["one_passes"]
    assert passes["data"] == pytest.approx(STOCKS)
    sizes = passes["sizes"]
    assert [size["parameters"] for size in sizes] == [31 * width + 12 for width in WIDTHS]
    for size, width in zip(sizes[:3], WIDTHS, strict=False):
        start = 6000 * (width / 16) ** GAMMA * PARTING
        assert size["leaves"]["low"] <= start * 1.02
        assert size["leaves"]["high"] >= start * 0.98
    assert passes["exponent"]["value"] == pytest.approx(GAMMA, abs=0.05)
    assert [plane["label"] for plane in content["planes"]] == [
        f"self-play, 1,996 parameters, search.simulations {n}" for n in (2, 16, 64)
    ]
    for plane in content["planes"]:
        assert plane["slope"]["value"] == pytest.approx(SLOPE, abs=0.5)
    pushed = {(each["label"], each["kind"]): each for each in content["pushes"]}
    assert len([kind for _, kind in pushed if kind == "mended"]) == 4
    assert pushed[GRADIENT, "mended"]["positions"] == 400
    # a position is solved when its time has come, whatever the search did before
    difference = pushed[GRADIENT, "mended"]["difference"]
    assert difference["low"] < 0 < difference["high"]
    spreads = {each["label"]: each for each in content["seeds"]}
    assert len(spreads) == 4
    assert spreads[GRADIENT]["positions"] == 400
    pairs = {(each["a"], each["b"]): each for each in content["similarities"]}
    assert len(pairs) == 10  # of four groups
    alike = pairs[GRADIENT, GRADIENT]
    assert alike["pairs"] == 3
    # times correlate 0.5: Spearman's is 6 / pi asin(0.25)
    assert alike["order"]["low"] < 6 / np.pi * np.arcsin(0.25) < alike["order"]["high"]
    assert alike["chance"] < alike["shared"] < 1


def test_the_page_and_the_folder_hold_the_figures(done: Published) -> None:
    page = done.report.read_text(encoding="utf-8")
    drawn = re.findall(r'<figure id="figure-([^"]+)"', page)
    assert [name for name in drawn if name in FIGURES] == [*FIGURES]
    for name in FIGURES:
        assert (done.figures / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    svg = (done.figures / "one-pass.svg").read_text(encoding="utf-8")
    exponent = done.comparison.one_passes[0].exponent
    assert f"exponent {exponent.value:.2f}" in svg
    assert "N = 7,948" in svg
    plane = done.comparison.planes[0].slope
    words = f"slope {plane.value:.2f} ({plane.low:.2f} to {plane.high:.2f})"
    assert words in (done.figures / "search-plane.svg").read_text(encoding="utf-8")


def _rounded(*samples: float) -> list[str]:
    """As the table has them: one alone, or the ends of an interval."""
    words = [f"{round(each, -3):,.0f}" for each in samples]
    return words if len(words) == 1 else [f"({words[0]}", "to", f"{words[1]})"]


def test_the_tables_are_printed_and_on_the_page(done: Published) -> None:
    shown = io.StringIO()
    with redirect_stdout(shown):
        print_comparison(done.comparison)
    page = done.report.read_text(encoding="utf-8")
    for title in TABLES:
        assert title in shown.getvalue()
        assert f"<h3>{title}" in page
    lines = (line.split() for line in shown.getvalue().splitlines())
    (row,) = (words for words in lines if words[:3] == ["7,948", "the", "start"])
    size = done.comparison.one_passes[0].sizes[2]
    assert row[3:7] == [*_rounded(size.leaves.value), *_rounded(*size.leaves[1:])]


def test_tensorboard_shows_figures_and_tables(done: Published) -> None:
    found = events_of(done.folder / "compare" / "report")
    tags = found.Tags()
    assert {tag.partition("/")[0] for tag in tags["images"]} >= set(FIGURES)
    (image,) = found.Images(next(tag for tag in tags["images"] if tag.startswith("seeds/")))
    assert image.encoded_image_string == (done.figures / "seeds.png").read_bytes()
    assert (image.width, image.height) == (1368, image.height)  # 7.6 inches of 180 pixels
    texts = found.PluginTagToContent(PLUGIN_NAME)
    for title in TABLES:
        assert any(tag.startswith(title) for tag in texts)


def test_tensorboard_has_a_curve_for_each_size(done: Published) -> None:
    (passes,) = done.comparison.one_passes
    own = done.folder / "compare"
    for name, x, loss in (
        ("L D , frozen, made by 1,996 parameters", passes.data, passes.best),
        ("one pass, frozen, made by 1,996 parameters, N = 7,948",
         passes.sizes[2].samples, passes.sizes[2].loss),
    ):  # fmt: skip
        points = events_of(own / name).Scalars(TAG)
        assert [point.step for point in points] == (100 * np.log10(x)).round().astype(int).tolist()
        assert [point.value for point in points] == pytest.approx(loss)
    assert len([*own.glob("one pass*")]) == len(WIDTHS)


def test_cells_of_tables_are_no_mark_up() -> None:
    table = Table("t", ("what", "n"), (("a|b *c* <i>", "1"),), "of x_y")
    assert as_markdown(table).splitlines() == [
        "| what | n |", "| --- | ---: |", "| a&#124;b &#42;c&#42; &lt;i> | 1 |", "", "of x&#95;y",
    ]  # fmt: skip


def test_runs_that_tell_nothing_more_have_no_further_views(tmp_path: Path) -> None:
    from synthetic_runs import power, write_run

    for seed in range(2):
        write_run(tmp_path / f"run-{seed}", power(1e9, 0.3), seed=seed)
    asked = Request((str(tmp_path),), None, None, None, None, None, "")
    done = publish(asked)
    for name in ("one_passes", "planes", "seeds", "similarities"):
        assert done.content[name] == []
    assert not {path.stem for path in done.figures.iterdir()} & {
        "one-pass",
        "search-plane",
        "seeds",
    }

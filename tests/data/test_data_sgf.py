"""SGF files of Othello: points, passes, results, main lines, and what is refused."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from examples import example
from imported import PASSED, POINTS, Taken, othello

from envs.connect4 import Connect4
from selfplay.data.readers.sgf import import_sgf
from selfplay.data.readers.sgf_trees import main_lines

GAME = example("othello")
HEAD = "(;GM[2]FF[4]SZ[8]"
# White is wiped out by the ninth move; the same as letters, as a letter and a number, in capitals
SHORTEST = ["e6", "f4", "e3", "f6", "g5", "d6", "e7", "f5", "c5"]
LETTERS = ["ef", "fd", "ec", "ff", "ge", "df", "eg", "fe", "ce"]


def nodes(points: list[str]) -> str:
    return "".join(f";{'BW'[i % 2]}[{point}]" for i, point in enumerate(points))


def read(tmp_path: Path, content: bytes, skip: bool = False) -> tuple[list[list[str]], list[float]]:
    return othello(tmp_path / "o.sgf", content, skip)


@pytest.mark.parametrize("points", [LETTERS, [point.upper() for point in SHORTEST]])
def test_points_are_read_in_both_notations(tmp_path: Path, points: list[str]) -> None:
    assert read(tmp_path, f"{HEAD}RE[B+64]{nodes(points)})".encode()) == ([SHORTEST], [1])


# on 6 x 6; White's last move leaves Black without one
UP_TO_A_PASS = ["b3", "b2", "b1", "a3", "e5", "c1", "b4", "a1"]


@pytest.mark.parametrize("passed", ["", "B[]", "B[PASS]"])
def test_who_is_passed_over_may_say_so_or_not(tmp_path: Path, passed: str) -> None:
    path = tmp_path / "games.sgf"
    path.write_text(f"(;GM[2]RE[W+2]{nodes(UP_TO_A_PASS)};{passed};W[e3])")
    taken = Taken()
    game = example("othello?size=6")
    import_sgf([path], game, taken.add)
    (games,) = taken.parts
    names = [game.action_name(int(action)) for action in games.action]
    assert names == [*UP_TO_A_PASS, "e3"]
    assert games.second is not None
    assert games.second.tolist() == [False, True] * 4 + [True]
    assert games.outcome.tolist() == [-1, 1] * 4 + [1]


def test_the_main_line_of_each_tree_is_a_game(tmp_path: Path) -> None:
    path = tmp_path / "games.sgf"
    path.write_text(
        f"{HEAD}RE[0];B[f5](;W[d6]C[a (comment\\] ])(;W[f6];B[e6]))\n"
        f"{HEAD}RE[B+2]AB[e4][d5]AW[d4][e5];B[d3])"
    )
    assert read(tmp_path, path.read_bytes()) == ([["f5", "d6"], ["d3"]], [0, 1])
    imported = import_sgf([path], GAME, Taken().add)
    assert imported.games == 2
    assert "2 games stop before the end; their outcome is the result told" in imported.notes


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"{HEAD};B[f5];W[d6])", "stop before the end of the game, and no result is told"),
        (f"{HEAD}RE[W+2]{nodes(LETTERS)})", "the result told is a win of the second player"),
        (f"{HEAD}RE[B+2];B[f5];W[a1])", r"move 2 \(a1\) is illegal"),
        (f"{HEAD}RE[B+2];B[f5];B[d6])", "move 2 is told of the player whose turn it is not"),
        ("(;GM[1]SZ[19];B[dd])", r"GM\[1\] is Go; of the games of SGF only Othello"),
        ("(;GM[2]SZ[1\n0];B[ee])", r"the board is SZ\[10\]; othello has SZ\[8\]"),
        ("(;SZ[19];B[pd])", r"SZ\[19\]; othello has SZ\[8\], and it names no game \(GM\)"),
        ("(;RE[B+R];B[dd])", r"move 1 \(d4\) is illegal"),
        (f"{HEAD}AB[a1];B[f5])", "begins from a set-up position"),
        (f"{HEAD}RE[B+2];B[f5];W[d6", "a value is not closed"),
        ("nothing", "there is no game tree"),
    ],
)
def test_what_is_not_in_order_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=rf"o\.sgf, line 1.*{sentence}"):
        read(tmp_path, text.encode())


def test_other_games_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="SGF files are read for othello only; you asked for conn"):
        import_sgf([tmp_path], Connect4(), lambda games: None)


def tree(root: str, points: list[str] = POINTS, comment: str = "") -> str:
    """A game whose last move but one has a comment."""
    last = f"{nodes(points[:-1])}{f'C[{comment}]' if comment else ''}"
    colour = "BW"[len(points[:-1]) % 2]
    return f"(;GM[2]FF[4]SZ[8]{root}{last};{colour}[{points[-1]}])"


@pytest.mark.parametrize(
    ("label", "codec", "name"),
    [
        ("Shift_JIS", "cp932", "ソ"), ("SJIS", "cp932", "表"), (" x-sjis ", "cp932", "ナゾ"),
        ("Windows-31J", "cp932", "能"), ("Big5", "big5hkscs", "許功"), ("gbk", "gb18030", "昡"),
        ("GB18030", "gb18030", "昞誠"), ("GB2312", "gb18030", "漒"), ("EUC-JP", "euc_jp", "能"),
        ("EUC-KR", "cp949", "김"), ("ISO-2022-JP", "iso2022_jp_2", "予想]ソ"), ("HZ", "hz", "诲"),
        ("Latin-1", "cp1252", "José"), ("UTF-8", "utf-8", "能"), ("KOI8-R", "koi8-r", "Лев"),
        ("ISO-8859-2", "iso8859-2", "Žižek"), ("no such label", "latin-1", "é"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("order", ["CA first", "CA last"])
def test_trees_in_the_encoding_that_they_declare(
    tmp_path: Path, label: str, codec: str, name: str, order: str
) -> None:
    escaped = name.replace("]", "\\]")
    parts = [f"CA[{label}]", f"PB[{escaped}]RE[W+R]"]
    root = "".join(parts if order == "CA first" else parts[::-1])
    content = tree(root, POINTS[:30], comment=escaped).encode(codec)
    assert read(tmp_path, content) == ([POINTS[:30]], [-1])


def test_each_tree_has_an_encoding_of_its_own(tmp_path: Path) -> None:
    parts = [
        tree("CA[Shift_JIS]PB[ソ]RE[W+R]", POINTS[:10]).encode("cp932"),
        tree("PB[é]RE[B+R]", POINTS[:11]).encode("latin-1"),
        tree("CA[Big5]PB[許]RE[0]", POINTS[:12], "許").encode("big5"),
        tree("PB[能]RE[W+1]", POINTS[:13]).encode(),
        tree("PB[a]C[CA[UTF-8\\]CA[x]RE[B+1]CA[GBK]PW[昞]", POINTS[:14]).encode("gbk"),
    ]
    found = [POINTS[:n] for n in range(10, 15)]
    assert read(tmp_path, b"\r\n".join(parts)) == (found, [-1, 1, 0, -1, 1])


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16-be", "utf-8"])
def test_what_is_unicode_stays_so_whatever_it_declares(tmp_path: Path, codec: str) -> None:
    content = tree("CA[GB2312]PB[能功許]RE[W+R]", POINTS[:20], "能").encode(codec)
    assert read(tmp_path, content) == ([POINTS[:20]], [-1])


@pytest.mark.parametrize(
    ("codec", "name"), [("cp932", "表"), ("gb18030", "昞"), ("big5", "許"), ("cp932", "リゾット")]
)
def test_an_encoding_that_is_not_declared_is_found_where_it_matters(
    tmp_path: Path, codec: str, name: str
) -> None:
    content = tree(f"PB[{name}]RE[W+R]", POINTS[:20], name).encode(codec)
    assert read(tmp_path, content) == ([POINTS[:20]], [-1])


def test_latin_1_is_read_as_such(tmp_path: Path) -> None:
    text = tree("PB[Jos\xe9]C[[Andr\xe9\\] \xe9\\\\]RE[W+R]", POINTS[:20], "\xe9")
    assert read(tmp_path, text.encode("latin-1")) == ([POINTS[:20]], [-1])


@pytest.mark.parametrize("word", ["", "tt", "Pass ", "@@@@", " ", None])
def test_passes_by_any_spelling_or_none(tmp_path: Path, word: str | None) -> None:
    points = [PASSED[i : i + 2] for i in range(0, len(PASSED), 2)]
    passed = "" if word is None else f";W[{word}]"
    content = f"{HEAD}RE[B+2]{nodes(points)}{passed};B[a4];W[];B[tt])"
    assert read(tmp_path, content.encode()) == ([[*points, "a4"]], [1])


@pytest.mark.parametrize(
    "told",
    [
        "SZ[8:8]RE[B+6]", "SZ[ 8 ]RE\n[B+6]", "RE[Black wins 35-29]", "RE[35-29]", "RE[?]",
        "RE[nonsense]", "RE[B+6.00]", "AB[e4][d5]AW[d4][e5]PL[B]", "LB[d3:A][c4:B]",
        "C[a \\] b \\\\]GC[line\\\nsoft \\: ) ; ( \\[]",
    ],
)  # fmt: skip
def test_what_roots_tell(tmp_path: Path, told: str) -> None:
    assert read(tmp_path, f"(;GM[2]{told}{nodes(POINTS)})".encode()) == ([POINTS], [1])


def test_a_tree_that_names_no_game_or_names_it_in_words(tmp_path: Path) -> None:
    for root in ("", "SZ[8]", "GM[]", "GM[02]", "GM[ 2 ]", "GM[Othello]", "GM[reversi]SZ[8:8]"):
        assert read(tmp_path, f"(;{root}RE[B+6]{nodes(POINTS)})".encode()) == ([POINTS], [1])
    moves = "".join(f";{('Black', 'White')[i % 2]}[{p}]" for i, p in enumerate(POINTS))
    long = f"(;GaMe[2]FileFormat[3]SiZe[8]REsult[B+6]{moves})"  # names of FF[3]
    assert read(tmp_path, long.encode()) == ([POINTS], [1])


def test_text_around_trees_is_passed_over(tmp_path: Path) -> None:
    lines = ["From: a@b.c (the club)", "The game (;-):", "", tree("RE[B+6]"), "Bye (of Monday)", ""]
    assert read(tmp_path, "\r\n".join(lines).encode()) == ([POINTS], [1])


@pytest.mark.parametrize(
    ("damaged", "sentence"),
    [
        ("(;GM[2]RE[B+6];B[f5];W[d6]", "cut short, the game tree is not closed, and the moves"),
        ("(;GM[2]RE[B+6];B[f5]?;W[d6])", "line 1: '?' is misplaced"),
        (";GM[2]RE[B+6];B[f5];W[d6])", "line 1: a node stands outside of a tree"),
        ("(;GM[2]RE[W+R];B[f5];W[k9])", "line 1: 'k9' is not a square"),
        ("(;GM[2]RE[soon];B[f5];W[d6])", "line 1: the result 'soon' is none of"),
    ],
)
def test_the_game_behind_a_damaged_one_comes_in(
    tmp_path: Path, damaged: str, sentence: str
) -> None:
    content = f"{damaged}\n{tree('RE[B+6]')}".encode()
    with pytest.raises(ValueError, match=r"o\.sgf, ") as caught:
        read(tmp_path, content)
    assert sentence in str(caught.value)
    assert read(tmp_path, content, skip=True) == ([POINTS], [1])


def test_a_game_played_out_in_a_tree_that_is_not_closed_is_taken_and_noted(tmp_path: Path) -> None:
    path = tmp_path / "o.sgf"
    path.write_text(f"{tree('RE[B+6]')[:-1]}\n{tree('RE[B+6]')}")
    taken = Taken()
    imported = import_sgf([path], GAME, taken.add)
    assert taken.lines()[0] == taken.lines()[1]
    assert imported.notes == (
        f"played out, so taken: {path}, line 1: cut short, the game tree is not closed",
    )


def test_long_values_take_linear_time_and_memory() -> None:
    long = (
        b"(;C[" + b"x" * 600_000, b"(;C[" + b"\\]" * 60_000 + b"]B[f5])", b"(;C[" + b"[" * 60_000,
        b"(;CA[Shift_JIS]C[" + b"\x83\x5d" * 60_000 + b"]B[f5])",
    )  # fmt: skip
    tracemalloc.start()
    assert [len(list(main_lines(text))) for text in long] == [1] * 4
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000
    for text in (
        b"(;C[\x83\\]" * 3000, b"(" * 20_000, b"(;GM[" * 3000, b"(;CA[Big5]" * 1000,
        b";B[" * 10_000, b"(;B[f5](;" * 3000, b"(;B[" + b"];B[" * 30_000,
        b"(;AB" + b"[a1]" * 30_000, b"(;A[](" + b"(" * 30_000,
    ):  # fmt: skip
        assert len(list(main_lines(text))) < 10_000

"""Text of any system, editor and program: one reading of it, or one sentence."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path

import pytest

from selfplay.system import text
from selfplay.system.text import codec_of, decode, lines, read_bytes, read_text

TEXT = "% José ½\np(a).\n"


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "latin-1"],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n", "\x85", "\u2028", "\u2029"])
def test_any_encoding_and_any_line_ends(encoding: str, end: str) -> None:
    if encoding == "latin-1" and end in ("\x85", "\u2028", "\u2029"):
        pytest.skip("Windows writes dots there, Latin-1 has no such sign")
    assert decode(TEXT.replace("\n", end).encode(encoding), "a.p") == TEXT


def test_a_big_endian_mark() -> None:
    assert decode(b"\xfe\xff" + TEXT.encode("utf-16-be"), "a.p") == TEXT


def test_rare_line_ends_are_signs_where_there_are_others() -> None:
    assert decode("a\x85b\u2028\r\nc\f\n".encode(), "a") == "a\x85b\u2028\nc\f\n"


def test_lines_keep_their_ends() -> None:
    assert list(lines("a\n\nb\f\u2028c\n")) == ["a\n", "\n", "b\f\u2028c\n"]
    assert list(lines("a")) == ["a"]
    assert list(lines("")) == []


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"a\r\n\x1a", "a\n"),
        (b"a\r\n\x1a\x1a\x1a", "a\n"),
        (b"a\x1a\r\n", "a\n"),
        (b"a\x1ab\n", "a\x1ab\n"),
        (b"", ""),
        (b"\xef\xbb\xbf", ""),
        (b"\xff\xfe", ""),
        (b"a\n \n", "a\n \n"),
    ],
)
def test_how_text_ends(written: bytes, read: str) -> None:
    assert decode(written, "a") == read


def test_what_windows_puts_where_latin_1_has_control_codes() -> None:
    assert decode(b"1\x85 d6 1\x960 \xa0\xe9\n", "a") == "1… d6 1–0 \xa0é\n"
    assert decode(b"\x81\xe9\n", "a") == "\x81é\n"  # no sign of Windows: Latin-1
    assert decode(b"\xef\xbb\xbfJos\xe9\n", "a") == "José\n"  # the mark was wrong


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("Shift_JIS", "cp932"), ("shift-jis", "cp932"), ("SJIS", "cp932"), ("x-sjis", "cp932"),
        ("Windows-31J", "cp932"), ("cp932", "cp932"), ("EUC-JP", "euc_jp"), ("Big5", "big5hkscs"),
        ("ISO-2022-JP", "iso2022_jp_2"), (" GB2312 ", "gb18030"), ("gbk", "gb18030"),
        ("EUC-KR", "cp949"), ("ISO-8859-1", "cp1252"), ("Latin1", "cp1252"), ("UTF-8", "utf-8"),
        ("ISO-8859-15", "iso8859-15"), ("windows-1251", "cp1251"), ("KOI8-R", "koi8-r"),
        ("rot13", None), ("unicode_escape", None), ("iso-8859-99", None), ("", None),
    ],
)  # fmt: skip
def test_labels_of_encodings(label: str, codec: str | None) -> None:
    assert codec_of(label) == codec


def test_a_declared_encoding_counts_unless_it_does_not_fit() -> None:
    assert decode("能]\n".encode("cp932"), "a", declared="Shift_JIS") == "能]\n"
    assert decode("能]\n".encode(), "a", declared="no such thing") == "能]\n"
    assert decode("能 José\n".encode(), "a", declared="EUC-JP") == "能 José\n"
    assert decode("\ufeff能\n".encode("utf-16-le"), "a", declared="Big5") == "能\n"


def test_strict_text_is_unicode() -> None:
    assert decode("\ufeffa = 'é'\r\n".encode("utf-16-le"), "a", strict=True) == "a = 'é'\n"
    with pytest.raises(ValueError, match=r"^a\.toml, line 3: the byte 0xe9 is not utf-8; save "):
        decode(b"a\r\nb\rc\xe9\n", "a.toml", strict=True)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK\3\4\0\0\x14\xff", "a is not a text file: it holds zero bytes"),
        (b"\xff\xfea\0\n\0b", "a, line 2: the byte 0x62 is not utf-16-le; save the file as UTF-8"),
        (b"\xff\xfe\0\xd8a\0", "a, line 1: the byte 0x00 is not utf-16-le; save the file as UTF-8"),
    ],
)
def test_what_is_no_text(content: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        decode(content, "a")


def test_packed_files_are_known_by_name_or_content(tmp_path: Path) -> None:
    for name in ("a.txt.gz", "a.txt"):
        (tmp_path / name).write_bytes(gzip.compress(TEXT.encode()))
        assert read_text(tmp_path / name) == TEXT
    plain = tmp_path / "b.gz"
    plain.write_text("no")
    with pytest.raises(ValueError, match=r"b\.gz cannot be read: Not a gzipped file"):
        read_bytes(plain)
    plain.write_bytes(gzip.compress(TEXT.encode())[:-9])
    with pytest.raises(ValueError, match=r"b\.gz cannot be read: Compressed file ended"):
        read_bytes(plain)


def test_what_is_longer_than_the_limit_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with open(path, "wb") as file:
        file.truncate(1 << 40)  # a hole
    with pytest.raises(ValueError, match=r"a.txt is too long: at most 268,435,456 bytes .* split"):
        read_bytes(path)
    small = tmp_path / "b.gz"
    small.write_bytes(gzip.compress(bytes(1 << 23)))
    assert small.stat().st_size < 1 << 14
    with pytest.raises(ValueError, match="at most 1,000,000 bytes are read, it has more"):
        read_bytes(small, 1_000_000)
    assert len(read_bytes(small)) == 1 << 23
    assert text.LIMIT == 1 << 28


def test_what_is_no_ordinary_file_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (Path("/dev/zero"), pipe):
        with pytest.raises(ValueError, match=f"^{path} is no ordinary file; copy what it holds to"):
            read_bytes(path)
    with pytest.raises(ValueError, match="is a folder; name a file"):
        read_bytes(tmp_path)
    with pytest.raises(ValueError, match=r"there is no file .*absent"):
        read_bytes(tmp_path / "absent")


def test_a_pipe_that_the_shell_passes_on_is_read() -> None:
    end, other = os.pipe()
    writer = threading.Thread(target=lambda: (os.write(other, TEXT.encode()), os.close(other)))
    writer.start()
    try:
        assert read_text(f"/dev/fd/{end}") == TEXT
    finally:
        writer.join()
        os.close(end)

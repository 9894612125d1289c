"""Text that people write or sites export, JSON too: opened, bounded and decoded in one way.

A file is told by its byte order mark, or by the zero bytes of UTF-16 and UTF-32 without one; else
by the encoding that it declares; else it is UTF-8, else the Latin-1 of Windows.  CR LF and CR come
out as LF; so do NEL, LS and PS in a text that has no other line ends.  A Ctrl-Z that ends the text,
as DOS wrote it, is no part of it.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import json
import re
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

LIMIT = 1 << 28  # bytes of a file, unpacked, unless its reader sets another
_CHUNK = 1 << 20
_JSON_BYTES = 1 << 26
_DEEP = 100  # objects and lists of JSON in one another
_GZIP = b"\x1f\x8b"
_PASSED_ON = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")  # where a shell puts a pipe

_MARKS = (  # that of UTF-32 begins as that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WITHOUT_MARK = (  # a text begins with a letter or a sign of ASCII
    (re.compile(rb"[^\0]\0\0\0"), "utf-32-le"),
    (re.compile(rb"\0\0\0[^\0]"), "utf-32-be"),
    (re.compile(rb"[^\0]\0"), "utf-16-le"),
    (re.compile(rb"\0[^\0]"), "utf-16-be"),
)
_CODECS = {  # codec -> the labels, in small letters and digits, of all that it reads
    "utf-8": "utf8",
    "cp1252": "ascii usascii latin1 iso88591",
    "cp932": "shiftjis sjis xsjis mskanji windows31j ms932",
    "euc_jp": "eucjp xeucjp",
    "iso2022_jp_2": "jis iso2022jp",
    "big5hkscs": "big5 cnbig5 xbig5 big5hkscs",
    "cp950": "cp950 ms950",
    "gb18030": "gb2312 euccn gbk xgbk cp936 ms936 gb18030",
    "hz": "hz hzgb2312",
    "cp949": "euckr ksc56011987 ksc5601 uhc ms949",
    "johab": "johab",
    "iso2022_kr": "iso2022kr",
    "mac_roman": "macintosh",
    "cp874": "tis620",
}
_LABELS = {label: codec for codec, labels in _CODECS.items() for label in labels.split()}
_FAMILIES = (  # of labels with a number or a letter, and how Python writes the codec
    (r"iso8859(\d{1,2})", r"iso8859_\1"),
    (r"(?:windows|ms|cp)(\d{3,4})", r"cp\1"),
    (r"koi8([rut])", r"koi8_\1"),
    (r"(mac[a-z]+)", r"\1"),
)


def read_text(path: str | Path, *, strict: bool = False, limit: int = LIMIT) -> str:
    """The text of a file; see ``read_bytes`` and ``decode`` for what is refused."""
    return decode(read_bytes(path, limit), str(path), strict=strict)


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises ValueError with a sentence when it cannot be read or holds something else.
    """
    text = read_bytes(path, limit=_JSON_BYTES)
    try:
        content = json.loads(text.decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        why = "nested too deep" if isinstance(error, RecursionError) else error
        raise ValueError(f"{path} is damaged ({why})") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} is damaged: it holds no object")
    if _is_deep(content, _DEEP):
        raise ValueError(f"{path} is damaged (nested too deep)")
    return content


def objects_in(content: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects in the list under ``name``; what is something else is left out."""
    entries = content.get(name)
    return [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _is_deep(content: Any, levels: int) -> bool:
    """Whether there are more objects and lists in one another than so many."""
    inner = content.values() if isinstance(content, dict) else content
    return levels == 0 or any(
        _is_deep(each, levels - 1) for each in inner if isinstance(each, dict | list)
    )


def read_bytes(path: str | Path, limit: int = LIMIT) -> bytes:
    """The content of a file, unpacked if it is a gzip file.

    Raises ValueError with a sentence when it cannot be read, is no ordinary file (a device or a
    named pipe may never end; one that the shell passes on is read), or is longer than ``limit``.
    """
    path = Path(path)
    try:
        about = path.stat()
        if stat.S_ISDIR(about.st_mode):
            raise ValueError(f"{path} is a folder; name a file")
        passed_on = stat.S_ISFIFO(about.st_mode) and str(path).startswith(_PASSED_ON)
        if not stat.S_ISREG(about.st_mode) and not passed_on:
            raise ValueError(f"{path} is no ordinary file; copy what it holds to one")
        if about.st_size > limit:
            raise ValueError(_too_long(path, limit, f"{about.st_size:,}"))
        with open(path, "rb") as file:
            content = _bounded(file, path, limit)
        if path.suffix.lower() == ".gz" or content.startswith(_GZIP):
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as unpacked:
                content = _bounded(unpacked, path, limit)
    except FileNotFoundError as error:
        raise ValueError(f"there is no file {path}") from error
    except (OSError, EOFError, zlib.error) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise ValueError(f"{path} cannot be read: {reason}") from error
    return content


def decode(content: bytes, name: str, *, declared: str = "", strict: bool = False) -> str:
    """The text that ``content`` writes, with LF as its only line end.

    ``declared``: the encoding that the text itself names, if it does; a label that is unknown, or
    that does not fit, counts for nothing.  ``strict``: nothing but Unicode is read.
    Raises ValueError, naming file and line, for bytes that cannot be text.
    """
    codec, content = split_mark(content)
    wide = codec not in (None, "utf-8")  # its zero bytes leave no other reading
    candidates = [codec] if wide else [codec_of(declared), "utf-8"]
    for candidate in filter(None, candidates):
        with contextlib.suppress(UnicodeDecodeError):
            text = content.decode(candidate)
            break
    else:
        if strict or wide:
            raise ValueError(_not_decoded(content, name, codec or "utf-8"))
        text = _windows(content)
    if "\0" in text:
        raise ValueError(f"{name} is not a text file: it holds zero bytes")
    return _with_line_ends(text)


def lines(text: str) -> Iterator[str]:
    """The lines of a text, each with the LF that ends it, as those of an open file."""
    at = 0
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        yield text[at:end]
        at = end


def codec_of(label: str) -> str | None:
    """Python's name of the codec for the label of an encoding, as "Shift-JIS"; None if unknown."""
    plain = re.sub(r"[^a-z0-9]", "", label.casefold())
    if plain in _LABELS:
        return _LABELS[plain]
    for family, codec in _FAMILIES:
        if match := re.fullmatch(family, plain):
            with contextlib.suppress(LookupError):
                return codecs.lookup(match.expand(codec)).name
    return None


def _bounded(file: BinaryIO | gzip.GzipFile, path: Path, limit: int) -> bytes:
    """All that a file holds; ValueError when that is more than ``limit`` bytes."""
    content = bytearray()
    while part := file.read(_CHUNK):
        content += part
        if len(content) > limit:
            raise ValueError(_too_long(path, limit, "more than that"))
    return bytes(content)


def _too_long(path: Path, limit: int, has: str) -> str:
    return f"{path} is too long: at most {limit:,} bytes are read, it has {has}; split it"


def split_mark(content: bytes) -> tuple[str | None, bytes]:
    """The codec that a byte order mark, or the zero bytes of wide text, tell; the rest of it."""
    for mark, codec in _MARKS:
        if content.startswith(mark):
            return codec, content[len(mark) :]
    for pattern, codec in _WITHOUT_MARK:
        if pattern.match(content):
            return codec, content
    return None, content


def _windows(content: bytes) -> str:
    """Latin-1 with the dashes, dots and quotes that Windows puts where it has control codes."""
    content = content.replace(codecs.BOM_UTF8, b" ")  # of a file that was joined to another
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _not_decoded(content: bytes, name: str, codec: str) -> str:
    """The sentence about the first bytes that are not of ``codec``."""
    try:
        content.decode(codec)
    except UnicodeDecodeError as error:
        line = _with_line_ends(content[: error.start].decode(codec)).count("\n") + 1
        byte = content[error.start]
        return f"{name}, line {line}: the byte 0x{byte:02x} is not {codec}; save the file as UTF-8"
    raise AssertionError(f"{name} is {codec}")


def _with_line_ends(text: str) -> str:
    """The text with LF as line ends, and without the Ctrl-Z that ends it."""
    for end in ("\r\r\n", "\r\n", "\r"):  # the first: text that was twice made text of DOS
        text = text.replace(end, "\n")
    if "\n" not in text:
        text = re.sub("[\x85\u2028\u2029]", "\n", text)
    body = text.rstrip("\x1a \t\n")
    return body + "\n" if "\x1a" in text[len(body) :] else text

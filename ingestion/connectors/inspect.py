"""What a file's bytes say before anything parses them: its hash, and whether its text is fit for a fast reader."""

import codecs
import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from ingestion.errors import UserError

CHUNK_BYTES = 4 << 20
# No honest line of an export is longer, and DuckDB's CSV reader refuses lines over 2 MB.
LONGEST_LINE_BYTES = 1_000_000


@dataclass(frozen=True)
class TextTraits:
    """`is_clean`: valid UTF-8, no NUL byte, no line over LONGEST_LINE_BYTES."""

    is_clean: bool
    is_blank: bool


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what can go wrong while a file is read into a sentence."""
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path.name} isn't a whole gzip file: export it again.") from error
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror or error}.") from error


def file_hash(path: Path) -> str:
    """sha256 of the file's bytes, in hex.

    Raises:
        UserError: the file can't be read.
    """
    with reading(path), path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def file_stamp(path: Path) -> str:
    """Size and times of a file to the nanosecond: as long as it stays, so does the content.

    Raises:
        UserError: the file can't be read.
    """
    with reading(path):
        found = path.stat()
    return f"{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}"


def open_bytes(path: Path) -> BinaryIO:
    """The file's content, unpacked where its name ends in .gz."""
    return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix.lower() == ".gz" else path.open("rb")


def text_traits(path: Path) -> TextTraits:
    """One pass over the bytes in constant memory.

    Raises:
        UserError: the file can't be read.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_clean, is_blank, open_line = True, True, 0
    with reading(path), open_bytes(path) as handle:
        while chunk := handle.read(CHUNK_BYTES):
            is_blank = is_blank and not chunk.strip(b"\xef\xbb\xbf \t\r\n")
            if not is_clean:
                if not is_blank:
                    break
                continue
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                is_clean = False
            longest, open_line = _longest_line(chunk, open_line)
            if b"\0" in chunk or longest > LONGEST_LINE_BYTES:
                is_clean = False
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        is_clean = False
    return TextTraits(is_clean=is_clean, is_blank=is_blank)


def _longest_line(chunk: bytes, open_line: int) -> tuple[int, int]:
    """(an over-long line's length or 0, length of the line that the chunk leaves open).

    It jumps from newline to newline by the limit, so a chunk costs a handful of searches.
    """
    start = -open_line
    while start + LONGEST_LINE_BYTES < len(chunk):
        newline = chunk.rfind(b"\n", max(start, 0), start + LONGEST_LINE_BYTES + 1)
        if newline < 0:
            return LONGEST_LINE_BYTES + 1, len(chunk) - start
        start = newline + 1
    newline = chunk.rfind(b"\n", max(start, 0))
    return 0, len(chunk) - (newline + 1 if newline >= 0 else start)

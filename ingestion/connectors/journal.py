"""The answers of a reading that didn't come to its end, so that the next one asks only for the rest.

A list that comes in no order of change is of use only once whole. Until it is, its answers lie beside the landing file:
the next reading takes from here each one that it would ask for again, and goes on where they end.
"""

import os
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import BinaryIO
from zlib import crc32

import orjson

from ingestion.connectors.endpoints import LOOK_BACK
from ingestion.errors import UserError

# What has changed since it was answered comes with the reading after, which looks back further than this.
KEPT = LOOK_BACK / 2


class Journal:
    """The answers to one endpoint's requests; a request is known by a text of its own.

    `was_of_use`: whether an earlier reading's answer was taken. Leaving the `with` block keeps the answers.
    """

    def __init__(self, path: Path, account: bytes, read_at: datetime) -> None:
        """
        `account`: what the answers hang on beside the requests, as settings and secrets; it isn't written down.
        """
        self.was_of_use = False
        self._path = path
        self._account = account
        self._read_at = read_at
        # Request → the link in its answer's head, where its body begins, and its bytes.
        self._earlier: dict[str, tuple[str | None, int, int]] = {}

    def __enter__(self) -> "Journal":
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._handle: BinaryIO = self._path.open("a+b")
        end = self._read_earlier()
        self._handle.truncate(end)
        if not end:
            salt = os.urandom(16)
            self._handle.write(orjson.dumps([self._read_at, salt.hex(), self._seal(salt)]) + b"\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handle.close()

    def forget(self) -> None:
        """Take the answers away: the list is whole, or they lead nowhere."""
        self._path.unlink(missing_ok=True)

    def earlier(self, request: str) -> tuple[bytes, str | None] | None:
        """What an earlier reading was answered: body, and the link in the head."""
        if request not in self._earlier:
            return None
        self.was_of_use = True
        link, start, size = self._earlier[request]
        self._handle.seek(start)
        return self._handle.read(size), link

    def keep(self, request: str, body: bytes, link: str | None) -> None:
        """Keep an answer.

        Raises:
            UserError: the disk is full.
        """
        if request in self._earlier:
            return
        try:
            self._handle.write(orjson.dumps([request, link, len(body), crc32(body)]) + b"\n" + body)
            self._handle.flush()
        except OSError as error:
            raise UserError(f"{self._path.parent} can't be written: {error.strerror}; free space there.") from error

    def _read_earlier(self) -> int:
        """Read where the answers stand; return where the last whole one ends, 0 if none is of use."""
        size = self._handle.seek(0, os.SEEK_END)
        self._handle.seek(0)
        end = 0
        try:
            begun, salt, seal = orjson.loads(self._handle.readline())
            age = self._read_at - datetime.fromisoformat(begun)
            if not timedelta() <= age <= KEPT or seal != self._seal(bytes.fromhex(salt)):
                return 0
            end = self._handle.tell()
            while line := self._handle.readline():
                request, link, length, checksum = orjson.loads(line)
                start = self._handle.tell()
                if start + length > size or crc32(self._handle.read(length)) != checksum:
                    break
                self._earlier[request] = (link, start, length)
                end = start + length
        except (ValueError, TypeError):
            # Torn by a kill, or damaged: what stands before it counts.
            pass
        return end

    def _seal(self, salt: bytes) -> str:
        return blake2b(self._account, salt=salt).hexdigest()

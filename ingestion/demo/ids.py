"""Ids as each system would have given them: a function of kind and index, so any module can tell any record's id."""

import hashlib
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Index = NDArray[Any] | pl.Series

BASE62 = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", np.uint8)
# The alphabet in which Salesforce writes the three characters that end an 18-character id.
CHECKSUM = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", np.uint8)
# Crockford's base 32, in which ULIDs are written.
BASE32 = np.frombuffer(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ", np.uint8)
HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
STRIPE_LENGTHS = {"cus": 14, "sub": 24, "si": 14, "in": 24, "il": 24, "ch": 24, "re": 24, "dp": 24, "price": 24}
SALESFORCE_INSTANCE = "5g0"
HUBSPOT_FIRST, HUBSPOT_PRIME = 4_100_000_000, 39_999_999_979
ZENDESK_FIRST, ZENDESK_PRIME = 360_000_000_000, 39_999_999_979
DELIGHTED_FIRST, DELIGHTED_PRIME = 1_000_000_000, 39_999_999_979

SHOPIFY_FIRST, SHOPIFY_PRIME = 7_100_000_000_000, 39_999_999_979
SMILE_FIRST, SMILE_PRIME = 300_000_000, 499_999_993


def hubspot_ids(kind: str, index: Index) -> pl.Series:
    """Numbers of 10 or 11 digits, as text. `kind`: companies, contacts, deals, engagements or owners."""
    return _scattered(f"hubspot.{kind}", index, HUBSPOT_FIRST, HUBSPOT_PRIME)


def zendesk_ids(kind: str, index: Index) -> pl.Series:
    """Numbers of 12 digits, as text. Tickets are counted from 1001 on, as Zendesk does."""
    if kind == "tickets":
        number, is_null = _numbers(index)
        return _masked((pl.Series(number) + 1001).cast(pl.String), is_null)
    return _scattered(f"zendesk.{kind}", index, ZENDESK_FIRST, ZENDESK_PRIME)


def delighted_ids(kind: str, index: Index) -> pl.Series:
    """Numbers of 10 or 11 digits, as text. `kind`: people, survey_requests or survey_responses."""
    return _scattered(f"delighted.{kind}", index, DELIGHTED_FIRST, DELIGHTED_PRIME)


def shopify_ids(kind: str, index: Index) -> pl.Series:
    """Numbers of 13 digits, as text. `kind`: customers, orders, order_lines, refunds, …"""
    return _scattered(f"shopify.{kind}", index, SHOPIFY_FIRST, SHOPIFY_PRIME)


def smile_ids(kind: str, index: Index) -> pl.Series:
    """Numbers of 9 digits, as text. `kind`: customers, points_transactions or referrals."""
    return _scattered(f"smile.{kind}", index, SMILE_FIRST, SMILE_PRIME)


def klaviyo_ids(kind: str, index: Index) -> pl.Series:
    """26 characters as of ULIDs. `kind`: profiles, campaigns or messages; events have 11 characters of base 62."""
    number, is_null = _numbers(index)
    salt = np.uint64(_number(f"klaviyo.{kind}"))
    mixed = _mixed(number.astype(np.uint64) ^ salt)
    if kind == "events":
        return _masked(_text(_base(BASE62, mixed, 11)), is_null)
    # 13 characters of base 32 hold all 64 bits.
    code = np.hstack([_base(BASE32, _mixed(mixed + salt), 11), _base(BASE32, mixed, 13)])
    return _masked(pl.lit("01") + _text(code), is_null)


def salesforce_ids(prefix: str, index: Index, *, length: int = 18) -> pl.Series:
    """Ids of 15 or 18 characters, the last three a checksum of the others' case. `prefix`: 001, 003, 005, 006, 008.

    Numbered densely, so that some differ in nothing but case, as Salesforce's own do.
    """
    number, is_null = _numbers(index)
    code = np.empty((len(number), 18), np.uint8)
    code[:, :6] = np.frombuffer(f"{prefix}{SALESFORCE_INSTANCE}".encode(), np.uint8)
    first = _number(f"salesforce.{prefix}") % 62**6
    code[:, 6:15] = _base(BASE62, number.astype(np.uint64) * np.uint64(3) + np.uint64(first), 9)
    code[:, 15:] = _checksum(code[:, :15])
    return _masked(_text(code[:, :length]), is_null)


def stripe_ids(prefix: str, index: Index) -> pl.Series:
    """`cus_…`, `sub_…` and the like: 14 or 24 characters of base 62 behind the prefix."""
    number, is_null = _numbers(index)
    length = STRIPE_LENGTHS.get(prefix, 24)
    salt = np.uint64(_number(f"stripe.{prefix}"))
    mixed = _mixed(number.astype(np.uint64) ^ salt)
    # 11 characters hold all 64 bits, so they alone keep the ids apart.
    code = np.hstack([_base(BASE62, _mixed(mixed + salt), length - 11), _base(BASE62, mixed, 11)])
    return _masked(pl.lit(f"{prefix}_") + _text(code), is_null)


def uuids(kind: str, index: Index) -> pl.Series:
    """Random-looking UUIDs of version 4."""
    number, is_null = _numbers(index)
    salt = np.uint64(_number(f"uuid.{kind}"))
    high = _mixed(number.astype(np.uint64) ^ salt)
    nibbles = np.hstack([_nibbles(high), _nibbles(_mixed(high + salt))])
    nibbles[:, 12], nibbles[:, 16] = 4, 8 + nibbles[:, 16] % 4
    code = np.full((len(number), 36), ord("-"), np.uint8)
    start = 0
    for first, last in ((0, 8), (9, 13), (14, 18), (19, 23), (24, 36)):
        code[:, first:last] = HEX[nibbles[:, start : start + last - first]]
        start += last - first
    return _masked(_text(code), is_null)


def workspace_ids(company: Index) -> pl.Series:
    """The product's id of a company's workspace."""
    number, is_null = _numbers(company)
    return _masked(pl.lit("ws_") + pl.Series(number).cast(pl.String), is_null)


def user_ids(person: Index) -> pl.Series:
    """The product's id of a user."""
    number, is_null = _numbers(person)
    return _masked(pl.lit("u_") + pl.Series(number).cast(pl.String), is_null)


def _numbers(index: Index) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None]:
    """The index as whole numbers, and which of them are null."""
    if isinstance(index, pl.Series):
        is_null = index.is_null().to_numpy() if index.null_count() else None
        return index.fill_null(0).cast(pl.Int64).to_numpy(), is_null
    return np.asarray(index).astype(np.int64), None


def _masked(ids: pl.Series | pl.Expr, is_null: NDArray[np.bool_] | None) -> pl.Series:
    series = ids if isinstance(ids, pl.Series) else pl.select(ids).to_series()
    if is_null is None:
        return series.alias("")
    return pl.select(pl.when(pl.Series(is_null)).then(None).otherwise(series)).to_series().alias("")


def _number(name: str) -> int:
    """A fixed number of 64 bits for a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def _scattered(name: str, index: Index, first: int, prime: int) -> pl.Series:
    """Unique numbers from `first` on: index times a factor, modulo a prime."""
    number, is_null = _numbers(index)
    # Below 2^26 the product with an index below 2^36 stays within 63 bits.
    factor = _number(f"{name}.factor") % (1 << 26) | 1
    shift = _number(f"{name}.shift") % prime
    return _masked((pl.Series((number * factor + shift) % prime) + first).cast(pl.String), is_null)


def _mixed(number: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """splitmix64's finaliser: one to one, so that different numbers stay different."""
    mixed = number + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _base(digits: NDArray[np.uint8], number: NDArray[np.uint64], length: int) -> NDArray[np.uint8]:
    """The last `length` digits of each number, in the base that has those digits."""
    code = np.empty((len(number), length), np.uint8)
    rest = number
    for place in range(length - 1, -1, -1):
        rest, digit = np.divmod(rest, np.uint64(len(digits)))
        code[:, place] = digits[digit.astype(np.int64)]
    return code


def _nibbles(number: NDArray[np.uint64]) -> NDArray[np.uint8]:
    shifts = np.arange(60, -1, -4, dtype=np.uint64)
    return ((number[:, None] >> shifts) & np.uint64(15)).astype(np.uint8)


def _checksum(code: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """One character per five of the id: bit i is set where the i-th of them is a capital letter."""
    is_capital = ((code >= ord("A")) & (code <= ord("Z"))).reshape(len(code), 3, 5)
    bits: NDArray[np.int64] = (is_capital * (1 << np.arange(5))).sum(axis=2)
    return CHECKSUM[bits]


def _text(code: NDArray[np.uint8]) -> pl.Series:
    """Rows of equally many ASCII characters as text, without a Python object for each."""
    rows = np.ascontiguousarray(code).view(f"S{code.shape[1]}").ravel()
    return pl.Series(rows, dtype=pl.Binary).cast(pl.String)

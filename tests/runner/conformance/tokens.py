"""The tokens of the driver protocol (`tests/drivers/PROTOCOL.md`): text, values, and how values are shown to people."""

import zlib
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote

from . import msgpack

# Encodings up to this many bytes are reported whole.
REPORTED_WHOLE = 4096

# fill's pattern repeats after this many bytes: 65,536 * 31 and 256 * 17 are both multiples of 256.
_FILL_PERIOD = 65536


@dataclass(frozen=True)
class Fill:
    """A bytes value of `size` bytes made from `seed`: said in a few characters, however large."""

    size: int
    seed: int


@dataclass(frozen=True)
class Encoded:
    """A value given by its exact encoding."""

    data: bytes


def text(value: str) -> str:
    """One token for any text."""
    if value == "":
        return "-"
    if value == "-":
        return "%2D"
    return quote(value, safe="")


def from_text(token: str) -> str:
    """The text of a token."""
    return "" if token == "-" else unquote(token)


@lru_cache(maxsize=8)
def fill_bytes(size: int, seed: int) -> bytes:
    """The bytes of `fill:<size>:<seed>`."""
    period = bytes((seed + i * 31 + (i >> 8) * 17) & 255 for i in range(min(size, _FILL_PERIOD)))
    if size <= _FILL_PERIOD:
        return period
    return (period * (size // _FILL_PERIOD + 1))[:size]


def command_token(value) -> str:
    """The token that gives `value` to a driver."""
    match value:
        case Fill():
            return f"fill:{value.size}:{value.seed}"
        case Encoded():
            return "hex:" + value.data.hex()
    return "hex:" + msgpack.encode(value).hex()


def report_token(value) -> str:
    """The token with which a driver has to report `value`."""
    match value:
        case Fill():
            return report_token(fill_bytes(value.size, value.seed))
        case Encoded():
            return "hex:" + value.data.hex()
        case bytes() if len(value) + 5 > REPORTED_WHOLE and len(msgpack.encode(value)) > REPORTED_WHOLE:
            return f"sum:{len(value)}:{zlib.adler32(value):08x}"
    return "hex:" + msgpack.encode(value).hex()


def show(token: str) -> str:
    """A reported value as a person reads it."""
    if not token.startswith("hex:"):
        return token
    try:
        shown = _plain(msgpack.decode(bytes.fromhex(token[4:])))
    except ValueError as problem:
        shown = f"not a value ({problem})"
    if len(shown) > 120:
        shown = shown[:117] + "..."
    return f"{shown} [{token if len(token) <= 80 else token[:77] + '...'}]"


def _plain(value) -> str:
    match value:
        case msgpack.Map():
            return "{" + ", ".join(f"{_plain(key)}: {_plain(item)}" for key, item in value.pairs) + "}"
        case list():
            return "[" + ", ".join(map(_plain, value)) + "]"
        case msgpack.Extension():
            return f"extension {value.number} ({value.data.hex()})"
    return repr(value)

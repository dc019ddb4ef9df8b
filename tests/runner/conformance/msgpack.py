"""The canonical encoding of values, small enough to judge others by.

A second, independent reading of `proto/values.md`: it shares no code with the library it judges. It knows the kinds that
every language has; extensions are carried as they are, and what they are made of is written by `extension`.
"""

import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Map:
    """A map as pairs in wire order: keys may be of any kind, and 1 and 1.0 are different keys."""

    pairs: tuple


@dataclass(frozen=True)
class Extension:
    """An extension value, not looked into."""

    number: int
    data: bytes


class DecodeError(ValueError):
    """The bytes are not one MessagePack value."""


def encode(value) -> bytes:
    """The shortest encoding of a value, which is the only one that libwool writes."""
    out = bytearray()
    _encode(value, out)
    return bytes(out)


def _encode(value, out: bytearray) -> None:
    match value:
        case None:
            out.append(0xC0)
        case bool():
            out.append(0xC3 if value else 0xC2)
        case int():
            _encode_int(value, out)
        case float():
            out += b"\xcb" + (b"\x7f\xf8" + bytes(6) if value != value else struct.pack(">d", value))
        case str():
            data = value.encode()
            _head(len(data), out, fix=(0xA0, 31), sizes=(0xD9, 0xDA, 0xDB))
            out += data
        case bytes():
            _head(len(value), out, fix=None, sizes=(0xC4, 0xC5, 0xC6))
            out += value
        case list() | tuple():
            _head(len(value), out, fix=(0x90, 15), sizes=(None, 0xDC, 0xDD))
            for item in value:
                _encode(item, out)
        case Map():
            _head(len(value.pairs), out, fix=(0x80, 15), sizes=(None, 0xDE, 0xDF))
            for key, item in value.pairs:
                _encode(key, out)
                _encode(item, out)
        case dict():
            _encode(Map(tuple(value.items())), out)
        case Extension():
            fixed = {1: 0xD4, 2: 0xD5, 4: 0xD6, 8: 0xD7, 16: 0xD8}.get(len(value.data))
            if fixed is None:
                _head(len(value.data), out, fix=None, sizes=(0xC7, 0xC8, 0xC9))
            else:
                out.append(fixed)
            out += struct.pack(">b", value.number) + value.data
        case _:
            raise TypeError(f"no encoding for {type(value).__name__}")


def _encode_int(value: int, out: bytearray) -> None:
    if value >= 0:
        forms = ((0x7F, None, "B"), (0xFF, 0xCC, "B"), (0xFFFF, 0xCD, "H"), (0xFFFF_FFFF, 0xCE, "I"), (2**64 - 1, 0xCF, "Q"))
        fitting = (form for form in forms if value <= form[0])
    else:
        forms = ((-32, None, "b"), (-(2**7), 0xD0, "b"), (-(2**15), 0xD1, "h"), (-(2**31), 0xD2, "i"), (-(2**63), 0xD3, "q"))
        fitting = (form for form in forms if value >= form[0])
    form = next(fitting, None)
    if form is None:
        magnitude = abs(value).to_bytes((abs(value).bit_length() + 7) // 8, "big")
        _encode(Extension(1, (b"\x01" if value < 0 else b"\x00") + magnitude), out)
        return
    _, head, layout = form
    if head is not None:
        out.append(head)
    out += struct.pack(">" + layout, value)


def _head(length: int, out: bytearray, fix, sizes) -> None:
    if fix is not None and length <= fix[1]:
        out.append(fix[0] | length)
        return
    for head, layout, most in zip(sizes, "BHI", (0xFF, 0xFFFF, 0xFFFF_FFFF)):
        if head is not None and length <= most:
            out += bytes([head]) + struct.pack(">" + layout, length)
            return
    raise TypeError("longer than MessagePack can say")


def extension(kind: str, content) -> Extension:
    """The extension that a value of this kind is; `content` as in the golden vectors, but for values, which are values."""
    match kind:
        case "tuple":
            return Extension(2, encode(content))
        case "set":
            return Extension(3, encode(content))
        case "named":
            return Extension(9, encode(content["type"]) + encode(content["value"]))
        case "timestamp":
            return Extension(-1, _timestamp(int(content["seconds"]), content["nanos"]))
        case "date":
            return Extension(4, struct.pack(">i", content))
        case "time":
            return Extension(5, struct.pack(">Q", int(content)))
        case "duration":
            return Extension(6, struct.pack(">qI", int(content["seconds"]), content["nanos"]))
        case "decimal":
            return Extension(7, content.encode())
        case "uuid":
            return Extension(8, bytes.fromhex(content.replace("-", "")))
    raise TypeError(f"no extension is a {kind}")


def _timestamp(seconds: int, nanos: int) -> bytes:
    if 0 <= seconds < 2**34:
        if nanos == 0 and seconds < 2**32:
            return struct.pack(">I", seconds)
        return struct.pack(">Q", nanos << 34 | seconds)
    return struct.pack(">Iq", nanos, seconds)


def decode_all(data: bytes) -> list:
    """The values whose encodings `data` is, one after the other; raises DecodeError."""
    values, reader = [], _Reader(data)
    while reader.at < len(data):
        values.append(reader.value())
    return values


def decode(data: bytes):
    """The value whose encoding `data` is, exactly and entirely; raises DecodeError."""
    reader = _Reader(data)
    try:
        value = reader.value()
    except (struct.error, UnicodeDecodeError) as problem:
        raise DecodeError(f"malformed MessagePack at byte {reader.at}: {problem}") from None
    if reader.at != len(data):
        raise DecodeError(f"{len(data) - reader.at} bytes after the value")
    return value


class _Reader:
    def __init__(self, data: bytes):
        self.data = data
        self.at = 0

    def number(self, layout: str):
        (number,) = struct.unpack_from(">" + layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return number

    def take(self, length: int) -> bytes:
        if self.at + length > len(self.data):
            raise DecodeError(f"truncated at byte {self.at}")
        part = self.data[self.at : self.at + length]
        self.at += length
        return part

    def items(self, count: int) -> list:
        return [self.value() for _ in range(count)]

    def map(self, count: int) -> Map:
        return Map(tuple((self.value(), self.value()) for _ in range(count)))

    def extension(self, length: int) -> Extension:
        number = self.number("b")
        return Extension(number, self.take(length))

    def value(self):
        head = self.number("B")
        match head:
            case _ if head <= 0x7F:
                return head
            case _ if head >= 0xE0:
                return head - 0x100
            case _ if head <= 0x8F:
                return self.map(head & 0x0F)
            case _ if head <= 0x9F:
                return self.items(head & 0x0F)
            case _ if head <= 0xBF:
                return self.take(head & 0x1F).decode()
            case 0xC0:
                return None
            case 0xC2 | 0xC3:
                return head == 0xC3
            case 0xC4 | 0xC5 | 0xC6:
                return self.take(self.number("BHI"[head - 0xC4]))
            case 0xC7 | 0xC8 | 0xC9:
                return self.extension(self.number("BHI"[head - 0xC7]))
            case 0xCA | 0xCB:
                return self.number("fd"[head - 0xCA])
            case 0xCC | 0xCD | 0xCE | 0xCF:
                return self.number("BHIQ"[head - 0xCC])
            case 0xD0 | 0xD1 | 0xD2 | 0xD3:
                return self.number("bhiq"[head - 0xD0])
            case 0xD4 | 0xD5 | 0xD6 | 0xD7 | 0xD8:
                return self.extension(1 << (head - 0xD4))
            case 0xD9 | 0xDA | 0xDB:
                return self.take(self.number("BHI"[head - 0xD9])).decode()
            case 0xDC | 0xDD:
                return self.items(self.number("HI"[head - 0xDC]))
            case 0xDE | 0xDF:
                return self.map(self.number("HI"[head - 0xDE]))
        raise DecodeError(f"byte 0x{head:02x} starts no value")

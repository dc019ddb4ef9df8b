"""Loads `tests/scenarios/*.toml`: what is to happen, as data. `tests/scenarios/README.md` describes the format."""

import fnmatch
import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from .msgpack import Map, extension
from .tokens import Encoded, Fill

_KEYS = {
    "about", "fresh", "workers", "addresses", "worker_options", "caller_options", "known_failures", "steps",
    "certificates", "secure", "why",
}

# What is said of a certificate beside its names.
_CERTIFICATE = {"names", "by", "days"}


class ScenarioError(Exception):
    """A scenario file that cannot be played; says which and why."""


@dataclass(frozen=True)
class KnownFailure:
    """Pairs (`caller>worker`, wildcards allowed) for which the scenario fails for a reason that is written down."""

    pairs: tuple
    reason: str

    def covers(self, caller: str, worker: str) -> bool:
        return any(fnmatch.fnmatchcase(f"{caller}>{worker}", pair) for pair in self.pairs)


@dataclass(frozen=True)
class Scenario:
    """One behaviour. `fresh` ones get processes of their own, because they end what others would still need."""

    name: str
    about: str
    steps: tuple
    fresh: bool = False
    workers: int = 1
    # Whether the caller is told where the workers are.
    addresses: bool = True
    worker_options: tuple = ()
    caller_options: tuple = ()
    # What is certified by which name, in the folder `{certs}`: arguments of `Certificates.certify`.
    certificates: dict = field(default_factory=dict)
    # Why it cannot be played with credentials that it knows nothing of.
    insecure: str = ""
    known_failures: tuple = field(default=())

    def known_failure(self, caller: str, worker: str):
        return next((known for known in self.known_failures if known.covers(caller, worker)), None)


def load(folder: Path) -> list:
    """Every scenario of a folder, by file name."""
    scenarios = [_load_file(path) for path in sorted(folder.glob("*.toml"))]
    if not scenarios:
        raise ScenarioError(f"no scenarios in {folder}")
    return scenarios


def _load_file(path: Path) -> Scenario:
    try:
        data = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ScenarioError(f"{path}: {problem}") from None
    unknown = set(data) - _KEYS
    if unknown:
        raise ScenarioError(f"{path}: unknown keys {sorted(unknown)}")
    steps = data.get("steps")
    if not data.get("about") or not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise ScenarioError(f"{path}: a scenario needs `about` and `[[steps]]`")
    of_its_own = ("worker_options", "caller_options", "certificates")
    own = data.get("workers", 1) != 1 or not data.get("addresses", True) or any(data.get(key) for key in of_its_own)
    if data.get("secure", True) == bool(data.get("why")):
        raise ScenarioError(f"{path}: `secure = false` and its `why` come together")
    try:
        known = tuple(KnownFailure(tuple(entry["pairs"]), entry["reason"]) for entry in data.get("known_failures", ()))
    except KeyError as missing:
        raise ScenarioError(f"{path}: a known failure needs {missing}") from None
    return Scenario(
        name=path.stem,
        about=data["about"],
        steps=tuple(steps),
        fresh=bool(data.get("fresh", False) or own),
        workers=data.get("workers", 1),
        addresses=data.get("addresses", True),
        worker_options=tuple(data.get("worker_options", ())),
        caller_options=tuple(data.get("caller_options", ())),
        certificates=_certificates(path, data.get("certificates", {})),
        insecure=data.get("why", ""),
        known_failures=known,
    )


def _certificates(path: Path, written: dict) -> dict:
    """The names alone, or a table of what is said of them."""
    said = {name: {"names": part} if isinstance(part, list) else part for name, part in written.items()}
    for name, part in said.items():
        if not isinstance(part, dict) or set(part) - _CERTIFICATE or not part.get("names"):
            raise ScenarioError(f"{path}: a certificate is for names, and may say `by` and `days`: {name}")
    return said


def value(written):
    """The value a scenario means: TOML's own kinds as they are, tables of one reserved key for what TOML cannot write."""
    match written:
        case {"fill": [size, seed], **rest} if not rest:
            return Fill(size, seed)
        case {"hex": str(digits), **rest} if not rest:
            return Encoded(bytes.fromhex(digits))
        case {"bytes": str(digits), **rest} if not rest:
            return bytes.fromhex(digits)
        case {"null": True, **rest} if not rest:
            return None
        case {"repeat": [str(text), int(times)], **rest} if not rest:
            return text * times
        case {"nested": [str(kind), int(depth)], **rest} if not rest:
            return _nested(kind, depth)
        case dict():
            return Map(tuple((key, value(item)) for key, item in written.items()))
        case list():
            return [value(item) for item in written]
    return written


@dataclass(frozen=True)
class Vector:
    """One golden vector: its bytes, and the value they mean."""

    name: str
    data: bytes
    value: object


def vectors(path: Path) -> list:
    """The golden vectors of a file of values, or of one of refused bytes, which mean nothing."""
    return [
        Vector(entry["name"], bytes.fromhex(entry["hex"]), _model(entry["value"]) if "value" in entry else None)
        for entry in json.loads(path.read_text())
    ]


def _nested(kind: str, depth: int):
    """So many containers of a kind in one another."""
    inner = 1
    for _ in range(depth):
        match kind:
            case "list":
                inner = [inner]
            case "map":
                inner = Map((("k", inner),))
            case "named":
                inner = extension(kind, {"type": "n", "value": inner})
            case _:
                inner = extension(kind, [inner])
    return inner


def _model(described: dict):
    """A value in the vectors' notation: a table with one key, the kind."""
    ((kind, content),) = described.items()
    match kind:
        case "null":
            return None
        case "bool" | "string":
            return content
        case "int":
            return int(content)
        case "float":
            return float(content)
        case "bytes":
            return bytes.fromhex(content)
        case "list":
            return [_model(item) for item in content]
        case "map":
            return Map(tuple((_model(key), _model(item)) for key, item in content))
        case "tuple" | "set":
            return extension(kind, [_model(item) for item in content])
        case "named":
            return extension(kind, {"type": content["type"], "value": _model(content["value"])})
    return extension(kind, content)

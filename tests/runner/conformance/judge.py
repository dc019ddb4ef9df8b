"""What was expected against what was seen. Every verdict of the suite is made here."""

from dataclasses import dataclass

from . import msgpack, scenarios, tokens
from .msgpack import Extension, Map


# The data of the registered error `conf.OutOfStock`, which the part `own` of an expected error tells.
_OWN_DATA = {"item", "left"}


class Mismatch(Exception):
    """Something else happened than the scenario says."""

    def __init__(self, expected: str, seen: str):
        super().__init__(f"expected {expected}, saw {seen}")
        self.expected = expected
        self.seen = seen


@dataclass(frozen=True)
class Pair:
    """Which language calls and which one serves."""

    caller: str
    worker: str

    def __str__(self) -> str:
        return f"{self.caller}>{self.worker}"


def for_worker(expected, worker: str):
    """An expectation that differs by the worker's language is a table by language, `*` = every other."""
    if isinstance(expected, dict) and expected.keys() != _OWN_DATA:
        return expected.get(worker, expected.get("*"))
    return expected


def value(expected, answer: list, kind: str) -> None:
    """The answer is `kind` with exactly this value, bit for bit in the canonical encoding."""
    wanted = tokens.report_token(expected)
    if len(answer) != 3 or answer[0] != kind or answer[2] != wanted:
        raise Mismatch(f"{kind} {tokens.show(wanted)}", show(answer))


def kind(expected: str, answer: list) -> None:
    """The answer is of this kind and carries nothing else."""
    if answer[0] != expected or len(answer) != 2:
        raise Mismatch(expected, show(answer))


def error(expected: dict, answer: list, pair: Pair) -> None:
    """The answer is an error, and each part that the scenario names is as it says."""
    wanted = {key: for_worker(part, pair.worker) for key, part in expected.items()}
    described = "error " + ", ".join(f"{key} = {part!r}" for key, part in wanted.items())
    if answer[0] != "error" or len(answer) != 10:
        raise Mismatch(described, show(answer))
    seen_kind, seen_type, message, traceback, language, causes, own, retryable = answer[2:]
    seen = {
        "kind": seen_kind,
        "type": tokens.from_text(seen_type),
        "message": tokens.from_text(message),
        "language": tokens.from_text(language),
    }
    for key, part in wanted.items():
        match key:
            case "kind" | "type" | "message":
                fine = seen[key] == part
            case "language":
                fine = seen["language"] == (pair.worker if part == "worker" else part)
            case "message_has":
                fine = all(scenarios.value(word).lower() in seen["message"].lower() for word in part or ())
            case "message_at_most":
                fine = len(seen["message"].encode()) <= part
            case "traceback":
                fine = traceback.isdecimal() and int(traceback) >= (part or 0)
            case "causes":
                fine = causes == str(part)
            case "retryable":
                fine = retryable == str(int(part))
            case "own":
                fine = own == _own_token(part)
            case _:
                raise ValueError(f"an error has no part named {key!r}")
        if not fine:
            raise Mismatch(described, show(answer))


def _own_token(own) -> str:
    """How a driver reports the registered error's data; `false`: that the error is none."""
    return tokens.report_token(Map((("item", own["item"]), ("left", own["left"])))) if own else "-"


def counts(expected: dict, seen: dict) -> bool:
    """Every named counter has moved by exactly this much since the scenario began."""
    unknown = set(expected) - set(seen)
    if unknown:
        raise ValueError(f"a worker has no counters named {sorted(unknown)}")
    return all(seen[name] == number for name, number in expected.items())


def vector(expected, answer: list, name: str, unordered: bool) -> None:
    """An echoed golden vector comes back in the canonical encoding, whatever form it went out in.

    `unordered`: a language on the way has maps without an order, so that only the order of a map's pairs may differ.
    """
    try:
        value(expected, answer, "result")
    except Mismatch as problem:
        if not (unordered and _differs_only_in_map_order(expected, answer)):
            raise Mismatch(f"{name}: {problem.expected}", problem.seen) from None


def _differs_only_in_map_order(expected, answer: list) -> bool:
    if answer[0] != "result" or len(answer) != 3 or not answer[2].startswith("hex:"):
        return False
    try:
        data = bytes.fromhex(answer[2].removeprefix("hex:"))
        seen = msgpack.decode(data)
    except ValueError:
        return False
    return msgpack.encode(seen) == data and _sorted_maps(seen) == _sorted_maps(expected)


def _sorted_maps(value) -> bytes:
    """An encoding in which the order of a map's pairs has no say."""
    return msgpack.encode(_sort(value))


def _sort(value):
    match value:
        case Map():
            pairs = [(_sort(key), _sort(item)) for key, item in value.pairs]
            return Map(tuple(sorted(pairs, key=lambda pair: msgpack.encode(pair[0]))))
        case list():
            return [_sort(item) for item in value]
        case Extension() if value.number in _HOLD_VALUES:
            inner = [_sort(item) for item in msgpack.decode_all(value.data)]
            return Extension(value.number, b"".join(map(msgpack.encode, inner)))
    return value


# Tuples, sets and named values.
_HOLD_VALUES = (2, 3, 9)


def _shortened(text: str) -> str:
    """Not all of a text that is long: its beginning and its end."""
    return text if len(text) <= 2000 else f"{text[:1000]}...{text[-100:]} ({len(text)} characters)"


def show(answer: list) -> str:
    """An answer as a person reads it."""
    match answer:
        case ["error", _, seen_kind, seen_type, message, traceback, language, causes, own, retryable]:
            origin = "" if language == "-" else f" of type {tokens.from_text(seen_type)!r} from {tokens.from_text(language)}"
            registered = "" if own == "-" else f", its own {tokens.show(own)}"
            return f"error {seen_kind}{origin}: {_shortened(repr(tokens.from_text(message)))} ({traceback} traceback lines, {causes} causes{registered}{', never started' if retryable == '1' else ''})"
        case ["result" | "item" as name, _, token]:
            return f"{name} {tokens.show(token)}"
        case ["items", _, count, last, outcome]:
            return f"{count} items, the last {'none' if last == '-' else tokens.show(last)}, then {outcome}"
    return _shortened(" ".join(answer))

"""What people see: the matrix, the failures with what was expected and seen, and the closing line."""

import sys
from dataclasses import dataclass

from .judge import Pair

PASSED, FAILED, KNOWN, HOLE, UNEXPECTED = "passed", "failed", "known failure", "hole", "passes unexpectedly"

# Mark and ANSI colour per verdict.
_MARKS = {PASSED: ("ok", "32"), FAILED: ("FAIL", "31"), KNOWN: ("known", "33"), HOLE: ("hole", "31"), UNEXPECTED: ("pass!", "31")}


@dataclass(frozen=True)
class Verdict:
    """How one scenario went for one pair; `story` says what was expected and seen when it did not pass."""

    scenario: str
    pair: Pair
    outcome: str
    story: str = ""
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        return self.outcome in (PASSED, KNOWN)


def print_matrix(verdicts: list, callers: list, workers: list) -> None:
    """Scenarios down; pairs across, grouped by caller, the workers' initials below."""
    colour = sys.stdout.isatty()
    by_cell = {(verdict.scenario, verdict.pair): verdict.outcome for verdict in verdicts}
    names = list(dict.fromkeys(verdict.scenario for verdict in verdicts))
    left = max(map(len, [*names, "served by"])) + 2
    cell = max(len(mark) for mark, _ in _MARKS.values()) + 1
    print("called from".ljust(left) + "  ".join(caller.ljust(cell * len(workers)) for caller in callers).rstrip())
    heads = "".join(worker.ljust(cell) for worker in workers)
    print("served by".ljust(left) + "  ".join(heads for _ in callers).rstrip())
    for name in names:
        groups = []
        for caller in callers:
            marks = (_mark(by_cell.get((name, Pair(caller, worker))), cell, colour) for worker in workers)
            groups.append("".join(marks))
        print(name.ljust(left) + "  ".join(groups).rstrip())


def _mark(outcome, width: int, colour: bool) -> str:
    if outcome is None:
        return "".ljust(width)
    mark, code = _MARKS[outcome]
    padded = mark.ljust(width)
    return f"\033[{code}m{padded}\033[0m" if colour else padded


def print_failures(verdicts: list) -> None:
    """Every verdict that fails the run, with its story. The same hole for a whole pair is told once."""
    told = set()
    for verdict in verdicts:
        if verdict.good:
            continue
        key = (verdict.pair, verdict.story) if verdict.outcome == HOLE else (verdict.pair, verdict.scenario)
        if key in told:
            continue
        told.add(key)
        where = str(verdict.pair) if verdict.outcome == HOLE else f"{verdict.scenario} {verdict.pair}"
        print(f"\n{verdict.outcome}: {where}\n  {verdict.story}")


def print_slowest(verdicts: list, most: int = 5) -> None:
    """Where the time goes: per scenario, over all pairs; for people who wait, no verdict."""
    sums = {}
    for verdict in verdicts:
        sums[verdict.scenario] = sums.get(verdict.scenario, 0.0) + verdict.seconds
    slowest = sorted(sums.items(), key=lambda entry: -entry[1])[:most]
    print("\nmost time: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in slowest))


def print_closing_line(verdicts: list) -> None:
    """`N passed, N failed`; known failures are told before it, with their reasons, and are neither."""
    reasons = dict.fromkeys(verdict.story for verdict in verdicts if verdict.outcome == KNOWN)
    for reason in reasons:
        pairs = [str(verdict.pair) for verdict in verdicts if verdict.outcome == KNOWN and verdict.story == reason]
        print(f"known failure ({' '.join(pairs)}): {reason}")
    passed = sum(verdict.outcome == PASSED for verdict in verdicts)
    failed = sum(not verdict.good for verdict in verdicts)
    print(f"{passed} passed, {failed} failed")

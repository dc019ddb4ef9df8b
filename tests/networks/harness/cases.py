"""Loads `tests/networks/cases/*.toml`: hosts, the programs on them, and what happens. `tests/networks/README.md` describes the
format."""

import fnmatch
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from conformance.scenarios import ScenarioError, certificates, why_insecure

from .hosts import LONGEST_NAME, SWITCH

_KEYS = {"about", "hosts", "programs", "steps", "watchdog", "not_counted", "certificates", "secure", "why"}
_HOST_KEYS = {"networks", "ipv4", "ipv6", "delay"}
_PROGRAM_KEYS = {"name", "host", "role", "language", "options", "count", "later", "command", "ready", "resolver"}
_ROLES = ("worker", "caller", "program")

# Generous: the watchdog ends what hangs, and never decides between right and wrong.
WATCHDOG_SECONDS = 150


@dataclass(frozen=True)
class Program:
    """A program on a host: a driver in one of two roles, or any other."""

    name: str
    host: str
    role: str
    # Of drivers; empty: whose turn it is.
    language: str = ""
    options: tuple = ()
    # Started by a step.
    later: bool = False
    # Of other programs, which are ready when they have written the text.
    command: tuple = ()
    ready: str = ""
    # The address of the DNS server that its system asks.
    resolver: str = ""


@dataclass(frozen=True)
class Case:
    """One file."""

    name: str
    about: str
    hosts: dict
    programs: tuple
    steps: tuple
    watchdog: float = WATCHDOG_SECONDS
    # Why the number of calls says nothing about the number of tasks, if so.
    not_counted: str = ""
    # What is certified by which name: arguments of `Certificates.certify`.
    certificates: dict = field(default_factory=dict)
    # Why it cannot be played with credentials that it knows nothing of.
    insecure: str = ""

    def named(self, patterns) -> list:
        """The names of all programs that are meant: names, with wildcards where there are several."""
        patterns = [patterns] if isinstance(patterns, str) else patterns
        names = []
        for pattern in patterns:
            found = [program.name for program in self.programs if fnmatch.fnmatchcase(program.name, pattern)]
            if not found:
                raise ScenarioError(f"{self.name}: no program is named {pattern!r}")
            names += [name for name in found if name not in names]
        return names


def load(folder: Path) -> list:
    """Every case of a folder, by file name."""
    cases = [_load_file(path) for path in sorted(folder.glob("*.toml"))]
    if not cases:
        raise ScenarioError(f"no cases in {folder}")
    return cases


def _load_file(path: Path) -> Case:
    try:
        data = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ScenarioError(f"{path}: {problem}") from None
    _known(path, data, _KEYS)
    hosts, steps = data.get("hosts"), data.get("steps")
    if not data.get("about") or not hosts or not steps:
        raise ScenarioError(f"{path}: a case needs `about`, `hosts` and `[[steps]]`")
    if isinstance(hosts, list):
        hosts = {name: {} for name in hosts}
    for name, settings in hosts.items():
        _known(path, settings, _HOST_KEYS)
        if not name.isalpha() or len(name) > LONGEST_NAME or name == SWITCH:
            raise ScenarioError(f"{path}: a host's name has 1 to {LONGEST_NAME} letters, and is not {name!r}")
    programs = [program for entry in data.get("programs", ()) for program in _programs(path, entry, hosts)]
    names = [program.name for program in programs]
    if len(set(names)) != len(names):
        raise ScenarioError(f"{path}: two programs have one name")
    return Case(
        name=path.stem,
        about=data["about"],
        hosts=hosts,
        programs=tuple(programs),
        steps=tuple(steps),
        watchdog=data.get("watchdog", WATCHDOG_SECONDS),
        not_counted=data.get("not_counted", ""),
        certificates=certificates(path, data.get("certificates", {})),
        insecure=why_insecure(path, data),
    )


def _programs(path: Path, entry: dict, hosts: dict):
    """The programs of one entry: several with `count`, which take turns on several hosts."""
    _known(path, entry, _PROGRAM_KEYS)
    where = entry.get("host", [])
    where = [where] if isinstance(where, str) else where
    if not entry.get("name") or not where or not set(where) <= set(hosts):
        raise ScenarioError(f"{path}: a program has a name and is on one of the hosts: {entry}")
    role = entry.get("role", "worker")
    if role not in _ROLES or (role == "program") != bool(entry.get("command")):
        raise ScenarioError(f"{path}: a program is a {', a '.join(_ROLES)}, which alone has a command: {entry}")
    count = entry.get("count", 0)
    for number in range(max(count, 1)):
        yield Program(
            name=f"{entry['name']}{number + 1}" if count else entry["name"],
            host=where[number % len(where)],
            role=role,
            language=entry.get("language", ""),
            options=tuple(option.replace("{n}", str(number + 1)) for option in entry.get("options", ())),
            later=entry.get("later", False),
            command=tuple(entry.get("command", ())),
            ready=entry.get("ready", ""),
            resolver=entry.get("resolver", ""),
        )


def _known(path: Path, table: dict, keys: set) -> None:
    unknown = set(table) - keys
    if unknown:
        raise ScenarioError(f"{path}: unknown keys {sorted(unknown)}")

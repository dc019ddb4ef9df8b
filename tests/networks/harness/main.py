"""The command line: which cases, and the exit status."""

import argparse
import asyncio
import fnmatch
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.drivers import DriverError, load_languages
from conformance.judge import Mismatch
from conformance.main import chosen
from conformance.scenarios import ScenarioError
from conformance.steps import check

from . import cases, hosts
from .programs import Programs
from .stage import NetworkStage

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Verdict:
    """How a case went: what was wrong, or what it says of itself."""

    name: str
    problem: str
    told: str
    seconds: float

    def __str__(self) -> str:
        outcome = "FAIL" if self.problem else "ok"
        return f"{outcome.ljust(5)} {self.name.ljust(24)} {self.seconds:6.1f} s  {self.problem or self.told}".rstrip()


def parse(arguments: list) -> argparse.Namespace:
    about = "Plays cases on networks of several hosts, made of network namespaces. Needs root."
    parser = argparse.ArgumentParser(prog="tests/networks", description=about)
    parser.add_argument("--languages", metavar="A,B", help="only these languages; refused when CI is set")
    parser.add_argument("--cases", metavar="A,B", help="only these cases, wildcards allowed; refused when CI is set")
    parser.add_argument("--secure", action="store_true", help="every driver has credentials")
    parser.add_argument("--list", action="store_true", help="list the cases and what each is about")
    parser.add_argument("--jobs", type=int, default=4, help="cases at once: they mostly wait")
    parser.add_argument("--turn", type=int, default=0, help="moves the languages on by so many programs")
    parser.add_argument("--folder", type=Path, default=ROOT / "tests/networks/cases", help="where the cases are")
    return parser.parse_args(arguments)


async def play(case: cases.Case, languages: list, turn: int, secure: bool, room: asyncio.Semaphore) -> Verdict:
    """Plays a case on a network of its own."""
    async with room:
        began = time.monotonic()
        problem, told = await _play(case, languages, turn, secure)
        verdict = Verdict(case.name, problem, told, time.monotonic() - began)
        print(verdict, flush=True)
        return verdict


async def _play(case: cases.Case, languages: list, turn: int, secure: bool) -> tuple:
    network = hosts.Network(str(turn), case.hosts)
    with tempfile.TemporaryDirectory(prefix="wool-networks-") as folder:
        programs = Programs(case, network, languages, turn, ROOT, folder, secure)
        stage = NetworkStage(case, network, programs, ROOT)
        told = ""
        try:
            await network.build()
            problem = await _judged(stage, case)
            if not problem:
                told = stage.tally.judge(case.not_counted)
        except (hosts.NetworkError, Mismatch) as wrong:
            problem = str(wrong)
        finally:
            await stage.end_callings()
            exits = await programs.end()
            await network.close()
    return problem or "; ".join(filter(None, exits)), told


async def _judged(stage: NetworkStage, case: cases.Case) -> str:
    """What went wrong, or nothing."""
    try:
        async with asyncio.timeout(case.watchdog):
            await stage.play(case.steps)
        return ""
    except Mismatch as problem:
        story = f"expected: {problem.expected}\n  saw:      {problem.seen}"
    except TimeoutError:
        story = f"no end within the watchdog's {case.watchdog:g} s"
        if stage.awaiting is not None:
            story = f"expected: {stage.awaiting.expected}\n  saw:      {stage.awaiting.seen} until the watchdog"
    except (DriverError, ScenarioError, hosts.NetworkError, OSError, ValueError, LookupError) as problem:
        story = str(problem) or repr(problem)
    number, step = stage.at
    shown = ", ".join(f"{key} = {part!r}" for key, part in step.items())
    running = stage.programs.running
    logs = "".join(f"\n  log of {name}:{program.log_tail()}" for name, program in running.items() if program.log_tail())
    return f"step {number}: {shown}\n  {story}{logs}"


async def play_all(to_play: list, languages: list, options: argparse.Namespace) -> list:
    loop, this = asyncio.get_running_loop(), asyncio.current_task()
    for name in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(name, this.cancel)
    await hosts.sweep()
    room = asyncio.Semaphore(options.jobs)
    # Interrupted, the group waits until each case has ended its programs and removed its network.
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(play(case, languages, options.turn + at, options.secure, room)) for at, case in to_play]
    return [task.result() for task in tasks]


def can_be_secure(case: cases.Case) -> bool:
    """Whether a case is to be played with credentials that it knows nothing of. Says why not."""
    if case.insecure:
        print(f"{case.name} is not played with credentials: {case.insecure}")
    # Those with certificates of their own are played without --secure; without drivers there is nothing to give any to.
    drivers = [program for program in case.programs if program.role != "program"]
    return bool(drivers) and not case.insecure and not case.certificates


def main(arguments: list) -> int:
    """0 when everything passed, or could not be played outside of CI; 1 when something failed, 2 for what is not understood."""
    options = parse(arguments)
    # Where Debian has nft and dnsmasq, and not everybody looks.
    os.environ["PATH"] += ":/usr/sbin"
    in_ci = bool(os.environ.get("CI"))
    if in_ci and (options.languages or options.cases):
        print("in CI nothing is left out", file=sys.stderr)
        return 2
    try:
        everything = cases.load(options.folder)
        for case in everything:
            # Which caller makes a step is no detail of it.
            steps = tuple({key: part for key, part in step.items() if key != "by"} for step in case.steps)
            check(replace(case, steps=steps), NetworkStage)
        known = load_languages(ROOT / "tests/drivers/drivers.toml")
        languages = [known[name] for name in chosen(known, options.languages, "languages")]
    except (ScenarioError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 2
    patterns = (options.cases or "*").split(",")
    to_play = [
        (at, case) for at, case in enumerate(everything) if any(fnmatch.fnmatchcase(case.name, one) for one in patterns)
    ]
    if options.secure:
        to_play = [(at, case) for at, case in to_play if can_be_secure(case)]
    if options.list:
        for _, case in to_play:
            print(f"{case.name.ljust(24)} {case.about}")
        return 0
    if reason := asyncio.run(hosts.impossible()):
        print(f"SKIPPED networks: {reason}")
        return 1 if in_ci else 0
    try:
        verdicts = asyncio.run(play_all(to_play, languages, options))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("interrupted", file=sys.stderr)
        return 130
    failed = sum(bool(verdict.problem) for verdict in verdicts)
    print(f"{len(verdicts) - failed} passed, {failed} failed")
    return 1 if failed else 0

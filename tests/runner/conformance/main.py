"""The command line: which languages and scenarios, in which order, and the exit status."""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import drivers, matrix, scenarios, steps
from .certificates import AUTHORITY, Certificates
from .play import WorkerShift

# Generous: the watchdog ends what hangs, and never decides between right and wrong.
WATCHDOG_SECONDS = 60

ROOT = Path(__file__).resolve().parents[3]


def parse(arguments: list) -> argparse.Namespace:
    about = "Plays every scenario for every caller and worker language."
    parser = argparse.ArgumentParser(prog="tests/runner", description=about)
    parser.add_argument("--languages", metavar="A,B", help="only these languages, on both sides; refused when CI is set")
    parser.add_argument("--callers", metavar="A,B", help="only these calling; refused when CI is set")
    parser.add_argument("--workers", metavar="A,B", help="only these serving; refused when CI is set")
    parser.add_argument("--scenarios", metavar="A,B", help="only these scenarios; refused when CI is set")
    parser.add_argument("--secure", action="store_true", help="every worker and every caller has credentials")
    parser.add_argument("--build", action="store_true", help="build the drivers and play nothing")
    parser.add_argument("--list", action="store_true", help="list the scenarios and what each is about")
    parser.add_argument("--minutes", type=float, help="play everything again until so long has passed or something fails")
    parser.add_argument("--jobs", type=int, default=4, help="scenarios with processes of their own at once")
    parser.add_argument("--watchdog", type=float, default=WATCHDOG_SECONDS, help="seconds after which a scenario has hung")
    parser.add_argument("--drivers", type=Path, default=ROOT / "tests/drivers/drivers.toml", help="how drivers start")
    parser.add_argument("--folder", type=Path, default=ROOT / "tests/scenarios", help="where the scenarios are")
    return parser.parse_args(arguments)


def chosen(names, wanted, what: str) -> list:
    """The wanted ones of all names, in their order; all of them when nothing is said."""
    if wanted is None:
        return list(names)
    parts = wanted.split(",")
    unknown = [part for part in parts if part not in names]
    if unknown:
        raise scenarios.ScenarioError(f"unknown {what}: {', '.join(unknown)}; there are {', '.join(names)}")
    return [name for name in names if name in parts]


def build(languages) -> int:
    """Builds each driver; 1 when one did not build."""
    status = 0
    for language in languages:
        if language.build and subprocess.run(language.build, cwd=ROOT).returncode != 0:
            print(f"the {language.name} driver did not build: {' '.join(language.build)}", file=sys.stderr)
            status = 1
    return status


async def play(callers: list, workers: list, to_play: list, options: argparse.Namespace) -> list:
    """The verdicts of all pairs, by caller, worker and scenario."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    room = asyncio.Semaphore(options.jobs)
    with tempfile.TemporaryDirectory(prefix="wool-conformance-") as folder:
        secured = await credentials_in(folder) if options.secure else ()

        async def shift(worker):
            return await WorkerShift(worker, callers, to_play, ROOT, options.watchdog, room, secured).run()

        # Interrupted, the group waits until each shift has ended its processes.
        async with asyncio.TaskGroup() as group:
            shifts = [group.create_task(shift(worker)) for worker in workers]
    return [verdict for task in shifts for verdict in task.result()]


async def credentials_in(folder: str) -> tuple:
    """Makes certificates for all, and the options that give them."""
    certificates = Certificates.within(ROOT, folder)
    await certificates.certify("own")
    certificates.trust(AUTHORITY)
    return (f"credentials={certificates.folder}",)


def that_can_be_secure(to_play: list) -> list:
    """Leaves out what says why it cannot be played with credentials that it knows nothing of, and what has its own."""
    for scenario in to_play:
        if scenario.insecure:
            print(f"{scenario.name} is not played with credentials: {scenario.insecure}")
    own = [scenario for scenario in to_play if scenario.certificates]
    if own:
        print(f"{len(own)} scenarios have certificates of their own, and are played without --secure")
    return [scenario for scenario in to_play if not scenario.insecure and not scenario.certificates]


def main(arguments: list) -> int:
    """0 when everything passed, 1 when something failed, 2 when it could not be played."""
    options = parse(arguments)
    narrowed = [name for name in ("languages", "callers", "workers", "scenarios") if getattr(options, name) is not None]
    if narrowed and os.environ.get("CI"):
        print(f"in CI nothing is left out: --{narrowed[0]} is refused", file=sys.stderr)
        return 2
    try:
        languages = drivers.load_languages(options.drivers)
        everything = {scenario.name: scenario for scenario in scenarios.load(options.folder)}
        for scenario in everything.values():
            steps.check(scenario)
        named = chosen(languages, options.languages, "languages")
        callers = [languages[name] for name in chosen(named, options.callers, "languages")]
        workers = [languages[name] for name in chosen(named, options.workers, "languages")]
        to_play = [everything[name] for name in chosen(everything, options.scenarios, "scenarios")]
        if options.secure:
            to_play = that_can_be_secure(to_play)
    except (scenarios.ScenarioError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 2
    if options.list:
        for scenario in to_play:
            print(f"{scenario.name.ljust(24)} {scenario.about}")
        return 0
    if options.build:
        return build(languages[name] for name in named)
    began = time.monotonic()
    while True:
        status = play_once(callers, workers, to_play, options)
        if status != 0 or options.minutes is None or time.monotonic() - began > options.minutes * 60:
            return status


def play_once(callers: list, workers: list, to_play: list, options: argparse.Namespace) -> int:
    """Plays the whole matrix and prints it; the exit status."""
    began = time.monotonic()
    try:
        verdicts = asyncio.run(play(callers, workers, to_play, options))
    except drivers.DriverError as problem:
        print(problem, file=sys.stderr)
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("interrupted", file=sys.stderr)
        return 130
    matrix.print_matrix(verdicts, [caller.name for caller in callers], [worker.name for worker in workers])
    matrix.print_failures(verdicts)
    matrix.print_slowest(verdicts)
    print(f"{len(to_play)} scenarios, {len(callers) * len(workers)} pairs, {time.monotonic() - began:.1f} s")
    matrix.print_closing_line(verdicts)
    return 0 if all(verdict.good for verdict in verdicts) else 1

"""The command line: which checks, in which languages, and the exit status."""

import argparse
import asyncio
import fnmatch
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

from conformance.drivers import DriverError, load_languages
from conformance.main import chosen
from conformance.scenarios import ScenarioError

from . import certificates, flood, generic, interop, records, refusals
from .scene import Failed, Scene, scene

ROOT = Path(__file__).resolve().parents[3]

# Ends what hangs; generous.
WATCHDOG_SECONDS = 240

MODULES = (interop, refusals, records, generic, flood)


def parse(arguments: list) -> argparse.Namespace:
    about = "TLS of real workers and callers, from outside: beside openssl, plain sockets and grpcio."
    parser = argparse.ArgumentParser(prog="tests/tls/run.sh", description=about)
    parser.add_argument("--languages", metavar="A,B", help="only these languages; refused when CI is set")
    parser.add_argument("--checks", metavar="A,B", help="only these checks, wildcards allowed; refused when CI is set")
    parser.add_argument("--list", action="store_true", help="list the checks and what each is about")
    parser.add_argument("--jobs", type=int, default=3, help="checks at once: they mostly wait")
    return parser.parse_args(arguments)


def name_of(check) -> str:
    return f"{check.__module__.rpartition('.')[2]}-{check.__name__.replace('_', '-')}"


def checks_of(languages: list) -> list:
    """Every check with the language that plays it. What no binding touches is played by the first one."""
    played = [(check, language) for module in MODULES for language in languages for check in module.EVERYWHERE]
    return played + [(check, languages[0]) for module in MODULES for check in module.ONCE]


async def play(check, language, folder: Path, room: asyncio.Semaphore) -> bool:
    """Whether a check went well, which is told."""
    async with room:
        began = time.monotonic()
        story, playing = "", None
        try:
            async with scene(language, ROOT, folder) as playing, asyncio.timeout(WATCHDOG_SECONDS):
                await check(playing)
        except TimeoutError:
            story = f"no end within {WATCHDOG_SECONDS} s: {playing.waiting_for}"
        except (Failed, DriverError, OSError, LookupError, ValueError, RuntimeError) as problem:
            story = str(problem) or repr(problem)
        name = f"{name_of(check)} ({language.name})"
        took = time.monotonic() - began
        print(f"{'FAIL' if story else 'ok':5} {name:40} {took:6.1f} s  {story}".rstrip(), flush=True)
        return not story


async def play_all(played: list, jobs: int) -> list:
    room = asyncio.Semaphore(jobs)
    with tempfile.TemporaryDirectory(prefix="wool-tls-certificates-") as folder:
        certificates.make(Path(folder))
        alone = [(check, language) for check, language in played if getattr(check, "alone", False)]
        beside = [play(check, language, Path(folder), room) for check, language in played if (check, language) not in alone]
        verdicts = await asyncio.gather(*beside)
        return verdicts + [await play(check, language, Path(folder), room) for check, language in alone]


def main(arguments: list) -> int:
    """0 when everything passed; 1 when something failed, 2 for what is not understood."""
    options = parse(arguments)
    in_ci = bool(os.environ.get("CI"))
    if in_ci and (options.languages or options.checks):
        print("in CI nothing is left out", file=sys.stderr)
        return 2
    try:
        known = load_languages(ROOT / "tests/drivers/drivers.toml")
        languages = [known[name] for name in chosen(known, options.languages, "languages")]
    except (ScenarioError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 2
    patterns = (options.checks or "*").split(",")
    played = [
        (check, language)
        for check, language in checks_of(languages)
        if any(fnmatch.fnmatchcase(name_of(check), pattern) for pattern in patterns)
    ]
    if options.list:
        for check in dict.fromkeys(check for check, _ in played):
            print(f"{name_of(check):32} {check.__doc__.splitlines()[0]}")
        return 0
    if shutil.which("openssl") is None:
        print("openssl is not installed (scripts/setup.sh does it)", file=sys.stderr)
        return 1
    # The flood takes what it may get, and so do the drivers, which inherit it.
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    try:
        verdicts = asyncio.run(play_all(played, options.jobs))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    print(f"{sum(verdicts)} passed, {len(verdicts) - sum(verdicts)} failed")
    return 0 if verdicts and all(verdicts) else 1

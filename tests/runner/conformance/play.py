"""Plays scenarios for pairs: which processes serve which scenario, when they are replaced, and the watchdog."""

import asyncio
import secrets
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from . import matrix
from .certificates import AUTHORITY, Certificates
from .drivers import Driver, DriverError, Language
from .judge import Mismatch, Pair
from .matrix import Verdict
from .pools import until_gone
from .scenarios import Scenario
from .steps import Stage

# The scenario that says that the shared drivers of a pair ended properly.
CLEAN_EXIT = "clean-exit"


async def start_worker(language: Language, root: Path, options=(), prefix=()) -> tuple:
    """A worker driver and its address."""
    driver = Driver(language, "worker", root, prefix)
    try:
        first = await driver.start(options)
        if first[0] != "ready" or len(first) != 3:
            raise DriverError(f"the {driver.name} did not get ready: {' '.join(first)}{driver.log_tail()}")
        driver.address, driver.uid = first[1:]
    except BaseException:
        await driver.kill()
        raise
    return driver, first[1]


async def start_caller(language: Language, root: Path, options, prefix=()) -> Driver:
    """A caller driver with a pool."""
    driver = Driver(language, "caller", root, prefix)
    try:
        first = await driver.start(options)
        if first != ["ready"]:
            raise DriverError(f"the {driver.name} did not get ready: {' '.join(first)}{driver.log_tail()}")
    except BaseException:
        await driver.kill()
        raise
    return driver


def with_credentials(options, secured) -> list:
    """The options, and those that give credentials where there are none."""
    own = any(option.startswith("credentials=") for option in options)
    return [*options] if own else [*options, *secured]


class Place:
    """The processes of a fresh scenario, and what their options speak of: a folder and a namespace of its own."""

    def __init__(self, folder: str, caller: Language, worker: Language, languages: list, root: Path, secured=()):
        """`secured`: the options that give credentials to whoever has none of its own."""
        self.folder = folder
        # For scenarios that speak of them.
        self.certificates = Certificates.within(root, folder)
        self._secured = secured
        # For local discovery.
        Path(folder, "records").mkdir()
        self.addresses = []
        self._caller = caller
        self._worker = worker
        others = [language for language in languages if language.name not in (caller.name, worker.name)] or [worker]
        # Another one for each pair of a language, so that all take part.
        third = others[(len(caller.name) + len(worker.name)) % len(others)]
        self._languages = {"worker": worker, "caller": caller, "third": third}
        self._root = root
        self._namespace = "conf-" + secrets.token_hex(6)
        self._drivers = []

    def expand(self, options, number=None) -> list:
        """Options as drivers take them: `{folder}`, `{certs}`, `{namespace}`, `{worker}` (the number), `{address}` (of the
        first worker), and `{spawned}`, which stands for the command that starts the worker language's program, with what
        follows as its further arguments."""
        expanded = []
        for option in options:
            option = self.fill(option).replace("{worker}", str(number))
            if "{address}" in option:
                option = option.replace("{address}", self.addresses[0])
            if option.startswith("{spawned}"):
                program, *arguments = self._worker.command
                arguments = [str(self._root / part) if (self._root / part).is_file() else part for part in arguments]
                words = [self._worker.program(self._root), *arguments, "spawned", *option.split()[1:]]
                expanded.extend(f"command={word}" for word in words)
            else:
                expanded.append(option)
        return expanded

    def fill(self, part):
        """Puts this place's folder and namespace into text, at any depth."""
        match part:
            case str():
                part = part.replace("{certs}", str(self.certificates.folder))
                return part.replace("{folder}", self.folder).replace("{namespace}", self._namespace)
            case list() | tuple():
                return [self.fill(item) for item in part]
        return part

    def secured(self, options, number=None) -> list:
        """The same, of a worker or a pool: with credentials, if the run is about them."""
        return with_credentials(self.expand(options, number), self._secured)

    async def worker(self, options, number: int, of="worker") -> Driver:
        """`of`: the language, by its part in the pair, or a third one."""
        options = self.secured(options, number)
        driver, address = await start_worker(self._languages[of], self._root, options)
        self._drivers.append(driver)
        sockets = [option.removeprefix("socket=") for option in options if option.startswith("socket=")]
        self.addresses.extend([f"unix:{socket}" for socket in sockets] or [address])
        return driver

    async def caller(self, options) -> Driver:
        driver = await start_caller(self._caller, self._root, self.secured(options))
        self._drivers.append(driver)
        return driver

    async def end(self) -> list:
        """Ends every process that is left; what was wrong with how they went."""
        return [await driver.end() for driver in reversed(self._drivers)]


class WorkerShift:
    """Plays everything that one language serves: its shared worker, and one caller language after the other.

    One pair at a time uses the shared worker, so that its counters tell about that pair alone.
    """

    def __init__(self, worker: Language, callers: list, scenarios: list, root: Path, watchdog: float, room, secured=()):
        self.language = worker
        self.callers = callers
        self.scenarios = scenarios
        self.root = root
        self.watchdog = watchdog
        # Held while a fresh scenario is played: how many there may be at once, over all shifts.
        self.room = room
        # The options that give credentials to whoever has none of its own.
        self.secured = secured
        self.verdicts = []
        self._worker = None
        self._address = ""
        self._caller = None
        self._exits = []
        # Drivers that once could not start, by name, with the reason: they are holes, and nobody waits for them again.
        self._missing = {}

    async def run(self) -> list:
        try:
            for caller in self.callers:
                await self._play_pair(caller, last=caller is self.callers[-1])
        finally:
            await self._end_shared()
        return self.verdicts

    async def _play_pair(self, caller: Language, last: bool) -> None:
        pair = Pair(caller.name, self.language.name)
        self._exits = []
        async with asyncio.TaskGroup() as group:
            # Fresh scenarios share nothing with the others, and mostly wait: they are played beside them.
            fresh = {
                scenario.name: group.create_task(self._fresh_verdict(scenario, caller, pair))
                for scenario in self.scenarios
                if scenario.fresh
            }
            shared = {
                scenario.name: await self._verdict(scenario, caller, pair, self._play_shared)
                for scenario in self.scenarios
                if not scenario.fresh
            }
        verdicts = shared | {name: task.result() for name, task in fresh.items()}
        self.verdicts.extend(verdicts[scenario.name] for scenario in self.scenarios)
        await self._end_caller()
        if last:
            await self._end_worker()
        missing = self._reason_missing(pair)
        wrong = "; ".join(self._exits)
        outcome = matrix.HOLE if missing else matrix.FAILED if wrong else matrix.PASSED
        self.verdicts.append(Verdict(CLEAN_EXIT, pair, outcome, missing or wrong))

    async def _fresh_verdict(self, scenario: Scenario, caller: Language, pair: Pair) -> Verdict:
        async with self.room:
            return await self._verdict(scenario, caller, pair, self._play_fresh)

    async def _verdict(self, scenario: Scenario, caller: Language, pair: Pair, play) -> Verdict:
        began = time.monotonic()
        verdict = await self._judged(scenario, caller, pair, play)
        return replace(verdict, seconds=time.monotonic() - began)

    async def _judged(self, scenario: Scenario, caller: Language, pair: Pair, play) -> Verdict:
        known = scenario.known_failure(pair.caller, pair.worker)
        missing = self._reason_missing(pair)
        if missing:
            return Verdict(scenario.name, pair, matrix.HOLE, missing)
        try:
            problem = await play(scenario, caller, pair)
        except DriverError as hole:
            return Verdict(scenario.name, pair, matrix.HOLE, str(hole))
        if known is not None:
            if problem:
                return Verdict(scenario.name, pair, matrix.KNOWN, known.reason)
            return Verdict(scenario.name, pair, matrix.UNEXPECTED, f"listed as a known failure: {known.reason}")
        return Verdict(scenario.name, pair, matrix.FAILED if problem else matrix.PASSED, problem)

    async def _play_shared(self, scenario: Scenario, caller: Language, pair: Pair) -> str:
        if self._worker is None or not self._worker.alive:
            await self._end_worker()
            with self._remembered(f"{self.language.name} worker"):
                self._worker, self._address = await start_worker(self.language, self.root, self.secured)
        if self._caller is None or not self._caller.alive:
            await self._end_caller()
            with self._remembered(f"{caller.name} caller"):
                self._caller = await start_caller(caller, self.root, ["address=" + self._address, *self.secured])
        problem = await self._play(scenario, Stage(pair, self._caller, [self._worker], self.root))
        if problem:
            # What failed may have left anything behind, which is part of that failure: the next one gets new processes.
            exits = list(self._exits)
            await self._end_shared()
            self._exits = exits
        return problem

    def _reason_missing(self, pair: Pair) -> str:
        return self._missing.get(f"{pair.worker} worker") or self._missing.get(f"{pair.caller} caller") or ""

    @contextmanager
    def _remembered(self, name: str):
        try:
            yield
        except DriverError as reason:
            self._missing[name] = str(reason)
            raise

    async def _play_fresh(self, scenario: Scenario, caller: Language, pair: Pair) -> str:
        with tempfile.TemporaryDirectory(prefix="wool-conformance-") as folder:
            place = Place(folder, caller, self.language, self.callers, self.root, self.secured)
            stage = None
            try:
                for name, said in scenario.certificates.items():
                    await place.certificates.certify(name, **said)
                if scenario.certificates:
                    place.certificates.trust(AUTHORITY)
                workers = [await place.worker(scenario.worker_options, number) for number in range(scenario.workers)]
                reached = ["address=" + ",".join(place.addresses)] if scenario.addresses and workers else []
                own = await place.caller([*reached, *scenario.caller_options])
                stage = Stage(pair, own, workers, self.root, place)
                problem = await self._play(scenario, stage)
                await stage.end_callings()
            finally:
                exits = await place.end()
            if stage is not None:
                exits.append(await until_gone(stage))
        if not problem:
            problem = "; ".join(filter(None, exits))
        return problem

    async def _play(self, scenario: Scenario, stage: Stage) -> str:
        """What went wrong, or nothing."""
        try:
            async with asyncio.timeout(self.watchdog):
                await stage.play(scenario.steps)
            return ""
        except Mismatch as problem:
            story = f"expected: {problem.expected}\n  saw:      {problem.seen}"
        except TimeoutError:
            story = f"expected: an answer\n  saw:      none within the watchdog's {self.watchdog:g} s"
            if stage.awaiting is not None:
                story = f"expected: {stage.awaiting.expected}\n  saw:      {stage.awaiting.seen} until the watchdog"
        except DriverError as problem:
            story = str(problem)
        number, step = stage.at
        tails = [(driver.name, driver.log_tail()) for driver in (stage.caller, *stage.workers)]
        logs = "".join(f"\n  log of the {name}:{tail}" for name, tail in tails if tail)
        return f"step {number}: {_shown(step)}\n  {story}{logs}"

    async def _end_caller(self) -> None:
        if self._caller is not None:
            caller, self._caller = self._caller, None
            self._note(await caller.end())

    async def _end_worker(self) -> None:
        if self._worker is not None:
            worker, self._worker = self._worker, None
            self._note(await worker.end())

    async def _end_shared(self) -> None:
        await self._end_caller()
        await self._end_worker()

    def _note(self, wrong: str) -> None:
        if wrong:
            self._exits.append(wrong)


def _shown(step: dict) -> str:
    return ", ".join(f"{key} = {part!r}" for key, part in step.items())

"""Drivers of one language, started with certificates, asked, and ended."""

import asyncio
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from conformance import msgpack, tokens
from conformance.drivers import Driver, DriverError, Language
from conformance.play import start_caller, start_worker
from conformance.pools import native

# How often a status is looked at again.
LOOK_SECONDS = 0.02

# Of callers whose calls nobody serves.
SOON = "dispatch_timeout=300"


class Failed(Exception):
    """What a check saw instead of what it wanted."""


@dataclass(frozen=True)
class Answered:
    """A result, or an error with its kind and message."""

    value: object = None
    kind: str = ""
    message: str = ""


def wanted(what: str, seen, fine: bool) -> None:
    """Raises unless it is fine."""
    if not fine:
        raise Failed(f"wanted {what}, saw {seen}")


class Scene:
    """The processes of one check. `certificates`: the folder of what they present; `folder`: of this check alone."""

    def __init__(self, language: Language, root: Path, certificates: Path, folder: Path):
        self.language = language
        self.root = root
        self.certificates = certificates
        self.folder = folder
        self._drivers = []

    def _with(self, name, options) -> list:
        """Options with the certificate of that name; `None`: in the clear, "-": with the authority only."""
        if name is None:
            return list(options)
        return [f"credentials={self.certificates}", f"certificate={name}", *options]

    async def worker(self, name="own", *options: str) -> Driver:
        """A worker that presents that certificate."""
        driver, _ = await start_worker(self.language, self.root, self._with(name, options))
        self._drivers.append(driver)
        return driver

    async def caller(self, name="own", *options: str) -> Driver:
        """A caller with a pool, which presents that certificate."""
        driver = await start_caller(self.language, self.root, self._with(name, options))
        self._drivers.append(driver)
        return driver

    async def cannot_start(self, role: str, name: str, *options: str) -> Answered:
        """The error with which a driver says that it cannot."""
        driver = Driver(self.language, role, self.root)
        try:
            said = await driver.start(self._with(name, options))
            wanted("an error", " ".join(said), said[0] == "error")
            return Answered(kind=said[1], message=tokens.from_text(said[2]))
        finally:
            await driver.kill()

    async def end(self, driver: Driver) -> None:
        """Ends one before the others; raises when that went wrong."""
        self._drivers.remove(driver)
        if wrong := await driver.end():
            raise Failed(wrong)

    async def end_all(self) -> list:
        """What was wrong with how they went."""
        # A worker waits a moment for the connections of its callers.
        order = sorted(self._drivers, key=lambda driver: driver.role == "worker")
        return [wrong for driver in order if (wrong := await driver.end())]

    def log(self) -> str:
        return "".join(f"\n  log of the {driver.name}:{driver.log_tail()}" for driver in self._drivers if driver.log_tail())


@asynccontextmanager
async def scene(language: Language, root: Path, certificates: Path):
    """A scene whose processes end with it; how they end counts, too."""
    with tempfile.TemporaryDirectory(prefix="wool-tls-") as folder:
        playing = Scene(language, root, certificates, Path(folder))
        try:
            yield playing
        except (Failed, DriverError) as problem:
            raise Failed(f"{problem}{playing.log()}") from None
        finally:
            wrong = await playing.end_all()
        if wrong:
            raise Failed("; ".join(wrong))


async def call(caller: Driver, routine: str, *arguments, options=()) -> Answered:
    """One call through a caller's pool."""
    request = caller.next_id()
    values = [tokens.command_token(argument) for argument in arguments]
    await caller.send("call", request, routine, str(len(values)), *values, *options)
    answer = await caller.answer(request)
    if answer[0] == "result":
        return Answered(value=native(msgpack.decode(bytes.fromhex(answer[2].removeprefix("hex:")))))
    return Answered(kind=answer[2], message=tokens.from_text(answer[4]))


async def serves(caller: Driver) -> None:
    """The caller's pool serves a call."""
    answered = await call(caller, "conf.add", 2, 3)
    wanted("2 + 3 to be 5", answered, answered.value == 5)


async def status(caller: Driver) -> dict:
    request = caller.next_id()
    await caller.send("status", request)
    answer = await caller.answer(request)
    wanted("a status", " ".join(answer), answer[0] == "status")
    return native(msgpack.decode(bytes.fromhex(answer[2].removeprefix("hex:"))))


async def until(caller: Driver, what: str, look):
    """What `look` finds in the caller's status, once it finds something."""
    while True:
        seen = await status(caller)
        if found := look(seen):
            return found
        # The check's watchdog tells what it was waiting for.
        caller.waiting_for = f"wanted {what}, saw {seen['workers']}, turned away {seen['turned_away']}"
        await asyncio.sleep(LOOK_SECONDS)


async def down(caller: Driver, address: str, words: str) -> None:
    """The caller's pool shows the member at an address as down, with these words as its problem."""

    def look(seen: dict):
        found = (worker for worker in seen["workers"] if worker["address"] == address)
        return next((worker["problem"] for worker in found if worker["state"] == "down" and worker["problem"]), "")

    problem = await until(caller, f"{address} to be down", look)
    wanted(f"a problem that says {words!r}", repr(problem), words in problem)


async def is_refused(caller: Driver, address: str, words: str) -> None:
    """The only member is down for that reason, and calls end with it."""
    await down(caller, address, words)
    answered = await call(caller, "conf.add", 2, 3)
    fine = answered.kind == "NO_WORKERS_AVAILABLE" and words in answered.message
    wanted(f"NO_WORKERS_AVAILABLE and {words!r}", answered, fine)

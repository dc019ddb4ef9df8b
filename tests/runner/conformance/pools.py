"""Steps about pools: who belongs to them, the processes they start, and what becomes of these."""

import asyncio
import itertools
import os
import signal
from collections import Counter
from pathlib import Path

from . import judge, msgpack, scenarios, tokens
from .drivers import EXIT_SECONDS, Driver
from .judge import Mismatch
from .msgpack import Map


def native(value):
    """A decoded value with its maps as dictionaries."""
    match value:
        case Map():
            return {key: native(item) for key, item in value.pairs}
        case list():
            return [native(item) for item in value]
    return value


def summary(status: dict) -> dict:
    """What of a status the scenarios speak about."""
    workers = status["workers"]
    origins = Counter(worker["origin"] for worker in workers)
    return {
        "up": sum(worker["state"] == "up" for worker in workers),
        "fixed": origins["fixed"],
        "found": origins["found"],
        "spawned": origins["spawned"],
        "serving": sum(process["state"] == "serving" for process in status["processes"]),
        "in_flight": sum(worker["in_flight"] for worker in workers),
        "waiting": status["waiting"],
        "quorum_reached": status["quorum_reached"],
        "turned_away": dict(Counter(entry["reason"] for entry in status["turned_away"])),
        "problems": sorted(problem["kind"] for problem in status["problems"]),
        "routines": sorted({routine["name"] for worker in workers for routine in worker["routines"]}),
        "languages": sorted({worker["language"] for worker in workers if worker["language"]}),
    }


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie, too, is one that somebody has left behind."""
    return Path(f"/proc/{pid}").exists()


class PoolSteps:
    """The part of a stage that knows pools. What pools have started is remembered, to see that it ends."""

    def __init__(self):
        self.started = set()
        self._processes = {}
        self._callings = {}

    def outlived(self) -> list:
        """Processes that a pool started and that are still there."""
        return sorted(pid for pid in self.started if alive(pid))

    # Status

    async def _status(self, pool=None) -> dict:
        request = await self._request("status", *self._options(pool=pool))
        answer = await self.caller.answer(request)
        if answer[0] != "status" or len(answer) != 3 or not answer[2].startswith("hex:"):
            raise Mismatch("a status", judge.show(answer))
        status = native(msgpack.decode(bytes.fromhex(answer[2].removeprefix("hex:"))))
        self.started.update(process["pid"] for process in status["processes"] if process["pid"])
        return status

    async def status(self, parts, pool=None) -> None:
        """A pool gets to say all that is expected; the scenario's watchdog bounds it."""
        wanted = {key: (os.cpu_count() if part == "cores" else part) for key, part in parts.items()}
        if wanted.get("languages") == "worker":
            wanted["languages"] = [self.pair.worker]

        async def look():
            seen = summary(await self._status(pool))
            unknown = set(wanted) - set(seen) - {"routine"}
            if unknown:
                raise scenarios.ScenarioError(f"a status has no {sorted(unknown)}")
            fine = all(
                part in seen["routines"] if key == "routine" else seen[key] == part for key, part in wanted.items()
            )
            return fine, Mismatch(f"the pool's status to become {wanted}", str(seen))

        await self._wait_for(look)

    async def processes(self, name, count, pool=None) -> None:
        """Remembers the processes of a pool once `count` of them serve, none of them known by another name."""
        count = os.cpu_count() if count == "cores" else count

        async def look():
            status = await self._status(pool)
            known = set().union(*self._processes.values())
            serving = {process["pid"] for process in status["processes"] if process["state"] == "serving"} - known
            if len(serving) == count:
                self._processes[name] = serving
            return len(serving) == count, Mismatch(f"{count} new processes that serve", str(status["processes"]))

        await self._wait_for(look)

    async def signal(self, name, to) -> None:
        """Sends a signal to the remembered processes."""
        for pid in self._processes[to]:
            os.kill(pid, signal.Signals[name])

    async def gone(self, name) -> None:
        """The remembered processes are no longer there, not even as zombies."""

        async def look():
            left = [pid for pid in self._processes[name] if alive(pid)]
            return not left, Mismatch(f"the processes of {name} to be gone", f"{left} are there")

        await self._wait_for(look)

    async def records(self, count) -> None:
        """So many files are in the scenario's own folder for the records of local discovery, in all its namespaces."""
        folder = Path(self.place.folder, "records")

        async def look():
            # Not pathlib's own walk, which fails on a folder that goes away meanwhile.
            seen = sorted(
                os.path.relpath(os.path.join(where, name), folder) for where, _, names in os.walk(folder) for name in names
            )
            return len(seen) == count, Mismatch(f"{count} files in the records' folder", str(seen))

        await self._wait_for(look)

    async def _wait_for(self, look) -> None:
        """Looks again until it is so; leaves the processors to those whose progress is awaited."""
        for attempt in itertools.count():
            fine, self.awaiting = await look()
            if fine:
                self.awaiting = None
                return
            await asyncio.sleep(min(0.001 * 2 ** min(attempt, 6), 0.05))

    # Callers and their pools

    async def pool(self, name, options=(), error=None) -> None:
        """Opens another pool in the caller, or sees it refused."""
        options = [self.filled(option) for option in options]
        request = await self._request("pool", *self.place.secured(options), name=name)
        answer = await self.caller.answer(request)
        if error is not None:
            judge.error(error, answer, self.pair)
        else:
            judge.kind("opened", answer)

    async def closing(self, name, pool=None) -> None:
        """Begins to close a pool; `closed` awaits it."""
        await self._request("closepool", *self._options(pool=pool), name=name)

    async def closed(self, name) -> None:
        judge.kind("closed", await self.caller.answer(self._id(name)))

    async def refused_caller(self, options, kind, message_has=()) -> None:
        """A caller with these options gets no pool, with an error of this kind, and its driver exits properly."""
        driver = Driver(self.caller.language, "caller", self.root)
        try:
            first = await driver.start(self.place.secured(options))
        finally:
            wrong = await driver.end()
        words = tokens.from_text(first[2]).lower() if len(first) == 3 else ""
        if first[:2] != ["error", kind] or not all(word.lower() in words for word in message_has):
            raise Mismatch(f"error {kind} with {list(message_has)}", " ".join(map(tokens.from_text, first)))
        if wrong:
            raise Mismatch("a clean exit", wrong)

    async def new_caller(self, options) -> None:
        """Another caller takes the place of the one that was killed."""
        self.caller = await self.place.caller(options)

    async def kill_caller(self, _, also="") -> None:
        """SIGKILL to the caller's process, and to remembered processes right after it."""
        pids = self._processes.get(also, ())
        self.caller.send_kill()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        await self.caller.kill()

    # Workers

    async def add_worker(self, options, of="worker") -> None:
        """Starts another worker: of the worker's language, the caller's, or a third one."""
        options = [self.filled(option) for option in options]
        self.workers.append(await self.place.worker(options, len(self.workers), of))
        # Not read: it may serve already what is called all the time.
        self._at_start.append(self.nothing_counted())

    async def worker_here(self, name, options=()) -> None:
        """Starts a worker in the caller's process."""
        request = await self._request("worker", *self.place.secured(options), name=name)
        answer = await self.caller.answer(request)
        if answer[0] != "serving" or len(answer) != 4:
            raise Mismatch("a worker that serves", judge.show(answer))

    async def stop_here(self, name, grace=0) -> None:
        request = await self._request("stopworker", self._id(name), str(grace))
        judge.kind("stopped", await self.caller.answer(request))

    # Many calls

    async def distinct(self, routine, count, values, args=(), tag=None, pool=None) -> None:
        """Calls in turn, until as many different results have come as are expected; more never come."""
        options = self._options(pool, tag=tag and tokens.text(tag))
        seen = set()
        for number in itertools.count():
            if number >= count and len(seen) == values:
                return
            request = await self._request("call", routine, *self._arguments(args), *options)
            answer = await self.caller.answer(request)
            if answer[0] != "result":
                raise Mismatch("a result", judge.show(answer))
            seen.add(answer[2])
            self.awaiting = Mismatch(f"{values} different results", f"{len(seen)} in {number + 1} calls")
            if len(seen) > values:
                raise self.awaiting

    async def keep_calling(self, name, at_once=8) -> None:
        """Calls conf.echo over and over, `at_once` at any time, until `stop_calling`."""
        stop = asyncio.Event()
        outcomes = Counter()

        async def loop():
            while not stop.is_set():
                request = await self._request("call", "conf.echo", "1", "hex:07")
                answer = await self.caller.answer(request)
                good = answer[0] == "result" and answer[2] == "hex:07"
                outcomes["ok" if good else answer[2] if answer[0] == "error" else "wrong"] += 1

        self._callings[name] = (stop, outcomes, [asyncio.create_task(loop()) for _ in range(at_once)])

    async def calls_pass(self, name, count=50) -> None:
        """So many more of these calls succeed."""
        _, outcomes, _ = self._callings[name]
        wanted = outcomes["ok"] + count

        async def look():
            return outcomes["ok"] >= wanted, Mismatch(f"{count} more calls that succeed", str(dict(outcomes)))

        await self._wait_for(look)

    async def stop_calling(self, name, errors=()) -> None:
        """Ends them; all have succeeded, but for errors of the kinds that may be."""
        stop, outcomes, loops = self._callings.pop(name)
        stop.set()
        await asyncio.gather(*loops)
        others = set(outcomes) - {"ok", *errors}
        if others or not outcomes["ok"]:
            raise Mismatch(f"only results{' and ' if errors else ''}{', '.join(errors)}", str(dict(outcomes)))

    async def end_callings(self) -> None:
        """Lets go of calls that a failed scenario left under way."""
        for _, _, loops in self._callings.values():
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
        self._callings.clear()


async def until_gone(stage) -> str:
    """What was left behind by the pools of a scenario whose drivers have ended, or nothing."""
    try:
        async with asyncio.timeout(EXIT_SECONDS):
            while stage.outlived():
                await asyncio.sleep(0.01)
    except TimeoutError:
        return f"processes outlived their pool: {stage.outlived()}"
    return ""


"""Plays the steps of one scenario on running drivers: each verb of the format is one method here."""

import asyncio
import inspect
import itertools
from pathlib import Path

from . import judge, msgpack, scenarios, tokens
from .drivers import Driver
from .finding import FindingSteps
from .judge import Mismatch, Pair
from .pools import PoolSteps
from .security import SecuritySteps
from .tasks import TaskSteps

_COUNTERS = ("running", "started", "finished", "cancelled", "cleaned", "yielded")


class Stage(PoolSteps, TaskSteps, FindingSteps, SecuritySteps):
    """One caller and its workers, ready to play one scenario. Counters are read relative to its start."""

    # The steps of the format: each is a method.
    verbs = frozenset(
        "call outcome cancel unblock unblocked burst vectors refused "
        "open next next_in_flight send throw drain closestream iterate closepool bad "
        "counters until warm refused_worker stop stopped kill status processes signal gone records pool refused_caller "
        "closing closed new_caller kill_caller add_worker worker_here stop_here distinct keep_calling calls_pass stop_calling "
        "bag bag_set bag_get task chain sum_of spreads total_until let_go map mapped broadcast events events_tell_alike "
        "list_workers signal_worker ran "
        "certify trust spoil remove reload problem eventually down network_stop".split()
    )

    def __init__(self, pair: Pair, caller: Driver, workers: list, root: Path, place=None):
        super().__init__()
        self.pair = pair
        self.caller = caller
        self.workers = workers
        self.root = root
        # Of a fresh scenario.
        self.place = place
        # What the scenario is at, for the story when the watchdog ends it.
        self.at = (0, {"before": "the first step"})
        self.awaiting = None
        self._ids = {}
        self._at_start = []

    async def play(self, steps) -> None:
        """Plays all steps in order, then waits until the workers are idle and nothing unasked has been reported."""
        self._at_start = [await self._counters(worker) for worker in self.workers]
        for number, step in enumerate(steps, 1):
            self.at = (number, step)
            await self._step(step)
        self.at = (len(steps) + 1, {"after": "the last step"})
        await self._settle()

    async def _settle(self) -> None:
        for index, worker in enumerate(self.workers):
            if worker.alive:
                await self._until({"running": 0}, index)
        unasked = self.caller.unread() if self.caller.alive else []
        if unasked:
            raise Mismatch("nothing that nobody asked for", judge.show(unasked[0]))

    async def _step(self, step: dict) -> None:
        verb, subject, details = _parts(step, type(self))
        await getattr(self, verb)(subject, **details)

    def _id(self, name: str) -> str:
        if name not in self._ids:
            raise ValueError(f"no call or stream was named {name!r}")
        return self._ids[name]

    async def _request(self, command: str, *arguments, name=None) -> str:
        request = self.caller.next_id()
        if name is not None:
            self._ids[name] = request
        await self.caller.send(command, request, *arguments)
        return request

    def _arguments(self, args) -> list:
        if self.place is not None:
            args = self.place.fill(args)
        return [str(len(args)), *(tokens.command_token(scenarios.value(arg)) for arg in args)]

    async def _judge(self, request: str, answered: str, result=None, error=None, end=False) -> None:
        answer = await self.caller.answer(request)
        if error is not None:
            judge.error(error, answer, self.pair)
        elif end:
            judge.kind("end", answer)
        else:
            judge.value(scenarios.value(result), answer, answered)

    # Calls

    def _options(self, pool=None, bag=None, on=None, **options) -> list:
        """`on`: the number of a worker, or its uid."""
        given = [f"{key}={part}" for key, part in options.items() if part is not None]
        if on is not None:
            given.append(f"worker={self.workers[on].uid if isinstance(on, int) else on}")
        if bag is not None:
            given.append(f"bag={self._id(bag)}")
        return given + ([f"pool={self._id(pool)}"] if pool else [])

    async def call(
        self, routine, args=(), named=None, timeout=None, tag=None, context=(), name=None, pool=None, bag=None, on=None,
        **expected,
    ) -> None:
        """With an expectation the outcome is awaited; without one the call is left in flight under its name."""
        options = [
            f"named={tokens.text(key)}:{tokens.command_token(scenarios.value(arg))}" for key, arg in (named or {}).items()
        ]
        options += [
            f"context={tokens.text(namespace)}:{tokens.text(key)}:{tokens.command_token(scenarios.value(value))}"
            for namespace, key, value in context
        ]
        tag = self.filled(tag)
        options += self._options(pool, bag, on, timeout=timeout, tag=tag and tokens.text(tag))
        request = await self._request("call", routine, *self._arguments(args), *options, name=name)
        if expected:
            await self._judge(request, "result", **expected)
        elif name is None:
            raise ValueError("a call that is left in flight needs a name")

    async def outcome(self, name, **expected) -> None:
        await self._judge(self._id(name), "result", **expected)

    async def unblock(self, count) -> None:
        """Lets go what blocks, over and over, until so many calls of conf.block have been let go."""
        let_go = 0

        async def look():
            nonlocal let_go
            let_go += await self._let_go()
            if let_go > count:
                raise Mismatch(f"{count} calls that block", str(let_go))
            return let_go == count, Mismatch(f"{count} calls that block", str(let_go))

        await self._wait_for(look)

    async def unblocked(self, name, **expected) -> None:
        """The outcome of a call that the admission hook holds: it comes once the hook is let go, and not before."""
        request = self._id(name)
        if self.caller.has_answered(request):
            raise Mismatch(f"no outcome of {name} while the hook holds it", judge.show(await self.caller.answer(request)))

        async def look():
            await self._let_go()
            return self.caller.has_answered(request), Mismatch(f"an outcome of {name}", "none")

        await self._wait_for(look)
        await self._judge(request, "result", **expected)

    async def _let_go(self) -> int:
        """How many calls of conf.block a conf.unblock lets go."""
        request = await self._request("call", "conf.unblock", "0")
        answer = await self.caller.answer(request)
        if answer[0] != "result" or not answer[2].startswith("hex:"):
            raise Mismatch("a number of calls that were let go", judge.show(answer))
        return msgpack.decode(bytes.fromhex(answer[2].removeprefix("hex:")))

    async def cancel(self, name) -> None:
        await self.caller.send("cancel", self._id(name))

    async def burst(self, routine, count, args=(), ok=0, errors=0, same=0) -> None:
        request = await self._request("burst", routine, str(count), *self._arguments(args))
        answer = await self.caller.answer(request)
        wanted = ["burst", request, f"ok={ok}", f"errors={errors}", f"same={same}"]
        if answer != wanted:
            raise Mismatch(" ".join(wanted), judge.show(answer))

    async def vectors(self, file, unordered_maps=(), cannot_hold=None) -> None:
        """Echoes every golden vector; all are in flight together. What a language cannot hold is its typed error."""
        unordered = self.pair.caller in unordered_maps or self.pair.worker in unordered_maps
        vectors = scenarios.vectors(self.root / file)
        names = {vector.name for vector in vectors}
        beyond = {language: set(beyond) for language, beyond in (cannot_hold or {}).items()}
        if unknown := set().union(*beyond.values()) - names:
            raise ValueError(f"{file} has no vectors named {sorted(unknown)}")
        requests = [await self._request("call", "conf.echo", "1", "hex:" + vector.data.hex()) for vector in vectors]
        for vector, request in zip(vectors, requests):
            answer = await self.caller.answer(request)
            if vector.name in beyond.get(self.pair.caller, ()):
                judge.error({"kind": "CODEC", "language": ""}, answer, self.pair)
            elif vector.name in beyond.get(self.pair.worker, ()):
                wanted = {"kind": "TASK_FAILED", "type": "ArgumentError", "language": "worker"}
                judge.error({**wanted, "message_has": ["conf.echo: argument 1", "($[0])"]}, answer, self.pair)
            else:
                judge.vector(vector.value, answer, vector.name, unordered)

    async def refused(self, file) -> None:
        """Every golden vector of bytes that are no value is refused before anything is sent."""
        for vector in scenarios.vectors(self.root / file):
            request = await self._request("call", "conf.echo", "1", "hex:" + vector.data.hex())
            judge.error({"kind": "CODEC", "type": "", "language": ""}, await self.caller.answer(request), self.pair)

    # Streams

    async def open(
        self, name, routine, args=(), timeout=None, step_timeout=None, prefetch=None, pool=None, bag=None, on=None
    ) -> None:
        options = self._options(pool, bag, on, timeout=timeout, step_timeout=step_timeout, prefetch=prefetch)
        await self._request("open", routine, *self._arguments(args), *options, name=name)

    async def next(self, name, item=None, **expected) -> None:
        await self.caller.send("next", self._id(name))
        await self._judge(self._id(name), "item", result=item, **expected)

    async def next_in_flight(self, name) -> None:
        """Asks for an item whose answer a later `outcome` awaits."""
        await self.caller.send("next", self._id(name))

    async def send(self, name, value, item=None, **expected) -> None:
        """Resumes the generator with a value, and takes what it yields then."""
        await self.caller.send("send", self._id(name), tokens.command_token(scenarios.value(value)))
        await self._judge(self._id(name), "item", result=item, **expected)

    async def throw(self, name, type, message, item=None, **expected) -> None:
        """Raises an error at the generator's yield, and takes what it yields then."""
        await self.caller.send("throw", self._id(name), tokens.text(type), tokens.text(message))
        await self._judge(self._id(name), "item", result=item, **expected)

    async def drain(self, name, count, first=0, **expected) -> None:
        """Takes `count` items from `first` on, in order, one by one, and then the end or the error."""
        for number in range(first, first + count):
            await self.next(name, item=number)
        await self.next(name, **expected)

    async def closestream(self, name, **expected) -> None:
        await self.caller.send("closestream", self._id(name))
        await self._judge(self._id(name), "result", **(expected or {"end": True}))

    async def iterate(self, routine, count, then, args=(), limit=0, last=None, prefetch=None) -> None:
        options = self._options(prefetch=prefetch)
        request = await self._request("iterate", routine, str(limit), *self._arguments(args), *options)
        answer = await self.caller.answer(request)
        shown = "-" if last is None else tokens.report_token(scenarios.value(last))
        wanted = ["items", request, str(count), shown, then]
        if answer != wanted:
            raise Mismatch(judge.show(wanted), judge.show(answer))

    # The pool, misuse

    async def closepool(self, pending, pool=None) -> None:
        """Closes the pool. Every named pending call reports CLOSED before the pool says that it is closed."""
        request = await self._request("closepool", *self._options(pool=pool))
        judge.kind("closed", await self.caller.answer(request))
        closed_at = self.caller.arrived
        for name in pending:
            await self._judge(self._id(name), "result", error={"kind": "CLOSED"})
            if self.caller.arrived > closed_at:
                raise Mismatch(f"the outcome of {name} before the pool's", "the pool's before it")

    async def bad(self, what, error) -> None:
        await self._judge(await self._request("bad", what), "result", error=error)

    # Workers

    async def _counters(self, worker: Driver) -> dict:
        await worker.send("count")
        answer = await worker.answer("count")
        try:
            parts = dict(part.split("=") for part in answer[1:])
            return {name: int(parts[name]) for name in _COUNTERS}
        except (ValueError, KeyError):
            raise Mismatch("count with every counter", judge.show(answer)) from None

    @staticmethod
    def nothing_counted() -> dict:
        return dict.fromkeys(_COUNTERS, 0)

    async def _moved(self, index: int) -> dict:
        now = await self._counters(self.workers[index])
        return {name: now[name] - self._at_start[index][name] for name in _COUNTERS}

    async def counters(self, expected, worker=0) -> None:
        """The counters of a worker are exactly so now."""
        seen = await self._moved(worker)
        if not judge.counts(expected, seen):
            raise Mismatch(f"worker counters {expected}", str(seen))

    async def until(self, expected, worker=0) -> None:
        await self._until(expected, worker)

    async def _until(self, expected, index) -> None:
        """The counters of a worker get there: asks again until they have; the scenario's watchdog bounds it."""
        for attempt in itertools.count():
            seen = await self._moved(index)
            if judge.counts(expected, seen):
                self.awaiting = None
                return
            self.awaiting = Mismatch(f"worker counters to become {expected}", str(seen))
            # Leaves the processors to those whose progress is awaited.
            await asyncio.sleep(min(0.001 * 2 ** min(attempt, 6), 0.05))

    async def warm(self, routine) -> None:
        """Calls a routine that returns its argument until every worker has served one, then counts from there."""
        served = set()
        while len(served) < len(self.workers):
            request = await self._request("call", routine, "1", "hex:c0")
            judge.value(None, await self.caller.answer(request), "result")
            moved = [await self._moved(index) for index in range(len(self.workers))]
            served = {index for index, seen in enumerate(moved) if seen["finished"] > 0}
            self.awaiting = Mismatch("every worker to serve a call", f"only workers {sorted(served)}")
        self.awaiting = None
        self._at_start = [await self._counters(worker) for worker in self.workers]

    async def refused_worker(self, options, kind, message_has=()) -> None:
        """A worker with these options does not start, with an error of this kind and words, and its driver exits properly."""
        driver = Driver(self.workers[0].language, "worker", self.root)
        if self.place is not None:
            options = self.place.secured(options)
        try:
            first = await driver.start(options)
        finally:
            wrong = await driver.end()
        words = tokens.from_text(first[2]).lower() if len(first) == 3 else ""
        if first[:2] != ["error", kind] or not all(word.lower() in words for word in message_has):
            raise Mismatch(f"error {kind} with {list(message_has)}", " ".join(map(tokens.from_text, first)))
        if wrong:
            raise Mismatch("a clean exit", wrong)

    async def stop(self, grace_ms, worker=0) -> None:
        """Begins to stop a worker; `stopped` awaits it."""
        await self.workers[worker].send("stop", str(grace_ms))

    async def stopped(self, worker) -> None:
        await self.workers[worker].answer("stopped")

    async def kill(self, worker) -> None:
        """SIGKILL to a worker's process."""
        await self.workers[worker].kill()


_EXPECTATIONS = {"result", "end", "error"}


def _parts(step: dict, stage: type) -> tuple:
    # The first key says what happens; a later one may be a detail of the same name, as `pool` is.
    verbs = [name for name in step if name in stage.verbs][:1]
    if not verbs or next(iter(step)) != verbs[0]:
        raise scenarios.ScenarioError(f"a step begins with one of the verbs {', '.join(sorted(stage.verbs))}: {step}")
    return verbs[0], step[verbs[0]], {key: part for key, part in step.items() if key != verbs[0]}


def check(scenario, stage: type = Stage) -> None:
    """Every step has one verb and the details that the verb knows; raises ScenarioError before anything is played."""
    for step in scenario.steps:
        try:
            verb, subject, details = _parts(step, stage)
            bound = inspect.signature(getattr(stage, verb)).bind(None, subject, **details)
        except (TypeError, scenarios.ScenarioError) as problem:
            raise scenarios.ScenarioError(f"{scenario.name}: {problem}: {step}") from None
        unknown = set(bound.arguments.get("expected", ())) - _EXPECTATIONS if verb not in ("counters", "until") else ()
        if unknown:
            raise scenarios.ScenarioError(f"{scenario.name}: {verb} knows no {', '.join(sorted(unknown))}: {step}")

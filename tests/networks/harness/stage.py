"""Plays the steps of a case: those of the conformance runner, with programs by their names, and those about networks."""

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path

from conformance import judge, msgpack, tokens
from conformance.certificates import AUTHORITY
from conformance.judge import Mismatch, Pair
from conformance.pools import native
from conformance.scenarios import ScenarioError
from conformance.steps import Stage

from .hosts import TOOLS
from .tally import Tally

# Of calls that go on all the time: how long each loop rests between two. A rate, nothing waits for it.
PACE_SECONDS = 0.02

# Where plain sockets try the network out.
PORT = 9999

# Steps about credentials that speak of workers by numbers.
_ONLY_OF_SCENARIOS = {"spoil", "reload", "problem", "eventually", "down", "network_stop"}


class NetworkStage(Stage):
    """The programs of a case on their network. Steps are the default caller's, the first one, unless they say `by`."""

    verbs = Stage.verbs - {"add_worker", "warm", "counters", "until", "new_caller", "kill_caller"} - _ONLY_OF_SCENARIOS | set(
        "start exit run write cut rejoin drop heal renumber reaches sees serve spread running worked lists says memory".split()
    )

    def __init__(self, case, network, programs, root: Path):
        super().__init__(Pair("", ""), None, [], root, None)
        self.case = case
        self.network = network
        self.programs = programs
        self.tally = Tally()
        self._callers = [program.name for program in case.programs if program.role == "caller"]
        self._memory = {}
        # Workers that were asked for their tasks before they ended.
        self._counted = set()

    async def play(self, steps) -> None:
        await self.programs.start_all()
        for number, step in enumerate(steps, 1):
            self.at = (number, step)
            step = dict(step)
            by = step.pop("by", self._callers[0] if self._callers else None)
            self.caller = self.programs.running.get(by)
            if self.caller is None and by not in (None, *self._callers):
                raise ScenarioError(f"{self.case.name}: no caller is named {by!r}")
            await self._step(step)
        self.at = (len(steps) + 1, {"after": "the last step"})
        for name in self._callers:
            caller = self.programs.running.get(name)
            if caller is not None and caller.alive and (unasked := caller.unread()):
                raise Mismatch("nothing that nobody asked for", judge.show(unasked[0]))
        await asyncio.gather(*(self.tally.ask(worker) for worker in self._workers()))

    def _workers(self) -> list:
        """All that were started and have not been counted when they ended."""
        workers = [driver for driver in self.programs.all if getattr(driver, "role", "") == "worker"]
        return [worker for worker in workers if worker not in self._counted]

    def filled(self, text):
        return self.programs.fill(text)

    def _named(self, name: str):
        """A running program."""
        if name not in self.programs.running:
            raise ScenarioError(f"{self.case.name}: {name!r} is no program that runs")
        return self.programs.running[name]

    def _uids(self, patterns) -> dict:
        """The uids of the programs that are meant, and their names."""
        return {self._named(name).uid: name for name in self.case.named(patterns)}

    def _host(self, name: str):
        if name not in self.network.hosts:
            raise ScenarioError(f"{self.case.name}: {name!r} is no host")
        return self.network.hosts[name]

    # Calls: counted, and with names where the runner has numbers

    def _arguments(self, args) -> list:
        return super()._arguments(self.filled(args))

    def _options(self, pool=None, bag=None, on=None, **options) -> list:
        return super()._options(pool, bag, self._named(on).uid if on is not None else None, **options)

    async def _request(self, command: str, *arguments, name=None) -> str:
        if command in ("call", "open"):
            self.tally.calls += 1
        elif command in ("burst", "map", "broadcast", "iterate"):
            raise ScenarioError(f"{self.case.name}: {command} makes calls that cannot be counted here")
        return await super()._request(command, *arguments, name=name)

    async def _judge(self, request: str, answered: str, result=None, error=None, end=False) -> None:
        await super()._judge(request, answered, result=result, error=error, end=end)
        if answered == "result" and error is None and not end:
            self.tally.answered += 1

    async def keep_calling(self, name, at_once=4, routine="conf.echo", args=(7,), pool=None, timeout=None) -> None:
        """Calls over and over, `at_once` at any time, until `stop_calling`."""
        stop, outcomes, caller = asyncio.Event(), Counter(), self.caller
        words = [routine, *self._arguments(args), *self._options(pool, timeout=timeout)]

        async def loop():
            while not stop.is_set():
                request = caller.next_id()
                self.tally.calls += 1
                await caller.send("call", request, *words)
                answer = await caller.answer(request)
                good = answer[0] == "result"
                self.tally.answered += good
                outcomes["ok" if good else answer[2] if answer[0] == "error" else "wrong"] += 1
                await asyncio.sleep(PACE_SECONDS)

        self._callings[name] = (stop, outcomes, [asyncio.create_task(loop()) for _ in range(at_once)])

    async def serve(self, workers, pool=None) -> None:
        """Each of these workers is called by name, and answers."""
        for name in self.case.named(workers):
            await self.call("conf.echo", args=[7], on=name, pool=pool, result=7)

    async def spread(self, workers, pool=None) -> None:
        """Calls go to these workers and to no other: calls until each has served one."""
        wanted, seen = self._uids(workers), Counter()

        async def look():
            request = await self._request("call", "conf.task", "0", *self._options(pool))
            answer = await self.caller.answer(request)
            if answer[0] != "result":
                raise Mismatch("a result", judge.show(answer))
            self.tally.answered += 1
            seen[native(msgpack.decode(bytes.fromhex(answer[2].removeprefix("hex:"))))["worker"]] += 1
            story = Mismatch(f"calls to be served by {sorted(wanted.values())}", self._shown(seen))
            if set(seen) - set(wanted):
                raise story
            return set(seen) == set(wanted), story

        await self._wait_for(look)

    async def running(self, worker, count=1) -> None:
        """Waits until so many tasks run on a worker."""

        async def look():
            seen = (await self._counters(self._named(worker)))["running"]
            return seen == count, Mismatch(f"{count} tasks on {worker}", str(seen))

        await self._wait_for(look)

    async def worked(self, workers) -> None:
        """Each of these workers has begun a task by now."""
        for name in self.case.named(workers):
            if (await self._counters(self._named(name)))["started"] == 0:
                raise Mismatch(f"{name} to have begun a task", "none")

    # What pools see

    async def sees(self, parts, pool=None) -> None:
        """The pool gets to say so: `up`: these workers are, and no others; `listed`: these belong to it, in whatever state;
        `turned_away`: workers by name, each with the reason; `at`: workers by name, each with where it is reached; `down`: workers by
        name, each with words of its problem; `at_least`: so many belong to it, whoever they are."""
        if unknown := set(parts) - {"up", "listed", "turned_away", "at", "down", "at_least"}:
            raise ScenarioError(f"{self.case.name}: a pool does not see {sorted(unknown)}")

        async def look():
            status = await self._status(pool)
            seen = {
                "up": {worker["uid"] for worker in status["workers"] if worker["state"] == "up"},
                "listed": {worker["uid"] for worker in status["workers"]},
                "turned_away": {(entry["key"], entry["reason"]) for entry in status["turned_away"]},
                "at": {(worker["uid"], worker["address"]) for worker in status["workers"]},
            }
            wanted = {key: set(self._uids(parts[key])) for key in ("up", "listed") if key in parts}
            for key in ("turned_away", "at"):
                said = self.filled(parts.get(key, {}))
                wanted[key] = {(self._named(name).uid, what) for name, what in said.items()}
            # Others may be elsewhere, and others turned away, too.
            fine = all(part <= seen[key] if key in ("turned_away", "at") else seen[key] == part for key, part in wanted.items())
            fine = fine and len(seen["listed"]) >= parts.get("at_least", 0)
            problems = {worker["uid"]: worker["problem"] for worker in status["workers"] if worker["state"] == "down"}
            for name, words in self.filled(parts.get("down", {})).items():
                fine = fine and words in problems.get(self._named(name).uid, "")
            workers = {worker["uid"]: f"{worker['state']} {worker['address']} {worker['problem']}" for worker in status["workers"]}
            return fine, Mismatch(f"the pool to see {parts}", f"{self._shown(workers)}, turned away {status['turned_away']}")

        await self._wait_for(look)

    def _shown(self, by_uid: dict) -> str:
        running = self.programs.running.items()
        names = {program.uid: name for name, program in running if getattr(program, "uid", "")}
        return str({names.get(uid, uid): part for uid, part in by_uid.items()})

    async def lists(self, workers, options=(), at=None) -> None:
        """A discovery gets to list exactly these workers. `at`: workers by name, each with one of its addresses."""
        wanted = self._uids(workers)

        async def look():
            request = await self._request("list", *self.filled(options))
            answer = await self.caller.answer(request)
            if answer[0] != "listing" or len(answer) != 3:
                raise Mismatch("a listing", judge.show(answer))
            listing = native(msgpack.decode(bytes.fromhex(answer[2].removeprefix("hex:"))))
            seen = {record["uid"]: record["addresses"] for record in listing["workers"]}
            elsewhere = [name for name, address in self.filled(at or {}).items() if address not in seen.get(self._named(name).uid, ())]
            return set(seen) == set(wanted) and not elsewhere, Mismatch(f"a listing of {sorted(wanted.values())}", self._shown(seen))

        await self._wait_for(look)

    # Programs

    async def start(self, programs) -> None:
        """Starts programs that are not started from the beginning, or that have ended."""
        for name in self.case.named(programs):
            await self.programs.start(name)

    async def stop(self, worker, grace=0) -> None:
        """Begins to stop a worker; `stopped` awaits it."""
        await self._named(worker).send("stop", str(grace))

    async def stopped(self, worker) -> None:
        await self._named(worker).answer("stopped")

    async def exit(self, program) -> None:
        """Ends a program in order; a worker is counted when it has stopped."""
        ended = self._named(program)
        if getattr(ended, "role", "") == "worker":
            await ended.send("stop", "0")
            await ended.answer("stopped")
        await self._count(ended)
        if wrong := await ended.end():
            raise Mismatch("a clean exit", wrong)

    async def kill(self, program) -> None:
        """SIGKILL to a program. A worker is counted first: it must have nothing to do."""
        killed = self._named(program)
        await self._count(killed)
        await killed.kill()

    async def _count(self, program) -> None:
        if getattr(program, "role", "") == "worker":
            await self.tally.ask(program)
            self._counted.add(program)

    async def signal(self, name, to) -> None:
        """Sends a signal to a program."""
        os.kill(self._named(to).pid, signal.Signals[name])

    async def ran(self, worker) -> None:
        """A worker program says that it has ended, and exits properly. It can tell nothing of its tasks any more."""
        ended = self._named(worker)
        await ended.answer("ran")
        if wrong := await ended.exited():
            raise Mismatch("a process that has exited with status 0", wrong)
        await self._count(ended)

    async def write(self, file, text) -> None:
        """Writes a file of the case's folder."""
        Path(self.programs.folder, file).write_text(self.filled(text))

    async def run(self, program) -> None:
        """Waits until a program that is no driver has ended by itself, with status 0."""
        other = self._named(program)
        status = await other.ended()
        if status != 0:
            raise Mismatch(f"{program} to end with status 0", f"{status}{other.log_tail()}")

    async def says(self, program, text) -> None:
        """Waits until a program that is no driver has written a line with the text."""

        async def look():
            return text in self._named(program).log_tail(), Mismatch(f"{program} to write {text!r}", self._named(program).log_tail())

        await self._wait_for(look)

    async def memory(self, program, grown_at_most=None) -> None:
        """Remembers what memory a program takes; with a number, of MiB: judges by how much it has grown since."""
        status = Path(f"/proc/{self._named(program).pid}/status").read_text()
        now = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))) >> 10
        before = self._memory.setdefault(program, now)
        if grown_at_most is not None and now - before > grown_at_most:
            raise Mismatch(f"{program} to grow by {grown_at_most} MiB at most", f"{before} MiB, then {now} MiB")

    # Credentials

    async def certify(self, name, names, authority=AUTHORITY) -> None:
        """Replaces a certificate and its key by new ones."""
        await self.programs.certificates.certify(name, self.filled(names), authority)

    async def trust(self, authorities) -> None:
        """Replaces the certificates of the authorities by those of these, which have certified something."""
        self.programs.certificates.trust(*authorities)

    # The network

    async def cut(self, host) -> None:
        await self.network.cut(self._host(host))

    async def rejoin(self, host) -> None:
        await self.network.rejoin(self._host(host))

    async def drop(self, percent, source=None, to=None, both=False, only="") -> None:
        """Silently drops this share of what goes from `source` to `to`; without one of them, from or to everybody."""
        ends = [name and self._host(name) for name in (source, to)]
        await self.network.drop(*ends, percent, only)
        if both:
            await self.network.drop(*reversed(ends), percent, only)

    async def heal(self, _) -> None:
        await self.network.heal()

    async def renumber(self, host, number) -> None:
        await self.network.renumber(self._host(host), number)
        if self.programs.secure:
            await self.programs.certify_host(self._host(host))

    async def reaches(self, kind, source, to, count=1, at_least=None, at_most=None, milliseconds=0) -> None:
        """Plain sockets send `count` from one host to another: so many arrive (all, unless it says otherwise), in order. By
        `tcp` each waits for its echo, which takes so many milliseconds at least."""
        at_least = count if at_least is None and at_most is None else at_least or 0
        at_most = count if at_most is None else at_most
        sender, receiver = self._host(source), self._host(to)
        kind, version = kind.removesuffix("6"), "/6" if kind.endswith("6") else ""
        own, target = (host.addresses[host.networks[0] + version] for host in (sender, receiver))
        for host in (sender, receiver):
            await self.network.forget_neighbours(host)
        listener = await self._talker(receiver, "receive", kind, target)
        try:
            if await listener.stdout.readline() != b"listens\n":
                raise Mismatch("a socket that listens", "none")
            speaker = await self._talker(sender, "send", kind, own if kind == "multicast" else target, str(count))
            came_back, fastest = map(int, (await speaker.communicate(b""))[0].split())
        finally:
            told = (await listener.communicate(b""))[0].decode().split()
        arrived, order = int(told[0]), told[1]
        if kind == "tcp":
            arrived = came_back
        seen = f"{arrived} of {count}, {order}" + (f", the fastest echo after {fastest} ms" if kind == "tcp" else "")
        if not at_least <= arrived <= at_most or order != "in-order" or (arrived and fastest < milliseconds):
            raise Mismatch(f"{at_least} to {at_most} to arrive in order, each echo after {milliseconds} ms or later", seen)

    async def _talker(self, host, what: str, kind: str, address: str, *count: str):
        return await asyncio.create_subprocess_exec(
            *host.command(), sys.executable, str(TOOLS / "talk.py"), what, kind, address, str(PORT), *count,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )

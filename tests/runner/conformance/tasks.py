"""Steps about tasks: those that make others, their contexts, what is told of them, and fanning out."""

from . import judge, msgpack, scenarios, tokens
from .judge import Mismatch
from .pools import native

_SHORT = "task-"


def heard(answer: list, head: int) -> list:
    """What a driver has been told of its tasks, behind so many tokens: tuples of side, kind, task, caller, routine, step,
    status."""
    missed, count, *events = answer[head:] if len(answer) >= head + 2 else ("", "")
    told = [tuple(event.split("/")) for event in events]
    if missed != "0" or count != str(len(told)) or any(len(event) != 7 for event in told):
        raise Mismatch("task events, none of them missed", judge.show(answer))
    return told


def by_task(told: list, side: str, routine: str) -> list:
    """Of each task of a routine what one side was told, in short words.

    A caller's first step may be asked for before or after its call is scheduled: it is taken as if after.
    """
    tasks = {}
    for at, kind, task, _, of, step, status in told:
        if at == side and of == routine:
            detail = next((part for part in (step, status) if part != "-"), "")
            tasks.setdefault(task, []).append(f"{kind.removeprefix(_SHORT)} {detail}".strip())
    for events in tasks.values():
        if side == "caller" and "scheduled" in events[2:]:
            events.remove("scheduled")
            events.insert(1, "scheduled")
    return sorted(tasks.values())


class TaskSteps:
    """The part of a stage that knows tasks."""

    # Contexts outside of tasks

    async def bag(self, name, values=()) -> None:
        """Makes a context in the caller."""
        parts = [
            f"{tokens.text(namespace)}:{tokens.text(key)}:{tokens.command_token(scenarios.value(value))}"
            for namespace, key, value in values
        ]
        request = await self._request("bag", *parts, name=name)
        judge.kind("bag", await self.caller.answer(request))

    async def bag_set(self, name, namespace, key, value=None, error=None) -> None:
        """Sets a value of a context, or without one unsets it."""
        token = "-" if value is None else tokens.command_token(scenarios.value(value))
        request = await self._request("bagset", self._id(name), tokens.text(namespace), tokens.text(key), token)
        answer = await self.caller.answer(request)
        if error is not None:
            judge.error(error, answer, self.pair)
        else:
            judge.kind("bagset", answer)

    async def bag_get(self, name, namespace, key, result) -> None:
        request = await self._request("bagget", self._id(name), tokens.text(namespace), tokens.text(key))
        await self._judge(request, "result", result=result)

    # What a task is

    async def _value(self, request: str):
        answer = await self.caller.answer(request)
        if answer[0] != "result" or not answer[2].startswith("hex:"):
            raise Mismatch("a result", judge.show(answer))
        return native(msgpack.decode(bytes.fromhex(answer[2].removeprefix("hex:"))))

    async def task(self, routine, tag="", timeout=None, worker=0, peer=None) -> None:
        """What the current task of `conf.task` tells is so: who called it, as what, where, and what time is left. `peer`: the
        names of its caller's certificate."""
        tag = self.filled(tag)
        options = self._options(timeout=timeout, tag=tag and tokens.text(tag))
        told = await self._value(await self._request("call", routine, "0", *options))
        wanted = {"caller": None, "routine": routine, "tag": tag, "worker": self.workers[worker].uid}
        if peer is not None:
            wanted["peer"] = peer
        left = told.get("remaining")
        in_time = left is None if timeout is None else isinstance(left, int) and 0 <= left <= timeout
        if {key: told.get(key) for key in wanted} != wanted or not in_time:
            raise Mismatch(f"a task with {wanted}", str(told))

    async def chain(self, depth, workers=1, timeout=None, tag=None) -> None:
        """A chain of nested calls of `conf.chain`: each was called by the one before it, with no more time than that.
        Chains are made until so many workers have taken part in one, as workers connect to each other only then."""
        options = self._options(timeout=timeout, tag=tag)

        async def look():
            taken_part = await self._one_chain(depth, timeout, options)
            return len(taken_part) == workers, Mismatch(f"a chain over {workers} workers", f"one over {len(taken_part)}")

        await self._wait_for(look)

    async def _one_chain(self, depth, timeout, options) -> set:
        """The workers that have taken part."""
        request = await self._request("call", "conf.chain", "1", tokens.command_token(depth), *options)
        chain = await self._value(request)
        callers = [task["caller"] for task in chain]
        ids = [task["id"] for task in chain]
        if len(set(ids)) != depth + 1 or callers != [None, *ids[:-1]]:
            raise Mismatch(f"{depth + 1} tasks, each called by the one before it", str(chain))
        left = [task["remaining"] for task in chain]
        if timeout is None:
            fine = left == [None] * len(chain)
        else:
            fine = all(isinstance(ms, int) and 0 <= ms <= timeout for ms in left) and left == sorted(left, reverse=True)
        if not fine:
            raise Mismatch("as much time for each task as is left, or less", str(left))
        return {task["worker"] for task in chain}

    async def sum_of(self, name, total, count) -> None:
        """Takes the items of a stream up to its end: so many numbers with this sum."""
        seen = []
        while True:
            await self.caller.send("next", self._id(name))
            answer = await self.caller.answer(self._id(name))
            if answer[0] == "end":
                break
            if answer[0] != "item":
                raise Mismatch("an item or the end", judge.show(answer))
            seen.append(msgpack.decode(bytes.fromhex(answer[2].removeprefix("hex:"))))
        if (sum(seen), len(seen)) != (total, count):
            raise Mismatch(f"{count} items with the sum {total}", f"{len(seen)} with {sum(seen)}")

    # All workers together

    async def spreads(self, routine, args, result) -> None:
        """Calls a routine over and over, with this result, until every worker that is alive has served some of it and of
        what it calls."""
        alive = [index for index, worker in enumerate(self.workers) if worker.alive]
        before = [(await self._moved(index))["finished"] for index in alive]

        async def look():
            await self._judge(await self._request("call", routine, *self._arguments(args)), "result", result=result)
            now = [(await self._moved(index))["finished"] for index in alive]
            served = [after - earlier for earlier, after in zip(before, now)]
            return all(served), Mismatch("every worker to serve something", f"tasks that have ended: {served}")

        await self._wait_for(look)

    async def total_until(self, counters) -> None:
        """The counters of all workers together get there."""

        async def look():
            moved = [await self._moved(index) for index, worker in enumerate(self.workers) if worker.alive]
            seen = {name: sum(counts[name] for counts in moved) for name in counters}
            return seen == counters, Mismatch(f"all workers' counters to become {counters}", str(seen))

        await self._wait_for(look)

    async def let_go(self, count) -> None:
        """Lets go calls of `conf.hold`, over and over, until so many have been let go."""
        gone = 0

        async def look():
            nonlocal gone
            gone += await self._value(await self._request("call", "conf.letgo", "0"))
            if gone > count:
                raise Mismatch(f"{count} calls that are held", str(gone))
            return gone == count, Mismatch(f"{count} calls that are held", str(gone))

        await self._wait_for(look)

    # Fanning out

    async def map(
        self, routine, inputs, in_flight=64, order="ordered", limit=0, name=None, results=None, failed=None, progress=None,
        count=None,
    ) -> None:
        """Maps a routine over inputs. With a name it is left in flight, and `mapped` awaits it."""
        request = await self._request(
            "map", routine, str(in_flight), order, str(limit), *self._arguments(inputs), name=name
        )
        if name is None:
            await self._judge_map(request, order, results, failed, progress, count)

    async def mapped(self, name, order="completed", results=None, failed=None, progress=None, count=None) -> None:
        await self._judge_map(self._id(name), order, results, failed, progress, count)

    async def _judge_map(self, request, order, results, failed, progress, count) -> None:
        """`results`: by the index of the input; `failed`: error kinds by index; `progress`: total, done, failed."""
        answer = await self.caller.answer(request)
        if answer[0] != "mapped" or len(answer) < 6 or len(answer) != 6 + int(answer[5]):
            raise Mismatch("the outcomes of a map", judge.show(answer))
        seen = answer[6:]
        failed = {int(index): kind for index, kind in (failed or {}).items()}
        if results is not None:
            wanted = [
                f"{index}!{failed[index]}" if index in failed else f"{index}={tokens.report_token(scenarios.value(value))}"
                for index, value in enumerate(results)
            ]
            if order == "completed":
                seen = sorted(seen, key=lambda token: int(token.replace("!", "=").split("=")[0]))
            if seen != wanted:
                raise Mismatch(f"outcomes {wanted}", judge.show(answer))
        if count is not None and len(seen) != count:
            raise Mismatch(f"{count} outcomes", judge.show(answer))
        if progress is not None and answer[2:5] != [str(number) for number in progress]:
            raise Mismatch(f"the progress {progress}", judge.show(answer))

    async def broadcast(self, routine, args=(), workers=None, error=None) -> None:
        """A routine on every worker: one answer of each, none of them alike."""
        request = await self._request("broadcast", routine, *self._arguments(args))
        answer = await self.caller.answer(request)
        if error is not None:
            judge.error(error, answer, self.pair)
            return
        outcomes = [token.split("=") for token in answer[3:]]
        wanted = {self.workers[index].uid for index in workers}
        fine = answer[0] == "broadcast" and int(answer[2]) == len(outcomes) == len(wanted)
        fine = fine and all(len(pair) == 2 for pair in outcomes)
        if not fine or {uid for uid, _ in outcomes} != wanted or len({value for _, value in outcomes}) != len(wanted):
            raise Mismatch(f"one answer of each of {len(wanted)} workers, all different", judge.show(answer))

    # Task events

    async def _heard(self) -> list:
        """What all have been told. A worker calls, too, in its tasks."""
        told = heard(await self.caller.answer(await self._request("events")), 2)
        for worker in self.workers:
            if worker.alive:
                await worker.send("events")
                told += heard(await worker.answer("events"), 1)
        return told

    async def events(self, side, routine, tasks) -> None:
        """What one side is told of the tasks of a routine gets to be this, for each task in its order."""
        wanted = sorted(tasks)

        async def look():
            seen = by_task(await self._heard(), side, routine)
            return seen == wanted, Mismatch(f"the {side}'s events {wanted}", str(seen))

        await self._wait_for(look)

    async def events_tell_alike(self, routine) -> None:
        """Both sides tell of the same tasks, with the same callers."""

        async def look():
            told = [event for event in await self._heard() if event[4] == routine]
            both = [{(event[2], event[3]) for event in told if event[0] == side} for side in ("caller", "worker")]
            return bool(both[0]) and both[0] == both[1], Mismatch("the same tasks at both sides", str(both))

        await self._wait_for(look)

"""At most once: what workers say that they began against what callers have asked for."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from conformance.judge import Mismatch


@dataclass
class Tally:
    """The calls of a case and the tasks that workers have begun for them."""

    # Calls that callers were told to make, each of which makes one task at most.
    calls: int = 0
    # Of them, those that have returned a result.
    answered: int = 0
    # How often each task began, by its id, which a call keeps wherever it is offered.
    begun: Counter = field(default_factory=Counter)
    # Workers that were killed before they could tell.
    silent: int = 0

    async def ask(self, worker) -> None:
        """What a worker has begun over its whole life; to be asked once, before it ends."""
        if not worker.alive:
            self.silent += 1
            return
        await worker.send("count")
        counted = dict(part.split("=") for part in (await worker.answer("count"))[1:])
        while len(told := await self._told(worker)) < int(counted["started"]):
            # Events may be told a moment after the result that followed them.
            await asyncio.sleep(0.01)
        self.begun.update(told)

    async def _told(self, worker) -> list:
        """The tasks that have begun, as far as the worker has been told."""
        await worker.send("events")
        answer = await worker.answer("events")
        missed = int(answer[1])
        if missed:
            raise Mismatch("a worker that has told of all its tasks", f"{missed} events that were missed")
        events = (event.split("/") for event in answer[3:])
        return [task for side, kind, task, *_ in events if (side, kind) == ("worker", "task-started")]

    def judge(self, not_counted: str) -> str:
        """Raises when a task has begun twice, or more have begun than were asked for; else says how it went."""
        twice = [task for task, times in self.begun.items() if times > 1]
        if twice:
            raise Mismatch("every task to begin once at most", f"{len(twice)} of {len(self.begun)} twice, such as {twice[0]}")
        if not not_counted and len(self.begun) > self.calls:
            raise Mismatch(f"at most {self.calls} tasks", str(len(self.begun)))
        # Else nothing was seen of what was to be counted.
        if not self.silent and len(self.begun) < self.answered:
            raise Mismatch(f"a task for each of {self.answered} results", str(len(self.begun)))
        if not self.calls:
            return ""
        told = f"{self.calls} calls, {self.answered} answered, none ran twice"
        return told + (f" as far as {self.silent} killed cannot tell" if self.silent else "")

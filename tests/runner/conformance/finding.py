"""Steps about how workers are found, which of them gets a call, and programs that are workers."""

import os
import re
import signal

from . import judge, msgpack, scenarios
from .judge import Mismatch
from .pools import native


class FindingSteps:
    """The part of a stage that knows discoveries, balancers and worker programs."""

    def filled(self, text):
        """Text with `{uid:N}` and `{address:N}` as those of the worker with that number."""
        if text is None:
            return None
        text = re.sub(r"\{uid:(\d+)\}", lambda found: self.workers[int(found[1])].uid, text)
        return re.sub(r"\{address:(\d+)\}", lambda found: self.workers[int(found[1])].address, text)

    async def list_workers(self, options, workers, first=None, turned_away=None) -> None:
        """A discovery gets to list exactly these workers (by number). `first`: parts of the record of the first of them.
        `turned_away`: how many of which reason."""
        wanted = sorted(self.workers[number].uid for number in workers)
        expected = f"a listing of workers {workers} and {turned_away or {}}"

        async def look():
            request = await self._request("list", *self.place.expand(options))
            answer = await self.caller.answer(request)
            if answer[0] != "listing" or len(answer) != 3 or not answer[2].startswith("hex:"):
                raise Mismatch("a listing", judge.show(answer))
            listing = native(msgpack.decode(bytes.fromhex(answer[2].removeprefix("hex:"))))
            records = {record["uid"]: record for record in listing["workers"]}
            reasons = {}
            for entry in listing["turned_away"]:
                reasons[entry["reason"]] = reasons.get(entry["reason"], 0) + 1
            fine = sorted(records) == wanted and reasons == (turned_away or {})
            if fine and first is not None:
                self._compare(first, records[self.workers[workers[0]].uid])
            return fine, Mismatch(expected, str(listing))

        await self._wait_for(look)

    def _compare(self, parts: dict, record: dict) -> None:
        wanted = {
            key: [self.filled(item) for item in part]
            if isinstance(part, list)
            else self.filled(part)
            if isinstance(part, str)
            else scenarios.value(part)
            for key, part in parts.items()
        }
        seen = {key: record.get(key) for key in parts}
        for key, part in wanted.items():
            if isinstance(part, msgpack.Map):
                wanted[key] = native(part)
            if part == "worker":
                wanted[key] = self.pair.worker
        if seen != wanted:
            raise Mismatch(f"a record with {wanted}", str(record))

    async def signal_worker(self, name, worker=0) -> None:
        """Sends a signal to a worker's process."""
        os.kill(self.workers[worker].pid, signal.Signals[name])

    async def ran(self, worker) -> None:
        """A worker program says that it has ended, and its process exits properly."""
        await self.workers[worker].answer("ran")
        wrong = await self.workers[worker].exited()
        if wrong:
            raise Mismatch("a process that has exited with status 0", wrong)

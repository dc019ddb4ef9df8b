"""Does the harness catch what it is there to catch? What needs no network: counting, and files that are no cases.

That faults are faults is tried out by the cases `check-*`, which need one.
"""

import asyncio
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "runner")]

from conformance.judge import Mismatch  # noqa: E402
from conformance.scenarios import ScenarioError  # noqa: E402
from harness import cases, hosts  # noqa: E402
from harness.tally import Tally  # noqa: E402

CASE = """
about = "calls"
hosts = ["a", "b"]
[[programs]]
name = "worker"
host = ["a", "b"]
count = 3
options = ["bind={a}:700{n}"]
[[programs]]
name = "caller"
host = "a"
role = "caller"
[[steps]]
serve = "worker*"
"""


class Teller:
    """A worker that tells of these tasks."""

    def __init__(self, *began: str, missed: int = 0, alive: bool = True):
        self.alive = alive
        self._missed = missed
        self._events = [f"worker/{kind}/{task}/-/conf.echo/-/-" for task in began for kind in ("task-scheduled", "task-started")]
        self._events.append("caller/task-created/other/-/conf.echo/-/-")

    async def send(self, *_) -> None:
        pass

    async def answer(self, what) -> list:
        if what == "count":
            return ["count", "running=0", f"started={len(self._events) // 2}"]
        return ["events", str(self._missed), str(len(self._events)), *self._events]


class Counting(unittest.TestCase):
    def judge(self, calls: int, answered: int, *workers: Teller, not_counted: str = "") -> str:
        tally = Tally(calls=calls, answered=answered)
        for worker in workers:
            asyncio.run(tally.ask(worker))
        return tally.judge(not_counted)

    def test_says_how_many(self):
        self.assertEqual(self.judge(3, 2, Teller("x"), Teller("y", "z")), "3 calls, 2 answered, none ran twice")
        self.assertEqual(self.judge(0, 0, Teller()), "")

    def test_twice_is_seen_wherever_it_was(self):
        for workers in ([Teller("x", "x")], [Teller("x"), Teller("y", "x")]):
            with self.assertRaisesRegex(Mismatch, "twice, such as x"):
                self.judge(9, 1, *workers)

    def test_more_than_were_called_are_seen(self):
        with self.assertRaisesRegex(Mismatch, "at most 1 tasks, saw 2"):
            self.judge(1, 1, Teller("x", "y"))
        self.judge(1, 1, Teller("x", "y"), not_counted="tasks call on")

    def test_fewer_than_were_answered_are_seen_but_of_the_killed(self):
        with self.assertRaisesRegex(Mismatch, "a task for each of 2 results"):
            self.judge(2, 2, Teller("x"))
        self.assertIn("as far as 1 killed", self.judge(2, 2, Teller("x"), Teller(alive=False)))

    def test_missed_events_are_no_proof(self):
        with self.assertRaisesRegex(Mismatch, "missed"):
            self.judge(2, 1, Teller("x", missed=1))


class Files(unittest.TestCase):
    def load(self, text: str):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "case.toml").write_text(text)
            return cases.load(Path(folder))[0]

    def test_programs_take_turns(self):
        case = self.load(CASE)
        self.assertEqual([(program.name, program.host) for program in case.programs[:3]],
                         [("worker1", "a"), ("worker2", "b"), ("worker3", "a")])
        self.assertEqual(case.programs[1].options, ("bind={a}:7002",))
        self.assertEqual(case.named(["worker*", "worker1"]), ["worker1", "worker2", "worker3"])
        with self.assertRaises(ScenarioError):
            case.named("nobody")

    def test_what_is_no_case_is_refused(self):
        for before, after, problem in (
            ('about = "calls"', "", "needs `about`"),
            ('host = "a"', 'host = "c"', "on one of the hosts"),
            ("count = 3", "number = 3", "unknown keys"),
            ('role = "caller"', 'role = "program"', "which alone has a command"),
            ('name = "caller"', 'name = "worker1"', "two programs have one name"),
            ('["a", "b"]\n[[', '["a", "switch"]\n[[', "is not 'switch'"),
            ("[[steps]]", "[[step]]", "unknown keys"),
        ):
            with self.assertRaisesRegex(ScenarioError, problem):
                self.load(CASE.replace(before, after))

    def test_every_case_of_the_folder_is_one(self):
        self.assertGreater(len(cases.load(HERE.parent / "cases")), 20)


class Processes(unittest.TestCase):
    def test_a_process_that_has_ended_has_no_start(self):
        async def ended() -> int:
            process = await asyncio.create_subprocess_exec("true")
            await process.wait()
            return process.pid

        self.assertNotEqual(hosts.started_at(1), "")
        self.assertEqual(hosts.started_at(asyncio.run(ended())), "")


if __name__ == "__main__":
    unittest.main()

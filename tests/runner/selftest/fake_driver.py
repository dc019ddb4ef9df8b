"""A driver without a library behind it: its caller answers by itself, well or in one of the ways the runner must catch.

`fake_driver.py FLAW ROLE [options]`; the flaw is one of the names in `FLAWS`, `none` for a driver that does everything right.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conformance import msgpack  # noqa: E402

FLAWS = (
    "none wrong-value wrong-kind silent chatty dies exit-status never-ready busy-worker babbles "
    "no-own wrong-causes short-error runs-ahead deaf-generator drops-options lets-go-too-many hook-does-not-hold "
    "no-caller forgets out-of-order loses-an-outcome answers-twice misses-events stops-late other-task retryable "
    "keeps-quiet reloads-anything is-up"
).split()

# `{ item = "wool", left = 1 }`, as the registered error's data is reported.
OWN = "hex:82a46974656da4776f6f6ca46c65667401"


UID = "00000000-0000-4000-8000-000000000000"
# The ids of the tasks of a chain.
TASKS = ("00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b")


def say(*tokens: str) -> None:
    print(*tokens, flush=True)


def credentials(options: list) -> str:
    """What the certificate says, if there is one."""
    folders = [option.removeprefix("credentials=") for option in options if option.startswith("credentials=")]
    return Path(folders[0], "own.pem").read_text().strip() if folders else ""


def problem(flaw: str, options: list) -> str:
    return "own.pem%20is%20no%20certificate" if "nonsense" in credentials(options) and flaw != "keeps-quiet" else "-"


def worker(flaw: str, options: list) -> None:
    say("ready", "127.0.0.1:1", UID)
    asked = 0
    for line in sys.stdin:
        if line == "exit\n":
            break
        if line == "reload\n":
            fine = "nonsense" not in credentials(options) or flaw == "reloads-anything"
            say(*("reloaded", "0") if fine else ("error", "INVALID_ARGUMENT", "own.pem%20is%20no%20certificate"))
        if line == "problem\n":
            say("problem", problem(flaw, options))
        if line == "events\n":
            tell_events("events", "worker", worker_events(flaw))
        if line == "count\n":
            asked += 1
            running = 1 if flaw == "busy-worker" and asked > 1 else 0
            yielded = 1 if flaw == "runs-ahead" and asked > 1 else 0
            say("count", f"running={running}", "started=0", "finished=0", "cancelled=0", "cleaned=0", f"yielded={yielded}")


def worker_events(flaw: str) -> list:
    kinds = ["scheduled -", "started -", "stopped -", "completed OK"]
    return kinds[:2] + kinds[:1:-1] if flaw == "stops-late" else kinds


def tell_events(head: str, side: str, kinds: list, missed="0", task=TASKS[0]) -> None:
    events = [f"{side}/task-{kind.replace(' ', f'/{task}/-/conf.echo/-/')}" for kind in kinds]
    say(*head.split(), missed, str(len(events)), *events)


def hex_text(text: str) -> str:
    """A short string, encoded."""
    return f"{0xD9:02x}{len(text):02x}{text.encode().hex()}"


def chain(flaw: str) -> str:
    """The tasks of a chain of two, encoded."""
    callers = (None, None if flaw == "no-caller" else TASKS[0])
    tasks = ""
    for task, caller in zip(TASKS, callers):
        parts = {"id": hex_text(task), "caller": hex_text(caller) if caller else "c0", "remaining": "c0", "worker": hex_text(UID)}
        tasks += f"{0x80 + len(parts):02x}" + "".join(hex_text(key) + part for key, part in parts.items())
    return "hex:92" + tasks


class Caller:
    """Answers as if there were a worker that serves the routines of the selftest's scenarios."""

    def __init__(self, flaw: str, options: list):
        self.flaw = flaw
        self.options = options
        # What a send adds to, by stream.
        self.totals = {}
        # Calls of conf.block, and of a hook, that wait for conf.unblock.
        self.blocked = []
        self.held = []
        self.unblocked = 0
        # A context's values, by name.
        self.values = {}

    def serve(self, tokens: list) -> None:
        match tokens:
            case ["call", request, "conf.echo", _, value]:
                self.echo(request, value)
            case ["call", request, "conf.echo", _, value, "tag=wool%20only"]:
                say("result", request, value)
            case ["call", request, "conf.echo", _, value, "tag=hold"]:
                self.hold(request, value)
            case ["call", request, "conf.peer", "0"]:
                names = credentials(self.options)
                say("result", request, "hex:" + msgpack.encode([names] if names else []).hex())
            case ["reload", request]:
                self.reload(request)
            case ["problem", request]:
                say("problem", request, problem(self.flaw, self.options))
            case ["status", request]:
                self.status(request)
            case ["call", request, "conf.fail", _, _, _]:
                self.fail(request, "ShearingError", "no%20more%20wool", "1", "-")
            case ["call", request, "conf.outofstock", _, _, _]:
                own = "-" if self.flaw == "no-own" else OWN
                self.fail(request, "conf.OutOfStock", "wool%3A%201%20left", "0", own)
            case ["call", request, "conf.block", "0"]:
                self.blocked.append(request)
            case ["call", request, "conf.unblock", "0"]:
                self.unblock(request)
            case ["open", request, "conf.accumulate", _, _, "step_timeout=5000"]:
                self.totals[request] = 0
            case ["iterate", request, "conf.count", limit, _, _, *options]:
                outcome = "break" if options == ["prefetch=4"] and self.flaw != "drops-options" else "end"
                say("items", request, limit, "hex:01", outcome)
            case ["next", request]:
                self.item(request)
            case ["send", request, value]:
                self.send(request, value)
            case ["throw", request, "conf.Reset", "back%20to%200"]:
                self.totals[request] = 0
                self.item(request)
            case ["call", request, "conf.chain", _, _]:
                say("result", request, chain(self.flaw))
            case ["bag", request, *values]:
                self.values = dict(value.split(":", 2)[1:] for value in values)
                say("bag", request)
            case ["bagset", request, _, _, name, value]:
                if self.flaw != "forgets":
                    self.values[name] = "hex:c0" if value == "-" else value
                say("bagset", request)
            case ["bagget", request, _, _, name]:
                say("result", request, self.values.get(name, "hex:c0"))
            case ["map", request, *_, first, second]:
                self.map(request, first, second)
            case ["broadcast", request, "conf.add", _, _]:
                outcomes = [f"{UID}=hex:01"] * (2 if self.flaw == "answers-twice" else 1)
                say("broadcast", request, str(len(outcomes)), *outcomes)
            case ["events", request]:
                missed = "3" if self.flaw == "misses-events" else "0"
                task = TASKS[1] if self.flaw == "other-task" else TASKS[0]
                tell_events(f"events {request}", "caller", ["created -", "scheduled -", "completed OK"], missed, task)
            case [_, request, *_]:
                say("error", request, "UNSUPPORTED", "-", "what", "0", "-", "0", "-", "0")

    def echo(self, request: str, value: str) -> None:
        match self.flaw:
            case "wrong-value":
                say("result", request, "hex:cb3ff0000000000000")
            case "wrong-kind":
                say("error", request, "INTERNAL", "-", "-", "0", "-", "0", "-", "0")
            case "silent":
                pass
            case "chatty":
                say("result", request, value)
                say("result", request, value)
            case "dies":
                print("the sheep ran away", file=sys.stderr)
                sys.exit(1)
            case "babbles":
                say("what")
            case _:
                say("result", request, value)

    def fail(self, request: str, type_name: str, message: str, causes: str, own: str) -> None:
        causes = "7" if self.flaw == "wrong-causes" else causes
        further = () if self.flaw == "short-error" else (causes, own, "1" if self.flaw == "retryable" else "0")
        say("error", request, "TASK_FAILED", type_name, message, "0", "fake", *further)

    def reload(self, request: str) -> None:
        if "nonsense" in credentials(self.options) and self.flaw != "reloads-anything":
            say("error", request, "INVALID_ARGUMENT", "-", "own.pem%20is%20no%20certificate", "0", "-", "0", "-", "0")
        else:
            say("reloaded", request, "0")

    def status(self, request: str) -> None:
        state = "up" if self.flaw == "is-up" else "down"
        workers = [msgpack.Map((("state", state), ("problem", "it has no certificate")))]
        status = msgpack.Map((("workers", workers), ("processes", [])))
        say("status", request, "hex:" + msgpack.encode(status).hex())

    def map(self, request: str, first: str, second: str) -> None:
        """The second input fails."""
        outcomes = [f"0={first}", "1!TASK_FAILED"]
        if self.flaw == "out-of-order":
            outcomes.reverse()
        if self.flaw == "loses-an-outcome":
            outcomes.pop()
        say("mapped", request, "2", "2", "1", str(len(outcomes)), *outcomes)

    def hold(self, request: str, value: str) -> None:
        if self.flaw == "hook-does-not-hold":
            say("result", request, value)
        else:
            self.held.append((request, value))

    def unblock(self, request: str) -> None:
        """The first time nothing is let go yet: a call may still be on its way when it is made."""
        self.unblocked += 1
        let_go = self.blocked if self.unblocked > 1 else []
        for blocked in let_go:
            say("result", blocked, "hex:c0")
        for held, value in self.held if self.unblocked > 1 else ():
            say("result", held, value)
        count = 2 if self.flaw == "lets-go-too-many" else len(let_go)
        say("result", request, f"hex:{count:02x}")
        if self.unblocked > 1:
            self.blocked, self.held = [], []

    def item(self, request: str) -> None:
        say("item", request, f"hex:{self.totals[request]:02x}")

    def send(self, request: str, value: str) -> None:
        if self.flaw != "deaf-generator":
            self.totals[request] += int(value.removeprefix("hex:"), 16)
        self.item(request)


def caller(flaw: str, options: list) -> None:
    say("ready")
    served = Caller(flaw, options)
    for line in sys.stdin:
        if line == "exit\n":
            break
        served.serve(line.rstrip("\n").split(" "))
    if flaw == "exit-status":
        sys.exit(3)


def main() -> None:
    flaw, role, *options = sys.argv[1:]
    if flaw not in FLAWS:
        sys.exit(f"no such flaw: {flaw}")
    if flaw == "never-ready":
        say("error", "IO", "the%20port%20is%20taken")
        return
    (worker if role == "worker" else caller)(flaw, options)


main()

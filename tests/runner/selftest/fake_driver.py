"""A driver without a library behind it: its caller answers by itself, well or in one of the ways the runner must catch.

`fake_driver.py FLAW ROLE [options]`; the flaw is one of the names in `FLAWS`, `none` for a driver that does everything right.
"""

import sys

FLAWS = (
    "none wrong-value wrong-kind silent chatty dies exit-status never-ready busy-worker babbles "
    "no-own wrong-causes short-error runs-ahead deaf-generator drops-options lets-go-too-many hook-does-not-hold"
).split()

# `{ item = "wool", left = 1 }`, as the registered error's data is reported.
OWN = "hex:82a46974656da4776f6f6ca46c65667401"


def say(*tokens: str) -> None:
    print(*tokens, flush=True)


def worker(flaw: str) -> None:
    say("ready", "127.0.0.1:1", "00000000-0000-4000-8000-000000000000")
    asked = 0
    for line in sys.stdin:
        if line == "exit\n":
            break
        if line == "count\n":
            asked += 1
            running = 1 if flaw == "busy-worker" and asked > 1 else 0
            yielded = 1 if flaw == "runs-ahead" and asked > 1 else 0
            say("count", f"running={running}", "started=0", "finished=0", "cancelled=0", "cleaned=0", f"yielded={yielded}")


class Caller:
    """Answers as if there were a worker that serves the routines of the selftest's scenarios."""

    def __init__(self, flaw: str):
        self.flaw = flaw
        # What a send adds to, by stream.
        self.totals = {}
        # Calls of conf.block, and of a hook, that wait for conf.unblock.
        self.blocked = []
        self.held = []
        self.unblocked = 0

    def serve(self, tokens: list) -> None:
        match tokens:
            case ["call", request, "conf.echo", _, value]:
                self.echo(request, value)
            case ["call", request, "conf.echo", _, value, "tag=wool%20only"]:
                say("result", request, value)
            case ["call", request, "conf.echo", _, value, "tag=hold"]:
                self.hold(request, value)
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
        further = () if self.flaw == "short-error" else (causes, own, "0")
        say("error", request, "TASK_FAILED", type_name, message, "0", "fake", *further)

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


def caller(flaw: str) -> None:
    say("ready")
    served = Caller(flaw)
    for line in sys.stdin:
        if line == "exit\n":
            break
        served.serve(line.rstrip("\n").split(" "))
    if flaw == "exit-status":
        sys.exit(3)


def main() -> None:
    flaw, role = sys.argv[1:3]
    if flaw not in FLAWS:
        sys.exit(f"no such flaw: {flaw}")
    if flaw == "never-ready":
        say("error", "IO", "the%20port%20is%20taken")
        return
    (worker if role == "worker" else caller)(flaw)


main()

"""A driver without a library behind it: its caller answers by itself, well or in one of the ways the runner must catch.

`fake_driver.py FLAW ROLE [options]`; the flaw is one of the names in `FLAWS`, `none` for a driver that does everything right.
"""

import sys

FLAWS = ("none", "wrong-value", "wrong-kind", "silent", "chatty", "dies", "exit-status", "never-ready", "busy-worker", "babbles")


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
            say("count", f"running={running}", "started=0", "finished=0", "cancelled=0", "cleaned=0")


def caller(flaw: str) -> None:
    say("ready")
    for line in sys.stdin:
        match line.rstrip("\n").split(" "):
            case ["exit"]:
                break
            case ["call", request, "conf.echo", _, value]:
                echo(flaw, request, value)
            case ["call", request, "conf.fail", _, _, _]:
                say("error", request, "TASK_FAILED", "ShearingError", "no%20more%20wool", "0", "fake")
    if flaw == "exit-status":
        sys.exit(3)


def echo(flaw: str, request: str, value: str) -> None:
    match flaw:
        case "wrong-value":
            say("result", request, "hex:cb3ff0000000000000")
        case "wrong-kind":
            say("error", request, "INTERNAL", "-", "-", "0", "-")
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


def main() -> None:
    flaw, role = sys.argv[1:3]
    if flaw not in FLAWS:
        sys.exit(f"no such flaw: {flaw}")
    if flaw == "never-ready":
        say("error", "IO", "the%20port%20is%20taken")
        return
    (worker if role == "worker" else caller)(flaw)


main()

#!/usr/bin/env python3
"""Is anything of ours still running? Fails when a process outlived the tests that started it.

`make test` marks its environment with WOOL_TEST_RUN, which every child inherits: what carries the mark, and is neither this
process nor one of its ancestors, was left behind.
"""

import os
import sys
from pathlib import Path

MARK = "WOOL_TEST_RUN"


def ancestors(pid: int) -> set:
    """The process and everything above it."""
    found = set()
    while pid > 0 and pid not in found:
        found.add(pid)
        status = Path(f"/proc/{pid}/status").read_text()
        pid = int(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:")))
    return found


def marked(mark: bytes) -> dict:
    """Running processes whose environment carries the mark, and their command lines."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        # A zombie has no command line: it has ended.
        if mark in environment and command:
            found[int(folder.name)] = command.replace(b"\0", b" ").decode(errors="replace").strip()
    return found


def main() -> int:
    run = os.environ.get(MARK)
    if not run:
        print(f"{MARK} is not set: run this by `make test`", file=sys.stderr)
        return 2
    own = ancestors(os.getpid())
    processes = {pid: command for pid, command in marked(f"{MARK}={run}".encode()).items() if pid not in own}
    for pid, command in processes.items():
        print(f"still running: {pid} {command}")
    if not processes:
        print("nothing is left running")
    return 1 if processes else 0


if __name__ == "__main__":
    sys.exit(main())

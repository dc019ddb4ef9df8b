#!/usr/bin/env python3
"""What no compiler checks: nothing left open in the code, links that lead somewhere, files with one job.

Fails on errors; warns about files that have grown long. Looks at what git knows or would add.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

CODE = {".rs", ".go", ".ts", ".mts", ".mjs", ".js", ".c", ".cc", ".cpp", ".h", ".hpp", ".py", ".sh", ".toml", ".proto"}
LONG_LINES = 600
GENERATED = {"include/wool.h"}

# Work left open, and tests switched off, are not committed.
LEFT_OPEN = re.compile(
    r"\b(TODO|FIXME|XXX|HACK)\b|\bunimplemented!|\btodo!|#\[ignore|\bt\.Skip\(|\b(it|test|describe)\.(skip|only|todo)\b"
)

# Paths of one machine and addresses of package registries or their mirrors do not belong to the project.
FOREIGN = re.compile(r"registry\.npmjs\.org|proxy\.golang\.org|(static|index)\.crates\.io|/(root|home|work)/[a-z.]")

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6}\s+(.*)$", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def files() -> list:
    """Every text file of the project, tracked or about to be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True
    ).stdout
    return sorted(ROOT / name for name in listed.decode().split("\0") if name and (ROOT / name).is_file())


def anchors(text: str) -> set:
    """The anchors that a Markdown file's headings make."""
    headings = HEADING.findall(FENCE.sub("", text))
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def broken_links(path: Path, text: str):
    """Relative links of a Markdown file that lead nowhere."""
    for target in LINK.findall(FENCE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        if not linked.exists():
            yield f"link to {target}, which is not there"
        elif anchor and linked.suffix == ".md" and anchor not in anchors(linked.read_text()):
            yield f"link to {target}, which has no such heading"


def problems(path: Path, text: str):
    """What is wrong with one file, with the line where there is one."""
    lines = text.splitlines()
    this_file = path == Path(__file__).resolve()
    for number, line in enumerate(lines, 1):
        if line != line.rstrip() and path.suffix != ".md":
            yield f"{number}: space at the end of the line"
        if not this_file and path.suffix in CODE and LEFT_OPEN.search(line):
            yield f"{number}: left open: {line.strip()}"
        if not this_file and path.name not in {"Cargo.lock"} and FOREIGN.search(line):
            yield f"{number}: a path or host of somebody's machine: {line.strip()[:120]}"
    if text and not text.endswith("\n"):
        yield "no newline at the end of the file"
    if "\r" in text:
        yield "carriage returns"
    if text.startswith("#!") and not path.stat().st_mode & 0o100:
        yield "starts with #! but is not executable"
    if path.suffix == ".md":
        yield from broken_links(path, text)


def main() -> int:
    wrong = 0
    for path in files():
        name = path.relative_to(ROOT).as_posix()
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for problem in problems(path, text):
            print(f"{name}: {problem}")
            wrong += 1
        length = text.count("\n")
        if path.suffix in CODE and length > LONG_LINES and name not in GENERATED:
            print(f"warning: {name} has {length} lines; does it still have one job?")
    print(f"{wrong} problems" if wrong else "tidy")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

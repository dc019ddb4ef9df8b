#!/usr/bin/env python3
"""Are the snippets in docs/ and README.md what the programs say? A code block that follows a link to a program under examples/ has
its lines there, in this order, whatever their indentation; a line of `...` stands for what is left out."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
QUOTE = re.compile(r"\]\((?:\.\./)?(examples/[^)#]+)\)[^\n]*\n\n```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LEFT_OUT = re.compile(r"^(//|/\*)?\s*\.\.\.\s*(\*/)?$")


def missing(snippet: str, program: str):
    """The first line of a snippet that the program does not have after those before it."""
    lines = iter([line.strip() for line in program.splitlines()])
    wanted = [line.strip() for line in snippet.splitlines() if line.strip()]
    return next((line for line in wanted if not LEFT_OUT.match(line) and line not in lines), None)


def main() -> int:
    quotes = wrong = 0
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for path, snippet in QUOTE.findall(page.read_text()):
            quotes += 1
            line = missing(snippet, (ROOT / path).read_text())
            if line is not None:
                print(f"{page.relative_to(ROOT)}: {path} does not say: {line}")
                wrong += 1
    print(f"{wrong} of {quotes} snippets are not in their programs" if wrong else f"ok    {quotes} snippets are in their programs")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

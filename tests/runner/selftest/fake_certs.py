#!/usr/bin/env python3
"""Stands in for `wool-certs`, which is not built when the runner is tested: writes which certificates it was asked for."""

import sys
from pathlib import Path


def main() -> None:
    options = [part for part in sys.argv[1:] if part.startswith("--")]
    folder, name, *names = [part for part in sys.argv[1:] if part not in options]
    if "nobody.example" in names:
        sys.exit("there is nobody")
    made = Path(folder)
    made.mkdir(parents=True, exist_ok=True)
    (made / "ca.pem").write_text(f"the authority {made.name}\n")
    (made / f"{name}.key").write_text("a key\n")
    (made / f"{name}.pem").write_text(f"{made.name} says {' '.join([*options, *names])}\n")


main()

"""`python3 tests/runner`: plays every scenario for every pair of languages. `--help` lists the options."""

import sys

from conformance.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

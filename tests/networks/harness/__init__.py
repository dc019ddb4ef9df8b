"""The network harness: hosts that are network namespaces, programs on them, and what happens to the wires between.

`hosts` builds the networks, `cases` loads what is to happen from TOML, `stage` plays it with the steps of the conformance runner
and its own, `tally` counts what ran, `main` ties them together.
"""

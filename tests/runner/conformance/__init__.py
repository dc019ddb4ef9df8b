"""The conformance runner: one set of scenarios, every caller language against every worker language.

`drivers` runs the per-language programs, `tokens` and `msgpack` speak their protocol, `scenarios` loads the behaviour from
TOML, `steps` plays it, `judge` compares, `matrix` prints, `main` ties them together. Only this package decides what is right.
"""

"""The TLS harness: drivers with certificates of openssl's making, and openssl, plain sockets and grpcio at the other end.

`certificates` makes all that is presented, `scene` starts drivers and asks them, `openssl` plays the other end, `interop`, `refusals`,
`records`, `generic` and `flood` are the checks, `main` plays them for each language.
"""

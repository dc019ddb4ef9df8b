"""Who is not believed, in words that say why; and that whoever is believed is served beside them."""

from . import openssl
from .scene import SOON, Scene, call, down, is_refused, serves, wanted

# What a worker presents, and what its callers say of it.
BAD_WORKERS = {
    "expired": "its certificate is refused here: it has expired",
    "early": "its certificate is refused here: it is not valid yet",
    "foreign": "it comes from no authority that is believed here",
    "own-word": "it comes from no authority that is believed here",
    "alone": "it comes from no authority that is believed here",
    "elsewhere": 'it is for worker.example, and not for "127.0.0.1"',
    "nameless": "it is for no name (a common name alone does not count)",
    "clientonly": "its extended key usage does not allow this role",
}

# What a caller presents, and what it is told.
BAD_CALLERS = {
    "-": "it asks for a certificate, and this side has none",
    "expired": "this side's certificate has expired, or is not valid yet",
    "early": "this side's certificate has expired, or is not valid yet",
    "foreign": "it does not know the authority of this side's certificate",
    "own-word": "it does not know the authority of this side's certificate",
    "alone": "it does not know the authority of this side's certificate",
    "serveronly": "has it the usage of a client",
}

# Of `openssl s_client` with a worker: what it does, with which certificate, and the alerts that it may be sent.
BAD_CLIENTS = {
    # It is let go after its handshake, whose end it does not wait for.
    "no ALPN": ((), "own", "", [""]),
    "another ALPN": ((), "own", "http/1.1", ["no application protocol"]),
    "TLS 1.1": (("-tls1_1", "-cipher", openssl.ANYTHING), "own", "h2", openssl.TOO_OLD),
    "TLS 1.0": (("-tls1", "-cipher", openssl.ANYTHING), "own", "h2", openssl.TOO_OLD),
    "a cipher without forward secrecy": (("-tls1_2", "-cipher", "AES128-GCM-SHA256"), "own", "h2", ["handshake failure"]),
    "no certificate": ((), None, "h2", ["certificate required"]),
    "no certificate, TLS 1.2": (("-tls1_2",), None, "h2", ["certificate required"]),
    "another authority": ((), "foreign", "h2", ["unknown ca"]),
    "expired": ((), "expired", "h2", ["certificate expired"]),
    "a weak key": (("-cipher", "DEFAULT:@SECLEVEL=0"), "weak", "h2", ["decrypt error"]),
    # It does not get to read the alert, for all that it has to write.
    "a large certificate": ((), "large", "h2", ["decode error", ""]),
}

# `openssl s_server` in the place of a worker: what it does, with which certificate, and what callers say of it.
BAD_SERVERS = {
    "no ALPN": ((), "own", "it does not offer HTTP/2 (ALPN h2)"),
    "another ALPN": (("-alpn", "http/1.1"), "own", "it does not offer HTTP/2 (ALPN h2)"),
    "TLS 1.1": (("-tls1_1", "-cipher", openssl.ANYTHING, "-alpn", "h2"), "own", "it speaks no TLS 1.2 or 1.3"),
    "a cipher of old": (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA", "-alpn", "h2"), "own", "it has no cipher or kind of signature in common"),
    "a weak key": (("-cipher", "DEFAULT:@SECLEVEL=0", "-alpn", "h2"), "weak", "too weak"),
    "a weak key, TLS 1.2": (("-tls1_2", "-cipher", "DEFAULT:@SECLEVEL=0", "-alpn", "h2"), "weak", "too weak"),
    "another authority": (("-alpn", "h2"), "foreign", "it comes from no authority that is believed here"),
    "a large certificate": (("-alpn", "h2"), "large", "larger than"),
}

# Plain sockets in the place of a worker: what they answer, whether they hang up, and what callers say of it.
BAD_LISTENERS = {
    "HTTP": (b"HTTP/1.1 400 Bad Request\r\n\r\n", True, "it does not speak TLS at this port"),
    "plaintext HTTP/2": (bytes.fromhex("000000040000000000"), False, "it does not speak TLS at this port"),
    "nothing, and the end": (b"", True, "the handshake was cut off"),
    # The head of a ServerHello whose body never comes.
    "half a handshake": (bytes.fromhex("160303007a0200007603"), False, "took more than"),
    "silence": (b"", False, "took more than"),
}


async def bad_workers(scene: Scene) -> None:
    """A worker whose certificate is not to be believed is down for that reason, and others serve."""
    good = await scene.worker()
    for name, words in BAD_WORKERS.items():
        bad = await scene.worker(name)
        caller = await scene.caller("own", f"address={bad.address}", SOON)
        await is_refused(caller, bad.address, words)
        both = await scene.caller("own", f"address={good.address},{bad.address}")
        await down(both, bad.address, words)
        await serves(both)
        for driver in (caller, both, bad):
            await scene.end(driver)


async def bad_callers(scene: Scene) -> None:
    """A caller whose certificate is not to be believed is told why, and others are served."""
    worker = await scene.worker()
    witness = await scene.caller("own", f"address={worker.address}")
    for name, words in BAD_CALLERS.items():
        bad = await scene.caller(name, f"address={worker.address}", SOON)
        await is_refused(bad, worker.address, words)
        await serves(witness)
        await scene.end(bad)


async def plaintext(scene: Scene) -> None:
    """What has no TLS and what has do not meet, in either direction."""
    plain = await scene.worker(None)
    secure = await scene.worker()
    to_plain = await scene.caller("own", f"address={plain.address}", SOON)
    await is_refused(to_plain, plain.address, "it does not speak TLS at this port")
    to_secure = await scene.caller(None, f"address={secure.address}", SOON)
    await is_refused(to_secure, secure.address, "")
    for name, worker in (("own", secure), (None, plain)):
        good = await scene.caller(name, f"address={worker.address}")
        await serves(good)


async def own_parts(scene: Scene) -> None:
    """Credentials that cannot be used are refused when they are given, and not found out later."""
    for role, name, kind, words in (
        ("worker", "weak", "INVALID_ARGUMENT", "the certificate or key of the credentials cannot be used"),
        ("caller", "weak", "INVALID_ARGUMENT", "the certificate or key of the credentials cannot be used"),
        ("worker", "large", "INVALID_ARGUMENT", "64 KiB"),
        ("caller", "large", "INVALID_ARGUMENT", "64 KiB"),
        ("worker", "-", "INVALID_ARGUMENT", "a worker's credentials hold its certificate and key"),
        ("worker", "nowhere", "IO", "nowhere.pem"),
        ("caller", "nowhere", "IO", "nowhere.pem"),
    ):
        options = ["address=127.0.0.1:1"] if role == "caller" else []
        refused = await scene.cannot_start(role, name, *options)
        wanted(f"{kind} and {words!r}", refused, refused.kind == kind and words in refused.message)


async def callers_by_name(scene: Scene) -> None:
    """A worker takes the callers, and for a routine those, whom its patterns name."""
    worker = await scene.worker("own", "caller_name=*.wool.example", "caller_name=*.ops.example", "allow=conf.echo:*.ops.example")
    own, admin, guest = [await scene.caller(name, f"address={worker.address}", SOON) for name in ("own", "admin", "guest")]
    await is_refused(guest, worker.address, "guest.else.example")
    await serves(own)
    refused = await call(own, "conf.echo", 7)
    wanted("PERMISSION_DENIED", refused, refused.kind == "PERMISSION_DENIED" and "conf.echo" in refused.message)
    answered = await call(admin, "conf.echo", 7)
    wanted("7", answered, answered.value == 7)


async def bad_clients(scene: Scene) -> None:
    """A worker refuses what openssl tries with it, by the right alert, and serves others."""
    worker = await scene.worker()
    witness = await scene.caller("own", f"address={worker.address}")
    for what, (options, name, alpn, alert) in BAD_CLIENTS.items():
        shaken = await openssl.client(worker.address, *options, certificates=scene.certificates, name=name, alpn=alpn, say=[])
        wanted(f"{alert} for {what}", f"{shaken.alert!r}: {shaken.text}", shaken.alert in alert)
        await serves(witness)


async def bad_servers(scene: Scene) -> None:
    """A caller refuses what openssl tries in the place of a worker, and says why."""
    worker = await scene.worker()
    for what, (options, name, words) in BAD_SERVERS.items():
        async with openssl.server(*options, certificates=scene.certificates, name=name) as address:
            await _false_worker(scene, worker, address, what, words)


async def bad_listeners(scene: Scene) -> None:
    """A caller says of what is no worker that it is none, and is not held up by it."""
    worker = await scene.worker()
    for what, (answer, hangs_up, words) in BAD_LISTENERS.items():
        async with openssl.listener(answer, hangs_up) as address:
            await _false_worker(scene, worker, address, what, words)


async def _false_worker(scene: Scene, worker, address: str, what: str, words: str) -> None:
    """One caller has this and a good worker: the good one serves at once, the other is down for its reason."""
    caller = await scene.caller("own", f"address={worker.address},{address}")
    try:
        await serves(caller)
        await down(caller, address, words)
        await serves(caller)
    finally:
        await scene.end(caller)


EVERYWHERE = (bad_workers, bad_callers, plaintext, own_parts, callers_by_name, bad_servers)
ONCE = (bad_clients, bad_listeners)

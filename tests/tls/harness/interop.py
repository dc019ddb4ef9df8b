"""What works: protocols, ciphers, certificates of every kind, and what is not done again."""

import asyncio

from . import openssl
from .certificates import GOOD, made_by_rcgen
from .scene import Scene, call, serves, wanted

# With a certificate that is an elliptic curve's: with forward secrecy, and only what HTTP/2 allows.
CIPHERS_12 = {"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"}
CIPHERS_13 = {"TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"}
# All that this openssl can do with TLS 1.3.
ALL_13 = CIPHERS_13 | {"TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"}
# What a client of HTTP/2 says first, and what it is answered: its settings are confirmed.
GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
GREETED = bytes.fromhex("000000040100000000")
# More keys than a connection in good faith takes.
KEY_UPDATES = 100


async def protocols(scene: Scene) -> None:
    """A worker speaks TLS 1.3 and 1.2 with h2 inside, and nothing older."""
    worker = await scene.worker()
    for option, protocol in ((), "TLSv1.3"), (("-tls1_3",), "TLSv1.3"), (("-tls1_2",), "TLSv1.2"):
        shaken = await openssl.client(worker.address, *option, certificates=scene.certificates)
        wanted(f"{protocol} with h2", shaken.text, (shaken.protocol, shaken.alpn) == (protocol, "h2"))
        wanted("a certificate that openssl believes", shaken.text, "Verify return code: 0 (ok)" in shaken.text)
    for option in ("-tls1_1", "-tls1"):
        shaken = await openssl.client(worker.address, option, "-cipher", openssl.ANYTHING, certificates=scene.certificates)
        wanted("no protocol", shaken.text, not shaken.protocol and shaken.alert in openssl.TOO_OLD)


async def ciphers(scene: Scene) -> None:
    """Of all ciphers that openssl knows, a worker takes those that are good for HTTP/2."""
    worker = await scene.worker()
    process = await asyncio.create_subprocess_exec(
        "openssl", "ciphers", "-s", "-tls1_2", openssl.ANYTHING, stdout=asyncio.subprocess.PIPE
    )
    known = (await process.communicate())[0].decode().strip().split(":")
    known = [cipher for cipher in known if not cipher.startswith("TLS_")]
    wanted("many ciphers to try", known, len(known) > 40)
    taken = set()
    for cipher in known:
        options = ("-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")
        taken.add((await openssl.client(worker.address, *options, certificates=scene.certificates)).cipher)
    wanted(sorted(CIPHERS_12), sorted(taken), taken - {""} == CIPHERS_12)
    taken = set()
    for cipher in ALL_13:
        options = ("-tls1_3", "-ciphersuites", cipher)
        taken.add((await openssl.client(worker.address, *options, certificates=scene.certificates)).cipher)
    wanted(sorted(CIPHERS_13), sorted(taken), taken - {""} == CIPHERS_13)


async def resumption(scene: Scene) -> None:
    """A session is not resumed: it would be one under what it was made with."""
    worker = await scene.worker()
    for version in ("-tls1_2", "-tls1_3"):
        kept = scene.folder / f"session{version}"
        first = await openssl.client(worker.address, version, "-sess_out", kept, certificates=scene.certificates)
        wanted("a handshake", first.text, bool(first.protocol))
        wanted("no ticket", first.text, "New Session Ticket" not in first.text and "session ticket:" not in first.text)
        # Without one openssl keeps nothing to come back with.
        wanted("nothing that could be resumed", first.text, not kept.exists())


async def renegotiation(scene: Scene) -> None:
    """A connection shakes hands once; whoever wants it again, or new keys all the time, is let go."""
    worker = await scene.worker()
    witness = await scene.caller("own", f"address={worker.address}")
    say = [(b"K\n", b"KEYUPDATE")] * KEY_UPDATES
    keys = await openssl.client(worker.address, "-tls1_3", certificates=scene.certificates, say=say)
    # It has ended, so the worker has hung up; how many keys were on their way by then is nobody's business.
    wanted("new keys", keys.text, keys.protocol == "TLSv1.3" and "KEYUPDATE" in keys.text)
    await serves(witness)

    async def stop():
        await serves(witness)
        # Its answer goes out with the next that the worker writes.
        await worker.send("stop", "0")

    say = [(GREETING, GREETED), (b"R\n", b"RENEGOTIATING")]
    again = await openssl.client(worker.address, "-tls1_2", certificates=scene.certificates, say=say, then=stop)
    after = again.text.partition("RENEGOTIATING")[2]
    # Its refusal comes before its goodbye, unless it had not read that far; then the goodbye is no handshake, either.
    refused = "no renegotiation" in after or "unexpected record" in after
    wanted("a refused renegotiation", again.text, again.protocol == "TLSv1.2" and refused and "verify return" not in after)
    await worker.answer("stopped")


async def kinds(scene: Scene) -> None:
    """Certificates of all kinds, and keys in all forms, are good for both roles."""
    worker = await scene.worker()
    for name in GOOD:
        other = await scene.worker(name)
        caller = await scene.caller(name, f"address={worker.address},{other.address}")
        for uid in (worker.uid, other.uid):
            answered = await call(caller, "conf.add", 2, 3, options=[f"worker={uid}"])
            wanted(f"a call with the certificate {name}", answered, answered.value == 5)
        await scene.end(caller)
        await scene.end(other)


async def by_rcgen(scene: Scene) -> None:
    """The development authority's certificates are good for both roles, and for openssl."""
    folder = scene.folder / "certs"
    made_by_rcgen(scene.root / "target/release/wool-certs", folder)
    scene.certificates = folder
    worker = await scene.worker()
    caller = await scene.caller("own", f"address={worker.address}")
    answered = await call(caller, "conf.peer")
    wanted("the names of the caller's certificate", answered, "own.wool.example" in (answered.value or ()))
    shaken = await openssl.client(worker.address, certificates=folder)
    wanted("a certificate that openssl believes", shaken.text, "Verify return code: 0 (ok)" in shaken.text)


async def one_way(scene: Scene) -> None:
    """A worker that asks for no certificates takes callers without one, and sees no names."""
    worker = await scene.worker("own", "one_way=1")
    caller = await scene.caller("-", f"address={worker.address}")
    answered = await call(caller, "conf.peer")
    wanted("no names", answered, answered.value == [])
    shaken = await openssl.client(worker.address, certificates=scene.certificates, name=None)
    wanted("a handshake without a certificate", shaken.text, shaken.protocol == "TLSv1.3")


EVERYWHERE = (kinds, by_rcgen, one_way)
ONCE = (protocols, ciphers, resumption, renegotiation)

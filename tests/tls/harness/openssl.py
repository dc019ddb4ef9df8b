"""openssl as the other end of a connection, and plain sockets."""

import asyncio
import os
import re
import signal
import ssl
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .scene import Failed

# What has not ended by then hangs.
WATCHDOG_SECONDS = 60

# What a worker says of a protocol that it does not speak; those of old do not say which signatures they know.
TOO_OLD = ("protocol version", "handshake failure")

# Lets openssl do what it otherwise would not.
ANYTHING = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"


@dataclass(frozen=True)
class Shaken:
    """How a handshake of `openssl s_client` went."""

    text: str

    @property
    def protocol(self) -> str:
        """Such as `TLSv1.3`; empty when none was agreed on."""
        # It says the one that it tried for, too, with a cipher that is none.
        found = re.search(r"^New, (?!\(NONE\))(\S+), Cipher is (\S+)", self.text, re.MULTILINE)
        known = re.search(r"^\s*Protocol\s*: (\S+)", self.text, re.MULTILINE)
        return (known[1] if known else found[1]) if found else ""

    @property
    def cipher(self) -> str:
        found = re.search(r"^New, \S+, Cipher is (?!\(NONE\))(\S+)", self.text, re.MULTILINE)
        return found[1] if found else ""

    @property
    def alpn(self) -> str:
        found = re.search(r"^ALPN protocol: (\S+)", self.text, re.MULTILINE)
        return found[1] if found else ""

    @property
    def alert(self) -> str:
        """What the worker has said against it, such as `certificate required`."""
        found = re.search(r"alert ([a-z0-9 ]+):[^:]*:\d+:SSL alert number", self.text)
        return found[1].removeprefix("alert ") if found else ""


async def client(address: str, *options: str, certificates: Path, name="own", alpn="h2", say=None, then=None) -> Shaken:
    """A handshake with a worker, which ends when it is over. With `say`, it goes on until the worker hangs up: it is given the
    first part of each pair, and writes the second, before the next one; `then` is awaited after the last."""
    own, spoken = (), ("-alpn", alpn) if alpn else ()
    if name is not None:
        certificate = certificates / f"{name}.pem"
        own = ("-cert", certificate, "-key", certificates / f"{name}.key", "-cert_chain", certificate)
    process = await asyncio.create_subprocess_exec(
        "openssl", "s_client", "-connect", address, "-CAfile", certificates / "ca.pem", *own, *spoken, *options,
        stdin=asyncio.subprocess.DEVNULL if say is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )
    text = b""
    try:
        async with asyncio.timeout(WATCHDOG_SECONDS):
            pairs = iter(say or ())
            # What it says when the handshake is over.
            awaited = b"Verify return code"
            while part := await process.stdout.read(65536):
                text += part
                if not say or awaited not in text[-len(part) - len(awaited) :]:
                    continue
                if (pair := next(pairs, None)) is None:
                    say = None
                    if then is not None:
                        await then()
                    continue
                said, awaited = pair
                # It may have ended.
                with suppress(ConnectionError):
                    process.stdin.write(said)
                    await process.stdin.drain()
            await process.wait()
    except TimeoutError:
        told = text.decode(errors="replace")
        raise Failed(f"openssl s_client {' '.join(map(str, options))} is not let go by the worker: {told}") from None
    finally:
        await _kill(process)
    return Shaken(text.decode(errors="replace"))


@asynccontextmanager
async def server(*options: str, certificates: Path, name="own"):
    """`openssl s_server` in the place of a worker; gives its address."""
    process = await asyncio.create_subprocess_exec(
        "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", certificates / f"{name}.pem",
        "-key", certificates / f"{name}.key", *options,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )
    said = b""
    try:
        async with asyncio.timeout(WATCHDOG_SECONDS):
            while line := await process.stdout.readline():
                said += line
                if found := re.match(rb"ACCEPT (\S+)", line):
                    break
            else:
                raise Failed(f"openssl s_server does not start: {said.decode(errors='replace')}")
        # What it says of each connection is not read further than its pipe is long; callers try only now and then.
        yield found[1].decode()
    finally:
        await _kill(process)


async def _kill(process) -> None:
    """Ends one that still runs, by its id."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        await process.wait()


@asynccontextmanager
async def listener(answer: bytes, hangs_up: bool):
    """A plain socket in the place of a worker: answers each connection with these bytes, and hangs up or says no more."""
    held = set()

    async def serve(_reader, writer):
        held.add(writer)
        writer.write(answer)
        if hangs_up:
            writer.close()

    serving = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield "127.0.0.1:{}".format(serving.sockets[0].getsockname()[1])
    finally:
        serving.close()
        for writer in held:
            writer.close()


def hello() -> bytes:
    """The first flight of a caller: a whole ClientHello that offers h2."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["h2"])
    out = ssl.MemoryBIO()
    shaking = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    try:
        shaking.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()

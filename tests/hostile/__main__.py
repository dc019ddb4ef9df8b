"""`python3 tests/hostile`: throws what is no conversation at a worker's port, and sees that it goes on serving.

Each attack opens connections of its own to one Rust worker. After each, the caller that was there before gets its answer, a new
caller gets one too, and the worker has not grown by much. What the attacker gets back does not matter, unless the attack says so.
"""

import asyncio
import contextlib
import random
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/runner"))

from conformance.drivers import Driver, DriverError, load_languages  # noqa: E402
from conformance.play import start_caller, start_worker  # noqa: E402

# Ends what hangs; generous.
WATCHDOG_SECONDS = 60

# A worker may grow by this much over all attacks together, in KiB: far less than what they claim to send.
GROWTH_KIB = 128 << 10

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING, CONTINUATION = 0x0, 0x1, 0x4, 0x6, 0x9
END_HEADERS = 0x4


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """One HTTP/2 frame."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def header(name: str, value: str) -> bytes:
    """One header field, as HPACK's literal without indexing."""
    return bytes([0, len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def session(body: bytes, stream: int = 1) -> bytes:
    """An HTTP/2 connection that opens a session with these bytes as its gRPC body."""
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": "/wool.v1.Session/open",
        ":authority": "localhost",
        "content-type": "application/grpc",
        "te": "trailers",
    }
    head = b"".join(header(name, value) for name, value in fields.items())
    opened = PREFACE + frame(SETTINGS, 0, 0, b"") + frame(HEADERS, END_HEADERS, stream, head)
    parts = [body[at : at + 16384] for at in range(0, len(body), 16384)]
    return opened + b"".join(frame(DATA, 0, stream, part) for part in parts)


def message(body: bytes, length: int | None = None) -> bytes:
    """One gRPC message, or one that claims another length than it has."""
    return b"\0" + (len(body) if length is None else length).to_bytes(4, "big") + body


@dataclass(frozen=True)
class Attack:
    """What is sent on each connection; `hung_up`: the worker ends the connection by itself."""

    name: str
    data: bytes
    connections: int = 1
    hung_up: bool = False


def attacks() -> list:
    """Everything that is thrown, the same in every run."""
    noise = random.Random(20)
    return [
        Attack("random bytes", noise.randbytes(1 << 16), hung_up=True),
        Attack("HTTP/1 request", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", hung_up=True),
        Attack("TLS hello", bytes.fromhex("16030100c8010000c40303") + noise.randbytes(194), hung_up=True),
        Attack("random frames", PREFACE + noise.randbytes(1 << 16), hung_up=True),
        Attack("a frame of 16 MiB", PREFACE + b"\xff\xff\xff" + bytes([DATA, 0, 0, 0, 0, 1]), hung_up=True),
        Attack("endless headers", PREFACE + frame(HEADERS, 0, 1, b"") + frame(CONTINUATION, 0, 1, b"") * 5000, hung_up=True),
        Attack("a flood of pings", PREFACE + frame(SETTINGS, 0, 0, b"") + frame(PING, 0, 0, bytes(8)) * 20000),
        Attack("silence", b"", connections=64),
        Attack("half a preface", PREFACE[:10], connections=64),
        Attack("a session without a word", session(b""), connections=64),
        Attack("half a batch", session(message(b"\x0a\x05", length=100))),
        Attack("a batch that claims 4 GiB", session(message(b"\x0a", length=0xFFFF_FFFF))),
        Attack("a compressed batch", session(b"\x01" + message(noise.randbytes(64))[1:])),
        Attack("a batch of random bytes", session(message(noise.randbytes(4096)))),
        Attack("a frame that claims 2 GiB inside", session(message(b"\x0a\xff\xff\xff\xff\x07"))),
        Attack("deeply nested frames", session(message(b"\x0a\x80\x08" + b"\x8a\x01\xff\x07" * 256))),
        Attack("a batch of empty frames", session(message(b"\x0a\x00" * 30_000))),
        Attack("an even stream id", session(message(b""), stream=2), hung_up=True),
    ]


async def throw(attack: Attack, address: str, stack: contextlib.AsyncExitStack) -> None:
    """Sends one attack; its connections stay open until the stack unwinds, unless the worker ends them."""
    host, port = address.rsplit(":", 1)
    for _ in range(attack.connections):
        reader, writer = await asyncio.open_connection(host, int(port))
        stack.callback(writer.close)
        with contextlib.suppress(ConnectionError):
            writer.write(attack.data)
            await writer.drain()
            if attack.hung_up:
                while await reader.read(65536):
                    pass


async def add(caller: Driver) -> None:
    """One call through a caller; raises when its result is wrong."""
    request = caller.next_id()
    await caller.send("call", request, "conf.add", "2", "hex:02", "hex:03")
    answer = await caller.answer(request)
    if answer != ["result", request, "hex:05"]:
        raise DriverError(f"2 + 3 was answered by {' '.join(answer)}")


def resident_kib(pid: int) -> int:
    """The resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))


async def play(attack: Attack, worker: Driver, address: str, witness: Driver, language) -> None:
    """One attack, and the proof that the worker goes on serving while its connections are still there."""
    async with contextlib.AsyncExitStack() as stack:
        await throw(attack, address, stack)
        await add(witness)
        newcomer = await start_caller(language, ROOT, [address])
        try:
            await add(newcomer)
        finally:
            wrong = await newcomer.end()
        if wrong:
            raise DriverError(wrong)


async def run() -> int:
    language = load_languages(ROOT / "tests/drivers/drivers.toml")["rust"]
    passed, failed = 0, 0
    worker, address = await start_worker(language, ROOT)
    witness = None
    try:
        witness = await start_caller(language, ROOT, [address])
        await add(witness)
        before = resident_kib(worker.pid)
        for attack in attacks():
            story = ""
            try:
                async with asyncio.timeout(WATCHDOG_SECONDS):
                    await play(attack, worker, address, witness, language)
                grown = resident_kib(worker.pid) - before
                if grown > GROWTH_KIB:
                    story = f"the worker grew by {grown} KiB"
            except TimeoutError:
                story = f"no end within {WATCHDOG_SECONDS} s{worker.log_tail()}"
            except (DriverError, OSError) as problem:
                story = f"{problem}{worker.log_tail()}"
            print(f"{'FAIL' if story else 'ok':5} {attack.name}{': ' if story else ''}{story}", flush=True)
            passed += not story
            failed += bool(story)
            if not worker.alive or not witness.alive:
                break
    finally:
        ends = [await driver.end() for driver in (witness, worker) if driver is not None]
    for wrong in filter(None, ends):
        print(f"FAIL  {wrong}")
        failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(run()))
    except DriverError as missing:
        sys.exit(str(missing))

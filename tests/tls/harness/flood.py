"""Handshakes that are begun and not finished, by the thousand, beside a caller that is served all the while."""

import asyncio
import itertools
import resource
from contextlib import suppress
from pathlib import Path

from . import openssl
from .scene import Failed, Scene, serves, wanted

HANDSHAKES = 10_000
# Open at once, where there are descriptors for so many.
AT_ONCE = 2_500
# Others that the harness and a worker have open.
DESCRIPTORS_BESIDE = 500

# A worker may grow by this much over all of it, in KiB: far less than a few KiB for each that was begun, and kept.
GROWTH_KIB = 48 << 10


async def half_handshakes(scene: Scene) -> None:
    """10,000 half handshakes: a caller's calls all succeed, newcomers get in, and the worker does not grow."""
    worker = await scene.worker()
    witness = await scene.caller("own", f"address={worker.address}")
    await serves(witness)
    before = _resident_kib(worker.pid)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    at_once = min(AT_ONCE, limit - DESCRIPTORS_BESIDE)
    wanted("descriptors for a few hundred connections", limit, at_once > 300)
    flooded = asyncio.Event()
    calling = asyncio.create_task(_keep_calling(witness, flooded))
    coming = asyncio.create_task(_keep_coming(scene, worker.address, flooded))
    try:
        left = HANDSHAKES
        while left > 0:
            await _wave(worker.address, min(at_once, left))
            left -= at_once
    finally:
        flooded.set()
        calls, newcomers = await asyncio.gather(calling, coming)
    wanted("calls and newcomers during the flood", (calls, newcomers), calls > 100 and newcomers > 1)
    await serves(witness)
    grown = _resident_kib(worker.pid) - before
    wanted(f"a worker that has grown by {GROWTH_KIB} KiB at most", f"{grown} KiB", grown <= GROWTH_KIB)


async def _wave(address: str, count: int) -> None:
    """So many connections at once, each with a part of a handshake; they are all there before the first of them is left."""
    host, port = address.rsplit(":", 1)
    whole = openssl.hello()
    # Nothing, a head, a half, all but a byte, and all of what a caller says first.
    parts = itertools.cycle([b"", whole[:5], whole[: len(whole) // 2], whole[:-1], whole])
    writers = []
    try:
        for _ in range(count):
            _, writer = await asyncio.open_connection(host, int(port))
            writers.append(writer)
            # The worker may have let it go already.
            with suppress(ConnectionError):
                writer.write(next(parts))
                await writer.drain()
    finally:
        for writer in writers:
            writer.transport.abort()


async def _keep_calling(caller, flooded: asyncio.Event) -> int:
    """Calls one after the other, each of which must be answered; how many there were."""
    calls = 0
    while not flooded.is_set():
        await serves(caller)
        calls += 1
    return calls


async def _keep_coming(scene: Scene, address: str, flooded: asyncio.Event) -> int:
    """Callers that come during the flood, each of which must be served; how many there were."""
    newcomers = 0
    while not flooded.is_set():
        newcomer = await scene.caller("own", f"address={address}")
        await serves(newcomer)
        await scene.end(newcomer)
        newcomers += 1
    return newcomers


def _resident_kib(pid: int) -> int:
    """The resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = next((line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")), None)
    if found is None:
        raise Failed("the worker has ended")
    return int(found)


# What else runs would be slow, and it, too.
half_handshakes.alone = True

EVERYWHERE = ()
ONCE = (half_handshakes,)

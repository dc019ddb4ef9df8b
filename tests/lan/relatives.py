"""libwool's workers and pools on the network, beside python-zeroconf and Python wool: each finds the other's records."""

import asyncio
import json
import socket
import subprocess
import sys
import uuid
from pathlib import Path

import wool
from wool.runtime.discovery.lan import LanDiscovery
from wool.runtime.worker.metadata import WorkerMetadata
from zeroconf import ServiceInfo, ServiceStateChange
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

ROOT = Path(__file__).parents[2]
PEER = ROOT / "target/debug/examples/lan_peer"
WATCHDOG = 60  # seconds anything may take
EXTRA = {"zone": 'a "b"'}
TAGS = ["gpu", "größe"]


class Check:
    """Counts what holds; says what does not."""

    def __init__(self):
        self.passed = self.failed = 0

    def equal(self, what, found, expected):
        if found == expected:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED {what}: found {found!r}, expected {expected!r}")


class Peer:
    """libwool's worker and pool in a namespace. Ends with the block."""

    def __init__(self, bind="127.0.0.1:0"):
        self.namespace = f"relatives-{uuid.uuid4()}"
        self.bind = bind

    async def __aenter__(self):
        pipe = subprocess.PIPE
        command = [PEER, self.namespace, "lo", self.bind]
        self.process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        _, self.uid, self.address, pid = await self.line("ready")
        self.pid = int(pid)
        return self

    async def __aexit__(self, *_):
        self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), WATCHDOG)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
            raise

    async def line(self, *words):
        """The next line that begins with these words."""
        while True:
            line = await asyncio.wait_for(self.process.stdout.readline(), WATCHDOG)
            if not line:
                raise EOFError(f"the peer ended and never wrote {words}")
            found = line.decode().split()
            if found[: len(words)] == list(words):
                return found

    async def stop(self):
        self.process.stdin.write(b"stop\n")
        await self.line("stopped")


def expected_txt(peer):
    """As python-zeroconf reads it."""
    return {
        "pid": str(peer.pid),
        "version": "0.1.0",
        "tags": json.dumps(TAGS, ensure_ascii=False, separators=(",", ":")),
        "extra": json.dumps(EXTRA, separators=(",", ":")),
        "secure": "false",
        "identity": None,
        "wool": "1.0",
        "doors": "session",
        "lang": "rust",
        "lib": "0.1.0",
        "ns": peer.namespace,
    }


async def zeroconf_finds(check, bind="127.0.0.1:0"):
    """Our record as python-zeroconf sees it: type, name, TXT, address and port; and its end."""
    changes = asyncio.Queue()

    def changed(zeroconf, service_type, name, state_change):
        changes.put_nowait((state_change, name))

    async with Peer(bind) as peer:
        service_type = LanDiscovery(peer.namespace)._service_type
        name = f"{peer.uid}.{service_type}"
        async with AsyncZeroconf() as zeroconf:
            browser = AsyncServiceBrowser(zeroconf.zeroconf, [service_type], handlers=[changed])
            change = await asyncio.wait_for(changes.get(), WATCHDOG)
            check.equal("zeroconf is told of our record", change, (ServiceStateChange.Added, name))
            info = AsyncServiceInfo(service_type, name)
            check.equal("zeroconf resolves it", await info.async_request(zeroconf.zeroconf, WATCHDOG * 1000), True)
            check.equal("host", info.server, f"{peer.uid}.local.")
            check.equal("addresses", info.parsed_addresses(), ["127.0.0.1"])
            check.equal("port", info.port, int(peer.address.rpartition(":")[2]))
            check.equal("TXT", info.decoded_properties, expected_txt(peer))
            await peer.stop()
            states = [ServiceStateChange.Updated]
            while states[-1] == ServiceStateChange.Updated:
                states.append((await asyncio.wait_for(changes.get(), WATCHDOG))[0])
            check.equal("zeroconf is told of its end", states[-1], ServiceStateChange.Removed)
            await browser.async_cancel()


async def zeroconf_finds_wildcard(check):
    """Bound to all addresses, a worker is told with those of the network."""
    await zeroconf_finds(check, "0.0.0.0:0")


async def zeroconf_is_found(check):
    """A record as Python wool makes it, made by python-zeroconf: known, and turned away with the reason."""
    async with Peer() as peer, AsyncZeroconf() as zeroconf:
        service_type = LanDiscovery(peer.namespace)._service_type
        uid = str(uuid.uuid4())
        info = ServiceInfo(
            service_type,
            f"{uid}.{service_type}",
            addresses=[socket.inet_aton("127.0.0.1")],
            port=7000,
            properties={"pid": "42", "version": "0.15.7", "tags": '["x"]', "extra": None, "secure": "false"},
        )
        await zeroconf.async_register_service(info)
        check.equal("a worker of Python", (await peer.line("turned_away", uid))[2], "no_door")
        await zeroconf.async_unregister_service(info)


async def wool_finds(check):
    """Python wool's subscriber is told of our worker with all that it says, and of its end."""
    async with Peer() as peer:
        subscriber = aiter(LanDiscovery(peer.namespace).subscriber)
        event = await asyncio.wait_for(anext(subscriber), WATCHDOG)
        expected = WorkerMetadata(
            uid=uuid.UUID(peer.uid),
            address=peer.address,
            pid=peer.pid,
            version="0.1.0",
            tags=frozenset(TAGS),
            extra=EXTRA,
        )
        check.equal("wool's first event", event.type, "worker-added")
        for part in ("uid", "address", "pid", "version", "tags", "secure", "identity"):
            check.equal(f"metadata: {part}", getattr(event.metadata, part), getattr(expected, part))
        check.equal("metadata: extra", dict(event.metadata.extra), EXTRA)
        await peer.stop()
        while event.type != "worker-dropped":
            event = await asyncio.wait_for(anext(subscriber), WATCHDOG)
        check.equal("wool's last event is of it", str(event.metadata.uid), peer.uid)
        await subscriber.aclose()


async def wool_is_found(check):
    """Python wool's publisher: its worker is known, and turned away with the reason."""
    async with Peer() as peer:
        discovery = LanDiscovery(peer.namespace, advertise_host="127.0.0.1")
        worker = WorkerMetadata(
            uid=uuid.uuid4(), address="127.0.0.1:7000", pid=42, version=wool.__version__, tags=frozenset(["x"])
        )
        async with discovery.publisher as publisher:
            await publisher.publish("worker-added", worker)
            check.equal("wool's worker", (await peer.line("turned_away", str(worker.uid)))[2], "no_door")
            await publisher.publish("worker-dropped", worker)


async def main():
    check = Check()
    for scene in (zeroconf_finds, zeroconf_finds_wildcard, zeroconf_is_found, wool_finds, wool_is_found):
        before = check.passed
        await scene(check)
        print(f"{scene.__name__}: {check.passed - before} passed")
    print(f"{check.passed} passed, {check.failed} failed")
    return 1 if check.failed or not check.passed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

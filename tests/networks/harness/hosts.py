"""Hosts as network namespaces, joined by bridges in a namespace of their own: nothing of the machine's network is touched."""

import asyncio
import ipaddress
import os
import re
import shutil
import signal
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[1] / "tools"

# Names of namespaces begin so, followed by the process that made them.
PREFIX = "woolnet"
_NAME = re.compile(rf"{PREFIX}-(\d+)-(\d+)-")

# The namespace of a network's bridges, beside its hosts.
SWITCH = "switch"

# A host's name is part of the names of its ports, which the kernel keeps short.
LONGEST_NAME = 8


class NetworkError(Exception):
    """A network that cannot be made or changed; says which command failed and how."""


def started_at(pid: int) -> str:
    """When a process started, in the kernel's ticks; empty when it has ended. With it a pid names one process for ever."""
    try:
        # The name before it may hold anything.
        state, *numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else numbers[18]


async def run(*command: str, text: str = "") -> str:
    """Runs a command of the system and returns what it wrote."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )
    out, problem = await process.communicate(text.encode())
    if process.returncode != 0:
        what = " ".join(command) + (f" < {text!r}" if text else "")
        raise NetworkError(f"{what}: {problem.decode(errors='replace').strip() or f'status {process.returncode}'}")
    return out.decode(errors="replace")


async def impossible() -> str:
    """Why no networks can be made here, or nothing."""
    if os.geteuid() != 0:
        return "only root can make network namespaces"
    missing = [command for command in ("ip", "nft") if shutil.which(command) is None]
    if missing:
        return f"{' and '.join(missing)} not installed (scripts/setup.sh does it)"
    probe = f"{PREFIX}-{os.getpid()}-{started_at(os.getpid())}-probe"
    try:
        await run("ip", "netns", "add", probe)
        await run("ip", "-n", probe, "link", "add", "name", "bridge", "type", "bridge")
        await run("ip", "-n", probe, "link", "add", "name", "a", "type", "veth", "peer", "name", "b")
        table = "add table bridge faults; add chain bridge faults forward { type filter hook forward priority 0; }"
        await run("ip", "netns", "exec", probe, "nft", table)
        await run("ip", "netns", "exec", probe, "nft", "add rule bridge faults forward numgen random mod 100 < 5 drop")
    except NetworkError as problem:
        return f"this kernel or container does not let it: {problem}"
    finally:
        await _remove(probe)
    return ""


async def sweep() -> None:
    """Removes what runs that were killed have left: their namespaces, and the processes in them."""
    folder = Path("/run/netns")
    for name in sorted(path.name for path in folder.iterdir()) if folder.is_dir() else ():
        owner = _NAME.match(name)
        if owner and started_at(int(owner[1])) != owner[2]:
            await _remove(name)


async def _remove(namespace: str) -> None:
    """Removes a namespace, and whatever still runs in it."""
    try:
        for pid in (await run("ip", "netns", "pids", namespace)).split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        await run("ip", "netns", "delete", namespace)
    except NetworkError:
        # It was never made, or has gone already.
        if Path("/run/netns", namespace).exists():
            raise


def _ipv6(subnet: int, number: int) -> str:
    """An address as everybody writes it."""
    return str(ipaddress.IPv6Address(f"fd77:0:0:{subnet:x}::{number:x}"))


class Host:
    """One host: its namespace, and the networks that it is on, in the order of its interfaces `eth0`, `eth1`, ..."""

    def __init__(self, name: str, number: int, namespace: str, settings: dict):
        self.name = name
        self.number = number
        self.namespace = namespace
        self.networks = settings.get("networks", ["lan"])
        self.ipv4 = settings.get("ipv4", True)
        self.ipv6 = settings.get("ipv6", True)
        # Milliseconds that everything takes on its wire, each way.
        self.delay = settings.get("delay", 0)
        # Of each network; changes when the host is renumbered.
        self.addresses = {}

    def port(self, network: str) -> str:
        """The name of its port at the bridge of a network."""
        return f"{self.name}-{self.networks.index(network)}"

    def command(self, resolver=None) -> list:
        """What runs a command on this host. `resolver`: a file that takes the place of `/etc/resolv.conf` for it."""
        command = ["ip", "netns", "exec", self.namespace]
        if resolver is not None:
            # The command has a mount namespace of its own.
            command += ["sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', str(resolver)]
        return command


class Network:
    """The hosts of one case and the bridges between them. Everything goes when it is closed."""

    def __init__(self, label: str, hosts: dict):
        prefix = f"{PREFIX}-{os.getpid()}-{started_at(os.getpid())}-{label}-"
        self._switch = prefix + SWITCH
        self.hosts = {
            name: Host(name, number, prefix + name, settings) for number, (name, settings) in enumerate(hosts.items(), 1)
        }
        # Every network of any host, in the order in which they are named.
        self._networks = list(dict.fromkeys(network for host in self.hosts.values() for network in host.networks))
        self._wires = []

    async def build(self) -> None:
        """Makes the bridges and the hosts."""
        await run("ip", "netns", "add", self._switch)
        await self._sysctl(self._switch, "net/ipv6/conf/all/disable_ipv6", 1)
        await self._ip(
            self._switch,
            *(f"link add name {network} type bridge mcast_snooping 0 stp_state 0" for network in self._networks),
            *(f"link set dev {network} up" for network in self._networks),
        )
        await self._nft("add table bridge faults", "add chain bridge faults forward { type filter hook forward priority 0; }")
        for host in self.hosts.values():
            await self._add(host)

    async def _add(self, host: Host) -> None:
        await run("ip", "netns", "add", host.namespace)
        # What is told about the default holds for interfaces that are made afterwards. Nobody else has these addresses.
        await self._sysctl(host.namespace, "net/ipv6/conf/default/accept_dad", 0)
        if not host.ipv6:
            await self._sysctl(host.namespace, "net/ipv6/conf/default/disable_ipv6", 1)
        lines = ["link set dev lo up"]
        for index, network in enumerate(host.networks):
            interface, port = f"eth{index}", host.port(network)
            await self._ip(self._switch, f"link add name {port} type veth peer name {interface} netns {host.namespace}")
            await self._join(host, interface, port, network)
            lines.append(f"link set dev {interface} up")
            subnet = self._networks.index(network)
            if host.ipv4:
                host.addresses[network] = f"10.77.{subnet}.{host.number}"
                lines.append(f"addr add {host.addresses[network]}/24 dev {interface}")
            if host.ipv6:
                host.addresses[network + "/6"] = _ipv6(subnet, host.number)
                lines.append(f"addr add {host.addresses[network + '/6']}/64 dev {interface} nodad")
        if host.ipv4:
            lines.append("route add default dev eth0")
        await self._ip(host.namespace, *lines)

    async def _join(self, host: Host, interface: str, port: str, network: str) -> None:
        """Puts a host's port to the bridge; where it is delayed, through a wire that a program plays."""
        if not host.delay:
            await self._ip(self._switch, f"link set dev {port} master {network}", f"link set {port} up")
            return
        # host <-> near ~~ the program ~~ far <-> port
        near, far = f"{port}-n", f"{port}-f"
        await self._ip(
            self._switch,
            f"link set dev {port} name {near}",
            f"link add name {port} type veth peer name {far}",
            f"link set dev {port} master {network}",
            *(f"link set dev {name} up" for name in (near, far, port)),
        )
        # What goes through the program is whole frames with finished checksums.
        wire = str(TOOLS / "wire.py")
        await run(*host.command(), sys.executable, wire, "plain", interface)
        await run("ip", "netns", "exec", self._switch, sys.executable, wire, "plain", port)
        process = await asyncio.create_subprocess_exec(
            "ip", "netns", "exec", self._switch, sys.executable, wire, "carry", near, far, str(host.delay),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
        )
        self._wires.append(process)
        if await process.stdout.readline() != b"carries\n":
            raise NetworkError(f"the wire of {host.name} does not carry anything")

    async def close(self) -> None:
        """Removes everything, also what was half made."""
        for wire in self._wires:
            # It ends with its input.
            wire.stdin.close()
            await wire.wait()
        for namespace in [*(host.namespace for host in self.hosts.values()), self._switch]:
            await _remove(namespace)

    async def cut(self, host: Host) -> None:
        """Pulls the cables of a host: it keeps its addresses, and nobody is told."""
        await self._ip(self._switch, *(f"link set dev {host.port(network)} down" for network in host.networks))

    async def rejoin(self, host: Host) -> None:
        """Plugs them in again."""
        await self._ip(self._switch, *(f"link set dev {host.port(network)} up" for network in host.networks))

    async def forget_neighbours(self, host: Host) -> None:
        """Who did not answer during a fault is asked for at once, and not in a second."""
        await self._ip(host.namespace, *(f"neigh flush dev eth{at}" for at in range(len(host.networks))))

    async def drop(self, sender, receiver, percent: int, only: str) -> None:
        """Silently drops what goes from one host to another (`None`: any), one way: a share of it, of one protocol or all."""
        ports = [("iifname", sender), ("oifname", receiver)]
        rule = [f'{key} "{host.port(network)}"' for key, host in ports if host for network in host.networks[:1]]
        if only:
            rule.append(f"meta l4proto {only}")
        if percent < 100:
            rule.append(f"numgen random mod 100 < {percent}")
        await self._nft("add rule bridge faults forward " + " ".join([*rule, "drop"]))

    async def heal(self) -> None:
        """Nothing is dropped any more."""
        await self._nft("flush chain bridge faults forward")

    async def renumber(self, host: Host, number: int) -> None:
        """Takes the addresses of a host on its first network away and gives it others, at once."""
        network = host.networks[0]
        lines = []
        if host.ipv4:
            old, host.addresses[network] = host.addresses[network], f"10.77.{self._networks.index(network)}.{number}"
            lines += [
                f"addr del {old}/24 dev eth0",
                f"addr add {host.addresses[network]}/24 dev eth0",
                # It went with the last address.
                "route replace default dev eth0",
            ]
        if host.ipv6:
            key = network + "/6"
            old, host.addresses[key] = host.addresses[key], _ipv6(self._networks.index(network), number)
            lines += [f"addr del {old}/64 dev eth0", f"addr add {host.addresses[key]}/64 dev eth0 nodad"]
        await self._ip(host.namespace, *lines)

    async def _ip(self, namespace: str, *lines: str) -> None:
        await run("ip", "-n", namespace, "-batch", "-", text="".join(line + "\n" for line in lines))

    async def _nft(self, *lines: str) -> None:
        await run("ip", "netns", "exec", self._switch, "nft", "-f", "-", text="".join(line + "\n" for line in lines))

    async def _sysctl(self, namespace: str, name: str, value: int) -> None:
        await run("ip", "netns", "exec", namespace, "sh", "-c", f"echo {value} > /proc/sys/{name}")

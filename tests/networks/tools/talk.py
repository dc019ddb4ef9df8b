"""Plain sockets that try a network out, for the cases that test the harness itself.

`talk.py receive KIND ADDRESS PORT`: says `listens`, then counts numbered datagrams (`udp`, `multicast`) or messages of
connections (`tcp`) until its input ends and nothing comes any more; writes how many came, and whether all were in order.
`talk.py send KIND ADDRESS PORT COUNT`: sends them; `multicast` from ADDRESS. By `tcp` each waits for its echo, and it writes
how many came back and the milliseconds that the fastest took.
"""

import os
import select
import socket
import struct
import sys
import time

GROUP, GROUP6 = "224.0.0.251", "ff02::fb"
# Longer than anything is under way.
QUIET_SECONDS = 0.5
CONNECT_SECONDS = 2


def family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def interface_of(address: str) -> int:
    """The index of the interface; hosts of these cases have one."""
    return socket.if_nametoindex("eth0")


def receiver(kind: str, address: str, port: int) -> socket.socket:
    listens = socket.socket(family(address), socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    listens.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if kind != "multicast":
        listens.bind((address, port))
    elif ":" in address:
        listens.bind(("::", port))
        joined = socket.inet_pton(socket.AF_INET6, GROUP6) + struct.pack("@I", interface_of(address))
        listens.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, joined)
    else:
        listens.bind(("", port))
        joined = socket.inet_aton(GROUP) + socket.inet_aton(address)
        listens.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
    return listens


def receive(kind: str, address: str, port: int) -> None:
    listens = receiver(kind, address, port)
    numbers = []
    if kind == "tcp":
        listens.listen()
    print("listens", flush=True)
    watched, connections = [0, listens], []
    while True:
        ready, _, _ = select.select(watched, [], [], None if 0 in watched else QUIET_SECONDS)
        if not ready and 0 not in watched:
            break
        for one in ready:
            if one == 0:
                if not os.read(0, 1):
                    watched.remove(0)
            elif one is listens and kind == "tcp":
                connections.append(listens.accept()[0])
                watched.append(connections[-1])
            else:
                data = one.recv(4)
                if len(data) == 4:
                    numbers.append(int.from_bytes(data, "big"))
                    if kind == "tcp":
                        one.sendall(data)
                elif one is not listens:
                    watched.remove(one)
    print(len(set(numbers)), "in-order" if numbers == sorted(numbers) else "mixed", flush=True)


def send(kind: str, address: str, port: int, count: int) -> None:
    if kind == "tcp":
        return converse(address, port, count)
    sends = socket.socket(family(address), socket.SOCK_DGRAM)
    target = address
    if kind == "multicast":
        if ":" in address:
            target = GROUP6
            sends.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, interface_of(address))
        else:
            target = GROUP
            sends.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
    for number in range(count):
        sends.sendto(number.to_bytes(4, "big"), (target, port))
    print(count, 0)


def converse(address: str, port: int, count: int) -> None:
    came, fastest = 0, float("inf")
    try:
        with socket.create_connection((address, port), CONNECT_SECONDS) as connection:
            for number in range(count):
                began = time.monotonic()
                connection.sendall(number.to_bytes(4, "big"))
                if len(connection.recv(4)) < 4:
                    break
                came += 1
                fastest = min(fastest, time.monotonic() - began)
    except OSError:
        pass
    print(came, int(fastest * 1000) if came else 0)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["receive", kind, address, port]:
            receive(kind, address, int(port))
        case ["send", kind, address, port, count]:
            send(kind, address, int(port), int(count))
        case _:
            sys.exit(__doc__)

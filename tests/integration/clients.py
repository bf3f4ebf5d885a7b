"""A WebSocket client that says exactly the bytes it is told to, well-formed or not.

Frames are built by frame(), read by RawClient.receive_frame(). Nothing here helps the server: no automatic pong, no
automatic close, no check of what it sends beyond what a test asks for.
"""

import base64
import contextlib
import hashlib
import re
import select
import selectors
import socket
import struct
import time
from typing import NamedTuple

from server import DEADLINE_S, wait_until

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
MASK = bytes.fromhex("37fa213d")


def masked(payload, key):
    if key == b"\0\0\0\0" or not payload:
        return bytes(payload)
    repeated = (key * (len(payload) // 4 + 1))[: len(payload)]
    number = int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")
    return number.to_bytes(len(payload), "big")


def frame(opcode, payload=b"", fin=True, rsv=0, mask=MASK, length_bytes=None, declared=None):
    """One frame. `mask=None` leaves it out, `length_bytes` (0, 2 or 8) picks the form of the length, `declared` lies."""
    if isinstance(payload, str):
        payload = payload.encode()
    length = len(payload) if declared is None else declared
    if length_bytes is None:
        length_bytes = 0 if length < 126 else 2 if length < 65536 else 8
    head = bytes([(0x80 if fin else 0) | (rsv << 4) | opcode])
    mask_bit = 0x80 if mask is not None else 0
    if length_bytes == 0:
        head += bytes([mask_bit | length])
    elif length_bytes == 2:
        head += bytes([mask_bit | 126]) + struct.pack(">H", length)
    else:
        head += bytes([mask_bit | 127]) + struct.pack(">Q", length)
    return head + (mask + masked(payload, mask) if mask is not None else payload)


def close_frame(code=None, reason=b"", **options):
    if isinstance(reason, str):
        reason = reason.encode()
    return frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason, **options)


def handshake_request(path="/", host="localhost", extra=(), **changed):
    """A valid opening handshake; changed=… replaces a field by name (underscores for dashes), None leaves it out."""
    fields = {
        "Host": host,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    for name, value in changed.items():
        known = {field.lower(): field for field in fields}
        field = known.get(name.replace("_", "-").lower(), name.replace("_", "-"))
        fields[field] = value
    lines = [f"GET {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in fields.items() if value is not None]
    lines += list(extra)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def accept_for(key):
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()


class Frame(NamedTuple):
    opcode: int
    payload: bytes
    fin: bool = True
    rsv: int = 0


class Closed(NamedTuple):
    """A Close frame: its code (None: no body) and reason."""

    code: int
    reason: str


class Response:
    """An HTTP answer, and what of the stream came with it."""

    def __init__(self, head, body):
        lines = head.decode("latin-1").split("\r\n")
        self.status_line = lines[0]
        self.version, self.status = lines[0].split(" ", 2)[0], int(lines[0].split(" ", 2)[1])
        self.fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.fields[name.strip().lower()] = value.strip()
        self.body = body

    def __repr__(self):
        return f"{self.status_line} {self.fields} {self.body[:200]!r}"


class ConnectionGone(AssertionError):
    """The server ended the TCP connection where bytes were expected."""


class RawClient:
    def __init__(self, port, host="127.0.0.1", timeout=DEADLINE_S, receive_buffer=None, tls=None):
        """`port`: of a TCP address, or the path of a unix socket. `tls`: an ssl.SSLContext, for wss."""
        is_unix = not isinstance(port, int)
        family = socket.AF_UNIX if is_unix else socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(str(port) if is_unix else (host, port))
        if not is_unix:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost", suppress_ragged_eofs=False)
        self.port = port
        self.received = b""

    # -- bytes

    def send(self, data):
        self.socket.sendall(data)

    def send_in_pieces(self, pieces):
        """Sends each piece once the server has read the one before."""
        for piece in pieces:
            self.send(piece)
            self.wait_read()

    def send_byte_by_byte(self, data):
        self.send_in_pieces(data[i : i + 1] for i in range(len(data)))

    def wait_read(self):
        """Waits until the server's end of this connection holds no unread byte, or is gone."""
        wait_until(lambda: self.unread_by_server() in (0, None), what="the server to read what was sent")

    def unread_by_server(self):
        """Bytes in the receive queue of the server's end, as the kernel tells. None: it is closed."""
        ours, theirs = self.socket.getsockname()[1], self.port
        row = re.compile(rf"^\s*\d+: [0-9A-F]+:{theirs:04X} [0-9A-F]+:{ours:04X} ([0-9A-F]{{2}}) [0-9A-F]+:([0-9A-F]+)")
        table = "/proc/net/tcp6" if self.socket.family == socket.AF_INET6 else "/proc/net/tcp"
        with open(table) as lines:
            for line in lines:
                if match := row.match(line):
                    return int(match[2], 16)
        return None

    def fill(self, timeout=DEADLINE_S):
        try:
            data = self._receive(timeout)
        except ConnectionResetError as reset:
            raise ConnectionGone(f"reset; before it came {self.received[:80]!r}") from reset
        if not data:
            raise ConnectionGone(f"end of stream; before it came {self.received[:80]!r}")
        self.received += data

    def _receive(self, timeout):
        self.socket.settimeout(timeout)
        return self.socket.recv(1 << 18)

    def take(self, size, timeout=DEADLINE_S):
        while len(self.received) < size:
            self.fill(timeout)
        data, self.received = self.received[:size], self.received[size:]
        return data

    def take_until(self, end, timeout=DEADLINE_S):
        while end not in self.received:
            self.fill(timeout)
        data, _, self.received = self.received.partition(end)
        return data

    def nothing_comes(self, seconds=0.2):
        """Whether the server stays silent, and connected, for that long."""
        if self.received:
            return False
        readable, _, _ = select.select([self.socket], [], [], seconds)
        return not readable

    def is_closed(self, timeout=DEADLINE_S):
        """Waits for the end of the stream; a byte before it is an error."""
        try:
            data = self.received or self._receive(timeout)
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        assert not data, f"the stream should have ended, but holds {data[:80]!r}"
        return True

    def drain(self, timeout=DEADLINE_S):
        """Everything until the end of the stream."""
        with contextlib.suppress(ConnectionGone):
            while True:
                self.fill(timeout)
        data, self.received = self.received, b""
        return data

    # -- HTTP

    def receive_response(self, timeout=DEADLINE_S):
        head = self.take_until(b"\r\n\r\n", timeout)
        response = Response(head, b"")
        if response.status != 101 and "content-length" in response.fields:
            response.body = self.take(int(response.fields["content-length"]), timeout)
        return response

    def open(self, **changed):
        """The opening handshake, checked as a client must (§4.1)."""
        self.send(handshake_request(**changed))
        return self.receive_upgrade()

    def receive_upgrade(self, key=KEY):
        response = self.receive_response()
        assert response.status == 101, response
        assert response.fields["upgrade"].lower() == "websocket", response
        assert "upgrade" in response.fields["connection"].lower(), response
        assert response.fields["sec-websocket-accept"] == accept_for(key), response
        assert "sec-websocket-extensions" not in response.fields, response
        return response

    # -- frames

    def receive_frame(self, timeout=DEADLINE_S):
        """One frame, of which all that a server owes its client is checked: no mask, minimal length (§5.1, §5.2)."""
        first, second = self.take(2, timeout)
        assert not second & 0x80, "a server must not mask"
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack(">H", self.take(2, timeout))
            assert length > 125, "length not minimal"
        elif length == 127:
            (length,) = struct.unpack(">Q", self.take(8, timeout))
            assert length > 65535, "length not minimal"
        return Frame(first & 0x0F, self.take(length, timeout), bool(first & 0x80), first >> 4 & 7)

    def receive_message(self, timeout=DEADLINE_S):
        """A whole message, its fragments joined: (opcode, payload)."""
        received = self.receive_frame(timeout)
        opcode, payload = received.opcode, received.payload
        while not received.fin:
            received = self.receive_frame(timeout)
            assert received.opcode == CONTINUATION, received
            payload += received.payload
        return opcode, payload

    def receive_close(self, timeout=DEADLINE_S):
        received = self.receive_frame(timeout)
        assert received.opcode == CLOSE, received
        return closed(received.payload)

    def expect_failed(self, code, timeout=DEADLINE_S):
        """The server fails the connection (§7.1.7): a Close with this code, then the end of the stream."""
        answer = self.receive_close(timeout)
        assert answer.code == code, answer
        self.expect_end(timeout)

    def expect_end(self, timeout=DEADLINE_S):
        assert self.is_closed(timeout), "the server should have closed the TCP connection"

    def echo(self, payload, opcode=TEXT, **options):
        """Sends a message and returns what comes back: (opcode, payload)."""
        self.send(frame(opcode, payload, **options))
        return self.receive_message()

    def still_works(self):
        self.send(frame(TEXT, b"still here"))
        opcode, payload = self.receive_message()
        return opcode == TEXT and payload.endswith(b"still here")

    def close_cleanly(self, code=1000):
        """The closing handshake, begun by us (§7.1.1: the server closes the TCP connection first)."""
        self.send(close_frame(code))
        answer = self.receive_close()
        assert answer.code == code, answer
        self.expect_end()
        self.abandon()

    # -- ending

    def finish_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Ends the connection with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def abandon(self):
        with contextlib.suppress(OSError):
            self.socket.close()


def closed(payload):
    if not payload:
        return Closed(None, "")
    assert len(payload) >= 2, f"a Close with one byte: {payload!r}"
    return Closed(struct.unpack(">H", payload[:2])[0], payload[2:].decode())


def answer_closes(clients, code, number=None):
    """Waits until `number` of the clients (all of them) saw a Close with this code, and answers; returns the times."""
    number = len(clients) if number is None else number
    times = []
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
        while len(times) < number:
            events = selector.select(timeout=DEADLINE_S)
            assert events, f"only {len(times)} of {number} clients saw a Close"
            for key, _ in events:
                assert key.data.receive_close().code == code
                times.append(time.monotonic())
                key.data.send(close_frame(code))
                selector.unregister(key.fileobj)
    return times


def time_to_connect(port, timeout=DEADLINE_S):
    """Seconds from connect() to the server's 101."""
    began = time.monotonic()
    client = RawClient(port, timeout=timeout)
    try:
        client.open()
        return time.monotonic() - began
    finally:
        client.abandon()

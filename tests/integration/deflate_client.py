"""A client that speaks permessage-deflate (RFC 7692) to the letter, on zlib."""

import random
import zlib

from clients import CONTINUATION, TEXT, RawClient, frame, handshake_request

TAIL = b"\x00\x00\xff\xff"
RSV1 = 4
BROWSER = "permessage-deflate; client_max_window_bits"
NO_TAKEOVER = ["server_no_context_takeover", "client_no_context_takeover"]


def words(size, seed=1):
    """Text that compresses as text does."""
    rng = random.Random(seed)
    text = " ".join(rng.choice(["hello", "world", "弹幕", "chat", "danmaku", "42"]) for _ in range(size // 4 + 1))
    return text.encode()[:size].decode(errors="ignore").encode()


class Agreement:
    """What the server answered."""

    def __init__(self, header):
        name, *parameters = [part.strip() for part in header.split(";")]
        assert name == "permessage-deflate"
        pairs = [parameter.partition("=") for parameter in parameters]
        self.values = {name: value for name, _, value in pairs}
        assert len(self.values) == len(pairs)
        assert set(self.values) <= {*NO_TAKEOVER, "server_max_window_bits", "client_max_window_bits"}

    def takes_over(self, side):
        return f"{side}_no_context_takeover" not in self.values

    def window_bits(self, side):
        return int(self.values.get(f"{side}_max_window_bits", 15))


class DeflateClient(RawClient):
    """A raw client that keeps to the letter of what was agreed on: with a window one byte larger it would not read."""

    def open(self, offer=BROWSER, path="/"):
        self.send(handshake_request(path=path, sec_websocket_extensions=offer))
        response = self.receive_response()
        assert response.status == 101, response
        header = response.fields.get("sec-websocket-extensions")
        self.agreed = Agreement(header) if header else None
        self.deflater = self.inflater = None

    def compressed(self, payload):
        if self.deflater is None or not self.agreed.takes_over("client"):
            self.deflater = zlib.compressobj(6, zlib.DEFLATED, -max(9, self.agreed.window_bits("client")))
        flushed = self.deflater.compress(payload) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
        return flushed[:-4] if flushed.endswith(TAIL) else flushed

    def message(self, payload, opcode=TEXT, size=None):
        """One compressed message, in fragments of `size` compressed bytes."""
        data = self.compressed(payload)
        pieces = [data[i : i + size] for i in range(0, len(data), size)] if size else [data]
        last = len(pieces) - 1
        return b"".join(
            frame(CONTINUATION if i else opcode, piece, fin=i == last, rsv=0 if i else RSV1)
            for i, piece in enumerate(pieces)
        )

    def receive_any(self):
        """(opcode, payload, was compressed) of the next data message."""
        received = self.receive_frame()
        payload, is_compressed = received.payload, received.rsv == RSV1
        assert received.fin and received.rsv in (0, RSV1), received
        if is_compressed:
            if self.inflater is None or not self.agreed.takes_over("server"):
                self.inflater = zlib.decompressobj(-self.agreed.window_bits("server"))
            payload = self.inflater.decompress(payload + TAIL)
            assert not self.inflater.unused_data
        return received.opcode, payload, is_compressed

    def take_frame(self):
        """One frame as it came."""
        while (whole := self.whole_frame()) is None:
            self.fill()
        return self.take(whole)

    def whole_frame(self):
        """Its size, if it is all there; for frames of less than 64 KiB."""
        if len(self.received) < 4:
            return None
        length = self.received[1]
        size = 2 + length if length < 126 else 4 + int.from_bytes(self.received[2:4], "big")
        return size if len(self.received) >= size else None

    def expect_echo(self, payload, opcode=TEXT, size=None):
        self.send(self.message(payload, opcode, size))
        answer_opcode, answer, is_compressed = self.receive_any()
        assert (answer_opcode, answer) == (opcode, payload)
        return is_compressed

"""The cases of the Autobahn test suite, sections 1 to 7 and 9, each under its Autobahn number.

A case is what the client sends, the frames that must come back, and how it ends: with a clean closing handshake, or
with the server failing the connection with a code. Every case is sent three ways: at once, frame by frame, and in
single bytes. We are stricter than Autobahn, which lets a server off with a dropped connection: the code must be right,
and what was received before the violation must be answered.
"""

import contextlib
import threading
from typing import NamedTuple

import pytest

from clients import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, close_frame, closed, frame
from server import shared_server

CLEAN = None
KOSME = bytes.fromhex("cebae1bdb9cf83cebcceb5")
HELLO_UTF8 = "Hello-µ@ßöäüàá-UTF-8!!".encode()


class Case(NamedTuple):
    number: str
    sent: list  # of frames
    answered: list = []  # of Frame
    end: int = CLEAN  # or the code with which the server fails the connection
    close: bytes = close_frame(1000)  # what ends a clean case; b"": the case has sent its own
    close_code: int = 1000


def text(payload=b"", **options):
    return frame(TEXT, payload, **options)


def fragments(payload, size, opcode=TEXT):
    """The payload in frames of `size` bytes."""
    pieces = [payload[i : i + size] for i in range(0, len(payload), size)]
    last = len(pieces) - 1
    return [frame(CONTINUATION if i else opcode, piece, fin=i == last) for i, piece in enumerate(pieces)]


def echoed(payload, opcode=TEXT):
    return Frame(opcode, payload if isinstance(payload, bytes) else payload.encode())


def framing():
    for section, opcode, fill in (("1.1", TEXT, b"*"), ("1.2", BINARY, b"\xfe")):
        for number, size in enumerate([0, 125, 126, 127, 128, 65535, 65536], 1):
            yield Case(f"{section}.{number}", [frame(opcode, fill * size)], [echoed(fill * size, opcode)])
        whole = frame(opcode, fill * 65536)
        yield Case(f"{section}.8", [whole[i : i + 997] for i in range(0, len(whole), 997)], [echoed(fill * 65536, opcode)])


def pings():
    bytes_of_all_kinds = bytes.fromhex("00fffefdfcfb00ff")
    yield Case("2.1", [frame(PING)], [Frame(PONG, b"")])
    yield Case("2.2", [frame(PING, b"Hello, world!")], [Frame(PONG, b"Hello, world!")])
    yield Case("2.3", [frame(PING, bytes_of_all_kinds)], [Frame(PONG, bytes_of_all_kinds)])
    yield Case("2.4", [frame(PING, b"\xfe" * 125)], [Frame(PONG, b"\xfe" * 125)])
    yield Case("2.5", [frame(PING, b"\xfe" * 126)], end=1002)
    octets = frame(PING, b"\xfe" * 125)
    yield Case("2.6", [octets[i : i + 1] for i in range(len(octets))], [Frame(PONG, b"\xfe" * 125)])
    yield Case("2.7", [frame(PONG)])
    yield Case("2.8", [frame(PONG, b"unsolicited pong payload")])
    unsolicited = frame(PONG, b"unsolicited pong payload")
    yield Case("2.9", [unsolicited, frame(PING, b"ping payload")], [Frame(PONG, b"ping payload")])
    payloads = [b"payload-%d" % i for i in range(10)]
    ten_pings, ten_pongs = [frame(PING, payload) for payload in payloads], [Frame(PONG, payload) for payload in payloads]
    yield Case("2.10", ten_pings, ten_pongs)
    joined = b"".join(ten_pings)
    yield Case("2.11", [joined[i : i + 1] for i in range(len(joined))], ten_pongs)


def reserved_bits():
    hello = text("Hello, world!")
    yield Case("3.1", [text("Hello, world!", rsv=1)], end=1002)
    for number, rsv in (("3.2", 2), ("3.3", 3), ("3.4", 4)):
        yield Case(number, [hello, text("Hello, world!", rsv=rsv), frame(PING)], [echoed("Hello, world!")], end=1002)
    yield Case("3.5", [frame(BINARY, b"\x00\xff\xfe\xfd", rsv=5)], end=1002)
    yield Case("3.6", [frame(PING, b"Hello, world!", rsv=6)], end=1002)
    yield Case("3.7", [frame(CLOSE, rsv=7)], end=1002)


def opcodes():
    hello, echo = text("Hello, world!"), [echoed("Hello, world!")]
    for section, reserved in (("4.1", (3, 4, 5, 6, 7)), ("4.2", (11, 12, 13, 14, 15))):
        yield Case(f"{section}.1", [frame(reserved[0])], end=1002)
        yield Case(f"{section}.2", [frame(reserved[1], b"reserved opcode payload")], end=1002)
        yield Case(f"{section}.3", [hello, frame(reserved[2]), frame(PING)], echo, end=1002)
        for number in (4, 5):
            payload = b"reserved opcode payload"
            yield Case(f"{section}.{number}", [hello, frame(reserved[number - 1], payload), frame(PING)], echo, end=1002)


def fragmentation():
    first, second = text("fragment1", fin=False), frame(CONTINUATION, "fragment2")
    whole = [echoed("fragment1fragment2")]
    octets = first + second
    ping, pong = frame(PING, b"ping payload"), Frame(PONG, b"ping payload")
    hello = text("Hello, world!")
    yield Case("5.1", [frame(PING, b"fragment1", fin=False), frame(CONTINUATION, b"fragment2")], end=1002)
    yield Case("5.2", [frame(PONG, b"fragment1", fin=False), frame(CONTINUATION, b"fragment2")], end=1002)
    yield Case("5.3", [octets], whole)
    yield Case("5.4", [first, second], whole)
    yield Case("5.5", [octets[i : i + 1] for i in range(len(octets))], whole)
    yield Case("5.6", [first + ping + second], [pong, *whole])
    yield Case("5.7", [first, ping, second], [pong, *whole])
    with_ping = first + ping + second
    yield Case("5.8", [with_ping[i : i + 1] for i in range(len(with_ping))], [pong, *whole])
    stray, stray_open = frame(CONTINUATION, b"non-continuation payload"), frame(CONTINUATION, b"stray", fin=False)
    yield Case("5.9", [stray + hello], end=1002)
    yield Case("5.10", [stray, hello], end=1002)
    yield Case("5.11", [bytes([byte]) for byte in stray + hello], end=1002)
    yield Case("5.12", [stray_open + hello], end=1002)
    yield Case("5.13", [stray_open, hello], end=1002)
    yield Case("5.14", [bytes([byte]) for byte in stray_open + hello], end=1002)
    yield Case("5.15", [first, second, frame(CONTINUATION, b"fragment3", fin=False), text("fragment4")], whole, end=1002)
    yield Case("5.16", [stray_open, text("fragment2", fin=False), frame(CONTINUATION, "fragment3")] * 2, end=1002)
    yield Case("5.17", [stray, text("fragment2", fin=False), frame(CONTINUATION, "fragment3")] * 2, end=1002)
    yield Case("5.18", [first, text("fragment2")], end=1002)
    five = [text("fragment1", fin=False), frame(CONTINUATION, "fragment2", fin=False), frame(PING, b"pongme 1!")]
    five += [frame(CONTINUATION, "fragment3", fin=False), frame(CONTINUATION, "fragment4", fin=False)]
    five += [frame(PING, b"pongme 2!"), frame(CONTINUATION, "fragment5")]
    joined = echoed("fragment1fragment2fragment3fragment4fragment5")
    answers = [Frame(PONG, b"pongme 1!"), Frame(PONG, b"pongme 2!"), joined]
    yield Case("5.19", five, answers)
    yield Case("5.20", [b"".join(five)], answers)


def utf8():
    yield Case("6.1.1", [text()], [echoed(b"")])
    empty = frame(CONTINUATION, fin=False)
    yield Case("6.1.2", [text(fin=False), empty, frame(CONTINUATION)], [echoed(b"")])
    middle = frame(CONTINUATION, "middle frame payload", fin=False)
    yield Case("6.1.3", [text(fin=False), middle, frame(CONTINUATION)], [echoed("middle frame payload")])
    yield Case("6.2.1", [text(HELLO_UTF8)], [echoed(HELLO_UTF8)])
    yield Case("6.2.2", [text(HELLO_UTF8[:12], fin=False), frame(CONTINUATION, HELLO_UTF8[12:])], [echoed(HELLO_UTF8)])
    yield Case("6.2.3", fragments(HELLO_UTF8, 1), [echoed(HELLO_UTF8)])
    yield Case("6.2.4", fragments(KOSME, 1), [echoed(KOSME)])
    invalid = KOSME + bytes.fromhex("eda080656469746564")
    yield Case("6.3.1", [text(invalid)], end=1007)
    yield Case("6.3.2", fragments(invalid, 1), end=1007)
    yield from valid_and_invalid_sequences()


def prefixes_of_kosme():
    """6.6: a text that ends inside a character is not valid, though it could have become so."""
    for number in range(1, len(KOSME) + 1):
        prefix = KOSME[:number]
        try:
            prefix.decode()
            yield f"6.6.{number}", prefix, True
        except UnicodeDecodeError:
            yield f"6.6.{number}", prefix, False


def numbered(section, valid, *sequences):
    for number, sequence in enumerate(sequences, 1):
        yield f"{section}.{number}", bytes.fromhex(sequence), valid


def valid_and_invalid_sequences():
    missing_last = ["c0", "e080", "f08080", "f8808080", "fc80808080", "df", "efbf", "f7bfbf", "fbbfbfbf", "fdbfbfbfbf"]
    lonely = [(0xC0, 0xE0), (0xE0, 0xF0), (0xF0, 0xF8), (0xF8, 0xFC), (0xFC, 0xFE)]
    noncharacters = ["efbfbe", "efbfbf"]
    for plane in range(1, 17):
        noncharacters += [chr(plane << 16 | low).encode().hex() for low in (0xFFFE, 0xFFFF)]
    tables = [
        numbered("6.5", True, KOSME.hex(), "48656c6c6f", "c2b5", "e282ac", "f09f9880"),
        prefixes_of_kosme(),
        numbered("6.7", True, "00", "c280", "e0a080", "f0908080"),
        numbered("6.8", False, "f888808080", "fc8480808080"),
        numbered("6.9", True, "7f", "dfbf", "efbfbf", "f48fbfbf"),
        numbered("6.10", False, "f7bfbfbf", "fbbfbfbfbf", "fdbfbfbfbfbf"),
        numbered("6.11", True, "ed9fbf", "ee8080", "efbfbd", "f48fbfbf"),
        [("6.11.5", bytes.fromhex("f4908080"), False)],
        numbered("6.12", False, "80", "bf", *("80bf" * n + "80" * odd for n, odd in ((1, 0), (1, 1), (2, 0), (2, 1), (3, 0)))),
        [("6.12.8", bytes(range(0x80, 0xC0)), False)],
        numbered("6.13", False, *(b" ".join(bytes([b]) for b in range(*r)).hex() + "20" for r in lonely)),
        numbered("6.14", False, *missing_last),
        [("6.15.1", bytes.fromhex("".join(missing_last)), False)],
        numbered("6.16", False, "fe", "ff", "fefeffff"),
        numbered("6.17", False, "c0af", "e080af", "f08080af", "f8808080af", "fc80808080af"),
        numbered("6.18", False, "c1bf", "e09fbf", "f08fbfbf", "f887bfbfbf", "fc83bfbfbfbf"),
        numbered("6.19", False, "c080", "e08080", "f0808080", "f880808080", "fc8080808080"),
        numbered("6.20", False, "eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf"),
        numbered(
            "6.21", False, "eda080edb080", "eda080edbfbf", "edadbfedb080", "edadbfedbfbf",
            "edae80edb080", "edae80edbfbf", "edafbfedb080", "edafbfedbfbf",
        ),
        numbered("6.22", True, *noncharacters),
        numbered("6.23", True, "efbfb9", "efbfba", "efbfbb", "efbfbc", "efbfbd", "efbfbe", "efbfbf"),
    ]  # fmt: skip
    for table in tables:
        for number, payload, valid in table:
            if valid:
                yield Case(number, [text(payload)], [echoed(payload)])
            else:
                yield Case(number, [text(payload)], end=1007)


def closing():
    hello, echo = text("Hello World!"), [echoed("Hello World!")]
    close = close_frame(1000)
    yield Case("7.1.1", [hello], echo)
    yield Case("7.1.2", [close + close], close=b"")
    yield Case("7.1.3", [close + frame(PING)], close=b"")
    yield Case("7.1.4", [close + hello], close=b"")
    yield Case("7.1.5", [text("fragment1", fin=False) + close + frame(CONTINUATION, "fragment2")], close=b"")
    big = b"BAsd7&jh23" * 26214
    yield Case("7.1.6", [text(big) + hello + close + frame(PING)], [echoed(big), *echo], close=b"")
    yield Case("7.3.1", [], close=close_frame(), close_code=None)
    yield Case("7.3.2", [frame(CLOSE, b"a")], end=1002)
    yield Case("7.3.3", [], close=close_frame(1000))
    yield Case("7.3.4", [], close=close_frame(1000, "Hello World!"))
    yield Case("7.3.5", [], close=close_frame(1000, "*" * 123))
    yield Case("7.3.6", [frame(CLOSE, b"\x03\xe8" + b"*" * 124)], end=1002)
    yield Case("7.5.1", [close_frame(1000, KOSME + bytes.fromhex("eda080656469746564"))], end=1007)
    valid = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
    for number, code in enumerate(valid, 1):
        yield Case(f"7.7.{number}", [], close=close_frame(code), close_code=code)
    for number, code in enumerate([0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999], 1):
        yield Case(f"7.9.{number}", [close_frame(code)], end=1002)
    for number, code in enumerate([5000, 65535], 1):
        yield Case(f"7.13.{number}", [close_frame(code)], end=1002)


CASES = [*framing(), *pings(), *reserved_bits(), *opcodes(), *fragmentation(), *utf8(), *closing()]


def at_once(sent):
    return [b"".join(sent)]


def frame_by_frame(sent):
    return sent


def in_single_bytes(sent):
    joined = b"".join(sent)
    return [joined[i : i + 1] for i in range(len(joined))]


def run_case(client, case, delivery):
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the server may be through with us already
        for piece in delivery(case.sent):
            client.send(piece)
    for expected in case.answered:
        opcode, payload = client.receive_message() if expected.opcode != PONG else client.receive_frame()[:2]
        assert (opcode, payload) == expected[:2]
    if case.end is not CLEAN:
        client.expect_failed(case.end)
        return
    if case.close:
        client.send(case.close)
    answer = client.receive_frame()
    assert answer.opcode == CLOSE, answer
    assert closed(answer.payload).code == case.close_code
    client.expect_end()


def deliveries():
    for case in CASES:
        short = sum(map(len, case.sent)) <= 4096
        for delivery in (at_once, frame_by_frame, in_single_bytes) if short else (at_once, frame_by_frame):
            yield pytest.param(case, delivery, id=f"{case.number}-{delivery.__name__}")


@pytest.mark.parametrize("case, delivery", deliveries())
def test_case(echo_server, connect, case, delivery):
    run_case(connect(echo_server.fixed_port), case, delivery)


# 6.4: fail fast. The rest of the message is never sent: the server must not wait for it.
FAIL_FAST = {
    "6.4.1": [text(KOSME, fin=False), frame(CONTINUATION, bytes.fromhex("f4908080"), fin=False)],
    "6.4.2": [text(KOSME + b"\xf4", fin=False), frame(CONTINUATION, b"\x90", fin=False)],
    "6.4.3": [text(KOSME + bytes.fromhex("f4908080656469746564"))[:-6]],
    "6.4.4": [text(KOSME + bytes.fromhex("f4908080656469746564"))[:-8]],
}


@pytest.mark.parametrize("number", FAIL_FAST)
def test_invalid_utf8_fails_fast(echo_server, connect, number):
    client = connect(echo_server.fixed_port)
    for piece in FAIL_FAST[number]:
        client.send(piece)
    client.expect_failed(1007)


MIB = 1 << 20


@pytest.fixture(scope="module")
def roomy_server():
    """Takes messages of 16 MiB, as Autobahn's section 9 sends them."""
    with shared_server(options=["--set", "prefix=", "--max-message", 16 * MIB]) as made:
        yield made


SIZES = [64 << 10, 256 << 10, MIB, 4 * MIB, 8 * MIB, 16 * MIB]
FRAGMENT_SIZES = [64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, MIB, 4 * MIB]
CHOPS = [64, 128, 256, 512, 1024, 2048]
ROUND_TRIPS = [0, 16, 64, 256, 1024, 4096]


def limits(section, values):
    kinds = ((section, TEXT), (section + 1, BINARY))
    return [pytest.param(opcode, v, id=f"9.{s}.{n}") for s, opcode in kinds for n, v in enumerate(values, 1)]


def expect_echo(client, opcode, payload, pieces):
    """Sends while reading: neither side may wait for the other's socket buffer."""
    sender = threading.Thread(target=lambda: [client.send(piece) for piece in pieces])
    sender.start()
    answer = client.receive_message(timeout=60)
    sender.join()
    assert answer == (opcode, payload)


@pytest.mark.parametrize("opcode, size", limits(1, SIZES))
def test_large_message(roomy_server, connect, opcode, size):
    payload = b"*" * size
    expect_echo(connect(roomy_server.fixed_port), opcode, payload, [frame(opcode, payload)])


@pytest.mark.parametrize("opcode, size", limits(3, FRAGMENT_SIZES))
def test_large_message_in_fragments(roomy_server, connect, opcode, size):
    payload = b"*" * (4 * MIB)
    expect_echo(connect(roomy_server.fixed_port), opcode, payload, [b"".join(fragments(payload, size, opcode))])


@pytest.mark.parametrize("opcode, size", limits(5, CHOPS))
def test_large_message_in_chops(roomy_server, connect, opcode, size):
    payload = b"*" * MIB
    whole = frame(opcode, payload)
    chops = [whole[i : i + size] for i in range(0, len(whole), size)]
    expect_echo(connect(roomy_server.fixed_port), opcode, payload, chops)


@pytest.mark.parametrize("opcode, size", limits(7, ROUND_TRIPS))
def test_thousand_round_trips(roomy_server, connect, opcode, size):
    client = connect(roomy_server.fixed_port)
    payload = b"*" * size
    for _ in range(1000):
        assert client.echo(payload, opcode) == (opcode, payload)

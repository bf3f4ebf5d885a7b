"""permessage-deflate (RFC 7692): the handshake, the cases of Autobahn's sections 12 and 13, clients that are not ours,
and what a reload does to compressed conversations."""

import asyncio
import itertools
import pathlib
import random
import shutil
import subprocess
import threading
import zlib

import pytest

from channel_clients import Person, await_subscribers
from clients import BINARY, CONTINUATION, PING, PONG, TEXT, Frame, frame, handshake_request
from deflate_client import BROWSER, NO_TAKEOVER, RSV1, DeflateClient, words
from server import rss_bytes, shared_server, wait_until
from test_channels import app  # noqa: F401

NODE = pathlib.Path(__file__).parent / "node"
QUIET = ["--set", "prefix="]
TAKEOVER = ["--deflate-server-takeover", "--deflate-client-takeover"]


@pytest.fixture(scope="module")
def deflating():
    with shared_server(count=1, options=[*QUIET, "--deflate"]) as server:
        yield server


@pytest.fixture(scope="module")
def taking_over():
    with shared_server(count=1, options=[*QUIET, "--deflate", *TAKEOVER]) as server:
        yield server


@pytest.fixture
def join():
    """join(port, offer, path): a client that has agreed, or not, and is closed at the end."""
    clients = []

    def make(port, offer=BROWSER, path="/"):
        client = DeflateClient(port)
        clients.append(client)
        client.open(offer, path)
        return client

    yield make
    for client in clients:
        client.abandon()


# ---- the handshake ---------------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_off_by_default(echo_server, join):
    client = join(echo_server.fixed_port)
    assert client.agreed is None
    client.send(frame(TEXT, b"x", rsv=RSV1))
    client.expect_failed(1002)


@pytest.mark.smoke
def test_no_takeover_by_default(deflating, join):
    assert set(join(deflating.fixed_port).agreed.values) == set(NO_TAKEOVER)


@pytest.mark.parametrize(
    "offer, answer",
    [
        ("permessage-deflate", {}),
        ("permessage-deflate; server_no_context_takeover", {"server_no_context_takeover": ""}),
        ("permessage-deflate; client_no_context_takeover", {"client_no_context_takeover": ""}),
        ("permessage-deflate; server_max_window_bits=10", {"server_max_window_bits": "10"}),
        ('permessage-deflate; server_max_window_bits="15"', {"server_max_window_bits": "15"}),
        ("permessage-deflate; client_max_window_bits=12", {"client_max_window_bits": "12"}),
        ("permessage-deflate; server_max_window_bits=8, permessage-deflate", {}),
        ("permessage-deflate; x, permessage-deflate; server_max_window_bits=9", {"server_max_window_bits": "9"}),
        ("x-webkit-deflate-frame, permessage-deflate", {}),
    ],
)
def test_offer_is_answered(taking_over, join, offer, answer):
    assert join(taking_over.fixed_port, offer).agreed.values == answer


@pytest.mark.parametrize(
    "offer",
    [
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; unknown",
        "permessage-bzip2",
    ],
)
def test_offer_is_declined(taking_over, join, offer):
    client = join(taking_over.fixed_port, offer)
    assert client.agreed is None
    assert client.still_works()


@pytest.mark.parametrize("offer", ["permessage-deflate;", "a b", 'a;b="', ";", 'permessage-deflate; a="b c"'])
def test_malformed_header_is_400(deflating, connect, offer):
    client = connect(deflating.fixed_port, handshake=False)
    client.send(handshake_request(sec_websocket_extensions=offer))
    assert client.receive_response().status == 400
    client.expect_end()


# ---- what may be compressed ------------------------------------------------------------------------------------------


VECTORS = {
    "7.2.3.1 one block": "f248cdc9c90700",
    "7.2.3.3 no compression": "000500faff48656c6c6f00",
    "7.2.3.4 bfinal": "f348cdc9c9070000",
    "7.2.3.5 two blocks": "f248050000 00ffffcac9c90700",
}


@pytest.mark.parametrize("data", [bytes.fromhex(v) for v in VECTORS.values()], ids=VECTORS.keys())
def test_vector_of_the_rfc(deflating, join, data):
    client = join(deflating.fixed_port)
    client.send(frame(TEXT, data, rsv=RSV1))
    assert client.receive_any() == (TEXT, b"Hello", False)
    pieces = [frame(CONTINUATION if i else TEXT, data[i : i + 1], fin=i == len(data) - 1, rsv=0 if i else RSV1) for i in range(len(data))]
    client.send_byte_by_byte(b"".join(pieces))
    assert client.receive_any() == (TEXT, b"Hello", False)


def test_vector_of_a_shared_window(taking_over, deflating, join):
    first, second = bytes.fromhex("f248cdc9c90700"), bytes.fromhex("f200110000")  # §7.2.3.2
    client = join(taking_over.fixed_port)
    client.send(frame(TEXT, first, rsv=RSV1) + frame(TEXT, second, rsv=RSV1))
    assert [client.receive_any(), client.receive_any()] == [(TEXT, b"Hello", False)] * 2
    alone = join(deflating.fixed_port)
    alone.send(frame(TEXT, first, rsv=RSV1) + frame(TEXT, second, rsv=RSV1))
    assert alone.receive_any() == (TEXT, b"Hello", False)
    alone.expect_failed(1007)


def test_empty_messages(deflating, join):
    client = join(deflating.fixed_port)
    for pieces in ([b"\x00"], [b""], [b"", b"\x00", b""], [b"\x02\x00"]):
        last = len(pieces) - 1
        for i, piece in enumerate(pieces):
            client.send(frame(CONTINUATION if i else TEXT, piece, fin=i == last, rsv=0 if i else RSV1))
        assert client.receive_any() == (TEXT, b"", False)


def test_pings_between_fragments_are_answered_and_never_compressed(deflating, join):
    client = join(deflating.fixed_port)
    data = client.compressed(words(1000))
    client.send(frame(TEXT, data[:20], fin=False, rsv=RSV1) + frame(PING, b"p" * 125))
    assert client.receive_frame() == Frame(PONG, b"p" * 125)
    client.send(frame(CONTINUATION, data[20:]))
    assert client.receive_any() == (TEXT, words(1000), True)


def test_small_and_incompressible_messages_are_sent_plain(deflating, join):
    client = join(deflating.fixed_port)
    assert client.expect_echo(words(255)) is False
    assert client.expect_echo(words(1024)) is True
    assert client.expect_echo(random.Random(7).randbytes(5000), BINARY) is False


HELLO = bytes.fromhex("f248cdc9c90700")
WRONG = {
    "rsv1 on a continuation": frame(TEXT, HELLO[:3], fin=False, rsv=4) + frame(CONTINUATION, HELLO[3:], rsv=4),
    "rsv1 on a continuation of a plain message": frame(TEXT, b"a", fin=False) + frame(CONTINUATION, HELLO, rsv=4),
    "rsv1 on a continuation of nothing": frame(CONTINUATION, HELLO, rsv=4),
    "compressed ping": frame(PING, HELLO, rsv=4),
    "compressed pong": frame(PONG, HELLO, rsv=4),
    "compressed close": frame(0x8, HELLO, rsv=4),
    "rsv2": frame(TEXT, HELLO, rsv=2),
    "rsv1 and rsv3": frame(TEXT, HELLO, rsv=5),
    "message inside a message": frame(TEXT, HELLO[:3], fin=False, rsv=4) + frame(TEXT, HELLO, rsv=4),
}


@pytest.mark.parametrize("sent", WRONG.values(), ids=WRONG.keys())
def test_misplaced_bit_is_1002(deflating, join, sent):
    client = join(deflating.fixed_port)
    client.send(sent)
    client.expect_failed(1002)


@pytest.mark.parametrize("data", [b"\xff", b"plain", HELLO[:4], b"\x07", b"\x00\x05\x00\x00\x00x"])
def test_corrupt_data_is_1007(deflating, join, data):
    client = join(deflating.fixed_port)
    client.send(frame(BINARY, data, rsv=RSV1))
    client.expect_failed(1007)


def test_text_is_checked_inflated(deflating, join):
    client = join(deflating.fixed_port)
    client.send(client.message(b"a\xff"))
    client.expect_failed(1007)


def test_bomb_is_1009_in_bounded_memory(servers, join, sanitized):
    server = servers(count=1, options=[*QUIET, "--deflate"])
    server.start()
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush(zlib.Z_SYNC_FLUSH)
    bystander = join(server.port)
    before = rss_bytes(server.worker(0)["pid"])
    for _ in range(3):
        client = join(server.port)
        client.send(frame(BINARY, bomb[:-4], rsv=RSV1))
        client.expect_failed(1009)
    assert bystander.expect_echo(words(2000))
    if not sanitized:
        assert rss_bytes(server.worker(0)["pid"]) - before < 8 << 20


# ---- Autobahn's sections 12 and 13 -------------------------------------------------------------------------------------

# Each of the ten sizes whole, then the five largest in fragments of 256 to 32768 bytes.
SIZES = [16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072]
FORMS = [(size, None) for size in SIZES] + list(zip([131072] * 8, [256, 512, 1024, 2048, 4096, 8192, 16384, 32768]))
PAYLOADS = {  # 12.1 to 12.5
    "12.1": lambda size: words(size),
    "12.2": lambda size: bytes(i * i // 97 & 0xFF for i in range(size)),
    "12.3": lambda size: (b"The quick brown fox jumps over the lazy dog. " * (size // 45 + 1))[:size],
    "12.4": lambda size: ("<p class='αβγ'>" * (size // 15 + 1)).encode()[:size].decode(errors="ignore").encode(),
    "12.5": lambda size: random.Random(size).randbytes(size),
}
OFFERS = {  # 13.1 to 13.7
    "13.1": "permessage-deflate; client_max_window_bits",
    "13.2": "permessage-deflate; server_no_context_takeover; client_max_window_bits",
    "13.3": "permessage-deflate; server_max_window_bits=9; client_max_window_bits",
    "13.4": "permessage-deflate; server_max_window_bits=15; client_max_window_bits",
    "13.5": "permessage-deflate; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits",
    "13.6": "permessage-deflate; server_no_context_takeover; server_max_window_bits=15; client_max_window_bits",
    "13.7": "permessage-deflate; server_no_context_takeover; server_max_window_bits=8, permessage-deflate; "
    "server_no_context_takeover; client_max_window_bits, permessage-deflate; client_max_window_bits",
}


def is_text(payload):
    try:
        payload.decode()
        return True
    except UnicodeDecodeError:
        return False


def expect_case(client, payload, fragment):
    opcode = TEXT if is_text(payload) else BINARY
    for _ in range(20 if len(payload) <= 4096 else 5):
        client.expect_echo(payload, opcode, fragment)


@pytest.mark.parametrize("section", PAYLOADS)
def test_payloads(deflating, taking_over, join, section):
    for server, (size, fragment) in itertools.product((deflating, taking_over), FORMS):
        expect_case(join(server.fixed_port), PAYLOADS[section](size), fragment)


@pytest.mark.parametrize("section", OFFERS)
def test_offers(deflating, taking_over, join, section):
    for server in (deflating, taking_over):
        client = join(server.fixed_port, OFFERS[section])
        assert client.agreed
        for size, fragment in FORMS:
            expect_case(client, words(size, seed=size), fragment)


@pytest.mark.parametrize("bits", range(9, 16))
def test_every_window_size_in_both_directions(taking_over, join, bits):
    offer = f"permessage-deflate; server_max_window_bits={bits}; client_max_window_bits={bits}"
    client = join(taking_over.fixed_port, offer)
    assert client.agreed.window_bits("server") == client.agreed.window_bits("client") == bits
    for seed in (1, 1, 2, 1):
        client.expect_echo(words(100_000, seed))


@pytest.mark.parametrize("bits", (9, 12))
def test_smaller_window_of_ours(servers, join, bits):
    server = servers(count=1, options=[*QUIET, "--deflate", *TAKEOVER, "--deflate-window-bits", bits, "--deflate-mem-level", 1])
    server.start()
    client = join(server.port)
    assert client.agreed.window_bits("server") == client.agreed.window_bits("client") == bits
    for seed in (1, 1, 2, 1):
        client.expect_echo(words(100_000, seed))
    # One that cannot be asked uses what it likes.
    silent = join(server.port, "permessage-deflate")
    assert silent.agreed.window_bits("client") == 15
    for seed in (1, 1, 2, 1):
        silent.expect_echo(words(100_000, seed))


def test_thousands_of_messages_with_takeover(taking_over, join):
    client = join(taking_over.fixed_port)
    for number in range(3000):
        client.expect_echo(words(number % 700 + 1, seed=number % 11))


# ---- publications ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["/plain/ch", "/oldest/ch", "/batch/ch"])
def test_publications_reach_clients_of_every_kind(servers, app, join, connect, channel):  # noqa: F811
    """On two workers; each kind of client reads them with the window that it agreed on."""
    server = servers(app=app, count=2, options=["--deflate", *TAKEOVER])
    server.start()
    small_window, no_takeover = "permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_no_context_takeover"
    clients = [join(server.port, offer, channel) for offer in (BROWSER, small_window, no_takeover) for _ in range(3)]
    speaker = Person(connect, server.port, channel)
    await_subscribers(speaker, channel, len(clients) + 1)
    said = ['"' + words(size, seed).decode() + '"' for size, seed in ((50, 1), (1000, 1), (1000, 1), (40_000, 2), (1000, 1))]
    for message in said:
        speaker.say(message)
        for client in clients:
            opcode, payload, is_compressed = client.receive_any()
            assert (opcode, payload.decode().strip("[]")) == (TEXT, message)
            assert is_compressed == (len(payload) >= 256)
    for client in clients:
        assert client.nothing_comes(0.05)


# ---- reloads ---------------------------------------------------------------------------------------------------------


@pytest.mark.smoke
@pytest.mark.parametrize("options", [[], TAKEOVER], ids=["no takeover", "takeover"])
def test_compressed_conversations_survive_reloads(servers, join, options):
    server = servers(count=2, options=[*QUIET, "--deflate", *options])
    server.start()
    clients = [join(server.port) for _ in range(12)]
    stop = threading.Event()
    failures = []

    def converse(client, number):
        try:
            for turn in itertools.count():
                client.expect_echo(words(300 + turn % 5 * 400, seed=number + turn % 3), TEXT, 37 if turn % 2 else None)
                if stop.is_set():
                    return
        except AssertionError as failure:
            failures.append((number, failure))

    threads = [threading.Thread(target=converse, args=(client, number)) for number, client in enumerate(clients)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        result = server.cli("reload")
        assert result.returncode == 0, result.stderr
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert server.connections() == len(clients)


@pytest.mark.parametrize("options", [[], TAKEOVER], ids=["no takeover", "takeover"])
def test_half_a_compressed_message_crosses_a_reload(servers, join, options):
    server = servers(count=1, options=[*QUIET, "--deflate", *options])
    server.start()
    client = join(server.port)
    client.expect_echo(words(900))
    for cut in (1, 3, 8, 30):
        whole = client.message(words(1000, seed=cut), size=20)
        client.send(whole[:cut])
        client.wait_read()
        assert server.cli("reload").returncode == 0
        client.send(whole[cut:])
        assert client.receive_any() == (TEXT, words(1000, seed=cut), True)
        client.expect_echo(words(900))


def test_reload_changes_it_for_new_connections(servers, join):
    server = servers(count=1, options=[*QUIET, "--deflate", *TAKEOVER])
    server.start()
    old = join(server.port)
    assert old.expect_echo(words(1000)) is True
    assert server.cli("reload", "--no-deflate").returncode == 0
    assert join(server.port).agreed is None
    assert old.expect_echo(words(1000)) is False, "we compress nothing more; what it compresses is still read"
    assert server.cli("reload", "--deflate", "--no-deflate-client-takeover", "--deflate-window-bits", 10).returncode == 0
    new = join(server.port)
    assert new.agreed.values == {"client_no_context_takeover": "", "server_max_window_bits": "10", "client_max_window_bits": "10"}
    for client in (old, new):
        assert client.expect_echo(words(50_000)) is True


# ---- clients that are not ours ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [[], TAKEOVER, ["--deflate-window-bits", 10, *TAKEOVER]], ids=["plain", "takeover", "small"])
@pytest.mark.parametrize("server_no, client_no", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("server_bits, client_bits", [(None, True), (9, True), (15, 9), (12, None)])
def test_websockets_converses_compressed(matrix_servers, options, server_no, client_no, server_bits, client_bits):
    websockets = pytest.importorskip("websockets")
    from websockets.extensions import permessage_deflate

    offer = permessage_deflate.ClientPerMessageDeflateFactory(
        server_no_context_takeover=server_no,
        client_no_context_takeover=client_no,
        server_max_window_bits=server_bits,
        client_max_window_bits=client_bits,
    )
    url = matrix_servers(options)

    async def converse():
        async with websockets.connect(url, extensions=[offer], compression=None) as client:
            assert [extension.name for extension in client.extensions] == ["permessage-deflate"]
            for size in (0, 1, 100, 1000, 1000, 40_000, 300_000):
                message = words(size).decode()
                await client.send(message)
                assert await client.recv() == message
                await client.send(message.encode())
                assert await client.recv() == message.encode()
            await client.send(["in ", "frag", "ments " * 300])
            assert await client.recv() == "in frag" + "ments " * 300

    asyncio.run(converse())


@pytest.fixture(scope="module")
def matrix_servers():
    """The URL of a server with these options, one for each set of them."""
    import contextlib

    with contextlib.ExitStack() as stack:
        urls = {}

        def url_for(options):
            key = tuple(options)
            if key not in urls:
                server = stack.enter_context(shared_server(count=1, options=[*QUIET, "--deflate", *options]))
                urls[key] = server.urls()[0]
            return urls[key]

        yield url_for


@pytest.mark.smoke
def test_websockets_by_default(deflating):
    websockets = pytest.importorskip("websockets")

    async def converse():
        async with websockets.connect(deflating.urls()[0], compression="deflate") as client:
            assert len(client.extensions) == 1
            message = words(5000).decode()
            await client.send(message)
            assert await client.recv() == message

    asyncio.run(converse())


@pytest.mark.parametrize("options", [[], TAKEOVER], ids=["plain", "takeover"])
@pytest.mark.parametrize(
    "client_options",
    [
        "true",
        '{"threshold":0}',
        '{"serverNoContextTakeover":true,"threshold":0}',
        '{"clientNoContextTakeover":true,"threshold":0}',
        '{"serverMaxWindowBits":9,"clientMaxWindowBits":9,"threshold":0}',
    ],
)
def test_ws_of_node_converses_compressed(matrix_servers, options, client_options):
    if not shutil.which("node") or not (NODE / "node_modules/ws").is_dir():
        pytest.skip("node or npm's ws is not there (npm ci in tests/integration/node)")
    command = ["node", "deflate.mjs", matrix_servers(options), client_options]
    result = subprocess.run(command, cwd=NODE, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1] == "ok"


def test_autobahn_converses_compressed(deflating):
    pytest.importorskip("autobahn")
    from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol
    from autobahn.websocket.compress import (
        PerMessageDeflateOffer,
        PerMessageDeflateResponse,
        PerMessageDeflateResponseAccept,
    )

    received, agreed = [], []
    messages = [words(size) for size in (10, 1000, 50_000)]

    async def converse():
        loop = asyncio.get_running_loop()
        done = loop.create_future()

        class Client(WebSocketClientProtocol):
            def onConnect(self, response):
                agreed.extend(response.extensions)

            def onOpen(self):
                self.sendMessage(messages[0])

            def onMessage(self, payload, isBinary):
                received.append(payload)
                if len(received) < len(messages):
                    self.sendMessage(messages[len(received)])
                else:
                    self.sendClose(1000)

            def onClose(self, wasClean, code, reason):
                done.set_result(wasClean)

        factory = WebSocketClientFactory(deflating.urls()[0], loop=loop)
        factory.protocol = Client
        factory.setProtocolOptions(
            perMessageCompressionOffers=[PerMessageDeflateOffer()],
            perMessageCompressionAccept=lambda response: PerMessageDeflateResponseAccept(response)
            if isinstance(response, PerMessageDeflateResponse)
            else None,
        )
        await loop.create_connection(factory, "127.0.0.1", deflating.fixed_port)
        return await asyncio.wait_for(done, 15)

    assert asyncio.run(converse())
    assert received == messages
    assert agreed


# ---- memory ----------------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.release
@pytest.mark.timeout(300)
def test_streams_of_many_connections_are_given_back(servers):
    """Crowd after crowd takes no more than one crowd's streams. Not at once as much as that: pages of a stream that
    nothing was written to yet are no memory, until another stream has the same block."""
    server = servers(count=1, options=[*QUIET, "--deflate", *TAKEOVER])
    server.start()
    pid = server.worker(0)["pid"]
    before, size = rss_bytes(pid), 300

    def crowd():
        clients = [DeflateClient(server.port) for _ in range(size)]
        for client in clients:
            client.open()
        for _ in range(15):
            for client in clients:
                client.expect_echo(words(1000))
        for client in clients:
            client.abandon()
        wait_until(lambda: server.connections() == 0)
        return (rss_bytes(pid) - before) // size

    costs = [crowd() for _ in range(12)]
    assert max(costs) < 330 << 10, costs

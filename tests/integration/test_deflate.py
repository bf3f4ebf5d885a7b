"""permessage-deflate (RFC 7692): the handshake, the cases of Autobahn's sections 12 and 13, clients that are not ours,
and what a reload does to compressed conversations."""

import asyncio
import itertools
import json
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

# (size of the messages, of their fragments), x.1 to x.18 of each subsection.
FORMS = [(size, None) for size in (16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072)]
FORMS += [(size, 256) for size in (8192, 16384, 32768, 65536, 131072)] + [(131072, size) for size in (1024, 4096, 32768)]


def json_text(rng):
    rows = ({"id": rng.randrange(10**6), "name": rng.choice(["Ada", "Lin"]), "tags": rng.sample("abcdef", 3)} for _ in range(6000))
    return json.dumps(list(rows)).encode()


def html_text(rng):
    return b"".join(b"<p class='p%d'><a href='/%d'>line</a></p>\n" % (rng.randrange(9), rng.randrange(10**4)) for _ in range(9000))


def bitmap(rng):
    return b"BM" + bytes((x * y // 512 + rng.randrange(4)) & 0xFF for y in range(512) for x in range(512))


def document(rng):
    """As a PDF: what is compressed already, and headings between."""
    return b"".join(b"%d 0 obj << /Length 4000 >> stream\n" % n + rng.randbytes(4000) + b"\nendstream\n" for n in range(90))


DATA = {  # 12.1 to 12.5: (what the messages are pieces of, their type)
    "12.1": (words(300_000), BINARY),
    "12.2": (bitmap(random.Random(2)), BINARY),
    "12.3": (document(random.Random(3)), BINARY),
    "12.4": (json_text(random.Random(4)), TEXT),
    "12.5": (html_text(random.Random(5)), TEXT),
}
# 13.1 to 13.7, as python3-autobahn spells them: (the offers, what is answered beside client_no_context_takeover).
EACH = "permessage-deflate; client_no_context_takeover; client_max_window_bits"
OFFERS = {
    "13.1": (EACH, {}),
    "13.2": (f"{EACH}; server_no_context_takeover", {"server_no_context_takeover": ""}),
    "13.3": (f"{EACH}; server_max_window_bits=9", {"server_max_window_bits": "9"}),
    "13.4": (f"{EACH}; server_max_window_bits=15", {"server_max_window_bits": "15"}),
    "13.5": (
        f"{EACH}; server_no_context_takeover; server_max_window_bits=9",
        {"server_no_context_takeover": "", "server_max_window_bits": "9"},
    ),
    "13.6": (
        f"{EACH}; server_no_context_takeover; server_max_window_bits=15",
        {"server_no_context_takeover": "", "server_max_window_bits": "15"},
    ),
    "13.7": (
        f"{EACH}; server_no_context_takeover; server_max_window_bits=8, {EACH}; server_no_context_takeover, {EACH}",
        {"server_no_context_takeover": ""},
    ),
}


def expect_case(client, data, opcode, size, fragment, count):
    """So many messages, each the next piece of the data, which begins again where it ends."""
    for number in range(count):
        begin = number * size % len(data)
        message = (data[begin:] + data)[:size] if begin + size > len(data) else data[begin : begin + size]
        client.expect_echo(message, opcode, fragment)


def some(size):
    return 20 if size <= 4096 else 5


@pytest.mark.parametrize("section", DATA)
def test_payloads(deflating, taking_over, join, section):
    for server, (size, fragment) in itertools.product((deflating, taking_over), FORMS):
        expect_case(join(server.fixed_port), *DATA[section], size, fragment, some(size))


@pytest.mark.parametrize("section", OFFERS)
def test_offers(deflating, taking_over, join, section):
    offers, answer = OFFERS[section]
    for server, (size, fragment) in itertools.product((deflating, taking_over), FORMS):
        client = join(server.fixed_port, offers)
        no_takeover = dict.fromkeys(NO_TAKEOVER, "") if server is deflating else {"client_no_context_takeover": ""}
        assert client.agreed.values == no_takeover | answer
        expect_case(client, *DATA["12.4"], size, fragment, some(size))


@pytest.mark.parametrize("section", [*DATA, *OFFERS])
@pytest.mark.long
@pytest.mark.release
@pytest.mark.timeout(900)
def test_a_thousand_messages_of_each_case(taking_over, join, section):
    data, opcode = DATA.get(section, DATA["12.4"])
    offers, _ = OFFERS.get(section, (EACH, None))
    for size, fragment in FORMS:
        expect_case(join(taking_over.fixed_port, offers), data, opcode, size, fragment, 1000)


@pytest.mark.parametrize("section", ["13.3", "13.5"])
def test_a_window_of_8_bits_is_declined_and_all_goes_on_without(deflating, join, section):
    """As the first edition of these cases asks for."""
    client = join(deflating.fixed_port, OFFERS[section][0].replace("server_max_window_bits=9", "server_max_window_bits=8"))
    assert client.agreed is None
    assert client.echo(words(1000)) == (TEXT, words(1000))


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


@pytest.mark.parametrize("fragment", [0, 256])
@pytest.mark.parametrize("section", OFFERS)
def test_autobahn_converses_compressed(deflating, section, fragment):
    """The library behind the cases above, with the offers of each."""
    pytest.importorskip("autobahn")
    from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol
    from autobahn.websocket.compress import (
        PerMessageDeflateOffer,
        PerMessageDeflateResponse,
        PerMessageDeflateResponseAccept,
    )

    received, agreed = [], []
    messages = [words(size) for size in (10, 1000, 50_000)]
    wishes = {"13.1": [(False, 0)], "13.2": [(True, 0)], "13.3": [(False, 9)], "13.4": [(False, 15)], "13.5": [(True, 9)],
              "13.6": [(True, 15)], "13.7": [(True, 9), (True, 0), (False, 0)]}  # fmt: skip
    offers = [PerMessageDeflateOffer(request_no_context_takeover=no, request_max_window_bits=bits) for no, bits in wishes[section]]

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
            autoFragmentSize=fragment,
            perMessageCompressionOffers=offers,
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


@pytest.mark.release
def test_memory_of_clients_that_left_goes_back_to_the_system(servers):
    """Also where those that stay have theirs between theirs."""
    server = servers(count=1, options=[*QUIET, "--deflate", *TAKEOVER])
    server.start()
    pid = server.worker(0)["pid"]
    before = rss_bytes(pid)
    clients = [DeflateClient(server.port) for _ in range(200)]
    for client in clients:
        client.open()
        for seed in range(3):
            client.expect_echo(words(20_000, seed))
    crowd = rss_bytes(pid) - before
    assert crowd > 200 * (200 << 10)
    for client in clients:
        if client not in clients[::10]:
            client.abandon()
    wait_until(lambda: rss_bytes(pid) - before < 0.3 * crowd, timeout=10)
    clients[0].expect_echo(words(20_000, 3))


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


@pytest.mark.long
@pytest.mark.release
@pytest.mark.timeout(900)
@pytest.mark.parametrize("options", [[], TAKEOVER], ids=["no takeover", "takeover"])
def test_a_million_compressed_messages_leave_nothing_behind(servers, options):
    """Twice ten thousand clients with a hundred messages each, one crowd after the other. All say the same, so that what
    they say is compressed once, and what they hear is compared with what the first one has read."""
    server = servers(count=1, options=[*QUIET, "--deflate", "--ping-interval", 3600, *options])
    server.start()
    pid, port, size = server.worker(0)["pid"], server.port, 10_000

    def crowd():
        clients = [DeflateClient(port) for _ in range(size)]
        for client in clients:
            client.open()
        for turn in range(10):
            said = b"".join(clients[0].message(words(1000, seed=turn * 10 + number)) for number in range(10))
            clients[0].send(said)
            for number in range(10):
                assert clients[0].receive_any() == (TEXT, words(1000, seed=turn * 10 + number), True)
            clients[1].send(said)
            heard = b"".join(clients[1].take_frame() for _ in range(10))
            for client in clients[2:]:
                client.send(said)
            for client in clients[2:]:
                assert client.take(len(heard)) == heard
        while_there = rss_bytes(pid)
        for client in clients:
            client.abandon()
        wait_until(lambda: server.connections() == 0, timeout=60)
        return while_there, rss_bytes(pid)

    (first_there, first), (second_there, second) = crowd(), crowd()
    print(f"RSS: {first_there}, after they went {first}; the second crowd {second_there}, then {second}")
    assert second_there <= first_there * 1.05
    assert second <= first * 1.05

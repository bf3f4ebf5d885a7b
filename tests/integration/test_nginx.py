"""wsd behind a real nginx, configured by the committed examples: TLS, over TCP and over a unix socket."""

import asyncio
import http.client
import os
import pathlib
import re
import shutil
import socket
import ssl
import struct
import subprocess
import threading

import pytest

import nginx as nginx_harness
from nginx import Nginx
from server import scratch_directory, shared_server, wait_until

websockets = pytest.importorskip("websockets")
pytestmark = pytest.mark.skipif(nginx_harness.binary() is None, reason="nginx is not there (scripts/setup --tests)")

NODE = pathlib.Path(__file__).parent / "node"

# Says who the client is, closes when asked to, tells the log how it was closed, and else sends every message back.
APP = """
#include <wsd/app.h>

#include <string>

WSD_APP(app) {
  app.on_message = [](wsd::Connection& connection, wsd::Message message) {
    if (message.data == "who am I") return void(connection.send(connection.remote_address()));
    if (message.data == "close me") return connection.close(4002, "as you said");
    connection.send(message.data, message.type);
  };
  app.on_close = [](wsd::Connection& connection, wsd::CloseInfo info) {
    connection.worker().log("closed with " + std::to_string(info.code) + " " + std::string(info.reason));
  };
}
"""


@pytest.fixture(scope="module")
def app():
    with scratch_directory() as directory:
        source = directory / "app.cpp"
        source.write_text(APP)
        yield str(source)


@pytest.fixture(scope="module", params=["tcp", "unix"])
def behind(request, app):
    """A server and the nginx in front of it: server, nginx."""
    with scratch_directory() as directory:
        path = directory / "ws.sock"
        over_unix = request.param == "unix"
        listen = [f"unix:{path}" if over_unix else "ws://127.0.0.1:0"]
        trusted = "unix:" if over_unix else "127.0.0.1"
        with shared_server(app=app, listen=listen, options=["--trusted-proxy", trusted, "--deflate"]) as server:
            upstream = f"unix:{path}" if over_unix else f"127.0.0.1:{server.port}"
            front = Nginx(directory, upstream).start()
            yield server, front
            front.stop()


@pytest.fixture
def fronts():
    """Makes nginxes that are stopped at the end."""
    made = []
    with scratch_directory() as directory:

        def make(*arguments, **options):
            place = directory / f"n{len(made)}"
            place.mkdir()
            made.append(Nginx(place, *arguments, **options))
            return made[-1].start()

        yield make
        for front in made:
            front.stop()


def tls(front):
    return ssl.create_default_context(cafile=front.certificate)


def connect(front, **options):
    return websockets.connect(front.url, ssl=tls(front), max_size=None, **options)


def talk(conversation):
    return asyncio.run(asyncio.wait_for(conversation, 60))


def get(connection, path="/", **headers):
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    return response.status, response.read()


# ---- WebSockets through nginx ----------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_messages_of_every_size_come_back(behind):
    _, front = behind

    async def converse():
        async with connect(front, compression=None) as client:
            for size in (0, 1, 125, 126, 65535, 65536, 1 << 20):
                for message in ("x" * size, b"\x00\xff" * (size // 2)):
                    await client.send(message)
                    assert await client.recv() == message
            await client.send(["in ", "three ", "pieces"])
            assert await client.recv() == "in three pieces"
            await asyncio.wait_for(await client.ping(b"beat"), 10)

    talk(converse())


def test_compressed_messages_come_back(behind):
    _, front = behind

    async def converse():
        async with connect(front) as client:
            assert [extension.name for extension in client.extensions] == ["permessage-deflate"]
            for message in ("short", "x" * (1 << 20)):
                await client.send(message)
                assert await client.recv() == message

    talk(converse())


@pytest.mark.smoke
def test_the_app_sees_the_clients_address(behind):
    _, front = behind

    async def who(source, **headers):
        async with connect(front, local_addr=(source, 0), extra_headers=headers) as client:
            await client.send("who am I")
            return await client.recv()

    async def ask():
        assert await who("127.0.0.1") == "127.0.0.1"
        assert await who("127.0.0.77") == "127.0.0.77"
        forged = {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9"}
        assert await who("127.0.0.77", **forged) == "127.0.0.77", "nginx writes behind what the client wrote"

    talk(ask())


def test_close_codes_go_both_ways(behind):
    server, front = behind

    async def converse():
        async with connect(front) as client:
            await client.close(4001, "enough")
        assert client.close_code == 4001
        client = await connect(front)
        await client.send("close me")
        with pytest.raises(websockets.ConnectionClosed):
            await client.recv()
        assert (client.close_code, client.close_reason) == (4002, "as you said")

    talk(converse())
    wait_until(lambda: "closed with 4001 enough" in server.log(), what="the app hears the client's code")


def test_a_client_that_vanishes_is_noticed(behind):
    server, front = behind
    before = server.connections()

    async def vanish():
        clients = [await connect(front) for _ in range(5)]
        wait_until(lambda: server.connections() == before + 5)
        for client in clients:
            client.transport.abort()

    talk(vanish())
    wait_until(lambda: server.connections() == before)


def test_ws_of_node_converses(servers, fronts):
    if not shutil.which("node") or not (NODE / "node_modules/ws").is_dir():
        pytest.skip("node or npm's ws is not there (npm ci in tests/integration/node)")
    server = servers()
    server.start()
    front = fronts(f"127.0.0.1:{server.port}")
    result = subprocess.run(
        ["node", "client.mjs", front.url],
        cwd=NODE,
        env=os.environ | {"NODE_EXTRA_CA_CERTS": str(front.certificate)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1] == "ok"


@pytest.mark.smoke
def test_reloads_under_load_close_nobody(behind):
    server, front = behind

    async def speak(client, number, done):
        spoken = 0
        while not done.is_set() or spoken < 3:
            message = f"{number} {spoken} " + "x" * (spoken % 300)
            await client.send(message)
            assert await asyncio.wait_for(client.recv(), 30) == message
            spoken += 1
        return spoken

    async def reload_under_load():
        clients = [await connect(front, open_timeout=30, ping_interval=None) for _ in range(40)]
        done = asyncio.Event()
        speakers = [asyncio.create_task(speak(client, number, done)) for number, client in enumerate(clients)]
        for command in ("reload", "upgrade", "reload"):
            result = await asyncio.to_thread(server.cli, command)
            assert result.returncode == 0, result.stderr
            async with connect(front) as newcomer:
                await newcomer.send("new")
                assert await newcomer.recv() == "new"
        done.set()
        assert all(spoken >= 3 for spoken in await asyncio.gather(*speakers))
        assert all(client.open for client in clients)
        for client in clients:
            await client.close()

    asyncio.run(asyncio.wait_for(reload_under_load(), 180))


def test_pings_keep_a_silent_client_open(servers, fronts):
    """nginx ends what is silent for longer than its timeout; wsd's pings see to it that nothing is."""
    server = servers(options=["--set", "prefix=", "--ping-interval", 0.5, "--ping-misses", 20])
    server.start()
    front = fronts(f"127.0.0.1:{server.port}", timeout="2s")

    async def wait():
        async with connect(front, ping_interval=None) as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.recv(), 5)
            await client.send("still here")
            assert await client.recv() == "still here"

    talk(wait())


def test_the_examples_timeouts_fit_the_ping_interval():
    for name, directives in (("wsd.conf", ("proxy_read_timeout", "proxy_send_timeout")), ("stream.conf", ("proxy_timeout",))):
        text = (nginx_harness.EXAMPLES / name).read_text()
        for directive in directives:
            assert int(re.search(rf"^\s*{directive} (\d+)s;", text, re.MULTILINE)[1]) >= 2 * 25, (name, directive)


def test_the_examples_show_both_ways_to_wsd():
    for name in ("wsd.conf", "stream.conf"):
        assert "# server unix:/run/wsd/ws.sock;" in (nginx_harness.EXAMPLES / name).read_text()


# ---- beside it -------------------------------------------------------------------------------------------------------


def test_plain_requests_reach_wsd_too(servers, fronts):
    server = servers()
    server.start()
    front = fronts(f"127.0.0.1:{server.port}")
    secure = http.client.HTTPSConnection("127.0.0.1", front.port, context=tls(front), timeout=15)
    status, body = get(secure)
    assert status == 200 and b"<html" in body.lower(), "the built-in app's page"
    secure.close()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_is_refused(behind):
    _, front = behind
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", front.port)) as plain, pytest.raises(ssl.SSLError):
        old.wrap_socket(plain)


def test_static_files_are_on_the_plain_port(behind):
    _, front = behind
    (front.root / "index.html").write_text("static")
    plain = http.client.HTTPConnection("127.0.0.1", front.plain_port, timeout=15)
    assert get(plain) == (200, b"static")
    assert get(plain, "/none.html")[0] == 404
    plain.close()


def test_php_is_beside_it(behind):
    _, front = behind
    script = front.root / "hello.php"
    script.write_text("<?php")
    responder = FastCgiResponder(front.fastcgi)
    secure = http.client.HTTPSConnection("127.0.0.1", front.port, context=tls(front), timeout=15)
    assert get(secure, "/hello.php") == (200, b"from " + str(script).encode())
    assert get(secure, "/none.php")[0] == 404
    secure.close()
    responder.stop()


class FastCgiResponder:
    """Answers one FastCGI request as PHP-FPM would, with the script that it is asked to run."""

    def __init__(self, path):
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        client, _ = self.listener.accept()
        with client, client.makefile("rb") as stream:
            parameters = b""
            while True:
                _, kind, request, size, padding = struct.unpack(">BBHHBx", stream.read(8))
                content = stream.read(size)
                stream.read(padding)
                parameters += content if kind == 4 else b""
                if kind == 5 and not content:  # the end of its input
                    break
            script = re.search(rb"SCRIPT_FILENAME(/[^\x00-\x1f]+?\.php)", parameters)[1]
            body = b"Content-Type: text/plain\r\n\r\nfrom " + script
            client.sendall(struct.pack(">BBHHBx", 1, 6, request, len(body), 0) + body)
            client.sendall(struct.pack(">BBHHBx", 1, 3, request, 8, 0) + bytes(8))

    def stop(self):
        self.thread.join(timeout=15)
        self.listener.close()
        self.path.unlink()


# ---- the PROXY protocol ----------------------------------------------------------------------------------------------


@pytest.mark.skipif(not nginx_harness.STREAM_MODULE.exists(), reason="nginx's stream module is not there")
@pytest.mark.parametrize("over_unix", [False, True], ids=["tcp", "unix"])
def test_nginx_names_the_client_by_the_proxy_protocol(servers, fronts, app, directory, over_unix):
    path = directory / "ws.sock"
    if over_unix:
        server = servers(app=app, listen=[f"unix:{path}?proxy"])
    else:
        server = servers(app=app, listen=["ws://127.0.0.1:0?proxy"], options=["--trusted-proxy", "127.0.0.1"])
    server.start()
    upstream = f"unix:{path}" if over_unix else f"127.0.0.1:{server.port}"
    front = fronts(upstream, stream=True)

    async def who():
        async with connect(front, local_addr=("127.0.0.77", 0)) as client:
            await client.send("who am I")
            assert await client.recv() == "127.0.0.77"
            assert (await asyncio.to_thread(server.cli, "reload")).returncode == 0
            await client.send("who am I")
            assert await client.recv() == "127.0.0.77"

    talk(who())

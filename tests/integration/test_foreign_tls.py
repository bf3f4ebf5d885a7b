"""wss with clients that are not ours: Chromium, python3-websockets, npm's ws and openssl s_client, straight and through
nginx, plain and compressed, each across reloads."""

import asyncio
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess

import pytest

import browser as chromium
import nginx as nginx_harness
from clients import BINARY, TEXT, frame
from deflate_client import BROWSER, DeflateClient, words
from nginx import Nginx
from server import scratch_directory, wait_until

NODE = pathlib.Path(__file__).parent / "node"
SIZES = [0, 1, 125, 126, 1000, 1000, 70_000, 300_000]
COMPRESSION = {
    "plain": [],
    "deflate": ["--deflate"],
    "takeover": ["--deflate", "--deflate-server-takeover", "--deflate-client-takeover"],
}


class Websockets:
    """python3-websockets, in a loop of its own that runs while it is asked to do something."""

    def __init__(self, url, ca, compressed):
        websockets = pytest.importorskip("websockets")
        self.loop = asyncio.new_event_loop()
        tls = ssl.create_default_context(cafile=ca)
        options = {"compression": "deflate" if compressed else None, "max_size": None, "ping_interval": None}
        self.client = self.wait_for(self.connect(websockets, url, tls, options))
        self.extensions = ", ".join(extension.name for extension in self.client.extensions)

    @staticmethod
    async def connect(websockets, url, tls, options):
        return await websockets.connect(url, ssl=tls, **options)

    def wait_for(self, what):
        return self.loop.run_until_complete(asyncio.wait_for(what, 60))

    def talk(self):
        for size in SIZES:
            for message in (words(size).decode(), words(size, seed=2)):
                self.wait_for(self.client.send(message))
                assert self.wait_for(self.client.recv()) == message

    def close(self):
        self.wait_for(self.client.close())
        assert self.client.close_code == 1000
        self.loop.close()


class Ws:
    """npm's ws."""

    def __init__(self, url, ca, compressed):
        if not shutil.which("node") or not (NODE / "node_modules/ws").is_dir():
            pytest.skip("node or npm's ws is not there (npm ci in tests/integration/node)")
        options = '{"threshold": 0}' if compressed else "false"
        self.process = subprocess.Popen(
            ["node", "conversation.mjs", url, options],
            cwd=NODE,
            env=os.environ | {"NODE_EXTRA_CA_CERTS": str(ca)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.extensions = self.process.stdout.readline().strip()

    def talk(self):
        self.process.stdin.write(json.dumps(SIZES) + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "ok\n"

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=20) == 0
        self.process.stdout.close()


class SClient(DeflateClient):
    """Our bytes, and openssl s_client's TLS around them."""

    def __init__(self, url, ca, compressed):
        place = url.removeprefix("wss://").rstrip("/")
        self.socket, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-quiet", "-connect", place, "-CAfile", ca, "-verify_return_error"],
            stdin=theirs,
            stdout=theirs,
            stderr=subprocess.DEVNULL,
        )
        theirs.close()
        self.received = b""
        self.open(BROWSER if compressed else None)
        self.extensions = "permessage-deflate" if self.agreed else ""

    def talk(self):
        for size in SIZES:
            for opcode, message in ((TEXT, words(size)), (BINARY, words(size, seed=2))):
                self.send(self.message(message, opcode) if self.agreed else frame(opcode, message))
                assert self.receive_any()[:2] == (opcode, message)

    def close(self):
        self.close_cleanly()
        assert self.process.wait(timeout=20) == 0


class Chromium:
    """A page of the server's own, in a browser that takes every certificate; its script speaks to where it came from."""

    PREPARE = """
      globalThis.client = new WebSocket(`wss://${location.host}/`);
      client.binaryType = "arraybuffer";
      globalThis.echo = (message) => new Promise((done, failed) => {
        client.onmessage = (event) => done(event.data);
        client.onclose = (event) => failed(new Error(`closed: ${event.code} ${event.reason}`));
        client.send(message);
      });
      globalThis.talk = async (sizes) => {
        for (const size of sizes) {
          const text = "hello 世界 danmaku ".repeat(size).slice(0, size);
          if ((await echo(text)) !== text) return `another text of ${size}`;
          const bytes = new TextEncoder().encode(text);
          if (new TextDecoder().decode(await echo(bytes)) !== text) return `other bytes of ${size}`;
        }
        return "ok";
      };
      new Promise((done, failed) => { client.onopen = () => done(client.extensions); client.onerror = failed; })"""

    def __init__(self, browser, url):
        self.page = browser.open(url.replace("wss://", "https://"))
        self.extensions = self.page.evaluate(self.PREPARE)

    def talk(self):
        assert self.page.evaluate(f"talk({json.dumps(SIZES)})") == "ok"

    def close(self):
        closed = "new Promise((done) => { client.onclose = (event) => done([event.code, event.wasClean]); client.close(1000); })"
        assert self.page.evaluate(closed) == [1000, True]


@pytest.fixture(scope="module")
def lenient_browser():
    if reason := chromium.why_not():
        pytest.skip(reason)
    with scratch_directory() as directory:
        made = chromium.Browser(directory, "--ignore-certificate-errors")
        yield made
        made.close()


@pytest.fixture(params=["straight", "through nginx"])
def serve(request, servers, authority, directory):
    """serve(options): a running server, the URL at which it is reached, and the authority that vouches for it."""
    fronts = []

    def make(options):
        if request.param == "straight":
            pair = authority.server("localhost")
            server = servers(listen=["wss://127.0.0.1:0"], options=["--set", "prefix=", *pair.options(), *options])
            server.start()
            return server, f"wss://localhost:{server.port}/", authority.cert
        if nginx_harness.binary() is None:
            pytest.skip("nginx is not there (scripts/setup --tests)")
        server = servers(options=["--set", "prefix=", *options])
        server.start()
        fronts.append(Nginx(directory, f"127.0.0.1:{server.port}").start())
        return server, f"wss://localhost:{fronts[0].port}/", fronts[0].certificate

    yield make
    for front in fronts:
        front.stop()


def hold_conversation(server, client, compressed):
    """Before, between and after reloads."""
    assert client.extensions.startswith("permessage-deflate") if compressed else client.extensions == ""
    client.talk()
    for _ in range(2):
        result = server.cli("reload")
        assert result.returncode == 0, result.stderr
        client.talk()
    client.close()
    wait_until(lambda: server.connections() == 0 and server.status()["relays"] == [])
    assert server.status()["totals"]["protocol_errors"] == 0


@pytest.mark.parametrize("compression", COMPRESSION)
@pytest.mark.parametrize("kind", [Websockets, Ws, SClient], ids=["websockets", "ws", "s_client"])
def test_a_library_converses(serve, kind, compression):
    options = COMPRESSION[compression]
    server, url, ca = serve(options)
    hold_conversation(server, kind(url, ca, bool(options)), bool(options))


@pytest.mark.parametrize("compression", COMPRESSION)
def test_chromium_converses(serve, lenient_browser, compression):
    options = COMPRESSION[compression]
    server, url, _ = serve(options)
    hold_conversation(server, Chromium(lenient_browser, url), bool(options))
    lenient_browser.finish()


def test_a_client_without_deflate_converses_with_a_server_that_has_it(serve):
    server, url, ca = serve(COMPRESSION["deflate"])
    hold_conversation(server, Websockets(url, ca, False), False)

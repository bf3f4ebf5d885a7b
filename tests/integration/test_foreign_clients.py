"""Clients that are not ours: Debian's python3-websockets and python3-autobahn, npm's ws, and curl's plain HTTP."""

import asyncio
import pathlib
import shutil
import subprocess

import pytest

from server import send_signal, wait_until

websockets = pytest.importorskip("websockets")

NODE = pathlib.Path(__file__).parent / "node"


@pytest.mark.smoke
def test_websockets_converses(servers):
    server = servers()
    server.start()

    async def converse():
        async with websockets.connect(server.urls()[0]) as client:
            await client.send("world")
            assert await client.recv() == "hello world"
            await client.send(b"\x00\x01")
            assert await client.recv() == b"hello \x00\x01"
            await client.send(["in ", "three ", "pieces"])
            assert await client.recv() == "hello in three pieces"
            await asyncio.wait_for(await client.ping(b"are you there"), 15)
        assert client.close_code == 1000

    asyncio.run(converse())


def test_websockets_large_and_many(servers):
    server = servers(count=2, options=["--set", "prefix="])
    server.start()
    url = server.urls()[0]

    async def one(number):
        async with websockets.connect(url, max_size=None, compression=None) as client:
            for size in (0, 125, 126, 65535, 65536, 1 << 20):
                message = bytes([number % 256]) * size
                await client.send(message)
                assert await client.recv() == message

    async def many():
        await asyncio.gather(*(one(number) for number in range(20)))

    asyncio.run(many())
    wait_until(lambda: server.connections() == 0)
    assert server.status()["totals"]["protocol_errors"] == 0


def test_websockets_sees_1001_at_a_stop(servers):
    server = servers()
    server.start()
    url, master = server.urls()[0], server.master

    async def wait_for_the_end():
        async with websockets.connect(url) as client:
            send_signal(master, 15)
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(client.recv(), 10)
            return client.close_code

    assert asyncio.run(wait_for_the_end()) == 1001


def test_websockets_survives_server_pings(servers):
    server = servers(options=["--ping-interval", 0.2, "--ping-misses", 20])
    server.start()

    async def idle():
        async with websockets.connect(server.urls()[0]) as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.recv(), 1.5)
            await client.send("still")
            assert await client.recv() == "hello still"

    asyncio.run(idle())


@pytest.mark.smoke
def test_autobahn_converses(servers):
    pytest.importorskip("autobahn")
    from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol

    server = servers()
    server.start()
    url, port = server.urls()[0], server.port
    received = []

    async def converse():
        loop = asyncio.get_running_loop()
        closed = loop.create_future()

        class Client(WebSocketClientProtocol):
            def onOpen(self):
                self.sendMessage("wörld".encode())

            def onMessage(self, payload, isBinary):
                received.append((payload, isBinary))
                if len(received) == 1:
                    self.sendMessage(b"\xff\x00", isBinary=True)
                elif len(received) == 2:
                    self.beginMessage(isBinary=False)
                    self.sendMessageFrame(b"fragment")
                    self.sendPing(b"between")
                    self.sendMessageFrame(b"ed")
                    self.endMessage()
                else:
                    self.sendClose(3000, "enough")

            def onPong(self, payload):
                received.append((payload, "pong"))

            def onClose(self, wasClean, code, reason):
                closed.set_result((wasClean, code))

        factory = WebSocketClientFactory(url, loop=loop)
        factory.protocol = Client
        await loop.create_connection(factory, "127.0.0.1", port)
        return await asyncio.wait_for(closed, 15)

    assert asyncio.run(converse()) == (True, 3000)
    assert (b"hello w\xc3\xb6rld", False) in received
    assert (b"hello \xff\x00", True) in received
    assert (b"between", "pong") in received


@pytest.fixture
def node():
    if not shutil.which("node") or not (NODE / "node_modules/ws").is_dir():
        pytest.skip("node or npm's ws is not there (npm ci in tests/integration/node)")

    def run(*arguments):
        return subprocess.run(["node", "client.mjs", *arguments], cwd=NODE, capture_output=True, text=True, timeout=60)

    return run


@pytest.mark.smoke
def test_ws_of_node_converses(servers, node):
    server = servers()
    server.start()
    result = node(server.urls()[0])
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1] == "ok"
    assert server.status()["totals"]["protocol_errors"] == 0


def test_curl_gets_a_readable_answer(server):
    if not shutil.which("curl"):
        pytest.skip("curl is not there")
    url = f"http://127.0.0.1:{server.port}/somewhere"
    result = subprocess.run(["curl", "-sS", "-i", "--max-time", "10", "--noproxy", "*", url], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("HTTP/1.1 426 ")

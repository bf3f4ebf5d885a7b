"""The built-in apps: echo and push, as the tutorial has them."""

import pytest

from clients import BINARY, TEXT
from server import wait_until

RECEIVED = "服务器已经收到了你的消息".encode()
GREETING = "你好!".encode()


@pytest.mark.smoke
def test_echo_greets(servers, connect):
    server = servers()
    server.start()
    client = connect(server.port)
    assert client.echo(b"world") == (TEXT, b"hello world")
    assert client.echo(b"\x00\xff", BINARY) == (BINARY, b"hello \x00\xff")
    assert client.echo(b"") == (TEXT, b"hello ")
    client.close_cleanly()


def test_prefix_changes_the_greeting(servers, connect):
    server = servers(options=["--set", "prefix=你好, "])
    server.start()
    assert connect(server.port).echo("世界".encode()) == (TEXT, "你好, 世界".encode())


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 1 << 20])
def test_empty_prefix_is_a_plain_echo(echo_server, connect, size):
    client = connect(echo_server.fixed_port)
    payload = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert client.echo(payload, BINARY) == (BINARY, payload)


def test_unknown_setting_does_not_stop_the_start(servers):
    server = servers(options=["--set", "colour=red"])
    server.start()
    assert server.is_running()


@pytest.mark.smoke
def test_push_answers_and_writes_the_message_to_standard_output(servers, connect):
    server = servers(app="push", count=1)
    output = server.directory / "stdout.txt"
    server.options = ["--stdout-file", str(output)]
    server.start()
    client = connect(server.port)
    assert client.echo("第一条消息".encode()) == (TEXT, RECEIVED)
    assert client.echo(b"second") == (TEXT, RECEIVED)
    wait_until(lambda: output.exists() and output.read_text() == "第一条消息\nsecond\n", what="both lines")


def test_a_daemons_standard_output_goes_to_the_log(servers, connect):
    server = servers(app="push", count=1)
    server.start()
    connect(server.port).echo(b"this line is the app's")
    wait_until(lambda: "this line is the app's" in server.log())


def test_push_greets_every_connection_of_every_worker(servers, connect):
    server = servers(app="push", count=2, options=["--set", "interval=0.3"])
    server.start()
    clients = [connect(server.port) for _ in range(20)]
    assert all(row["connections"] > 0 for row in server.workers())
    for client in clients:
        assert client.receive_message() == (TEXT, GREETING)
        assert client.receive_message() == (TEXT, GREETING)


def test_push_answers_between_its_greetings(servers, connect):
    server = servers(app="push", count=1, options=["--set", "interval=0.05"])
    server.start()
    client = connect(server.port)
    answers = [client.echo(b"hi")[1] for _ in range(5)]
    while RECEIVED not in answers[-1:]:
        answers.append(client.receive_message()[1])
    assert set(answers) <= {RECEIVED, GREETING}

"""What the command line refuses, it refuses with exit status 2 and one line that helps."""

import pytest

from server import run_wsd
from test_start import assert_one_line


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["strat"], ["strat", "start"]),
        (["stauts"], ["status"]),
        (["start", "--lisen", "ws://127.0.0.1:0"], ["--lisen", "--listen"]),
        (["start", "--deamon"], ["--daemon"]),
        (["start", "--cuont", "2"], ["--count"]),
        (["status", "--jsn"], ["--json"]),
        (["start", "--count", "0"], ["count", "256"]),
        (["start", "--count", "257"], ["count", "256"]),
        (["start", "--count", "10000"], ["count", "256"]),
        (["start", "--count", "-1"], ["count"]),
        (["start", "--count", "four"], ["count"]),
        (["start", "--count"], ["count"]),
        (["start", "--listen", "127.0.0.1:0"], ["127.0.0.1:0", "ws://"]),
        (["start", "--listen", "http://127.0.0.1:0"], ["http", "ws://"]),
        (["start", "--listen", "ws://"], ["ws://"]),
        (["start", "--listen", "ws://127.0.0.1:65536"], ["65536"]),
        (["start", "--listen", "ws://127.0.0.1:-1"], ["-1"]),
        (["start", "--listen", "ws://127.0.0.1:http"], ["http"]),
        (["start", "--listen", "ws://[::1:80"], ["[::1:80"]),
        (["start", "--listen", "ws://127.0.0.1:80/path"], ["/path"]),
        (["start", "--name", "a/b"], ["name"]),
        (["start", "--name", ".."], ["name"]),
        (["start", "--name", ""], ["name"]),
        (["start", "--set", "prefix"], ["prefix", "KEY=VALUE"]),
        (["start", "--stop-timeout", "soon"], ["stop-timeout"]),
        (["start", "--stop-timeout", "-1"], ["stop-timeout"]),
        (["start", "--max-message", "0"], ["max-message"]),
        (["start", "--max-message", "1e99"], ["max-message"]),
        (["start", "--log-level", "loud"], ["log-level"]),
        (["start", "echo", "push"], ["push"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and len(value) < 4 else None,
)
def test_refused_with_exit_2_and_one_line(directory, arguments, words):
    if arguments[0] == "start":
        arguments = [*arguments, "--run-dir", str(directory)]
    result = run_wsd(*arguments, directory=directory, timeout=15)
    assert result.returncode == 2, result
    assert_one_line(result.stderr, *words)
    assert not list(directory.glob("*.pid")) and not list(directory.glob("*.sock"))


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_lists_the_commands(directory, arguments):
    result = run_wsd(*arguments, directory=directory)
    for command in ("start", "stop", "restart", "reload", "status", "version"):
        assert command in result.stdout + result.stderr


@pytest.mark.parametrize("command", ["start", "stop", "restart", "reload", "status", "version"])
def test_every_command_has_help(directory, command):
    result = run_wsd(command, "--help", directory=directory)
    assert result.returncode == 0
    assert command in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize("command", ["stop", "reload", "status"])
def test_not_running_is_exit_3(directory, command):
    result = run_wsd(command, "--run-dir", directory, directory=directory)
    assert result.returncode == 3
    assert_one_line(result.stderr, "not running")


@pytest.mark.parametrize("flags", [["-dg"], ["-gd"], ["-d", "-g"], ["-g", "-d"]])
def test_daemon_and_graceful_in_any_order(servers, flags):
    server = servers()
    server.start()
    before = server.master
    result = server.cli("restart", *flags)
    assert result.returncode == 0, result.stderr
    assert server.master != before

"""scripts/completion/wsd.bash, asked by bash itself: what is offered where."""

import os
import pathlib
import pty
import re
import select
import socket
import subprocess
import time

from server import BINARY, run_wsd
from wsbench import wsbench_binary

COMPLETION = pathlib.Path(__file__).parents[2] / "scripts/completion/wsd.bash"

# COMP_WORDS as bash makes them: = and : break words and are words.
ASK = """
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
"_$1"
[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(*words, directory, program="wsd", **environment):
    """What bash offers for the last of `words`."""
    result = subprocess.run(
        ["bash", "--norc", "-uc", ASK, "bash", str(COMPLETION.with_name(f"{program}.bash")), program, *words],
        capture_output=True,
        text=True,
        cwd=directory,
        timeout=30,
        env={"PATH": os.environ["PATH"], "HOME": str(directory), "XDG_RUNTIME_DIR": str(directory), **environment},
    )
    assert result.returncode == 0 and result.stderr == "", result
    return result.stdout.split("\n")[:-1]


def make_sockets(directory, *names):
    directory.mkdir(exist_ok=True)
    for name in names:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(directory / f"{name}.sock"))


def test_commands(directory):
    offered = complete("", directory=directory)
    assert set(offered) == {*commands_of_the_help(), "help"}
    assert complete("re", directory=directory) == ["restart", "reload", "reopen"]
    assert complete("--", directory=directory) == ["--help", "--version"]
    assert complete("xyz", directory=directory) == []


def commands_of_the_help():
    text = subprocess.run([BINARY, "--help"], capture_output=True, text=True, timeout=30).stdout
    return re.findall(r"^  ([a-z]+) ", text.partition("Commands:\n")[2], re.MULTILINE)


def test_the_options_of_each_command_are_those_of_its_help(directory):
    for command in commands_of_the_help():
        text = run_wsd(command, "--help", directory=directory).stdout
        known = re.findall(r"^  (?:-\w,)?(--[a-z-]+)", text, re.MULTILINE)
        assert known and sorted(complete(command, "--", directory=directory)) == sorted(known), command


def test_options_that_begin_with_what_is_there(directory):
    assert complete("start", "--max-m", directory=directory) == ["--max-message", "--max-messages-per-address"]
    assert complete("start", "echo", "-", directory=directory)[:2] == ["-h", "--help"]
    assert complete("stop", "--max", directory=directory) == []
    assert complete("unknown", "--", directory=directory) == []


def test_values_of_choices(directory):
    levels = ["debug", "info", "warning", "error"]
    assert complete("start", "--log-level", "", directory=directory) == levels
    assert complete("start", "--log-level", "=", directory=directory) == levels
    assert complete("start", "--log-level", "=", "w", directory=directory) == ["warning"]
    assert complete("start", "--log-level=w", directory=directory) == ["--log-level=warning"]  # where = breaks no word
    assert complete("reload", "--slow-consumer", "c", directory=directory) == ["close"]
    assert complete("connections", "--state", "o", directory=directory) == ["opening", "open"]
    assert "queue" in complete("connections", "--sort", "", directory=directory)
    assert complete("start", "--count", "", directory=directory) == []
    assert complete("status", "--watch", "--js", directory=directory) == ["--json"]  # --watch is enough by itself
    assert complete("start", "--page", "--pa", directory=directory) == ["--page"]


def test_file_names(directory):
    (directory / "wsd.toml").touch()
    (directory / "with space.toml").touch()
    (directory / "folder").mkdir()
    (directory / "folder/key.pem").touch()
    assert complete("start", "--config", "ws", directory=directory) == ["wsd.toml"]
    assert complete("start", "--config", "with", directory=directory) == ["with space.toml"]
    assert complete("check", "--config", "=", "ws", directory=directory) == ["wsd.toml"]
    assert complete("start", "--tls-key", "folder/", directory=directory) == ["folder/key.pem"]
    assert complete("start", "--run-dir", "", directory=directory) == ["folder"]
    assert complete("start", "--set-file", "pass", directory=directory) == []
    assert complete("start", "--set-file", "password", "=", "fol", directory=directory) == ["folder"]
    assert complete("start", "--set-file", "=", "password", "=", "fol", directory=directory) == ["folder"]
    assert complete("start", "--set-file", "password=fol", directory=directory) == ["password=folder"]


def test_apps(directory):
    for name in ("chatter.cpp", "chatter.so", "chatter.txt"):
        (directory / name).touch()
    assert complete("start", "chat", directory=directory) == ["chat", "chatter.cpp", "chatter.so"]
    address = ["ws", ":", "//127.0.0.1", ":", "0"]
    assert complete("start", "--count", "2", "-d", "--listen", *address, "da", directory=directory) == ["danmaku"]
    assert complete("start", "--log-level", "=", "info", "ec", directory=directory) == ["echo"]
    assert complete("start", "echo", "", directory=directory) == []
    assert complete("status", "", directory=directory) == []
    assert complete("publish", "", directory=directory) == []


def test_users_and_groups(directory):
    assert "root" in complete("start", "--user", "roo", directory=directory)
    assert "root" in complete("start", "--group", "roo", directory=directory)


def test_names_of_instances(directory):
    run_directory = directory / "run of mine"
    make_sockets(run_directory, "default", "blue", "blue.2")
    (run_directory / "no-socket.sock").touch()
    (run_directory / "default.pid").touch()
    names = ["blue", "blue.2", "default"]
    assert sorted(complete("stop", "--run-dir", str(run_directory), "--name", "", directory=directory)) == names
    assert sorted(complete("stop", "--run-dir", "=", str(run_directory), "--name", "=", directory=directory)) == names
    assert sorted(complete("stop", "--name", "b", directory=directory, WSD_RUN_DIR=str(run_directory))) == names[:2]
    assert complete("stop", "--run-dir", "/nowhere", "--name", "", directory=directory) == []
    if os.geteuid() != 0:
        make_sockets(directory / "wsd", "mine")
        assert complete("stop", "--name", "", directory=directory) == ["mine"]


def test_wsbench(directory):
    (directory / "ca.pem").touch()
    text = subprocess.run([wsbench_binary(), "--help"], capture_output=True, text=True, timeout=30).stdout
    known = [flag for flags in re.findall(r"^  (-\S+)", text, re.MULTILINE) for flag in flags.split(",")]
    assert sorted(complete("-", directory=directory, program="wsbench")) == sorted(known)
    assert complete("-c", "10", "--pi", directory=directory, program="wsbench") == ["--pipeline", "--pid"]
    assert complete("--cacert", "ca", directory=directory, program="wsbench") == ["ca.pem"]
    assert complete("--cacert", "=", "ca", directory=directory, program="wsbench") == ["ca.pem"]
    assert str(os.getpid()) in complete("--pid", str(os.getpid()), directory=directory, program="wsbench")
    assert complete("-d", "", directory=directory, program="wsbench") == []
    assert complete("", directory=directory, program="wsbench") == ["ws://"]


def test_a_server_that_runs(server):
    environment = {"WSD_RUN_DIR": str(server.run_dir)}
    assert server.name in complete("status", "--name", "", directory=server.directory, **environment)


def test_in_a_terminal(directory):
    """Whole, with readline and the words as bash breaks them."""
    (directory / "with space").mkdir()
    (directory / "with space/wsd.toml").touch()
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(directory)
        environment = {"PATH": os.environ["PATH"], "TERM": "dumb", "PS1": "ready> ", "INPUTRC": "/dev/null"}
        os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], environment)
    seen = b""

    def read_until(text):
        nonlocal seen
        deadline = time.monotonic() + 15
        while text not in seen:
            assert time.monotonic() < deadline and select.select([terminal], [], [], 15)[0], (text, seen)
            seen += os.read(terminal, 4096)

    try:
        read_until(b"ready> ")
        os.write(terminal, b"wsd() { printf 'got:'; printf '<%s>' \"$@\"; echo; }; source " + str(COMPLETION).encode() + b"\n")
        read_until(b"wsd.bash\r\nready> ")
        seen = b""
        os.write(terminal, b"wsd sta\trt --log-l\tdeb\t --config=wit\tw\t chat --listen=ws://127.0.0.1:0 --no-pag\t\n")
        read_until(b"\nready> ")
        wanted = b"<start><--log-level><debug><--config=with space/wsd.toml><chat><--listen=ws://127.0.0.1:0><--no-page>"
        assert wanted in seen, seen
    finally:
        os.close(terminal)
        os.kill(pid, 9)
        os.waitpid(pid, 0)

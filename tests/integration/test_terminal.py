"""`wsd start` at a real terminal: a pseudo-terminal that is its controlling one."""

import contextlib
import fcntl
import os
import pty
import subprocess
import termios

import pytest

from server import environment, wait_until


class Terminal:
    """Runs a command with a terminal of its own; types into it, reads what it shows."""

    def __init__(self, command, directory):
        self.ours, theirs = pty.openpty()
        os.set_blocking(self.ours, False)
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(directory), preexec_fn=self.own_terminal
        )
        os.close(theirs)
        self.shown = ""

    @staticmethod
    def own_terminal():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def shows(self, text):
        with contextlib.suppress(BlockingIOError, OSError):
            self.shown += os.read(self.ours, 65536).decode(errors="replace")
        return text in self.shown

    def type(self, keys):
        os.write(self.ours, keys)

    def hang_up(self):
        os.close(self.ours)


@pytest.fixture
def terminal(servers):
    server = servers(app="push")
    server.has_run = True
    made = Terminal([str(server.binary), "start", *server.arguments()], server.directory)
    made.server = server
    wait_until(lambda: made.shows("Start success.") or made.process.poll() is not None)
    assert made.process.poll() is None, made.shown
    yield made
    with contextlib.suppress(OSError):
        made.hang_up()


@pytest.mark.smoke
def test_ctrl_c_typed_at_the_terminal_stops(terminal):
    terminal.type(b"\x03")
    assert terminal.process.wait(timeout=15) == 0


def test_closing_the_terminal_stops(terminal):
    """HUP reloads, but not where standard input is the controlling terminal: nobody is left to look at it."""
    terminal.hang_up()
    terminal.process.wait(timeout=15)
    wait_until(lambda: not terminal.server.processes())


def test_app_writes_to_the_terminal(terminal, connect):
    connect(terminal.server.port).echo(b"for the person who looks")
    wait_until(lambda: terminal.shows("for the person who looks"))


def test_typing_at_the_server_does_nothing(terminal, connect):
    terminal.type(b"hello\n")
    assert connect(terminal.server.port).echo(b"x")[1]

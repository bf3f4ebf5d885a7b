"""A service manager for one server, as systemd is one: a socket that it notifies, and listening sockets that are opened for it."""

import contextlib
import os
import socket
import subprocess

from server import DEADLINE_S, environment, wait_until

# Sockets to 3 and up, our own pid, and then the server in our place.
LAUNCHER = """
import fcntl, os, sys
sockets = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 100) for number in sys.argv[1].split(",") if number]
for place, number in enumerate(sockets, 3):
    os.dup2(number, place)
os.closerange(3 + len(sockets), 256)
if sockets:
    os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(sockets))}
os.environ["WATCHDOG_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


def listening(address="127.0.0.1", port=0):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    made.listen(64)
    return made


def listening_unix(path):
    made = socket.socket(socket.AF_UNIX)
    made.bind(str(path))
    made.listen(64)
    return made


class ServiceManager:
    def __init__(self, directory, abstract=False):
        self.address = f"@wsd-notify-{os.getpid()}-{directory.name}" if abstract else str(directory / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + self.address[1:] if abstract else self.address)
        self.socket.setblocking(False)
        self.heard = []

    def close(self):
        self.socket.close()

    def start(self, server, sockets=(), names=None, watchdog_s=None, wait=True, env=()):
        """`wsd start` in the foreground, with what a unit of Type=notify gives it."""
        variables = environment(server.directory) | {"NOTIFY_SOCKET": self.address} | dict(env)
        if names:
            variables["LISTEN_FDNAMES"] = names
        if watchdog_s:
            variables["WATCHDOG_USEC"] = str(int(watchdog_s * 1e6))
        numbers = [opened.fileno() for opened in sockets]
        command = ["/usr/bin/python3", "-c", LAUNCHER, ",".join(map(str, numbers)), str(server.binary), "start", *server.arguments()]
        with open(server.terminal_file, "wb") as terminal:
            server.foreground = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=terminal, stderr=subprocess.STDOUT, env=variables, pass_fds=numbers
            )
        if wait:
            server.has_run = True
            self.wait_for("READY=1", server)
        return server.foreground

    def read(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                self.heard.append(self.socket.recv(4096).decode())
        return self.heard

    def wait_for(self, text, server=None, timeout=DEADLINE_S):
        """The first message that has this in it; it and those before are taken away."""

        def found():
            self.read()
            ended = server and server.foreground.poll() is not None
            assert not ended, f"the server ended with {server.foreground.returncode}: {server.terminal()}{server.log()}"
            return any(text in message for message in self.heard)

        wait_until(found, timeout, f"{text} from the server; it said {self.heard}")
        place = next(i for i, message in enumerate(self.heard) if text in message)
        message = self.heard[place]
        del self.heard[: place + 1]
        return message

"""A fault under load, and its line of figures.

    with FaultRun("worker killed", server, rate=200, crowd=crowd) as run:
        with run.strike():
            server.kill(pid)
    assert run.figures.lost <= run.in_service()

Two kinds of clients are on the server meanwhile: handshakes at a steady rate, which a process of their own makes
(fault_load.py), and, if there is one, a Crowd: subscribers that check every number they are sent for what is lost,
doubled or out of order. The server must run apps/channels.cpp, or what else answers `!who`.
"""

import contextlib
import json
import pathlib
import subprocess
import sys
import time
from typing import NamedTuple

from server import at_rest, is_alive, open_descriptors, rss_bytes

LOAD = pathlib.Path(__file__).with_name("fault_load.py")
SLOW_S = 0.1  # a handshake that takes longer shows that something is the matter
LOST = ("refused", "reset", "eof", "timeout")
WRONG_DELIVERIES = ("errors_lost", "errors_doubled", "errors_reordered", "errors_wrong_answer")

lines = []  # of this run of pytest; conftest.py prints them at its end


def say(**figures):
    """A line of figures without a load."""
    line = " ".join(f"{name}={value}" for name, value in figures.items())
    lines.append(line)
    print(line)


class Seen(NamedTuple):
    rss: int
    descriptors: int


class Figures(dict):
    """By the names of the line."""

    def __getattr__(self, name):
        return self[name]

    @property
    def lost(self):
        return sum(self[outcome] for outcome in LOST)


def percentile(sorted_seconds, part):
    if not sorted_seconds:
        return 0.0
    return sorted_seconds[min(len(sorted_seconds) - 1, int(part * len(sorted_seconds)))]


class FaultRun:
    def __init__(self, name, server, rate=150, crowd=None):
        self.name, self.server, self.rate, self.crowd = name, server, rate, crowd
        self.strikes = []  # (from, to) by CLOCK_MONOTONIC
        self.outcomes = []
        self.report = None  # the crowd's

    def __enter__(self):
        self.exits_before, self.before = self.exits(), self.look()
        command = [sys.executable, LOAD, str(self.server.port), str(self.rate)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.finish()
        finally:
            if self.process.poll() is None:
                self.process.kill()
            self.process.communicate()

    @contextlib.contextmanager
    def strike(self):
        """The fault happens inside: what is in service at that time may be lost, if the fault takes who serves it."""
        began = time.monotonic()
        yield
        self.strikes.append((began, time.monotonic()))

    def go_on_for(self, seconds):
        """The load goes on for so long. Not a wait for anything."""
        time.sleep(seconds)

    def finish(self):
        output, _ = self.process.communicate(timeout=60)
        self.outcomes = json.loads(output)
        after = self.look_once_the_load_is_gone()
        same = self.before.keys() & after.keys()
        if self.crowd:
            self.report = self.crowd.finish()
        wrong = sum(self.report[name] for name in WRONG_DELIVERIES) if self.report else 0
        times = sorted(seconds for _, seconds, outcome in self.outcomes if outcome == "ok")
        count = lambda outcome: sum(1 for one in self.outcomes if one[2] == outcome)  # noqa: E731
        self.figures = Figures(
            name=self.name.replace(" ", "_"),
            sent=len(self.outcomes),
            ok=len(times),
            refused=count("refused"),
            reset=count("reset"),
            eof=count("eof"),
            timeout=count("timeout"),
            wrong=count("wrong") + wrong,
            p50=round(percentile(times, 0.5) * 1000, 1),
            p99=round(percentile(times, 0.99) * 1000, 1),
            max_ms=round(times[-1] * 1000) if times else 0,
            recovered_ms=round(self.recovered() * 1000),
            rss_delta=sum(after[pid].rss - self.before[pid].rss for pid in same),
            fd_delta=sum(after[pid].descriptors - self.before[pid].descriptors for pid in same),
            restarts=self.exits() - self.exits_before,
        )
        say(**self.figures)

    # -- what was seen

    def in_service(self):
        """How many handshakes had begun and were not over while it struck: what a death may take along."""
        return sum(
            1
            for began, seconds, _ in self.outcomes
            if any(began < end and began + seconds > start for start, end in self.strikes)
        )

    def recovered(self):
        """Seconds from the last strike until no handshake failed or was slow any more."""
        if not self.strikes:
            return 0.0
        struck = self.strikes[-1][0]
        troubled = [
            began + seconds
            for began, seconds, outcome in self.outcomes
            if began + seconds > struck and (outcome != "ok" or seconds > SLOW_S)
        ]
        return max(troubled, default=struck) - struck

    def lost_later(self):
        """How many were lost of those begun after the last strike was over."""
        struck = self.strikes[-1][1]
        return sum(1 for began, _, outcome in self.outcomes if began > struck and outcome != "ok")

    # -- the server's processes

    def look(self):
        """Memory and descriptors of master and workers, by pid: those there before and after are compared."""
        status = self.server.status()
        pids = [status["pid"], *(row["pid"] for row in status["workers"])]
        pids = [pid for pid in pids if pid and is_alive(pid)]
        descriptors = at_rest(lambda: [open_descriptors(pid) for pid in pids])  # our question's own is one of them
        return {pid: Seen(rss_bytes(pid), number) for pid, number in zip(pids, descriptors)}

    def look_once_the_load_is_gone(self):
        """Or after a while all the same: the figures tell."""
        deadline = time.monotonic() + 5
        while True:
            after = self.look()
            same = self.before.keys() & after.keys()
            gone = all(after[pid].descriptors <= self.before[pid].descriptors for pid in same)
            if gone or time.monotonic() > deadline:
                return after
            time.sleep(0.02)

    def exits(self):
        return sum(row["count"] for row in self.server.status()["exits"])

"""`load_client` for the tests: thousands of clients of all habits, and their verdict on every answer.

An answer is "g", the number of the code that gave it, a blank, and the message: servers under proof run the echo app
with `--set prefix=g1 `, and each reload raises the number.
"""

import collections
import json
import os
import pathlib
import subprocess

from server import BINARY, environment

FAULTS = (
    "errors_connect",
    "errors_handshake",
    "errors_closed",
    "errors_lost",
    "errors_doubled",
    "errors_reordered",
    "errors_wrong_answer",
    "errors_stale",
)


def load_client():
    """Built beside the binary under test; the release build has none of its own."""
    build = pathlib.Path(__file__).parents[2] / "build"
    places = [BINARY.parent, build / "dev", build / "bench"]
    known = [os.environ.get("WSD_LOAD_CLIENT"), *(place / "load_client" for place in places)]
    for path in known:
        if path and pathlib.Path(path).exists():
            return path
    raise AssertionError("no load_client: scripts/build dev load_client")


class ExactClients:
    """Several client processes on one server, from the handshakes to the verdict."""

    def __init__(self, server, connections, processes=1, rate=2000):
        each, rest = divmod(connections, processes)
        assert rest == 0
        command = [load_client(), "--go", "--pipeline", "4", "--prefix", "g"]
        command += ["--connections", str(each), "--rate", str(rate / processes), server.urls()[0] + "/"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.processes = [
            subprocess.Popen(command, text=True, env=environment(server.directory), **pipes) for _ in range(processes)
        ]

    def __enter__(self):
        for process in self.processes:
            assert process.stderr.readline() == "ready\n", self.said()
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def said(self):
        return "\n".join(process.communicate(timeout=60)[1] for process in self.processes)

    def finish(self):
        """Lets them send their last messages; returns what they saw, counted together."""
        for process in self.processes:
            process.stdin.write("\n")
            process.stdin.flush()
        sums, words = collections.Counter(), []
        for process in self.processes:
            output, complaints = process.communicate(timeout=120)
            report = json.loads(output)
            words += complaints.splitlines()[:10]
            oldest = min(report["oldest_code_at_end"], sums.get("oldest_code_at_end", 1 << 60))
            longest = max(report["longest_gap_ms"], sums.get("longest_gap_ms", 0))
            sums.update({name: value for name, value in report.items() if isinstance(value, (int, float))})
            sums["oldest_code_at_end"], sums["longest_gap_ms"] = oldest, longest
        sums["words"] = words
        return sums


def assert_exact(report, code):
    """Every message was answered once, whole and in order, and the last ones by this code, on every connection."""
    faults = {name: report[name] for name in FAULTS if report[name] != 0}
    assert not faults, (faults, report["words"])
    assert report["oldest_code_at_end"] == code
    for name in ("messages", "pongs", "reconnects", "rests"):
        assert report[name] > 0, f"the run had no {name}: it proves too little"

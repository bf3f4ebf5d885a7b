"""Runs wsbench, the load tool, and reads what it says."""

import json
import os
import pathlib
import subprocess

from server import BINARY, environment

BUILD = pathlib.Path(__file__).parents[2] / "build"


def wsbench_binary():
    """Built beside the binary under test, or installed beside it."""
    known = [os.environ.get("WSBENCH"), BINARY.parent / "wsbench", BUILD / "dev/wsbench", BUILD / "bench/wsbench"]
    for path in known:
        if path and pathlib.Path(path).exists():
            return str(path)
    raise AssertionError("no wsbench: scripts/build dev wsbench")


class Report(dict):
    """The JSON that it printed; how it ended, and what else it said."""

    def __init__(self, result):
        try:
            super().__init__(json.loads(result.stdout))
        except ValueError:
            raise AssertionError(f"no report: {result.stdout}{result.stderr}") from None
        self.status = result.returncode
        self.said = result.stderr

    def faults(self):
        return {name.removeprefix("errors_"): count for name, count in self.items() if name.startswith("errors_") and count}


def run(directory, *words, timeout=100):
    command = [wsbench_binary(), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=environment(directory))


def bench(directory, *words, timeout=100):
    """The report of one run."""
    return Report(run(directory, "--json", *words, timeout=timeout))


def assert_clean(report):
    assert report.status == 0 and not report.faults() and not report["problems"], (report, report.said)


def assert_rate(count, due):
    """An open loop does what is due and not more. What a machine that stood still left for after the time is not counted."""
    assert 0.3 * due <= count <= 1.1 * due, (count, due)

"""scripts/bench-scale, with hundreds of connections instead of a hundred thousand."""

import json
import pathlib
import subprocess

import pytest

from server import BINARY, environment
from wsbench import wsbench_binary

SCRIPTS = pathlib.Path(__file__).parents[2] / "scripts"


@pytest.mark.smoke
def test_broadcasts_and_a_reload_lose_nothing(directory):
    binaries = directory / "bin"
    binaries.mkdir()
    (binaries / "wsd").symlink_to(BINARY)
    (binaries / "wsbench").symlink_to(wsbench_binary())
    figures = directory / "figures.json"
    command = [SCRIPTS / "bench-scale", "--binaries", binaries, "--json", figures, "--connections=300", "--workers=3"]
    command += ["--clients=2", "--seconds=4", "--rate=5", "--ping-interval=1s"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment(directory), check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    seen = json.loads(figures.read_text())
    assert seen["kept"] == 301  # and the publisher
    # Of the last one some may come when the measured time is over.
    assert seen["client"]["deliveries_in_all"] == 300 * seen["client"]["publications"] > 300 * 10
    assert seen["client"]["errors"] == 0

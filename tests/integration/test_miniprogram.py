"""docs/examples/miniprogram against real servers: its pages' logic and templates in Node, under miniprogram-simulate.

Each test is a scenario of node/miniprogram/*.mjs, which drives a page as a finger does; node/miniprogram/phone.mjs is the
phone. What a scenario asks to be done to the server (run.mjs) happens here.
"""

import contextlib
import pathlib
import re
import shutil
import signal
import subprocess
import threading

import pytest

from server import is_alive, send_signal, wait_until

NODE = pathlib.Path(__file__).parent / "node"
PACKAGES = ["miniprogram-simulate", "j-component", "jsdom", "ws"]
OLDEST_NODE = 18
SCENARIO_TIMEOUT_S = 60


@pytest.fixture(scope="module")
def node():
    command = shutil.which("node")
    if not command:
        pytest.skip("node is not there")
    version = subprocess.run([command, "--version"], capture_output=True, text=True).stdout.strip()
    if int(re.match(r"v(\d+)", version)[1]) < OLDEST_NODE:
        pytest.skip(f"node {version} is older than {OLDEST_NODE}")
    missing = [package for package in PACKAGES if not (NODE / "node_modules" / package).is_dir()]
    if missing:
        pytest.skip(f"npm's {', '.join(missing)} not there (npm ci in tests/integration/node)")
    return command


@pytest.fixture
def scenario(node):
    """Runs scenario("console", "worker_dies", server, kill=function): `ask kill` there calls the function here."""

    def run(file, name, server, **actions):
        url = server.urls()[0]
        process = subprocess.Popen(
            [node, "miniprogram/run.mjs", file, name, url],
            cwd=NODE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        errors = []
        reader = threading.Thread(target=lambda: errors.append(process.stderr.read()))
        deadline = threading.Timer(SCENARIO_TIMEOUT_S, process.kill)
        reader.start()
        deadline.start()
        lines = []
        try:
            for line in process.stdout:
                lines.append(line.rstrip("\n"))
                if lines[-1].startswith("ask "):
                    actions[lines[-1].removeprefix("ask ")]()
                    process.stdin.write("done\n")
                    process.stdin.flush()
            process.wait()
        finally:
            deadline.cancel()
            process.kill()
            process.wait()
            reader.join()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            process.stdout.close()
            process.stderr.close()
        assert process.returncode == 0 and lines[-1:] == ["ok"], f"{file}: {name}\n" + "\n".join(lines) + "\n" + errors[0]

    return run


def test_client_class_obeys_every_order_of_events(node):
    result = subprocess.run(
        [node, "--test", "miniprogram/wsd.test.mjs"], cwd=NODE, capture_output=True, text=True, timeout=SCENARIO_TIMEOUT_S
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_file_of_the_project_compiles(node):
    result = subprocess.run(
        [node, "--test", "miniprogram/project.test.mjs"], cwd=NODE, capture_output=True, text=True, timeout=SCENARIO_TIMEOUT_S
    )
    assert result.returncode == 0, result.stdout + result.stderr


# ---- The console and the echo app ------------------------------------------------------------------------------------


@pytest.fixture
def echo(servers):
    server = servers(count=2)
    server.start()
    return server


@pytest.mark.smoke
def test_console_connects_and_says_hello(scenario, echo):
    scenario("console", "connects_and_says_hello", echo)


@pytest.mark.parametrize(
    "name",
    [
        "keeps_a_bounded_list",
        "sends_binary",
        "refuses_to_send_without_a_connection",
        "unloading_the_page_closes_with_1000",
        "tapping_in_a_hurry_never_makes_two_sockets",
        "silence_is_probed",
        "silence_without_a_probe_means_nothing",
        "foreground_return_asks_the_line_at_once",
        "foreground_return_after_an_interruption_makes_one_socket",
        "another_network_replaces_a_line_without_a_probe",
        "sixth_socket_waits_for_a_place",
        "subprotocol_that_is_not_answered_is_an_error",
    ],
)
def test_console(scenario, echo, name):
    scenario("console", name, echo)


def test_console_survives_a_restart_of_the_server(scenario, echo):
    port = echo.port

    def start():
        echo.listen = [f"ws://127.0.0.1:{port}"]
        echo.start()

    scenario("console", "server_stops_and_returns", echo, stop=echo.stop, start=start)


def test_console_survives_the_death_of_its_worker(scenario, echo):
    scenario("console", "worker_dies", echo, kill=lambda: echo.kill(worker_that_serves(echo)["pid"]))


def test_console_does_not_notice_a_reload(scenario, echo):
    scenario("console", "reload_is_not_noticed", echo, reload=lambda: reload(echo))


def test_console_replaces_a_dead_line(scenario, echo):
    frozen = []

    def freeze():
        frozen.append(worker_that_serves(echo)["pid"])
        send_signal(frozen[0], signal.SIGSTOP)

    def thaw():
        assert is_alive(frozen[0]), "the watchdog was faster"
        send_signal(frozen[0], signal.SIGCONT)

    scenario("console", "dead_line_is_replaced", echo, freeze=freeze, thaw=thaw)


def test_console_gets_its_subprotocol(scenario, servers):
    server = servers(options=["--subprotocol", "protocol1"])
    server.start()
    scenario("console", "subprotocol_is_answered", server)


def worker_that_serves(server):
    """The worker that has the one connection there is."""
    return wait_until(lambda: next((row for row in server.workers() if row["connections"]), None), what="a connection in status")


def reload(server):
    result = server.cli("reload")
    assert result.returncode == 0, result.stdout + result.stderr


# ---- The wall and the danmaku app --------------------------------------------------------------------------------------


@pytest.fixture
def danmaku(servers):
    server = servers(app="danmaku", count=2)
    server.start()
    return server


def test_wall_survives_whatever_arrives(scenario, echo):
    scenario("wall", "whatever_arrives_is_survived", echo)


@pytest.mark.smoke
def test_wall_comments_fly_both_ways(scenario, danmaku):
    scenario("wall", "comments_fly_both_ways", danmaku)


@pytest.mark.parametrize(
    "name",
    [
        "what_was_said_before_is_listed",
        "many_at_once_come_in_one_message",
        "a_room_that_cannot_be_is_refused",
        "a_taken_name_is_refused",
        "too_fast_is_said",
        "silence_is_probed",
        "a_hidden_page_lists_but_does_not_fly",
    ],
)
def test_wall(scenario, danmaku, name):
    scenario("wall", name, danmaku)


def test_wall_says_nothing_outside_a_room(scenario, danmaku):
    scenario("wall", "nothing_is_said_outside_a_room", danmaku, stop=danmaku.stop)


def test_wall_joins_again_after_a_lost_line(scenario, danmaku):
    scenario("wall", "a_lost_line_joins_again", danmaku, kill=lambda: danmaku.kill(worker_that_serves(danmaku)["pid"]))


def test_wall_does_not_notice_a_reload(scenario, danmaku):
    scenario("wall", "a_reload_is_not_noticed", danmaku, reload=lambda: reload(danmaku))

"""`wsd check`: everything that start would stumble over, said at once, and nothing left behind."""

import json
import socket

import pytest

from server import environment, run_wsd


@pytest.fixture
def check(directory):
    """Runs wsd check in a directory of its own."""

    def run(*arguments, **variables):
        env = environment(directory) | variables
        result = run_wsd("check", "--run-dir", directory / "run", *arguments, directory=directory, env=env)
        assert result.returncode in (0, 1, 2), result.stderr
        return result

    return run


@pytest.fixture
def config(directory):
    path = directory / "wsd.toml"

    def write(text):
        path.write_text(text)
        return path

    return write


def problems(result):
    return [line.removeprefix("wsd: ") for line in result.stderr.splitlines() if line.startswith("wsd: ")]


FREE = ("--listen", "ws://127.0.0.1:0")


def test_says_what_start_would_run_and_where_each_value_is_from(check, config, directory):
    path = config('count = 3\nmax_message = "64K"\n[set]\ngreeting = "say \\"hi\\""\n')
    result = check("--config", path, *FREE, "--ping-interval", "1m", WSD_LOG_LEVEL="debug")
    assert result.returncode == 0, result.stderr
    lines = [line.split("  # ") for line in result.stdout.splitlines() if " = " in line]
    origins = {words.strip(): origin for words, origin in lines}
    assert origins["count = 3"] == f"{path}:1"
    assert origins['max_message = "64K"'] == f"{path}:2"
    assert origins['greeting = "say \\"hi\\""'] == f"{path}:4"
    assert origins['ping_interval = "1m"'] == "flag: --ping-interval"
    assert origins['log_level = "debug"'] == "environment: WSD_LOG_LEVEL"
    assert origins['app = "echo"'] == "default"
    assert "all is well" in result.stderr
    # What it prints is a file that comes to the same.
    again = config(result.stdout)
    values = [line.split("  # ")[0].strip() for line in check("--config", again).stdout.splitlines()]
    assert values[1:] == [line.split("  # ")[0].strip() for line in result.stdout.splitlines()][1:]
    assert not (directory / "run").exists(), "nothing was started"


def test_says_everything_that_is_wrong(check, config, directory):
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    path = config(
        f"""count = 0
lisen = 3
listen = ["wss://127.0.0.1:0", "ws://127.0.0.1:{port}", "ws://192.0.2.1:80"]
api_token_file = "no_such_token"
app = "ecko"
[set_file]
password = "no_such_file"
"""
    )
    result = check("--config", path, WSD_PAGE="maybe")
    taken.close()
    assert result.returncode == 2
    said = problems(result)
    assert said[0] == "WSD_PAGE: must be true or false, not 'maybe'"
    assert said[1].startswith(f"{path}:1: count: must be a whole number from 1 to 256")
    assert said[2] == f"{path}:2: unknown key 'lisen': the nearest is 'listen'"
    rest = "\n".join(said[3:])
    for part in ("no_such_token", "needs a certificate", "no_such_file", f"127.0.0.1:{port}", "192.0.2.1:80", 'no app "ecko"'):
        assert part in rest
    assert len(said) == 9


def test_tells_programs_in_json(check, config):
    path = config('count = 3\napp = "ecko"\n')
    result = check("--json", "--config", path, *FREE)
    assert result.returncode == 1, "what was written is right; what was tried does not work"
    told = json.loads(result.stdout)
    assert told["good"] is False
    assert 'no app "ecko"' in told["problems"][0]
    assert told["file"] == str(path)
    assert told["options"]["count"] == 3
    assert told["origins"]["count"] == f"{path}:1"
    assert told["origins"]["listen"] == "flag: --listen"
    assert json.loads(check("--json", *FREE).stdout)["good"] is True


def test_addresses_of_the_server_that_runs_are_its_own(server, check):
    port = server.port
    arguments = ["--name", server.name, "--run-dir", server.run_dir]
    result = server.run("check", "--listen", f"ws://127.0.0.1:{port}", *arguments)
    assert result.returncode == 0, result.stderr
    assert "`wsd reload` would put this in place" in result.stderr
    other = check("--listen", f"ws://127.0.0.1:{port}", "--name", "other")
    assert other.returncode == 1
    assert f"127.0.0.1:{port}" in other.stderr
    assert server.worker_pids() == [row["pid"] for row in server.workers()]


def test_what_the_server_was_started_with_stays_in_force_at_a_reload(servers, config):
    path = config("count = 3\nmax_message = 4096\n")
    server = servers(app="push", options=["--config", path, "--ping-interval", "7s"])
    server.start()
    result = server.run("check", "--name", server.name, "--run-dir", server.run_dir, "--idle-timeout", "1h")
    assert result.returncode == 0, result.stderr
    for line in ('app = "push"', "count = 2", 'max_message = "4K"', 'ping_interval = "7s"', 'idle_timeout = "1h"'):
        assert line in result.stdout
    config("max_message = 8192\n")
    assert 'max_message = "8K"' in server.run("check", "--name", server.name, "--run-dir", server.run_dir).stdout


def test_tries_the_app_without_serving(check, directory):
    source = directory / "app.cpp"
    source.write_text('#include <wsd/app.h>\n#include <stdexcept>\nWSD_APP(app) { throw std::runtime_error("no database"); }\n')
    result = check(source, *FREE)
    assert result.returncode == 1
    assert "no database" in result.stderr
    source.write_text("int main( {")
    result = check(source, *FREE)
    assert result.returncode == 1
    assert "does not compile" in result.stderr
    source.write_text("#include <wsd/app.h>\nWSD_APP(app) {}\n")
    assert check(source, *FREE).returncode == 0
    source.write_text("#include <wsd/app.h>\n#include <cstdlib>\nWSD_APP(app) { std::_Exit(7); }\n")
    result = check(source, *FREE)
    assert result.returncode == 1
    assert "ended by exit 7" in result.stderr


def test_unix_sockets_that_are_taken_or_have_no_place(check, directory):
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(str(directory / "taken"))
        taken.listen()
        result = check("--listen", f"unix:{directory}/taken", "--listen", f"unix:{directory}/none/a")
        assert result.returncode == 1
        assert len(problems(result)) == 2
        assert f"{directory}/taken" in problems(result)[0]
    (directory / "stale").touch()
    assert "no socket" in check("--listen", f"unix:{directory}/stale").stderr
    assert check("--listen", f"unix:{directory}/free").returncode == 0
    assert not (directory / "free").exists()


def test_secrets_are_not_printed(check, config, directory):
    for name, secret in (("token", "0123456789abcdef-token"), ("password", "correct horse")):
        (directory / name).write_text(secret)
        (directory / name).chmod(0o600)
    path = config('api = ["http://127.0.0.1:0"]\napi_token_file = "token"\n[set_file]\npassword = "password"\n')
    for arguments in ([], ["--json"]):
        result = check("--config", path, *FREE, *arguments)
        assert result.returncode == 0, result.stderr
        assert "abcdef-token" not in result.stdout + result.stderr
        assert "correct horse" not in result.stdout + result.stderr
        assert f"{directory}/password" in result.stdout


def test_broken_toml_is_said_with_its_line(check, config):
    path = config("count = 1\n[[[\n")
    result = check("--config", path, *FREE)
    assert result.returncode == 2
    assert problems(result)[0].startswith(f"{path}:2: ")

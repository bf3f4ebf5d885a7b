"""Options from wsd.toml, the environment and the command line; reloads read the file anew."""

import json
import os
import signal
import socket
import subprocess

import pytest

from clients import TEXT, frame
from server import environment, wait_until

COUNT = "count = {}\n"


@pytest.fixture
def config(directory):
    """Writes wsd.toml: config("count = 2")."""
    path = directory / "wsd.toml"

    def write(text):
        path.with_suffix(".new").write_text(text)
        path.with_suffix(".new").rename(path)
        return path

    write.path = path
    write("")
    return write


@pytest.fixture
def server(servers, config):
    """Not started yet; all but its place is left to the file."""
    return servers(app=None, count=None, listen=(), options=["--config", config.path])


LISTEN = 'listen = ["ws://127.0.0.1:0"]\n'


def workers(server):
    return len(server.status()["workers"])


def options_of(server):
    """What the master remembers, by layers."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(10)
        caller.connect(str(server.run_dir / f"{server.name}.sock"))
        caller.sendall(b'{"command":"options"}\n')
        lines = caller.makefile().read().splitlines()
    return next(json.loads(line) for line in lines if "options" in json.loads(line))


def answer(client, text):
    client.send(frame(TEXT, text))
    return client.receive_message()[1].decode()


def reload(server, *arguments):
    return server.run("reload", *server.instance(), *arguments)


def test_start_takes_what_the_file_says(server, config, connect):
    config(LISTEN + COUNT.format(3) + 'app = "echo"\n[set]\nprefix = "from the file: "\n')
    server.start()
    assert workers(server) == 3
    client = connect(server.port)
    assert answer(client, "hello") == "from the file: hello"


def test_environment_counts_more_than_the_file_and_flags_more_than_both(server, config, connect):
    config(LISTEN + COUNT.format(4) + 'log_level = "error"\n[set]\nprefix = "file "\n')
    env = environment(server.directory) | {"WSD_COUNT": "3", "WSD_SET": "prefix=environment "}
    result = server.run("start", "-d", *server.arguments(), "--count", "2", env=env)
    assert result.returncode == 0, result.stderr
    server.has_run = True
    assert workers(server) == 2
    client = connect(server.port)
    assert answer(client, "x") == "environment x"


def test_reload_reads_the_file_anew_and_remembers_the_layers_above_it(server, config, connect):
    config(LISTEN + COUNT.format(2) + '[set]\nprefix = "a "\n')
    env = environment(server.directory) | {"WSD_MAX_MESSAGE": "64K"}
    assert server.run("start", "-d", *server.arguments(), "--set", "suffix=!", env=env).returncode == 0
    server.has_run = True
    client = connect(server.port)
    config(LISTEN + COUNT.format(3) + 'max_message = "1M"\n[set]\nprefix = "b "\n')
    assert reload(server).returncode == 0
    assert workers(server) == 3
    assert answer(client, "x") == "b x"
    remembered = options_of(server)
    assert remembered["flags"]["set"] == {"suffix": "!"}
    assert remembered["environment"]["max_message"] == 65536
    assert remembered["options"]["max_message"] == 65536
    assert remembered["options"]["set"] == {"prefix": "b ", "suffix": "!"}


def test_flag_of_a_reload_outlives_the_next_reload_of_the_file(server, config):
    config(LISTEN + COUNT.format(2))
    server.start()
    assert reload(server, "--count", 3).returncode == 0
    config(LISTEN + COUNT.format(4))
    assert reload(server).returncode == 0
    assert workers(server) == 3


def test_line_that_goes_takes_its_option_back_to_the_default(server, config):
    config(LISTEN + f'api = ["unix:{server.directory}/api"]\nallow_origin = ["https://a.org"]\n')
    server.start()
    assert options_of(server)["options"]["allow_origin"] == ["https://a.org"]
    assert len(server.status()["api"]) == 1
    config(LISTEN)
    assert reload(server).returncode == 0
    assert "allow_origin" not in options_of(server)["options"]
    assert server.status()["api"] == []


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1])
def test_signal_reads_the_file_anew(server, config, number):
    config(LISTEN + COUNT.format(2))
    server.start()
    config(LISTEN + COUNT.format(3))
    os.kill(server.master, number)
    wait_until(lambda: workers(server) == 3, what="the count of the new file")


def test_broken_file_refuses_the_reload_and_nothing_changes(server, config):
    config(LISTEN + COUNT.format(2))
    server.start()
    before = server.status()
    for text, reason in [
        (LISTEN + "cuont = 3\n", ":2: unknown key 'cuont': the nearest is 'count'"),
        (LISTEN + "count = 0\n", ":2: count: must be a whole number from 1 to 256, not '0'"),
        (LISTEN + 'count = "3"\n', ":2: count: must be a whole number, not text"),
        ("[[[", ":1: "),
    ]:
        config(text)
        result = reload(server)
        assert result.returncode == 1
        assert f"wsd: reload refused: {config.path}{reason}" in result.stderr
        server.expect_log("reload refused")
    config.path.unlink()
    assert "No such file" in reload(server).stderr
    os.kill(server.master, signal.SIGHUP)
    wait_until(lambda: server.log().count("reload refused") == 6, what="the refusal of the signal")
    after = server.status()
    assert [worker["pid"] for worker in after["workers"]] == [worker["pid"] for worker in before["workers"]]
    assert after["generation"] == before["generation"]


def test_reload_says_what_it_cannot_change(server, config):
    config(LISTEN + COUNT.format(2))
    server.start()
    config(LISTEN + COUNT.format(3) + f'stdout_file = "{server.directory}/other"\n')
    result = reload(server)
    assert result.returncode == 0
    assert "stdout_file stays the log: a reload cannot make it" in result.stdout
    assert workers(server) == 3
    server.expect_log("stdout_file stays the log")


def test_restart_keeps_the_layers(server, config):
    config(LISTEN + COUNT.format(2))
    env = environment(server.directory) | {"WSD_MAX_MESSAGE": "64K"}
    assert server.run("start", "-d", *server.arguments(), "--set", "a=1", env=env).returncode == 0
    server.has_run = True
    config(LISTEN + COUNT.format(3))
    assert server.run("restart", "-d", *server.instance()).returncode == 0
    assert workers(server) == 3
    options = options_of(server)
    assert options["environment"]["max_message"] == 65536
    assert options["flags"]["set"] == {"a": "1"}


def test_upgrade_keeps_the_layers_and_reads_the_file(server, config, connect):
    config(LISTEN + COUNT.format(2) + '[set]\nprefix = "a "\n')
    server.start()
    client = connect(server.port)
    config(LISTEN + COUNT.format(3) + '[set]\nprefix = "b "\n')
    result = server.run("upgrade", *server.instance())
    assert result.returncode == 0, result.stderr
    assert workers(server) == 3
    assert answer(client, "x") == "b x"
    config("count = 0\n")
    result = server.run("upgrade", *server.instance())
    assert result.returncode == 1
    assert f"upgrade refused, nothing has changed: wsd: {config.path}:1: count" in result.stderr
    server.expect_log("upgrade refused")
    assert answer(client, "y") == "b y"
    config(LISTEN)
    assert reload(server).returncode == 0
    assert workers(server) == 4, "the default"


@pytest.mark.parametrize("text, reason", [("count = 0", ":1: count: must be"), ("a = 1\nb = 2", "(and 1 more: see `wsd check`)"), ("count = ", ":1: ")])
def test_start_with_a_broken_file_says_where(server, config, text, reason):
    config(text)
    result = server.start(check=False)
    assert result.returncode == 2
    assert result.stderr.startswith(f"wsd: {config.path}")
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1


def test_environment_that_is_wrong_is_refused_and_what_looks_like_ours_is_warned_of(server, config):
    config(LISTEN)
    env = environment(server.directory)
    result = server.run("start", "-d", *server.arguments(), env=env | {"WSD_COUNT": "many"})
    assert result.returncode == 2
    assert result.stderr == "wsd: WSD_COUNT: must be a whole number from 1 to 256, not 'many'\n"
    result = server.run("start", "-d", *server.arguments(), env=env | {"WSD_COUTN": "2", "WSD_SERVICE_HOST": "10.0.0.1"})
    assert result.returncode == 0
    server.has_run = True
    assert result.stderr == "wsd: warning: WSD_COUTN in the environment is no option: the nearest is WSD_COUNT\n"


def test_commands_find_the_instance_by_file_and_environment(server, config, directory):
    config(LISTEN + f'name = "{server.name}"\nrun_dir = "{server.run_dir}"\nlog_file = "{server.log_file}"\n')
    server.has_run = True
    assert server.run("start", "-d", "--config", config.path).returncode == 0
    assert json.loads(server.run("status", "--json", "--config", config.path).stdout)["name"] == server.name
    env = environment(directory) | {"WSD_CONFIG": str(config.path)}
    assert json.loads(server.run("status", "--json", env=env).stdout)["name"] == server.name
    env = environment(directory) | {"WSD_NAME": server.name, "WSD_RUN_DIR": str(server.run_dir)}
    assert json.loads(server.run("status", "--json", env=env).stdout)["name"] == server.name
    config(LISTEN + f'name = "{server.name}"\nrun_dir = "{server.run_dir}"\nlisen = 1\n')
    assert server.run("stop", "--config", config.path).returncode == 0, "whatever else is wrong with the file"


def test_paths_in_the_file_are_beside_it(server, config, directory):
    config('listen = ["unix:chat.ws"]\n')
    server.start()
    assert server.status()["listen"] == [f"unix:{directory}/chat.ws"]
    assert (directory / "chat.ws").is_socket()


SECRET = "correct horse battery staple"


def test_secret_in_a_file_reaches_the_app_and_nobody_else(server, config, directory, connect):
    secret = directory / "secret"
    secret.write_text(SECRET + "\n")
    secret.chmod(0o600)
    config(LISTEN + COUNT.format(1) + '[set_file]\nprefix = "secret"\n')
    server.start()
    client = connect(server.port)
    assert answer(client, "") == SECRET
    processes = subprocess.run(["ps", "axww", "-o", "args"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert SECRET not in processes
    assert SECRET not in json.dumps(options_of(server)) + json.dumps(server.status()) + server.log()
    # A respawned worker has the same, whatever has become of the file; a reload has the new one.
    secret.write_text("another")
    server.kill(server.worker_pids()[0])
    server.wait_running()
    client = connect(server.port)
    assert answer(client, "") == SECRET
    assert reload(server).returncode == 0
    assert answer(client, "") == "another"
    assert server.run("upgrade", *server.instance()).returncode == 0
    assert answer(client, "") == "another"
    secret.unlink()
    result = reload(server)
    assert result.returncode == 1
    assert f"cannot read the setting prefix in {secret}" in result.stderr
    server.expect_log("reload refused")

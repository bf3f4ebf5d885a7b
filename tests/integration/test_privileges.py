"""`--user`: the master binds as root, and nothing else runs as root. As an ordinary user everything works but that."""

import contextlib
import grp
import os
import pathlib
import pwd
import socket
import stat
import subprocess

import pytest

from certificates import Authority
from server import BINARY, environment
from test_apps_cpp import app_with
from test_start import assert_one_line, public_copy, run_as_nobody

NONE = "0000000000000000"
CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def assert_is_no_root(pid, user=65534, group=65534, groups="65534"):
    status = status_of(pid)
    assert status["Uid"].split() == [str(user)] * 4
    assert status["Gid"].split() == [str(group)] * 4
    assert status["Groups"] == groups
    assert {status[name] for name in CAPABILITIES} == {NONE}
    assert status["NoNewPrivs"] == "1"


def free_port_of_root():
    """One below 1024 that nobody listened on a moment ago."""
    for port in range(1023, 600, -1):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("every port of root's is taken")


@pytest.fixture
def servers_of_nobody(servers, as_root):
    """A sanitizer's report is a file of nobody's."""

    def make(**options):
        options["options"] = ["--user", "nobody", *options.get("options", ())]
        server = servers(**options)
        server.directory.chmod(0o1777)
        return server

    return make


# ---- the workers ------------------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_every_worker_is_the_user_and_nothing_more(servers_of_nobody, connect):
    server = servers_of_nobody(count=2)
    server.start()
    assert status_of(server.master)["Uid"].split() == ["0"] * 4
    client = connect(server.port)
    for command in (None, "reload", "upgrade"):
        result = server.cli(command or "status")
        assert result.returncode == 0, result.stderr
        for pid in server.worker_pids():
            assert_is_no_root(pid)
        assert client.still_works()
    server.kill(server.worker_pids()[1])
    server.wait_running()
    for pid in server.worker_pids():
        assert_is_no_root(pid)


def test_groups_are_those_of_the_database(servers_of_nobody):
    """As initgroups() has it: those of the user, none of who started the server."""
    user = next((entry for entry in pwd.getpwall() if entry.pw_uid and len(os.getgrouplist(entry.pw_name, entry.pw_gid)) > 1), None)
    if not user:
        pytest.skip("no user here is in two groups")
    server = servers_of_nobody(count=1, options=["--user", user.pw_name])
    server.start()
    groups = sorted(os.getgrouplist(user.pw_name, user.pw_gid))
    assert_is_no_root(server.worker_pids()[0], user.pw_uid, user.pw_gid, " ".join(map(str, groups)))


def test_group_replaces_the_users_own(servers_of_nobody):
    server = servers_of_nobody(count=1, options=["--group", "daemon"])
    server.start()
    daemon = grp.getgrnam("daemon").gr_gid
    assert_is_no_root(server.worker_pids()[0], group=daemon, groups=str(daemon))


def test_a_port_of_roots_is_bound_before(servers_of_nobody, connect):
    port = free_port_of_root()
    server = servers_of_nobody(listen=[f"ws://127.0.0.1:{port}"])
    server.start()
    assert connect(port).still_works()
    assert server.cli("reload", "--count", "3").returncode == 0
    for pid in server.worker_pids():
        assert_is_no_root(pid)


def test_a_reload_may_change_the_user(servers_of_nobody, connect):
    server = servers_of_nobody(count=1)
    server.start()
    client = connect(server.port)
    assert server.cli("reload", "--user", "daemon").returncode == 0
    daemon = pwd.getpwnam("daemon")
    assert_is_no_root(server.worker_pids()[0], daemon.pw_uid, daemon.pw_gid, str(daemon.pw_gid))
    assert client.still_works()
    server.expect_log("reload refused")
    refused = server.cli("reload", "--user", "no-such-user")
    assert refused.returncode == 1
    assert_one_line(refused.stderr, "no-such-user", "useradd")
    assert client.still_works()


def test_clients_of_tls_stay_with_a_relay_that_is_no_root(servers_of_nobody, connect, directory):
    authority = Authority(directory)
    certificate = authority.server("localhost")
    certificate.key.chmod(0o600)  # root's alone
    server = servers_of_nobody(count=1, listen=["wss://127.0.0.1:0"], options=["--set", "prefix=", *certificate.options()])
    server.start()
    client = connect(server.port, tls=authority.client_context())
    assert server.cli("reload").returncode == 0
    assert_is_no_root(server.status()["relays"][0]["pid"])
    assert client.still_works()


def test_a_user_that_is_not_there_fails_the_start(servers, as_root):
    server = servers(options=["--user", "no-such-user"])
    refused = server.start(check=False)
    assert refused.returncode == 2
    assert_one_line(refused.stderr, "no-such-user", "useradd")
    server.expect_nothing_left()


@pytest.mark.parametrize("missing", ["setuid", "setgid"])
def test_what_the_kernel_refuses_fails_the_start(servers_of_nobody, missing):
    server = servers_of_nobody()
    server.expect_log("Operation not permitted")
    command = ["setpriv", f"--bounding-set=-{missing}", str(server.binary), "start", "-d", *server.arguments()]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment(server.directory))
    assert refused.returncode == 1, refused
    assert_one_line(refused.stderr, "cannot run as nobody", f"setres{missing[3:]}" if missing == "setuid" else "setgroups")
    server.expect_nothing_left()


# ---- umask and cores --------------------------------------------------------------------------------------------------


def test_umask_and_cores_are_as_configured(servers_of_nobody):
    server = servers_of_nobody(count=1, options=["--umask", "027", "--no-core-dumps"])
    server.start()
    pid = server.worker_pids()[0]
    assert status_of(pid)["Umask"] == "0027"
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
    assert "Max core file size        0                    0 " in limits
    assert os.stat(f"/proc/{pid}/mem").st_uid == 0, "not dumpable: the kernel gives its files to root"
    assert server.cli("reload", "--core-dumps", "--umask", "077").returncode == 0
    pid = server.worker_pids()[0]
    assert status_of(pid)["Umask"] == "0077"
    assert os.stat(f"/proc/{pid}/mem").st_uid == 65534


# ---- files ------------------------------------------------------------------------------------------------------------


def connect_as(path, group):
    """Whether somebody who is in this group, and nobody else, may connect."""
    code = f"import socket; socket.socket(socket.AF_UNIX).connect({str(path)!r})"
    command = ["setpriv", "--reuid=nobody", f"--regid={group}", "--clear-groups", "/usr/bin/python3", "-c", code]
    return subprocess.run(command, capture_output=True).returncode == 0


def test_a_unix_socket_is_for_the_group(servers_of_nobody, directory):
    path = directory / "ws.sock"
    server = servers_of_nobody(listen=[f"unix:{path}"], options=["--user", "daemon", "--group", "games"])
    server.start()
    status = path.stat()
    assert (status.st_uid, status.st_gid) == (0, grp.getgrnam("games").gr_gid)
    assert stat.S_IMODE(status.st_mode) == 0o660
    assert connect_as(path, "games")
    assert not connect_as(path, "mail")
    assert server.cli("upgrade").returncode == 0
    other = directory / "other.sock"
    assert server.cli("reload", "--listen", f"unix:{other}").returncode == 0
    assert connect_as(other, "games")
    server.stop()
    assert not other.exists()


def test_the_log_and_the_run_directory_stay_roots(servers_of_nobody):
    server = servers_of_nobody(options=["--set", "prefix="])
    server.run_dir.chmod(0o755)
    server.start()
    assert server.log_file.stat().st_uid == 0
    for path in server.run_dir.iterdir():
        assert path.stat().st_uid == 0


# ---- apps -------------------------------------------------------------------------------------------------------------


WHO = """
  app.on_message = [](wsd::Connection& connection, wsd::Message) {
    connection.send(std::to_string(getuid()) + " " + getenv("HOME") + " " + getenv("USER"));
  };
"""


@pytest.fixture
def source(directory):
    file = directory / "who.cpp"
    file.write_text(app_with(WHO, includes=("unistd.h", "cstdlib", "string")))
    file.chmod(0o644)
    return file


def compiler_that_tells(directory):
    """A compiler that says who runs it."""
    script = directory / "compiler"
    script.write_text(f'#!/bin/sh\nid -u >>{directory}/compiled-by\necho "$HOME" >>{directory}/compiled-by\nexec g++ "$@"\n')
    script.chmod(0o755)
    (directory / "compiled-by").touch()
    (directory / "compiled-by").chmod(0o666)
    return script


def test_a_source_is_compiled_by_the_user(servers_of_nobody, connect, source, directory):
    server = servers_of_nobody(app=str(source), count=1)
    server.binary = pathlib.Path(BINARY)
    env = environment(server.directory) | {"CXX": str(compiler_that_tells(directory))}
    started = server.run("start", "-d", *server.arguments(), env=env)
    assert started.returncode == 0, started.stderr
    server.has_run = True
    client = connect(server.port)
    home = pwd.getpwnam("nobody").pw_dir
    assert client.echo(b"who?")[1].decode() == f"65534 {home} nobody"
    assert server.cli("reload").returncode == 0
    assert server.cli("upgrade").returncode == 0  # its trial compiles, and so does its reload
    assert client.echo(b"still who?")[1].decode() == f"65534 {home} nobody"
    assert set((directory / "compiled-by").read_text().split()) == {"65534", home}
    cache = pathlib.Path("/var/cache/wsd/nobody")
    assert cache.stat().st_uid == 65534 and stat.S_IMODE(cache.stat().st_mode) == 0o700


def test_a_source_that_the_user_cannot_read_is_named(servers_of_nobody, source):
    source.chmod(0o600)
    server = servers_of_nobody(app=str(source))
    refused = server.start(check=False)
    assert refused.returncode == 1
    assert_one_line(refused.stderr, str(source), "let the user nobody read it")
    server.expect_nothing_left()


def test_compile_errors_are_shown(servers_of_nobody, source):
    source.write_text("no C++ at all")
    server = servers_of_nobody(app=str(source))
    refused = server.start(check=False)
    assert refused.returncode == 1
    assert "who.cpp:1:1" in refused.stderr and refused.stderr.splitlines()[-1].endswith("who.cpp does not compile")


def test_a_source_that_others_may_write_is_refused(servers_of_nobody, source):
    os.chown(source, 1, 1)
    server = servers_of_nobody(app=str(source))
    refused = server.start(check=False)
    assert refused.returncode == 1
    assert_one_line(refused.stderr, str(source), "belongs to another user", "the workers would run it")
    os.chown(source, 65534, 65534)
    server.start()


def test_a_module_is_read_by_the_user(servers_of_nobody, directory):
    """What root alone may read does not come into the hands of the user by a link in a module's place."""
    secret = directory / "secret"
    secret.write_text("root's alone")
    secret.chmod(0o600)
    module = directory / "app.so"
    module.symlink_to(secret)
    server = servers_of_nobody(app=str(module))
    refused = server.start(check=False)
    assert refused.returncode == 1
    assert_one_line(refused.stderr, "cannot read", "let the user nobody read it")


# ---- rootless ---------------------------------------------------------------------------------------------------------


def give_to_nobody(server):
    for path in (server.directory, server.run_dir):
        os.chown(path, 65534, 65534)


def test_an_ordinary_user_may_name_itself(servers, connect, as_root):
    server = servers(count=1, options=["--user", "nobody"])
    give_to_nobody(server)
    result = run_as_nobody(server, "start", "-d", *server.arguments())
    assert result.returncode == 0, result.stderr
    assert status_of(server.worker_pids()[0])["NoNewPrivs"] == "1"
    assert connect(server.port).still_works()


def test_an_ordinary_user_may_name_nobody_else(servers, as_root):
    server = servers(options=["--user", "daemon"])
    give_to_nobody(server)
    result = run_as_nobody(server, "start", "-d", *server.arguments())
    assert result.returncode == 4, result.stderr
    assert_one_line(result.stderr, "only root can run workers as daemon")
    server.expect_nothing_left()


def test_capabilities_of_a_service_manager_stay_with_the_master(servers, connect, as_root):
    """AmbientCapabilities=CAP_NET_BIND_SERVICE for an ordinary user: the master binds, workers do not."""
    port = free_port_of_root()
    server = servers(count=1, listen=[f"ws://127.0.0.1:{port}"])
    give_to_nobody(server)
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+net_bind_service",
               "--ambient-caps=+net_bind_service", str(public_copy(server)), "start", "-d", *server.arguments()]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment(server.directory), cwd="/")
    assert result.returncode == 0, result.stderr
    server.has_run = True
    assert status_of(server.master)["CapEff"] != NONE
    status = status_of(server.worker_pids()[0])
    assert {status[name] for name in CAPABILITIES if name != "CapBnd"} == {NONE}
    assert connect(port).still_works()


# ---- who may command --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reachable", [False, True], ids=["mode 0600", "mode 0666"])
def test_another_user_is_told_whose_server_it_is(server, as_root, reachable):
    control = server.run_dir / f"{server.name}.sock"
    if reachable:
        control.chmod(0o666)
    for command in (["status"], ["stop"], ["reload"], ["publish"]):
        words = ["channel", "data"] if command == ["publish"] else []
        result = run_as_nobody(server, *command, *words, *server.instance())
        assert result.returncode == 4, result
        assert_one_line(result.stderr, "belongs to root", str(server.master))
    assert server.is_running()


def test_a_lock_that_may_not_be_read_names_its_owner(server, as_root):
    (server.run_dir / f"{server.name}.lock").chmod(0o600)
    result = run_as_nobody(server, "status", *server.instance())
    assert result.returncode == 4, result
    assert_one_line(result.stderr, "root")


def test_root_may_command_the_server_of_another(servers, as_root):
    server = servers()
    give_to_nobody(server)
    assert run_as_nobody(server, "start", "-d", *server.arguments()).returncode == 0
    server.has_run = True
    assert server.cli("reload").returncode == 0
    assert server.cli("stop").returncode == 0

"""Apps in C++: compiled, loaded, reloaded, refused; and what the public header promises to them."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import textwrap
import threading

import pytest

from clients import CLOSE, TEXT, ConnectionGone, RawClient, close_frame, frame, handshake_request
from modules import SANITIZERS, compile_module
from server import BINARY, environment, is_alive, shared_server, wait_until

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = ROOT / "docs/examples"

HELLO = """
#include <wsd/app.h>

WSD_APP(app) {
  app.on_message = [](wsd::Connection& connection, wsd::Message message) {
    connection.send("hello " + std::string(message.data));
  };
}
"""


def app_with(body, includes=()):
    lines = [f"#include <{name}>" for name in includes] + ["#include <wsd/app.h>", "WSD_APP(app) {"]
    return "\n".join(lines) + "\n" + textwrap.dedent(body) + "\n}\n"


@pytest.fixture(scope="session")
def modules(tmp_path_factory, sanitized):
    """Modules by their source text, each compiled once, with the sanitizers where the server has them."""
    directory = tmp_path_factory.mktemp("modules")
    directory.chmod(0o755)
    made = {}
    flags = SANITIZERS if sanitized else []

    def module(text):
        if text not in made:
            source = directory / f"app{len(made)}.cpp"
            source.write_text(text)
            made[text] = compile_module(source, source.with_suffix(".so"), flags)
        return str(made[text])

    return module


@pytest.fixture
def source(directory):
    """Writes an app's source: source(text) gives its path; said again, it is another version of the same file."""

    def write(text, name="app.cpp"):
        path = directory / name
        path.write_text(text)
        return str(path)

    return write


def answer(client, text=b"x"):
    return client.echo(text)[1]


# ---- Starting ------------------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_a_source_is_compiled_and_run(servers, connect, source):
    server = servers(app=source(HELLO))
    server.start()
    assert connect(server.port).echo(b"world") == (TEXT, b"hello world")


def test_a_relative_path_is_the_commands_not_the_daemons(servers, connect, source, directory):
    source(HELLO, "hello.cc")
    server = servers(app="hello.cc", count=1)
    started = server.run("start", "-d", *server.arguments(), cwd=directory)
    assert started.returncode == 0, started.stderr
    server.has_run = True
    assert server.cli("reload").returncode == 0, "the daemon works in /"
    assert answer(connect(server.port)) == b"hello x"


@pytest.mark.smoke
def test_compile_errors_are_shown_as_the_compiler_printed_them(servers, source):
    path = source(HELLO + "this is no C++\n")
    server = servers(app=path)
    started = server.start(check=False)
    assert started.returncode == 1
    assert f"{path}:9:1: error: " in started.stderr, started.stderr
    assert started.stderr.splitlines()[-1] == f"wsd: {path} does not compile"
    server.expect_nothing_left()


def test_a_source_that_is_not_there_is_named(servers, directory):
    server = servers(app=str(directory / "none.cpp"))
    started = server.start(check=False)
    assert started.returncode == 1
    assert started.stderr == f"wsd: cannot read {directory}/none.cpp: No such file or directory\n"


def test_an_unknown_app_gets_the_nearest_built_in_one(servers):
    started = servers(app="ecko").start(check=False)
    assert started.returncode == 1
    assert 'there is no app "ecko"' in started.stderr and "is echo" in started.stderr


def test_cxx_names_the_compiler_with_options_of_its_own(servers, source, directory):
    server = servers(app=source("#ifndef FROM_CXX\n#error not this compiler\n#endif\n" + HELLO))
    env = environment(server.directory) | {"CXX": "c++ -DFROM_CXX"}
    assert server.run("start", "-d", *server.arguments(), env=env).returncode == 0
    server.has_run = True


def test_a_compiler_that_is_not_there_is_named(servers, source):
    server = servers(app=source(HELLO))
    env = environment(server.directory) | {"CXX": "/nowhere/c++"}
    started = server.run("start", "-d", *server.arguments(), env=env)
    assert started.returncode == 1
    assert "cannot run the compiler /nowhere/c++" in started.stderr


def test_the_shell_has_no_part_in_it(servers, connect, source, directory):
    server = servers(app=source(HELLO, "a;touch pwned $(touch pwned).cpp"))
    server.start()
    assert answer(connect(server.port)) == b"hello x"
    assert not list(directory.glob("**/pwned"))


def test_root_refuses_a_source_that_others_may_write(servers, source, as_root):
    path = source(HELLO)
    os.chmod(path, 0o666)
    started = servers(app=path).start(check=False)
    assert started.returncode == 1
    assert f"{path} can be written by everybody" in started.stderr
    os.chmod(path, 0o644)
    os.chown(path, 65534, 65534)
    started = servers(app=path).start(check=False)
    assert f"{path} belongs to another user" in started.stderr


def test_root_refuses_a_source_in_a_directory_that_others_may_write(servers, directory, as_root):
    open_to_all = directory / "open"
    open_to_all.mkdir()
    (open_to_all / "app.cpp").write_text(HELLO)
    open_to_all.chmod(0o777)
    started = servers(app=str(open_to_all / "app.cpp")).start(check=False)
    assert started.returncode == 1
    assert f"{open_to_all} can be written by everybody" in started.stderr


# ---- Modules -------------------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_a_module_is_loaded(servers, connect, modules):
    server = servers(app=modules(HELLO))
    server.start()
    assert answer(connect(server.port)) == b"hello x"


def test_a_module_for_another_abi_is_refused_with_both_tags(servers, source, directory):
    module = compile_module(source(HELLO), directory / "other.so", ["-std=c++23"])
    server = servers(app=str(module))
    server.expect_log("could not start|start failed")
    started = server.start(check=False)
    assert started.returncode == 1
    assert started.stderr.count('"wsd-2 ') == 2, started.stderr
    assert "c++202002L" in started.stderr and "build it again" in started.stderr


@pytest.mark.parametrize("text, reason", [("int x;", "does it use WSD_APP?"), ("extern int y; int x = y;", "undefined symbol: y")])
def test_what_is_no_app_is_refused(servers, source, directory, text, reason):
    module = compile_module(source(text), directory / "no.so")
    server = servers(app=str(module))
    server.expect_log("could not start|start failed")
    started = server.start(check=False)
    assert started.returncode == 1
    assert reason in started.stderr and str(module) in started.stderr
    assert "/proc/self" not in started.stderr


def test_a_file_that_is_no_shared_object_is_refused(servers, directory):
    (directory / "text.so").write_text("this is text")
    server = servers(app=str(directory / "text.so"))
    server.expect_log("could not start|start failed")
    started = server.start(check=False)
    assert started.returncode == 1
    assert "cannot load" in started.stderr


def overwrite(path):
    with open(path, "r+b") as file:
        file.write(b"\0" * os.path.getsize(path))


def test_a_module_overwritten_in_place_harms_nobody(servers, connect, modules, directory):
    module = shutil.copy(modules(HELLO), directory / "app.so")
    server = servers(app=str(module), count=1)
    server.start()
    client = connect(server.port)
    assert answer(client) == b"hello x"
    overwrite(module)
    assert answer(client) == b"hello x"
    server.kill(server.worker_pids()[0])
    wait_until(lambda: client.is_closed())
    server.wait_running()
    assert answer(connect(server.port)) == b"hello x"


def test_a_killed_worker_comes_back_with_its_generations_code(servers, connect, source):
    path = source(HELLO)
    server = servers(app=path, count=1)
    server.start()
    pathlib.Path(path).unlink()
    server.kill(server.worker_pids()[0])
    server.wait_running()
    assert answer(connect(server.port)) == b"hello x"


# ---- Reload --------------------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_reload_compiles_again_and_no_client_notices(servers, connect, source):
    server = servers(app=source(HELLO))
    server.start()
    client = connect(server.port)
    assert answer(client) == b"hello x"
    source(HELLO.replace("hello", "bye"))
    assert answer(client) == b"hello x", "nothing changes before the reload"
    assert server.cli("reload").returncode == 0
    assert answer(client) == b"bye x"
    assert answer(connect(server.port)) == b"bye x"


def test_reload_takes_another_app(servers, connect, source, directory):
    server = servers(app=source(HELLO), count=1)
    server.start()
    client = connect(server.port)
    source(HELLO.replace("hello", "other"), "other.cpp")
    reloaded = server.run("reload", "other.cpp", *server.instance(), cwd=directory)
    assert reloaded.returncode == 0, reloaded.stderr
    assert answer(client) == b"other x"
    assert server.cli("reload", "echo").returncode == 0
    assert answer(client) == b"hello x"


def test_a_reload_that_does_not_compile_is_refused_with_the_compilers_words(servers, connect, source):
    path = source(HELLO)
    server = servers(app=path)
    server.expect_log("reload refused: .* does not compile")
    server.start()
    before = server.worker_pids()
    client = connect(server.port)
    source(HELLO + "this is no C++\n")
    refused = server.cli("reload")
    assert refused.returncode == 1
    assert f"{path}:9:1: error: " in refused.stdout
    assert refused.stderr == f"wsd: reload refused: {path} does not compile\n"
    assert "compiler: " in server.log()
    assert server.worker_pids() == before
    assert server.status()["generation"] == 1
    assert answer(client) == b"hello x"
    source(HELLO)
    assert server.cli("reload").returncode == 0


def test_a_reload_to_a_module_that_cannot_start_leaves_the_old_one(servers, connect, modules):
    server = servers(app=modules(HELLO))
    server.expect_log("not today|reload failed")
    server.start()
    client = connect(server.port)
    broken = modules(app_with('app.on_worker_start = [](wsd::Worker&) { throw std::runtime_error("not today"); };', ["stdexcept"]))
    refused = server.cli("reload", broken)
    assert refused.returncode == 1
    assert "not today" in refused.stderr
    assert answer(client) == b"hello x"
    assert server.status()["generation"] == 1


class SlowCompiler:
    """A compiler that takes its time for as long as a file is there."""

    def __init__(self, directory):
        self.began, self.flag = directory / "began", directory / "slow"
        self.path = directory / "slow-c++"
        self.path.write_text(
            f"#!/bin/sh\nif [ -e {self.flag} ]; then touch {self.began}; while [ -e {self.flag} ]; do sleep 0.02; done; fi\n"
            'exec c++ "$@"\n'
        )
        self.path.chmod(0o755)

    def start(self, server):
        env = environment(server.directory) | {"CXX": str(self.path)}
        started = server.run("start", "-d", *server.arguments(), env=env)
        assert started.returncode == 0, started.stderr
        server.has_run = True
        self.flag.touch()

    def hurry(self):
        self.flag.unlink()


class Background:
    """A command that runs while the test goes on."""

    def __init__(self, command):
        self.result = None
        self.thread = threading.Thread(target=lambda: setattr(self, "result", command()))
        self.thread.start()

    def wait(self):
        self.thread.join(60)
        return self.result


def test_compiling_holds_up_nobody_and_a_second_reload_is_queued(servers, connect, source, directory):
    compiler, path = SlowCompiler(directory), source(HELLO)
    server = servers(app=path, count=1)
    compiler.start(server)
    client = connect(server.port)
    first = Background(lambda: server.cli("reload"))
    wait_until(compiler.began.exists)
    second = Background(lambda: server.cli("reload", "--set", "x=1"))
    assert server.status()["generation"] == 1
    assert answer(client) == b"hello x"
    server.kill(server.worker_pids()[0])
    server.wait_running()
    assert first.result is None and second.result is None
    compiler.hurry()
    assert first.wait().returncode == 0
    assert second.wait().returncode == 0
    assert server.status()["generation"] == 3


def test_stop_does_not_wait_for_the_compiler(servers, source, directory):
    compiler = SlowCompiler(directory)
    server = servers(app=source(HELLO), count=1)
    server.expect_log("reload refused: the server stops")
    compiler.start(server)
    reload = Background(lambda: server.cli("reload"))
    wait_until(compiler.began.exists)
    assert server.stop().returncode == 0
    assert reload.wait().returncode == 1
    compiler.hurry()


@pytest.mark.long
def test_a_compiler_that_never_ends_is_ended(servers, connect, source, directory):
    compiler = SlowCompiler(directory)
    server = servers(app=source(HELLO), count=1)
    server.expect_log("is not compiled after 60 s")
    compiler.start(server)
    refused = server.cli("reload", timeout=90)
    assert refused.returncode == 1
    assert "is not compiled after 60 s" in refused.stderr
    assert answer(connect(server.port)) == b"hello x"
    compiler.hurry()


def test_an_upgrade_keeps_module_and_attributes(servers, connect):
    server = servers(app=str(EXAMPLES / "counter.cpp"), count=1)
    server.start()
    client = connect(server.port)
    assert answer(client) == b"message 1"
    upgraded = server.cli("upgrade")
    assert upgraded.returncode == 0, upgraded.stderr
    assert answer(client) == b"message 2"
    server.kill(server.worker_pids()[0])
    server.wait_running()
    assert answer(connect(server.port)) == b"message 1"


def test_restart_stops_nothing_for_a_source_that_does_not_compile(servers, connect, source):
    server = servers(app=source(HELLO), count=1)
    server.start()
    client = connect(server.port)
    source("broken")
    assert server.cli("restart", "-d").returncode == 1
    assert answer(client) == b"hello x"


# ---- Exceptions and closing ----------------------------------------------------------------------------------------

THROWING = app_with(
    """
    app.on_open = [](wsd::Connection& connection) {
      if (connection.request().path() == "/open") throw std::runtime_error("thrown in open");
    };
    app.on_message = [](wsd::Connection& connection, wsd::Message message) {
      if (message.data == "int") throw 42;
      if (message.data == "throw") throw std::runtime_error("thrown in message");
      connection.send(message.data);
    };
    app.on_close = [](wsd::Connection& connection, wsd::CloseInfo) {
      if (connection.request().path() == "/close") throw std::runtime_error("thrown in close");
    };
    app.on_handshake = [](const wsd::Request& request, wsd::Handshake&) {
      if (request.path() == "/handshake") throw std::runtime_error("thrown in handshake");
    };
    app.on_request = [](const wsd::Request&, wsd::Response&) { throw std::runtime_error("thrown in request"); };
    app.on_worker_start = [](wsd::Worker& worker) {
      worker.after(std::chrono::milliseconds(1), [] { throw std::runtime_error("thrown in timer"); });
    };
    app.on_error = [](wsd::Connection* connection, std::string_view what) {
      std::printf("on_error: %s %.*s\\n", connection ? "connection" : "none", int(what.size()), what.data());
      if (what == "thrown in close") throw std::runtime_error("thrown in error");
    };
    """,
    ["cstdio", "stdexcept"],
)


def test_an_exception_closes_its_connection_with_1011_and_is_logged(servers, connect, modules):
    server = servers(app=modules(THROWING), count=1)
    server.expect_log(" threw")
    server.start()
    port, bystander = server.port, connect(server.port)
    for text, logged in ((b"throw", "thrown in message"), (b"int", "something that is not a std::exception")):
        client = connect(port)
        client.send(frame(TEXT, text))
        assert client.receive_close().code == 1011
        wait_until(lambda: logged in server.log())
    client = RawClient(port)
    client.send(handshake_request("/open"))
    client.receive_upgrade()
    assert client.receive_close().code == 1011
    client = RawClient(port)
    client.send(handshake_request("/close"))
    client.receive_upgrade()
    client.close_cleanly()
    client = RawClient(port)
    client.send(handshake_request("/handshake"))
    assert client.receive_response().status == 500
    client = RawClient(port)
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert client.receive_response().status == 500
    for where in ("message", "open", "close", "handshake", "request", "timer", "error"):
        wait_until(lambda: f"thrown in {where}" in server.log(), what=where)
    for said in ("connection thrown in message", "none thrown in timer"):
        wait_until(lambda: f"on_error: {said}" in server.log(), what=said)
    assert answer(bystander) == b"x"


def test_an_exception_in_the_body_or_on_worker_start_fails_the_start(servers, modules):
    for body in ('throw std::runtime_error("not today");',
                 'app.on_worker_start = [](wsd::Worker&) { throw std::runtime_error("not today"); };'):
        server = servers(app=modules(app_with(body, ["stdexcept"])))
        server.expect_log("not today")
        started = server.start(check=False)
        assert started.returncode == 1
        assert "not today" in started.stderr
        server.expect_nothing_left()


# In the callback WHERE does WHAT to the connection itself and to every other one. A timer and on_request act on all.
CLOSING = app_with(
    """
    static std::string where;
    static std::string what;
    static wsd::Worker* worker;
    where = app.setting("where");
    what = app.setting("what");
    static const auto end = [](wsd::Connection& connection) {
      if (what == "close") connection.close(4000, "told to");
      if (what == "destroy") connection.destroy();
      if (what == "both") { connection.close(4000); connection.destroy(); connection.destroy(); connection.close(); }
      connection.send("too late");
      connection.ping();
      connection.pause_receive();
      connection.resume_receive();
      connection.set("a", "b");
      if (connection.get("a") != "b") std::abort();
    };
    static const auto end_all = [](std::string_view here) {
      if (here == where) worker->for_each_connection([](wsd::Connection& connection) { end(connection); });
    };
    app.on_worker_start = [](wsd::Worker& started) {
      worker = &started;
      worker->every(std::chrono::milliseconds(20), [] { if (worker->connection_count() >= 3) end_all("timer"); });
    };
    app.on_handshake = [](const wsd::Request& request, wsd::Handshake&) {
      if (request.path() == "/go") end_all("handshake");
    };
    app.on_open = [](wsd::Connection& connection) { if (connection.request().path() == "/go") end_all("open"); };
    app.on_resume = [](wsd::Connection&) { end_all("resume"); };
    app.on_message = [](wsd::Connection& connection, wsd::Message message) {
      if (message.data == "go") end_all("message");
      if (message.data == "again") throw 1;
      connection.send(message.data);
    };
    app.on_close = [](wsd::Connection& connection, wsd::CloseInfo) {
      if (where == "close") end(connection);
      end_all("close");
    };
    app.on_error = [](wsd::Connection*, std::string_view) { end_all("error"); };
    app.on_request = [](const wsd::Request&, wsd::Response&) { end_all("request"); };
    """,
    ["chrono", "cstdlib", "string"],
)


@pytest.mark.parametrize("what", ["close", "destroy", "both"])
@pytest.mark.parametrize(
    "where", ["handshake", "open", "message", "close", "error", "timer", "request", "resume"]
)
def test_every_callback_may_end_its_own_and_other_connections(servers, connect, modules, where, what):
    server = servers(app=modules(CLOSING), count=1, options=["--set", f"where={where}", "--set", f"what={what}"])
    server.expect_log(" threw")
    server.start()
    port, pid = server.port, server.worker_pids()[0]
    clients = [connect(port) for _ in range(3)]
    if where in ("handshake", "open"):
        RawClient(port).send(handshake_request("/go"))
    elif where == "request":
        RawClient(port).send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    elif where == "message":
        clients[0].send(frame(TEXT, b"go") + frame(TEXT, b"go") + frame(TEXT, b"more"))
    elif where == "error":
        clients[0].send(frame(TEXT, b"again"))
    elif where == "close":
        clients[0].send(close_frame(1000))
    elif where == "resume":
        assert server.cli("reload").returncode == 0
        pid = server.worker_pids()[0]
    for client in clients:
        with contextlib.suppress(ConnectionGone, OSError):
            while True:
                received = client.receive_frame()
                if received.opcode == CLOSE:
                    client.send(frame(CLOSE, received.payload))
    wait_until(lambda: server.connections() == 0)
    assert is_alive(pid) and server.worker_pids() == [pid]


# ---- Handshake, attributes, requests -------------------------------------------------------------------------------

HANDSHAKE = app_with(
    """
    app.on_handshake = [](const wsd::Request& request, wsd::Handshake& handshake) {
      const auto path = request.path();
      if (path == "/refuse") {
        handshake.add_header("WWW-Authenticate", "Bearer");
        handshake.refuse(401, "no entry\\n");
      }
      if (path == "/redirect") {
        handshake.add_header("Location", "/elsewhere");
        handshake.refuse(302);
      }
      if (path == "/bad-status") handshake.refuse(101);
      if (path == "/inject") handshake.add_header("X-Name", "a\\r\\nSet-Cookie: b=c");
      if (path == "/inject-name") handshake.add_header("X-Name: a\\r\\nX", "b");
      if (path == "/reserved") handshake.add_header("sec-websocket-extensions", "permessage-deflate");
      if (path == "/not-offered") handshake.select_subprotocol("chat.v9");
      if (path == "/too-much") handshake.set("a", std::string(70000, 'x'));
      for (const auto name : handshake.offered_subprotocols()) {
        if (name == "chat.v2") handshake.select_subprotocol(name);
      }
      handshake.add_header("X-Address", request.remote_address());
      handshake.set("user", request.query());
    };
    app.on_message = [](wsd::Connection& connection, wsd::Message message) {
      if (message.data == "forget") connection.set("user", "");
      connection.send({connection.subprotocol(), "|", connection.get("user"), "|", connection.get("")});
    };
    """,
    ["string"],
)


@pytest.fixture
def handshake_server(servers, modules):
    server = servers(app=modules(HANDSHAKE), count=1)
    server.start()
    return server


def shake_hands(port, path, **changed):
    client = RawClient(port)
    client.send(handshake_request(path, **changed))
    return client


def test_a_handshake_is_refused_with_status_body_and_headers(handshake_server):
    client = shake_hands(handshake_server.port, "/refuse")
    response = client.receive_response()
    assert (response.status, response.body) == (401, b"no entry\n")
    assert response.fields["www-authenticate"] == "Bearer"
    assert response.fields["x-address"] == "127.0.0.1"
    client.expect_end()
    response = shake_hands(handshake_server.port, "/redirect").receive_response()
    assert (response.status, response.fields["location"]) == (302, "/elsewhere")
    assert handshake_server.connections() == 0


def test_a_handshake_gets_subprotocol_headers_and_attributes_which_survive_a_reload(handshake_server):
    client = shake_hands(handshake_server.port, "/?alice", Sec_WebSocket_Protocol="chat.v1, chat.v2")
    response = client.receive_upgrade()
    assert response.fields["sec-websocket-protocol"] == "chat.v2"
    assert response.fields["x-address"] == "127.0.0.1"
    assert answer(client) == b"chat.v2|alice|"
    assert handshake_server.cli("reload").returncode == 0
    assert answer(client) == b"chat.v2|alice|"
    assert answer(client, b"forget") == b"chat.v2||"
    assert handshake_server.cli("reload").returncode == 0
    assert answer(client) == b"chat.v2||"


def test_without_a_choice_there_is_no_subprotocol(handshake_server):
    client = shake_hands(handshake_server.port, "/", Sec_WebSocket_Protocol="chat.v1")
    assert "sec-websocket-protocol" not in client.receive_upgrade().fields
    assert answer(client) == b"||"


@pytest.mark.parametrize("path", ["/bad-status", "/inject", "/inject-name", "/reserved", "/not-offered", "/too-much"])
def test_what_an_app_must_not_say_is_a_500_and_a_line_in_the_log(handshake_server, path):
    handshake_server.expect_log("on_handshake threw")
    client = shake_hands(handshake_server.port, path)
    response = client.receive_response()
    assert response.status == 500
    assert "set-cookie" not in response.fields
    client.expect_end()


REQUESTS = app_with(
    """
    app.on_request = [](const wsd::Request& request, wsd::Response& response) {
      if (request.path() == "/none") return response.set_status(204), response.write("dropped");
      if (request.path() == "/big") return response.write(std::string(3 << 20, 'x'));
      if (request.path() == "/json") {
        response.set_status(201);
        response.add_header("Content-Type", "application/json");
        return response.write("{}");
      }
      if (request.path() == "/bad") response.add_header("A", "b\\nc");
      if (request.path() == "/status") response.set_status(101);
      response.write(request.method());
      response.write(" ");
      response.write(request.query());
      response.write(" ");
      response.write(request.body());
    };
    """,
    ["string"],
)


@pytest.fixture(scope="module")
def request_server(modules):
    with shared_server(app=modules(REQUESTS), count=1) as made:
        made.expect_log("on_request threw")
        yield made


def ask(server, head, body=b"", method="GET"):
    client = RawClient(server.fixed_port)
    lines = "\r\n".join([f"{method} {head[0]} HTTP/1.1", "Host: x", *head[1:]])
    client.send(lines.encode() + b"\r\n\r\n" + body)
    return client


def test_a_request_is_answered_and_the_connection_closed(request_server):
    client = ask(request_server, ["/?a=b"])
    response = client.receive_response()
    assert (response.status, response.body) == (200, b"GET a=b ")
    assert response.fields["content-type"] == "text/plain; charset=utf-8"
    assert response.fields["connection"] == "close"
    client.expect_end()
    response = ask(request_server, ["/json"]).receive_response()
    assert (response.status, response.body, response.fields["content-type"]) == (201, b"{}", "application/json")
    assert request_server.connections() == 0


def test_a_large_answer_arrives_whole(request_server):
    assert ask(request_server, ["/big"]).receive_response().body == b"x" * (3 << 20)


def test_head_and_204_have_no_body(request_server):
    for client, fields in ((ask(request_server, ["/json"], method="HEAD"), {"content-length": "2"}),
                           (ask(request_server, ["/none"]), {})):
        head = client.take_until(b"\r\n\r\n").decode().lower()
        assert all(f"{name}: {value}" in head for name, value in fields.items()), head
        assert ("content-length" in head) == bool(fields)
        client.expect_end()
        assert client.received == b""


def test_a_body_arrives_whole_in_whatever_pieces(request_server):
    body = os.urandom(65536)
    response = ask(request_server, ["/", "Content-Length: 65536"], body, "POST").receive_response()
    assert response.body == b"POST  " + body
    client = ask(request_server, ["/", "Content-Length: 3"], method="PUT")
    client.send_byte_by_byte(b"abc")
    assert client.receive_response().body == b"PUT  abc"


def test_a_client_that_expects_to_be_told_to_continue_is(request_server):
    client = ask(request_server, ["/", "Content-Length: 2", "Expect: 100-continue"], method="POST")
    assert client.take_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue"
    client.send(b"ok")
    assert client.receive_response().body == b"POST  ok"


@pytest.mark.parametrize(
    "fields, status",
    [
        (["Content-Length: 65537"], 413),
        (["Content-Length: 99999999999999999999999"], 400),
        (["Transfer-Encoding: chunked"], 411),
        (["Content-Length: 1", "Content-Length: 1"], 400),
        (["Content-Length: -1"], 400),
        (["Host: y"], 400),
    ],
)
def test_bodies_that_are_not_read_are_refused(request_server, fields, status):
    client = ask(request_server, ["/", *fields], method="POST")
    assert client.receive_response().status == status
    client.expect_end()


@pytest.mark.parametrize("path", ["/bad", "/status"])
def test_an_answer_that_is_none_is_a_500(request_server, path):
    assert ask(request_server, [path]).receive_response().status == 500


def test_a_request_whose_body_is_half_here_survives_a_reload(servers, modules):
    server = servers(app=modules(REQUESTS), count=1, options=["--handshake-timeout", 60])
    server.start()
    client = RawClient(server.port)
    client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
    client.wait_read()
    assert server.cli("reload").returncode == 0
    client.send(b"def")
    assert client.receive_response().body == b"POST  abcdef"


# ---- Examples ------------------------------------------------------------------------------------------------------


@pytest.fixture
def example(servers):
    def start(name, **options):
        server = servers(app=str(EXAMPLES / f"{name}.cpp"), count=1, **options)
        server.start()
        return server

    return start


def test_example_echo(example, connect):
    assert connect(example("echo").port).echo(b"world") == (TEXT, b"hello world")


def test_example_push(example, connect):
    server = example("push", options=["--set", "interval=0.2"])
    client = connect(server.port)
    client.send(frame(TEXT, b"a line"))
    received = set()
    while len(received) < 2:
        received.add(client.receive_message()[1].decode())
    assert received == {"服务器已经收到了你的消息", "你好!"}
    wait_until(lambda: "a line" in server.log())


def test_example_auth(example):
    server = example("auth", options=["--set", "token=t0ken"])
    refused = shake_hands(server.port, "/?alice").receive_response()
    assert (refused.status, refused.fields["www-authenticate"]) == (401, "Bearer")
    client = shake_hands(server.port, "/?alice", Authorization="Bearer t0ken")
    client.receive_upgrade()
    assert client.receive_message() == (TEXT, b"welcome, alice")


def test_example_http(example, connect):
    server = example("http")
    server.fixed_port = server.port
    client = connect(server.port)
    assert ask(server, ["/count"]).receive_response().body == b'{"connections":1}\n'
    ask(server, ["/say", "Content-Length: 2"], b"hi", "POST")
    assert client.receive_message() == (TEXT, b"hi")
    assert ask(server, ["/"]).receive_response().status == 404


def test_example_counter_counts_on_after_a_reload(example, connect):
    server = example("counter")
    client = connect(server.port)
    assert [answer(client), answer(client)] == [b"message 1", b"message 2"]
    assert server.cli("reload").returncode == 0
    assert answer(client) == b"message 3"


# ---- Other people's tools ------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("installed")
    prefix.chmod(0o755)
    subprocess.run(["cmake", "--install", str(BINARY.parent), "--prefix", str(prefix)], check=True, capture_output=True)
    return prefix


@pytest.fixture
def project(directory):
    path = directory / "project"
    path.mkdir()
    (path / "hello.cpp").write_text(HELLO)
    return path


@pytest.mark.smoke
def test_the_installed_server_finds_its_own_header(servers, connect, installed, source):
    server = servers(app=source(HELLO), binary=installed / "bin/wsd", count=1)
    server.start()
    assert answer(connect(server.port)) == b"hello x"


def test_find_package_and_wsd_add_app_make_a_module(servers, connect, installed, project):
    (project / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.22)\nproject(hello LANGUAGES CXX)\n"
        "find_package(wsd 0.1 REQUIRED)\nwsd_add_app(hello hello.cpp)\n"
    )
    build = project / "build"
    for command in (["cmake", "-S", project, "-B", build, f"-DCMAKE_PREFIX_PATH={installed}"], ["cmake", "--build", build]):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Warning" not in done.stderr, done.stderr
    server = servers(app=str(build / "hello.so"), count=1)
    server.start()
    assert answer(connect(server.port)) == b"hello x"


def test_pkg_config_gives_the_flags_of_a_module(servers, connect, installed, project):
    pc = next(installed.glob("**/wsd.pc")).parent
    flags = subprocess.run(["pkg-config", "--cflags", "wsd"], env=os.environ | {"PKG_CONFIG_PATH": str(pc)}, check=True, capture_output=True, text=True)
    module = project / "hello.so"
    subprocess.run(["c++", *flags.stdout.split(), "-O2", "-shared", "hello.cpp", "-o", str(module)], cwd=project, check=True)
    server = servers(app=str(module), count=1)
    server.start()
    assert answer(connect(server.port)) == b"hello x"

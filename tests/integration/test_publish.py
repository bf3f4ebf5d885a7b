"""`wsd publish`: a message to a channel from the shell, through the control socket."""

import json
import signal
import subprocess

from server import environment, send_signal, wait_until


def test_what_no_server_would_take_is_refused_at_once(servers):
    server = servers()
    server.start()
    for arguments, words in [
        (["", "x"], "no channel"),
        (["c" * 256, "x"], "1 to 255 bytes"),
        (["room", "x" * 70_000], "/v1/publish"),
        (["room"], "DATA"),
    ]:
        refused = server.cli("publish", *arguments)
        assert refused.returncode == 2, arguments
        assert words in refused.stderr and len(refused.stderr.splitlines()) == 1


def test_standard_input_is_read_no_further_than_it_can_be_sent(servers):
    server = servers()
    server.start()
    with open("/dev/zero", "rb") as endless:
        refused = subprocess.run(
            [server.binary, "publish", *server.instance(), "room", "-", "--binary"],
            stdin=endless,
            capture_output=True,
            env=environment(server.directory),
            timeout=30,
        )
    assert refused.returncode == 2
    assert b"/v1/publish" in refused.stderr


def test_there_must_be_a_server(servers):
    assert servers().cli("publish", "room", "hello").returncode == 3


def test_a_worker_that_does_not_answer_makes_it_partial(servers):
    server = servers(count=1)
    server.start()
    worker = server.worker(0)["pid"]
    send_signal(worker, signal.SIGSTOP)
    try:
        told = server.cli("publish", "room", "hello")
        assert told.returncode == 0, told.stderr
        assert told.stdout == "delivered to 0 subscribers; a worker did not answer in time\n"
        told = server.cli("publish", "--json", "room", "hello")
        assert json.loads(told.stdout) == {"delivered_to": 0, "partial": True}
    finally:
        send_signal(worker, signal.SIGCONT)
    wait_until(lambda: server.worker(0)["state"] == "running", what="the worker runs again")

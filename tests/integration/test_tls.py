"""wss: certificates, versions and tickets, and clients that are not ours; what reloads do to it is in test_tls_reload."""

import array
import asyncio
import contextlib
import fcntl
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import termios
import time

import pytest

from certificates import Authority, openssl
from clients import TEXT, frame
from server import DEADLINE_S, cpu_seconds, wait_until

NODE = pathlib.Path(__file__).parent / "node"
WSS = "wss://127.0.0.1:0"


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.server("localhost", "chat.example.org")


@pytest.fixture
def secure_server(servers, certificate):
    """Makes servers that listen on wss."""

    def make(options=(), listen=(WSS,), pair=certificate, start=True, **others):
        server = servers(listen=listen, options=["--set", "prefix=", *pair.options(), *options], **others)
        if start:
            server.start()
        return server

    return make


def s_client(port, *arguments, send=b"", timeout=DEADLINE_S):
    """`openssl s_client`, its words on both outputs together."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *map(str, arguments)]
    result = subprocess.run(command, input=send, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)
    return result.stdout.decode(errors="replace")


# ---- clients --------------------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_a_raw_client_converses_and_is_told_the_end(secure_server, authority, connect):
    server = secure_server()
    assert server.urls()[0].startswith("wss://127.0.0.1:")
    client = connect(server.port, tls=authority.client_context())
    assert client.socket.version() == "TLSv1.3"
    for size in (0, 1, 125, 126, 16_384, 65_536, 1 << 20):
        assert client.echo(b"x" * size)[1] == b"x" * size
    client.close_cleanly()


@pytest.mark.smoke
def test_websockets_converses(secure_server, authority):
    websockets = pytest.importorskip("websockets")
    server = secure_server()

    async def converse():
        url, context = f"wss://localhost:{server.port}/", authority.client_context()
        async with websockets.connect(url, ssl=context, max_size=None) as client:
            for message in ("world", b"\x00\x01", "x" * 100_000):
                await client.send(message)
                assert await client.recv() == message
            await asyncio.wait_for(await client.ping(b"are you there"), 15)
        assert client.close_code == 1000

    asyncio.run(converse())


def test_ws_of_node_converses(secure_server, authority):
    if not shutil.which("node") or not (NODE / "node_modules/ws").is_dir():
        pytest.skip("node or npm's ws is not there (npm ci in tests/integration/node)")
    server = secure_server(options=["--set", "prefix=hello "])
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "NODE_EXTRA_CA_CERTS": str(authority.cert)}
    command = ["node", "client.mjs", f"wss://localhost:{server.port}/"]
    result = subprocess.run(command, cwd=NODE, env=environment, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


def test_plain_and_secure_addresses_serve_side_by_side(secure_server, authority, connect):
    server = secure_server(listen=("ws://127.0.0.1:0", WSS))
    plain, secure = (int(url.rpartition(":")[2]) for url in server.urls())
    assert connect(plain).still_works()
    assert connect(secure, tls=authority.client_context()).still_works()


# ---- what TLS is spoken ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1_2", "1_3"])
def test_versions_and_ciphers(secure_server, certificate, version):
    server = secure_server()
    said = s_client(server.port, f"-tls{version}", "-alpn", "h2,http/1.1", send=b"Q\n")
    assert f"Protocol  : TLSv{version.replace('_', '.')}" in said or f"New, TLSv{version.replace('_', '.')}" in said
    assert re.search(r"Cipher( is|    :) (ECDHE-|TLS_)", said), said
    assert "ALPN protocol: http/1.1" in said
    assert "Compression: NONE" in said
    if version == "1_2":
        assert "Secure Renegotiation IS supported" in said  # RFC 5746: the client may know that nobody slipped in


@pytest.mark.parametrize(
    "offered, chosen",
    [
        ("TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
        ("TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
        ("TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_256_GCM_SHA384"),
    ],
)
def test_the_cheapest_cipher_for_both_is_chosen(secure_server, offered, chosen):
    """A client that puts ChaCha20 first has a processor without AES."""
    said = s_client(secure_server().port, "-tls1_3", "-ciphersuites", offered, send=b"Q\n")
    assert f"Cipher is {chosen}" in said, said


@pytest.mark.parametrize(
    "arguments",
    [
        ["-tls1", "-cipher", "DEFAULT@SECLEVEL=0"],
        ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"],
        ["-tls1_2", "-cipher", "AES128-SHA256"],
        ["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"],
        ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"],
        ["-alpn", "h2"],
    ],
)
def test_what_is_old_is_refused(secure_server, arguments):
    server = secure_server()
    said = s_client(server.port, *arguments)
    assert "Cipher is (NONE)" in said or "no cipher match" in said, said
    wait_until(lambda: server.status()["totals"]["protocol_errors"] == 1)
    wait_until(lambda: len(re.findall("TLS handshake with 127.0.0.1 failed: ", server.log())) == 1)


def test_renegotiation_is_refused(secure_server):
    server = secure_server()
    client = subprocess.Popen(
        ["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{server.port}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said = client.communicate(b"R\n", timeout=DEADLINE_S)[0].decode(errors="replace")
    assert "RENEGOTIATING" in said
    assert "no renegotiation" in said, said


def updates_keys(port, times):
    """A request of openssl s_client with a KeyUpdate before each of so many lines: whether it was answered."""
    client = subprocess.Popen(
        ["openssl", "s_client", "-tls1_3", "-connect", f"127.0.0.1:{port}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )

    def say(line):
        """In a read of its own: a K at the beginning of one is the command to update keys, with the next line."""
        with contextlib.suppress(BrokenPipeError):
            client.stdin.write(line)
            client.stdin.flush()
            unread = array.array("i", [1])
            while unread[0] and client.poll() is None:
                fcntl.ioctl(client.stdin, termios.FIONREAD, unread)

    say(b"GET /somewhere HTTP/1.1\r\nHost: localhost\r\n")
    for number in range(times):
        say(b"K\n")
        say(b"X-%d: x\r\n" % number)
    say(b"\r\n")
    said = b""
    while b"HTTP/1.1 426" not in said and (more := client.stdout.read1()):
        said += more
    client.kill()
    assert client.communicate()[1].count(b"KEYUPDATE") >= min(times, 33)
    return b"HTTP/1.1 426" in said


def test_a_flood_of_key_updates_is_cut(secure_server, authority, connect):
    server = secure_server(count=1)
    assert updates_keys(server.port, 20)
    assert not updates_keys(server.port, 40)
    assert connect(server.port, tls=authority.client_context()).still_works()


def test_records_of_one_byte_are_read_and_harm_nobody(secure_server, authority, connect, sanitized):
    server = secure_server(count=1)
    pid = server.worker(0)["pid"]
    bystander, client = (connect(server.port, tls=authority.client_context()) for _ in range(2))
    before = cpu_seconds(pid)
    message = frame(TEXT, b"x" * 20_000)
    for byte in message:
        client.send(bytes([byte]))
    assert client.receive_message() == (TEXT, b"x" * 20_000)
    assert sanitized or cpu_seconds(pid) - before < 1, "50 us for each at most, where a packet alone costs some"
    assert bystander.still_works()


def test_early_data_is_off(secure_server, directory):
    server = secure_server(count=1)
    session = directory / "session"
    said = s_client(server.port, "-tls1_3", "-sess_out", session, "-ign_eof", send=b"GET / HTTP/1.0\r\n\r\n")
    assert "Max Early Data: 0" in said, said


def ticket_session(port, directory, version):
    """Talks until the server has ended the stream, so that the ticket has come."""
    session = directory / f"session{version}"
    s_client(port, f"-tls{version}", "-sess_out", session, "-ign_eof", send=b"GET / HTTP/1.0\r\n\r\n")
    assert session.exists()
    return session


def resumes(port, session, version):
    said = s_client(port, f"-tls{version}", "-sess_in", session, "-ign_eof", send=b"GET / HTTP/1.0\r\n\r\n")
    assert "New, TLS" in said or "Reused, TLS" in said, said
    return "Reused, TLS" in said


@pytest.mark.parametrize("version", ["1_2", "1_3"])
def test_sessions_resume_in_every_worker_and_after_a_reload_and_an_upgrade(secure_server, directory, version):
    server = secure_server(count=4)
    port = server.port
    session = ticket_session(port, directory, version)
    before = [row["accepted"] for row in server.workers()]
    for _ in range(16):
        assert resumes(port, session, version)
    served = [now["accepted"] - then for now, then in zip(server.workers(), before)]
    assert sum(served) == 16 and sum(count > 0 for count in served) > 1, "by more than one worker"
    assert server.cli("reload").returncode == 0
    assert all(resumes(port, session, version) for _ in range(4))
    assert server.cli("upgrade").returncode == 0
    assert all(resumes(port, session, version) for _ in range(4))
    assert server.cli("restart", "-d", "--listen", f"wss://127.0.0.1:{port}").returncode == 0
    assert not resumes(port, session, version), "another life, another secret"


# ---- which certificate ----------------------------------------------------------------------------------------------


def test_a_certificate_is_chosen_by_the_name_that_is_asked_for(secure_server, authority):
    other = authority.server("other.example.org", "*.example.net")
    server = secure_server(options=other.options())

    def shown(name):
        context = authority.client_context()
        context.check_hostname = False
        with socket.create_connection(("127.0.0.1", server.port)) as plain:
            with context.wrap_socket(plain, server_hostname=name) as client:
                return dict(part[0] for part in client.getpeercert()["subject"])["commonName"]

    assert shown("localhost") == "localhost"
    assert shown("chat.example.org") == "localhost"
    assert shown("other.example.org") == "other.example.org"
    assert shown("a.example.net") == "other.example.org"
    assert shown("nobody.example.com") == "localhost", "the first one's"


def test_an_rsa_and_an_ecdsa_certificate_serve_the_same_name(secure_server, authority, certificate):
    rsa = authority.server("localhost", "chat.example.org", rsa=True)
    other = authority.server("other.example.org")
    server = secure_server(options=[*rsa.options(), *other.options()])

    def shown(*arguments, name="localhost"):
        said = s_client(server.port, "-servername", name, "-CAfile", authority.cert, *arguments, send=b"Q\n")
        assert "Verify return code: 0 (ok)" in said, said
        return re.search(r"Peer signature type: (\S+)", said)[1]

    for name in ("localhost", "chat.example.org", "nobody.example.com"):
        assert shown("-tls1_3", "-sigalgs", "ECDSA+SHA256", name=name) == "ECDSA"
        assert shown("-tls1_3", "-sigalgs", "RSA-PSS+SHA256", name=name) == "RSA-PSS"
        assert shown("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256", name=name) == "ECDSA"
        assert shown("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256", name=name) == "RSA-PSS"
    assert shown("-tls1_3", name="other.example.org") == "ECDSA"
    refused = s_client(server.port, "-servername", "other.example.org", "-tls1_3", "-sigalgs", "RSA-PSS+SHA256")
    assert "handshake failure" in refused, refused
    assert server.cli("reload").returncode == 0
    assert shown("-sigalgs", "ECDSA+SHA256") == "ECDSA" and shown("-sigalgs", "RSA-PSS+SHA256") == "RSA-PSS"


def test_clients_may_have_to_show_a_certificate(secure_server, authority, tmp_path, connect):
    clients = Authority(tmp_path / "clients", name="Clients")
    alice, mallory = clients.sign("alice"), authority.sign("mallory")
    server = secure_server(options=["--tls-client-ca", clients.cert])
    assert connect(server.port, tls=authority.client_context(alice)).still_works()
    for certificate in (None, mallory):
        with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
            connect(server.port, tls=authority.client_context(certificate))
    wait_until(lambda: server.status()["totals"]["protocol_errors"] == 2)
    for reason in ("peer did not return a certificate", "certificate verify failed"):
        wait_until(lambda: f"failed: {reason}" in server.log(), what=reason)


# ---- certificates that are no good ----------------------------------------------------------------------------------


def bad_pairs(authority, certificate, directory):
    """Name, the pair's files, and a part of the sentence."""
    missing = directory / "missing.pem"
    text = directory / "text.pem"
    text.write_text("no certificate")
    past = authority.server("localhost", end="20210101000000Z")
    future = authority.server("localhost", begin="21000101000000Z")
    stranger = authority.server("localhost")
    return [
        ("missing", certificate.cert, missing, f"cannot read the TLS key in {missing}: No such file"),
        ("directory", directory, certificate.key, f"cannot read the TLS certificate in {directory}: it is not a file"),
        ("no pem", text, certificate.key, f"there is no PEM certificate in {text}"),
        ("no key", certificate.cert, text, f"there is no PEM private key in {text}"),
        ("mismatch", certificate.cert, stranger.key, f"the TLS key in {stranger.key} does not belong to the certificate in"),
        ("expired", past.cert, past.key, f"the TLS certificate in {past.cert} expired on 2021-01-01"),
        ("not yet", future.cert, future.key, f"the TLS certificate in {future.cert} is not valid before 2100-01-01"),
    ]


def test_a_start_with_a_bad_certificate_is_refused_by_name(servers, authority, certificate, directory):
    for name, cert, key, sentence in bad_pairs(authority, certificate, directory):
        server = servers(listen=[WSS], options=["--tls-cert", cert, "--tls-key", key])
        server.expect_log("start failed|cannot start")
        result = server.start(check=False)
        assert result.returncode in (1, 2), name
        assert sentence in result.stderr, (name, result.stderr)
        server.expect_nothing_left()


def test_a_reload_with_a_bad_certificate_is_refused_and_the_old_one_serves(secure_server, authority, certificate, directory, connect):
    server = secure_server()
    server.expect_log("reload failed|reload refused|cannot start|could not start")
    client = connect(server.port, tls=authority.client_context())
    pids = server.worker_pids()
    for name, cert, key, sentence in bad_pairs(authority, certificate, directory):
        result = server.cli("reload", "--tls-cert", cert, "--tls-key", key)
        assert result.returncode == 1, name
        assert sentence in result.stderr, (name, result.stderr)
        assert server.worker_pids() == pids, name
        assert client.still_works(), name
        assert connect(server.port, tls=authority.client_context()).still_works(), name
    assert server.status()["generation"] == 1


def test_a_reload_reads_the_files_anew(secure_server, authority, directory, connect):
    pair = authority.server("localhost")
    server = secure_server(pair=pair)

    def serial():
        return connect(server.port, tls=authority.client_context()).socket.getpeercert()["serialNumber"]

    before, fresh = serial(), authority.server("localhost")
    pair.cert.write_bytes(fresh.cert.read_bytes())
    server.expect_log("reload failed|cannot start")
    assert server.cli("reload").returncode == 1, "the key is still the old one's"
    assert serial() == before
    pair.key.write_bytes(fresh.key.read_bytes())
    assert server.cli("reload").returncode == 0
    assert serial() != before


def test_a_worker_is_respawned_though_its_certificate_has_expired_meanwhile(secure_server, servers, authority, connect):
    # The files are read at a start and a reload alone: a respawn goes on with what was good then.
    pair = authority.server("localhost")
    server = secure_server(pair=pair, count=1)
    pair.cert.unlink()
    pair.key.unlink()
    killed = server.worker(0)["pid"]
    server.kill(killed)
    wait_until(lambda: server.worker(0)["pid"] not in (killed, 0))
    server.wait_running()
    assert connect(server.port, tls=authority.client_context()).still_works()


def test_what_will_make_trouble_is_warned_of(secure_server, authority, tmp_path):
    middle = Authority(tmp_path / "middle", name="Middle", by=authority)
    soon = subprocess.run(["date", "-u", "-d", "+9 days", "+%Y%m%d%H%M%SZ"], capture_output=True, text=True).stdout.strip()
    pair = middle.sign("localhost", end=soon)
    server = secure_server(pair=pair)
    assert f"the TLS certificate in {pair.cert} expires soon, on 20" in server.log()
    assert f"the chain in {pair.cert} ends before an authority that this machine knows" in server.log()
    assert "certificate of CN=Middle is appended" in server.log()


def test_options_that_do_not_fit_together(servers, certificate):
    for options, sentence in [
        ([], "a wss:// address needs a certificate: give --tls-cert FILE and --tls-key FILE"),
        (["--tls-cert", certificate.cert], "there are 1 of --tls-cert and 0 of --tls-key"),
    ]:
        server = servers(listen=[WSS], options=options)
        result = server.start(check=False)
        assert result.returncode == 2
        assert sentence in result.stderr


# ---- clients that go wrong ------------------------------------------------------------------------------------------


def test_plain_http_is_told_that_this_port_speaks_tls(secure_server, connect):
    server = secure_server()
    client = connect(server.port, handshake=False)
    client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    response = client.receive_response()
    assert response.status == 400
    assert response.body == b"This port speaks TLS. Connect with wss:// or https://.\n"
    client.expect_end()
    wait_until(lambda: "failed: it speaks HTTP without TLS" in server.log())


def test_a_client_that_stalls_in_the_handshake_is_let_go(secure_server, certificate, connect):
    server = secure_server(options=["--handshake-timeout", 0.5])
    silent = connect(server.port, handshake=False)
    begun = connect(server.port, handshake=False)
    begun.send(bytes.fromhex("160301020001"))
    assert silent.is_closed()
    assert begun.is_closed()


def test_clients_that_leave_in_the_middle_leave_nothing_behind(secure_server, authority, connect):
    server = secure_server(count=1)
    pid = server.worker(0)["pid"]
    for data in (b"", bytes.fromhex("160301"), b"\xff" * 100, bytes.fromhex("16030100050100000100")):
        for end in ("reset", "abandon"):
            client = connect(server.port, handshake=False)
            client.send(data)
            getattr(client, end)()
    client = connect(server.port, tls=authority.client_context())
    client.reset()
    assert connect(server.port, tls=authority.client_context()).still_works()
    assert server.worker(0)["pid"] == pid


def test_failures_are_logged_at_a_bounded_rate(secure_server, connect):
    server = secure_server(count=1)
    port, began = server.port, time.monotonic()
    for _ in range(50):
        client = connect(port, handshake=False)
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        client.receive_response()
    wait_until(lambda: server.status()["totals"]["protocol_errors"] == 50)
    assert server.log().count("TLS handshake with") <= 10 + (time.monotonic() - began) / 10


def test_a_slow_reader_gets_everything_in_order(secure_server, authority, connect):
    server = secure_server(count=1, options=["--send-queue", 64 << 20])
    client = connect(server.port, tls=authority.client_context(), receive_buffer=4096)
    payload = bytes(range(256)) * 2000
    for _ in range(8):
        client.send(frame(TEXT + 1, payload))
    for _ in range(8):
        assert client.receive_message()[1] == payload
    assert client.still_works()


def test_a_stop_says_close_and_close_notify(secure_server, authority, connect):
    server = secure_server(count=1)
    context = authority.client_context()
    client = connect(server.port, tls=context)
    server.stop()
    assert client.receive_close().code == 1001
    client.expect_end()  # of the TLS stream: an end without close_notify would be an SSLEOFError

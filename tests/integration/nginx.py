"""A real nginx in a directory of its own, with the committed examples of docs/examples/nginx for its configuration.

Only paths and ports of an example are replaced, and each must be there to be replaced: an example that changes its
shape fails here.
"""

import os
import pathlib
import shutil
import socket
import subprocess

from server import DEADLINE_S, wait_until

EXAMPLES = pathlib.Path(__file__).parents[2] / "docs/examples/nginx"
STREAM_MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_stream_module.so")
CERTIFICATE = "/etc/letsencrypt/live/chat.example.com/fullchain.pem"
KEY = "/etc/letsencrypt/live/chat.example.com/privkey.pem"


def binary():
    return shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate(directory):
    """A certificate for 127.0.0.1 that is its own authority: (certificate, key)."""
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=wsd test", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


def example(name, replacements):
    text = (EXAMPLES / name).read_text()
    for old, new in replacements.items():
        assert old in text, f"{name} has no {old!r}"
        text = text.replace(old, str(new))
    return text


class Nginx:
    """`upstream`: where wsd listens, as nginx's `server` spells it."""

    def __init__(self, directory, upstream, timeout=None, stream=False):
        self.directory = directory
        self.upstream = upstream
        self.timeout = timeout
        self.stream = stream
        self.certificate, self.key = make_certificate(directory)
        self.root = directory / "www"
        self.root.mkdir()
        self.fastcgi = directory / "php.sock"
        self.process = None

    def start(self):
        """On ports that were free a moment ago; somebody else may have been faster."""
        for _ in range(5):
            self.port, self.plain_port = free_port(), free_port()
            self.write_configuration()
            command = [binary(), "-p", self.directory, "-e", self.directory / "error.log", "-c", self.directory / "nginx.conf"]
            nowhere = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
            self.process = subprocess.Popen([str(word) for word in command], **nowhere)
            wait_until(lambda: self.is_listening() or self.process.poll() is not None, what="nginx listens")
            if self.process.poll() is None:
                return self
        raise AssertionError("nginx does not start:\n" + self.log())

    def write_configuration(self):
        shared = {CERTIFICATE: self.certificate, KEY: self.key}
        if self.stream:
            replacements = shared | {
                "listen 8443 ssl": f"listen 127.0.0.1:{self.port} ssl",
                "server 127.0.0.1:9000;": f"server {self.upstream};",
            }
            part = example("stream.conf", replacements)
        else:
            replacements = shared | {
                "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
                "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
                "server 127.0.0.1:8080;": f"server {self.upstream};",
                "/var/www/chat": self.root,
                "unix:/run/php/php-fpm.sock": f"unix:{self.fastcgi}",
                "include fastcgi_params": "include /etc/nginx/fastcgi_params",
            }
            if self.timeout:
                replacements |= {"_timeout 75s": f"_timeout {self.timeout}"}
            kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            temporary = "".join(f"{kind}_temp_path {self.directory}/{kind};\n" for kind in kinds)
            part = f"http {{\naccess_log off;\n{temporary}{example('wsd.conf', replacements)}}}\n"
        (self.directory / "nginx.conf").write_text(
            "daemon off;\nworker_processes 2;\n"
            + ("user root root;\n" if os.geteuid() == 0 else "")
            + (f"load_module {STREAM_MODULE};\n" if self.stream else "")
            + f"pid {self.directory}/nginx.pid;\nevents {{ worker_connections 1024; }}\n{part}"
        )

    def is_listening(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def url(self):
        return f"wss://127.0.0.1:{self.port}/"

    def log(self):
        log = self.directory / "error.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=DEADLINE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

"""Certificates for tests, made by the openssl command: authorities, and what they sign."""

import pathlib
import ssl
import subprocess

CONFIG = """
[ca]
default_ca = plain
[plain]
database = {directory}/index.txt
new_certs_dir = {directory}
serial = {directory}/serial
default_md = sha256
policy = anything
copy_extensions = copy
unique_subject = no
email_in_dn = no
[anything]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:TRUE
[server]
basicConstraints = CA:FALSE
"""


def openssl(*arguments, **options):
    result = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=60, **options)
    assert result.returncode == 0, result.stderr
    return result.stdout


class Certificate:
    """A certificate and its key, each in a file."""

    def __init__(self, cert, key):
        self.cert, self.key = pathlib.Path(cert), pathlib.Path(key)

    def options(self):
        return ["--tls-cert", self.cert, "--tls-key", self.key]


class Authority(Certificate):
    """Signs certificates; is one itself."""

    def __init__(self, directory, name="Test Authority", by=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.config = self.directory / "openssl.cnf"
        self.config.write_text(CONFIG.format(directory=self.directory))
        (self.directory / "index.txt").touch()
        (self.directory / "serial").write_text("1000\n")
        self.number = 0
        made = (by or self).sign(name, extensions="authority", self_signed=by is None, directory=self.directory)
        super().__init__(made.cert, made.key)

    def sign(self, *names, begin="20200101000000Z", end="21260101000000Z", extensions="server", self_signed=False, directory=None, rsa=False):
        """A certificate for these names, in its time from `begin` to `end`; its key is P-256, or RSA."""
        directory = directory or self.directory
        self.number += 1
        stem = directory / f"{names[0].replace(' ', '_').replace('*', 'any')}-{self.number}"
        cert, key, request = stem.with_suffix(".crt"), stem.with_suffix(".key"), stem.with_suffix(".csr")
        kind = ["rsa:2048"] if rsa else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        hosts = [] if extensions == "authority" else ["-addext", "subjectAltName=" + ",".join(f"DNS:{n}" for n in names)]
        openssl("req", "-new", "-config", self.config, "-newkey", *kind, "-nodes", "-subj", f"/CN={names[0]}", *hosts, "-keyout", key, "-out", request)
        who = ["-selfsign", "-keyfile", key] if self_signed else ["-cert", self.cert, "-keyfile", self.key]
        dates = ["-startdate", begin, "-enddate", end]
        openssl("ca", "-batch", "-notext", "-config", self.config, "-extensions", extensions, *who, *dates, "-in", request, "-out", cert)
        return Certificate(cert, key)

    def server(self, *names, **options):
        """One whose file has the whole chain."""
        made = self.sign(*(names or ("localhost",)), **options)
        made.cert.write_text(made.cert.read_text() + self.cert.read_text())
        return made

    def client_context(self, certificate=None):
        """What a client believes that knows this authority."""
        context = ssl.create_default_context(cafile=str(self.cert))
        context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # an end without close_notify is an error
        if certificate:
            context.load_cert_chain(str(certificate.cert), str(certificate.key))
        return context

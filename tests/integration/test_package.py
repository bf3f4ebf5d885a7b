"""The Debian package: installed, started, upgraded under a client that stays, removed, purged.

On this machine and yet not: its file system lies under an overlay that is seen here alone and goes with the test.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from clients import RawClient
from server import BINARY, DEADLINE_S, environment, is_alive, scratch_directory, wait_until

ROOT = pathlib.Path(__file__).parents[2]

pytestmark = [
    pytest.mark.release,
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("dpkg"), reason="needs root and dpkg"),
    pytest.mark.skipif(not (shutil.which("cpack") and shutil.which("dpkg-shlibdeps")), reason="needs cpack and dpkg-dev"),
]

MOUNT = """
set -e
mount -t tmpfs -o mode=755 tmpfs {0}
mkdir {0}/upper {0}/work {0}/root
mount -t overlay overlay -o lowerdir=/,upperdir={0}/upper,workdir={0}/work {0}/root
mount -t tmpfs -o mode=755 tmpfs {0}/root/run
mount -t tmpfs -o mode=1777 tmpfs {0}/root/tmp
mount --rbind /proc {0}/root/proc
mount --rbind /dev {0}/root/dev
rm -rf {0}/root/etc/wsd {0}/root/var/log/wsd {0}/root/var/cache/wsd {0}/root/var/lib/wsd
echo mounted
exec cat
"""


class Machine:
    """This one, with changes that nobody else sees."""

    def __init__(self, directory):
        self.directory = directory
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", MOUNT.format(directory)]
        self.holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline().strip() != "mounted":
            self.holder.wait()
            pytest.skip(f"no overlay can be mounted here: {self.holder.stderr.read()}")

    def run(self, *words, check=True, **options):
        """A command on it; its outcome."""
        enter = ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", "chroot", f"{self.directory}/root"]
        env = environment(self.directory) | {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}
        command = [*enter, *map(str, words)]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, env=env, **options)
        assert not check or result.returncode == 0, f"{words}: exit {result.returncode}\n{result.stdout}{result.stderr}"
        return result

    def path(self, path):
        """One of its files, from here."""
        return pathlib.Path(f"/proc/{self.holder.pid}/root{self.directory}/root{path}")

    def install(self, package, *options):
        shutil.copy(package, self.path("/tmp"))
        return self.run("dpkg", *options, "-i", f"/tmp/{package.name}")

    def close(self):
        for pid_file in self.path("/run/wsd").glob("*.pid") if self.path("/run/wsd").exists() else ():
            self.run("wsd", "stop", "--name", pid_file.stem, check=False)
        self.holder.stdin.close()
        self.holder.wait(timeout=DEADLINE_S)


@pytest.fixture(scope="module")
def packages():
    """Two versions, of the binary under test."""
    with scratch_directory() as directory:
        made = []
        for version in ("0.1.0+test1", "0.1.0+test2"):
            command = [ROOT / "scripts/package", "--build", BINARY.parent, "--version", version, "--output", directory]
            result = subprocess.run(command, capture_output=True, text=True, timeout=300)
            assert result.returncode == 0, result.stdout + result.stderr
            made.append(pathlib.Path(result.stdout.strip()))
        yield made


@pytest.fixture
def machine(directory):
    made = Machine(directory)
    yield made
    made.close()


def is_served(client):
    return client.echo(b"you")[1] == b"hello you"


def status_of(machine):
    return json.loads(machine.run("wsd", "status", "--json").stdout)


def test_it_is_installed_upgraded_under_clients_and_removed(packages, machine):
    machine.install(packages[0])
    assert machine.run("wsd", "version").stdout.startswith("wsd ")
    assert machine.run("wsbench", "--version").stdout.startswith("wsbench ")
    assert machine.path("/usr/share/man/man1/wsbench.1.gz").exists() and machine.path("/usr/share/bash-completion/completions/wsbench").exists()
    assert machine.run("id", "-un", "wsd").stdout.strip() == "wsd"
    owners = {path: machine.run("stat", "-c", "%U %a", path).stdout.strip() for path in ("/run/wsd", "/var/log/wsd", "/var/cache/wsd/wsd")}
    assert owners == {"/run/wsd": "root 755", "/var/log/wsd": "root 750", "/var/cache/wsd/wsd": "wsd 700"}

    for page in machine.path("/usr/share/doc/wsd").rglob("*.md"):
        dead = [link for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)", page.read_text()) if "://" not in link and not (page.parent / link).exists()]
        assert not dead, f"{page}: {dead}"

    app = "/usr/share/doc/wsd/examples/echo.cpp"
    machine.run("wsd", "start", "-d", app, "--user", "wsd", "--count", "2", "--listen", "ws://127.0.0.1:0")
    status = status_of(machine)
    workers = [row["pid"] for row in status["workers"]]
    user = int(machine.run("id", "-u", "wsd").stdout)
    assert {os.stat(f"/proc/{pid}").st_uid for pid in workers} <= {user, 0}
    assert f"Uid:\t{user}\t{user}" in pathlib.Path(f"/proc/{workers[0]}/status").read_text()
    port = int(re.search(r":(\d+)$", status["listen"][0])[1])
    client = RawClient(port)
    client.open()
    assert is_served(client)

    machine.run("sh", "-c", "echo '# mine' >>/etc/wsd/wsd.toml")
    upgraded = machine.install(packages[1], "--force-confold")
    assert "goes on as the version before" not in upgraded.stdout + upgraded.stderr
    after = status_of(machine)
    assert after["pid"] == status["pid"] and after["generation"] == 2
    assert not set(workers) & {row["pid"] for row in after["workers"]}
    assert "(deleted)" not in os.readlink(f"/proc/{status['pid']}/exe")
    assert is_served(client)
    assert "# mine" in machine.run("cat", "/etc/wsd/wsd.toml").stdout

    machine.run("dpkg", "-r", "wsd")
    assert client.receive_close().code == 1001
    client.abandon()
    wait_until(lambda: not is_alive(status["pid"]))
    assert not machine.path("/usr/bin/wsd").exists()
    assert machine.path("/etc/wsd/wsd.toml").exists()
    machine.run("dpkg", "-P", "wsd")
    for path in ("/etc/wsd", "/etc/logrotate.d/wsd", "/var/log/wsd", "/var/cache/wsd", "/run/wsd", "/usr/include/wsd", "/usr/share/doc/wsd"):
        assert not machine.path(path).exists(), path


def test_a_server_that_cannot_be_upgraded_goes_on(packages, machine):
    machine.install(packages[0])
    app = "/etc/wsd/mine.cpp"
    machine.run("cp", "/usr/share/doc/wsd/examples/echo.cpp", app)
    machine.run("wsd", "start", "-d", app, "--user", "wsd", "--count", "1", "--listen", "ws://127.0.0.1:0")
    status = status_of(machine)
    client = RawClient(int(re.search(r":(\d+)$", status["listen"][0])[1]))
    client.open()
    machine.run("rm", app)
    upgraded = machine.install(packages[1])
    assert "the server wsd goes on as the version before" in upgraded.stderr
    assert is_served(client)
    client.abandon()


@pytest.mark.skipif(not shutil.which("lintian"), reason="there is no lintian")
def test_lintian_finds_no_error(packages):
    result = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error", str(packages[0])], capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_default_configuration_has_every_option(packages, machine):
    machine.install(packages[0])
    config = machine.run("cat", "/etc/wsd/wsd.toml").stdout
    help_text = machine.run("wsd", "start", "--help").stdout
    flags = set(re.findall(r"^ +(?:-\w,)?--([a-z-]+) [A-Z]", help_text, re.MULTILINE)) - {"set", "set-file", "config"}
    assert len(flags) > 20
    for flag in flags:
        assert re.search(rf"^#{flag.replace('-', '_')} = ", config, re.MULTILINE), flag
    assert "#[set]\n" in config and "#[set_file]\n" in config
    active = [line for line in config.splitlines() if line and not line.startswith("#")]
    assert active == ['user = "wsd"']


def test_the_manual_of_apps_names_every_callback():
    page = (ROOT / "docs/man/wsd-app.3").read_text()
    header = (ROOT / "worker/include/wsd/app.h").read_text()
    for callback in re.findall(r"> (on_\w+);", header):
        assert f"Fn {callback} " in page, callback

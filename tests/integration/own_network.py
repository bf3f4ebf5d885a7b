"""A network of one's own for a test, in which packets may be lost: a namespace for one thread and all that it starts."""

import ctypes
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import threading

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1


def why_not():
    """Why this machine has none to give; empty: it has."""
    if os.geteuid() != 0:
        return "a network namespace needs root"
    if not shutil.which("nft"):
        return "no nft (package nftables)"
    tried = run_in_own_network(lambda network: network.lose(percent=1), quietly=True)
    return "" if tried is None else f"no network namespace with nft here: {tried}"


class OwnNetwork:
    """Loopback alone. Made, and used, in the thread that is in it."""

    def __init__(self):
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        with socket.socket() as probe:
            request = struct.pack("16sh", b"lo", 0)
            (flags,) = struct.unpack_from("h", fcntl.ioctl(probe, SIOCGIFFLAGS, request.ljust(40, b"\0")), 16)
            fcntl.ioctl(probe, SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | IFF_UP).ljust(40, b"\0"))

    def lose(self, percent):
        """From now on that part of all packets is lost."""
        which = "drop" if percent == 100 else f"numgen random mod 100 < {percent} drop"
        rules = ["add table inet loss", "delete table inet loss", "add table inet loss"]
        rules += ["add chain inet loss input { type filter hook input priority 0; }", f"add rule inet loss input {which}"]
        result = subprocess.run(["nft", "-f", "-"], input="\n".join(rules) + "\n", capture_output=True, text=True)
        if result.returncode != 0:
            raise OSError(result.stderr.strip())


def run_in_own_network(body, quietly=False):
    """body(network), in a thread that is in a new one. Raises what it raises, or with `quietly` returns it."""
    failure = []

    def run():
        try:
            body(OwnNetwork())
        except BaseException as error:  # pytest's failures and skips too
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure and not quietly:
        raise failure[0]
    return failure[0] if failure else None

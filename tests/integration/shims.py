"""Libraries that are preloaded into a server under test: a clock that jumps, memory that runs out. Made by the compiler."""

import mmap
import pathlib
import struct
import subprocess

SOURCES = pathlib.Path(__file__).with_name("shims")


def compile_shim(name, directory):
    shim = pathlib.Path(directory) / f"{name}.so"
    subprocess.run(["cc", "-O2", "-fPIC", "-shared", "-o", shim, SOURCES / f"{name}.c"], check=True, capture_output=True)
    return shim


def sanitizer_runtime(binary):
    """AddressSanitizer's library, which must be the first to be loaded. None: the binary has none."""
    output = subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout
    found = [line.split()[2] for line in output.splitlines() if "libasan" in line]
    return found[0] if found else None


class SharedNumbers:
    """64-bit numbers in a file that a shim has mapped."""

    def __init__(self, path, count):
        pathlib.Path(path).write_bytes(bytes(8 * count))
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 8 * count)

    def __getitem__(self, index):
        return struct.unpack_from("q", self.memory, 8 * index)[0]

    def __setitem__(self, index, number):
        struct.pack_into("q", self.memory, 8 * index, number)


def preload(server, shim, variable, count):
    """Before the server's start; returns the numbers that the shim looks at."""
    path = server.directory / "shim"
    numbers = SharedNumbers(path, count)
    libraries = [library for library in (sanitizer_runtime(server.binary), str(shim)) if library]
    server.extra_environment = {"LD_PRELOAD": ":".join(libraries), variable: str(path)}
    return numbers


class WallClock:
    """CLOCK_REALTIME as the server sees it."""

    def __init__(self, server, shim):
        self.numbers = preload(server, shim, "WALL_CLOCK_FILE", 1)

    def set_off(self, seconds):
        self.numbers[0] = seconds


class Memory:
    """When it runs out, and for whom."""

    def __init__(self, server, shim):
        self.numbers = preload(server, shim, "FAILING_MALLOC_FILE", 4)

    def run_out(self, pid, after, times=1):
        """In that process the allocations after so many others fail."""
        self.numbers[0], self.numbers[1], self.numbers[2], self.numbers[3] = 0, after, times, 0
        self.numbers[0] = pid

    def has_failed(self):
        return self.numbers[3] > 0

    def suffice(self):
        """From now on; returns how many allocations have failed."""
        self.numbers[0] = 0
        return self.numbers[3]

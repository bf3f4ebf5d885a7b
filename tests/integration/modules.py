"""Apps as modules, made by the compiler itself, as somebody with tools of their own would."""

import pathlib
import subprocess

HEADERS = pathlib.Path(__file__).parents[2] / "worker/include"

# What a sanitized wsd compiles its apps with (scripts/cmake/Compiler.cmake).
SANITIZERS = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fsanitize-undefined-trap-on-error"]


def compile_module(source, target, flags=()):
    command = ["c++", "-std=c++20", "-fPIC", "-shared", f"-I{HEADERS}", *flags, "-o", str(target), str(source)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return target

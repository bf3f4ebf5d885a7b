"""What the tests read from a server's logs, and how they take their files away."""

import json
import re
import shlex

ACCESS_FIELD = re.compile(r'([a-z_]+)=("[^"]*"|\S+)')


def json_lines(text):
    """Every line as an object; a line that is none is a failure."""
    return [json.loads(line) for line in text.splitlines()]


def access_entries(text):
    """The lines of an access log as dictionaries, whatever its format."""
    entries = []
    for line in text.splitlines():
        if line.startswith("{"):
            entries.append({name: str(value) for name, value in json.loads(line).items()})
            continue
        time, _, rest = line.partition(" ")
        fields = {name: value.strip('"') for name, value in ACCESS_FIELD.findall(rest)}
        assert shlex.split(rest.replace("\\", "\\\\")), line
        entries.append({"time": time, **fields})
    return entries


def is_printable_line(line):
    return all(character.isprintable() for character in line)

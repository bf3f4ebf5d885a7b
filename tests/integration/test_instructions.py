"""The echo path does not grow: instructions per message, as callgrind counts them, beside a record."""

import json
import warnings

import pytest

import instruction_counts
from server import BINARY

pytestmark = pytest.mark.release

TOLERANCE = 0.05


@pytest.mark.timeout(240)
def test_an_echoed_message_takes_no_more_instructions_than_recorded():
    record = json.loads(instruction_counts.RECORD.read_text())
    here = instruction_counts.surroundings(BINARY)
    if here != record["surroundings"]:
        pytest.skip(f"counts are comparable on {record['surroundings']} alone, and this is {here}")
    try:
        counts = instruction_counts.count_all(BINARY)
    except instruction_counts.CannotCount as reason:
        pytest.skip(str(reason))
    assert counts.keys() == record["instructions"].keys()
    changes = {title: f"{count:,.0f} instead of {record['instructions'][title]:,.0f}" for title, count in counts.items()}
    shares = {title: count / record["instructions"][title] - 1 for title, count in counts.items()}
    hint = f"{changes}; if that is wanted: tests/integration/instruction_counts.py --record"
    assert max(shares.values()) <= TOLERANCE, hint
    if min(shares.values()) < -TOLERANCE:
        warnings.warn(f"what became cheaper could grow dear again unseen: {hint}")

"""The manual pages: nothing that the formatter has to complain about, and what it makes of them can be read."""

import pathlib
import re
import shutil
import subprocess

import pytest

from wsbench import wsbench_binary

PAGES = sorted((pathlib.Path(__file__).parents[2] / "docs/man").glob("*.[1-9]"))

pytestmark = pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")


def formatted(page):
    result = subprocess.run(
        ["groff", "-ww", "-mandoc", "-Kutf8", "-Tutf8", "-P-c", "-P-b", "-P-u", "-rLL=100n", str(page)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    if "can't find macro file" in result.stderr or "cannot open" in result.stderr:
        pytest.skip("groff has no macros for manual pages")
    assert result.returncode == 0
    return result


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_is_formatted_without_a_warning(page):
    assert formatted(page).stderr == ""


def test_wsd_8_has_what_one_looks_for():
    text = formatted(next(page for page in PAGES if page.name == "wsd.8")).stdout
    for section in ("NAME", "SYNOPSIS", "COMMANDS", "OPTIONS", "SIGNALS", "ENVIRONMENT", "FILES", "EXIT STATUS", "SEE ALSO"):
        assert f"\n{section}\n" in text
    assert "\n     reload [APP] [options]\n" in text
    assert "\n     --max-message SIZE\n" in text  # with minus signs, to be copied
    assert "-g, --graceful" in text


def test_wsd_toml_5_has_what_one_looks_for():
    text = formatted(next(page for page in PAGES if page.name == "wsd.toml.5")).stdout
    assert "\n     max_message = SIZE\n" in text
    assert "\n     listen = [URL, ...]\n" in text
    assert "tls_reload = relay | drain" in text


def test_wsbench_1_has_every_option():
    page = next(page for page in PAGES if page.name == "wsbench.1")
    text = formatted(page).stdout
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "REPORT", "EXIT STATUS", "EXAMPLES", "SEE ALSO"):
        assert f"\n{section}\n" in text
    help_text = subprocess.run([wsbench_binary(), "--help"], capture_output=True, text=True, timeout=30).stdout
    described = re.findall(r"^     (-\S.*?)(?:  .*)?$", text, re.MULTILINE)
    known = re.findall(r"^  (-\S+(?: [A-Z]+)?)", help_text, re.MULTILINE)
    assert sorted(described) == sorted(flags.replace(",", ", ") for flags in known)

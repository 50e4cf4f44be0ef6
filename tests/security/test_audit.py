"""make check fails for a known vulnerability, and says so where it could not ask."""

import subprocess
import sys

from packaging.version import Version
from pip_audit._format.json import JsonFormat
from pip_audit._service import ResolvedDependency, SkippedDependency, VulnerabilityResult

from benchmarks.audit import verdict

CLEAN = ResolvedDependency("numpy", Version("2.4.0"))
FLAWED = ResolvedDependency("jinja2", Version("2.4.1"))
UNKNOWN = SkippedDependency("pillow", "Dependency not found on PyPI")
FLAW = VulnerabilityResult("PYSEC-2019-217", "Sandbox escape", [Version("2.10.1")], set())


def written(found: dict) -> str:
    """Return what pip-audit writes of such results."""
    return JsonFormat(output_desc=False, output_aliases=False).format(found, [])


def test_known_vulnerability_fails_and_is_named_with_the_version_that_mends_it():
    found = written({CLEAN: [], FLAWED: [FLAW], UNKNOWN: []})
    assert verdict(found, "") == (1, ["jinja2 2.4.1: PYSEC-2019-217, mended in 2.10.1"])


def test_packages_without_one_pass_and_are_counted():
    code, (line,) = verdict(written({CLEAN: [], UNKNOWN: []}), "")
    assert (code, line) == (0, "pip-audit: no known vulnerability in 1 of 2 packages")


def test_index_that_lists_no_vulnerabilities_is_no_clean_bill():
    code, (line,) = verdict(written({UNKNOWN: []}), "No known vulnerabilities found")
    assert (code, line.startswith("pip-audit: nothing was audited")) == (0, True)


def test_service_that_cannot_be_reached_is_told_in_one_line_and_fails_nothing(tmp_path):
    (tmp_path / "pins.txt").write_text("jinja2==2.4.1\n")
    words = ["-r", "pins.txt", "--no-deps", "--disable-pip", "-f", "json", "-s", "osv"]
    nowhere = ["--osv-url", "http://127.0.0.1:9/", "--timeout", "2", "--cache-dir", "cache"]
    command = [sys.executable, "-m", "pip_audit", *words, *nowhere]
    asked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (asked.returncode, asked.stdout) == (1, "")
    code, (line,) = verdict(asked.stdout, asked.stderr)
    assert (code, line.startswith("pip-audit: nothing was audited, as its service")) == (0, True)

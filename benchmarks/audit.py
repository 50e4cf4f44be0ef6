"""Have the pinned packages known vulnerabilities? `python -m benchmarks.audit`, part of make check.

Where PyPI's list of them cannot be reached, or a mirror without it answers, one line says so.
"""

import json
import subprocess
import sys
from pathlib import Path

PINNED = Path(__file__).parents[1] / "constraints.txt"
COMMAND = (
    *(sys.executable, "-m", "pip_audit", "--requirement", str(PINNED), "--no-deps"),
    *("--disable-pip", "--format", "json", "--progress-spinner", "off", "--timeout", "15"),
)


def main() -> int:
    """Return 1 where a vulnerability is known."""
    audit = subprocess.run(COMMAND, capture_output=True, text=True, check=False)
    code, lines = verdict(audit.stdout, audit.stderr)
    print(*lines, sep="\n")
    return code


def verdict(found: str, errors: str) -> tuple[int, list[str]]:
    """Return the exit code and what to say of pip-audit's JSON, empty where it could not ask."""
    if not found.strip():
        cause = errors.strip().splitlines()[-1:] or ["it said nothing"]
        return 0, [f"pip-audit: nothing was audited, as its service cannot be reached ({cause[0]})"]
    packages = json.loads(found)["dependencies"]
    audited = [one for one in packages if "skip_reason" not in one]
    bad = [
        f"{one['name']} {one['version']}: {flaw['id']}, mended in "
        f"{', '.join(flaw['fix_versions']) or 'no version yet'}"
        for one in audited
        for flaw in one["vulns"]
    ]
    if bad:
        return 1, bad
    if not audited:
        return 0, ["pip-audit: nothing was audited, as the package index knows no vulnerabilities"]
    told = f"pip-audit: no known vulnerability in {len(audited)} of {len(packages)} packages"
    return 0, [told]


if __name__ == "__main__":
    sys.exit(main())

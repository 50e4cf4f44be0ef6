"""What the README and the files of ``cluster/`` tell to type is accepted."""

import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from orchestrator.plan import make_plan

PROJECT = Path(__file__).parents[2]
SECTION = (PROJECT / "README.md").read_text().split("## More than one machine")[1].split("\n## ")[0]
FILES = sorted((PROJECT / "cluster").iterdir())
RAY = Path(sys.executable).with_name("ray")


def test_every_file_that_starts_a_cluster_is_in_the_readme():
    named = set(re.findall(r"cluster/[\w.]+\w", SECTION))
    assert named <= {f"cluster/{file.name}" for file in FILES}
    assert {file.name for file in FILES} - {Path(name).name for name in named} == {
        "drain.sh",  # these are started by the others
        "search.sh",
        "spot_notice.sh",
    }


def test_token_is_made_as_the_readme_says_and_only_the_owner_reads_it(tmp_path):
    (line,) = [line for line in SECTION.splitlines() if "get-auth-token" in line]
    command = line.replace(".venv/bin/ray", shlex.quote(str(RAY)))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    ended = subprocess.run(
        ["bash", "-c", command], env={**kept, "HOME": str(tmp_path)}, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout) == (0, "")
    token = tmp_path / ".ray" / "auth_token"
    assert len(token.read_text()) >= 32
    assert token.read_text() not in ended.stderr
    assert [stat.S_IMODE(path.stat().st_mode) for path in (token, token.parent)] == [0o600, 0o700]


def test_options_of_ray_start_are_rays():
    known = subprocess.run([RAY, "start", "--help"], capture_output=True, text=True).stdout
    texts = [SECTION, *(file.read_text() for file in FILES)]
    starts = [after for text in texts for after in re.findall(r"ray start (.*)", text)]
    options = set(re.findall(r"(--[a-z-]+)", "\n".join(starts)))
    assert options >= {"--head", "--port", "--address"}
    assert [option for option in options if not re.search(rf"{option}\b", known)] == []


def words_of(text: str, command: str) -> list[str]:
    found = re.search(rf"{command} ([^`\n]+)", text)
    assert found, f"{command} is not there"
    return shlex.split(found[1])


@pytest.mark.parametrize(
    "text", [SECTION, (PROJECT / "cluster" / "slurm.sh").read_text()], ids=["README", "slurm.sh"]
)
def test_words_after_sbatch_are_those_of_a_search(text):
    assert make_plan(words_of(text, "sbatch cluster/slurm.sh")).space.parameters


def test_words_of_the_job_of_kubernetes_are_those_of_a_search():
    job = yaml.safe_load((PROJECT / "cluster" / "kubernetes.yaml").read_text())
    program, name, *words = shlex.split(job["spec"]["entrypoint"])
    assert (Path(program).name, name) == ("search.sh", "kubernetes")
    assert make_plan([*words, f"search.name={name}"]).config.cluster.address == "auto"

"""Who reaches the Ray cluster of a search, with which token, and with which code do workers run?"""

import json
import os
import stat
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest

from trainable.experiment import versions

PROJECT = Path(__file__).parents[2]
TOKEN = os.environ["RAY_AUTH_TOKEN"]
OTHERS = "another-token-of-another-cluster"
START = """
import json, sys
from orchestrator.config import ClusterSection
from orchestrator.ray_settings import set_environment
config = ClusterSection(address=sys.argv[1])
set_environment(config)
from orchestrator.cluster import start_ray
import ray
start_ray(config)
"""
LISTENING = """
import psutil
waiting = ray.remote(lambda: 0).remote()
ray.get(waiting)
processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
sockets = [socket for process in processes for socket in process.net_connections()]
listening = [socket.laddr.ip for socket in sockets if socket.status == "LISTEN"]
print(json.dumps(listening))
"""
ON_A_WORKER = """
def look():
    import orchestrator, search_spaces, trainable
    from trainable import experiment, label_fixes
    return {
        "code": experiment.versions()["code"],
        "files": [orchestrator.__file__, search_spaces.__file__, trainable.__file__],
        "fixes": label_fixes.KNOWN_FILE.is_file(),
    }
print(json.dumps(ray.get(ray.remote(look).remote())))
"""


def environment(home: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a user at ``home`` to whom nobody gave a token."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    return {**kept, "HOME": str(home), **variables}


def run(code: str, address: str, variables: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", START + code, address]
    return subprocess.run(
        command, cwd=PROJECT, env=variables, capture_output=True, text=True, timeout=120
    )


def keep_token(home: Path, token: str) -> None:
    (home / ".ray").mkdir(parents=True)
    (home / ".ray" / "auth_token").write_text(token)


@pytest.mark.parametrize("token", ["", OTHERS], ids=["no token yet", "a token file"])
def test_ray_on_this_machine_listens_on_loopback_alone(tmp_path, token):
    if token:
        keep_token(tmp_path, token)
    started = run(LISTENING, "", environment(tmp_path))
    listening = json.loads(started.stdout)
    assert len(listening) >= 5  # of the driver, a worker, and Ray's own processes
    assert [ip for ip in listening if not is_loopback(ip)] == []


def is_loopback(ip: str) -> bool:
    address = ip_address(ip)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def test_token_that_ray_makes_is_nobody_elses(tmp_path):
    run("", "", environment(tmp_path))
    assert (tmp_path / ".ray" / "auth_token").is_file()
    assert stat.S_IMODE((tmp_path / ".ray").stat().st_mode) == 0o700


def test_cluster_is_joined_with_the_token_file_and_workers_run_the_code_of_the_driver(
    ray_cluster, tmp_path
):
    keep_token(tmp_path, TOKEN)
    joined = run(ON_A_WORKER, ray_cluster, environment(tmp_path))
    seen = json.loads(joined.stdout)
    assert seen["code"] == versions()["code"]
    assert seen["fixes"]
    assert all("runtime_resources" in file for file in seen["files"])
    assert TOKEN not in joined.stdout + joined.stderr


def test_workers_of_this_machine_import_a_copy_of_the_code(tmp_path):
    """Who edits it while a search runs changes the next one, also in the project's folder."""
    seen = json.loads(run(ON_A_WORKER, "", environment(tmp_path)).stdout)
    files = [Path(file) for file in seen["files"]]
    assert [file.parent.name for file in files] == ["orchestrator", "search_spaces", "trainable"]
    assert not [file for file in files if file.is_relative_to(PROJECT)]


@pytest.mark.parametrize("token", ["", OTHERS], ids=["no token", "another token"])
def test_cluster_that_wants_another_token_is_refused_in_a_sentence(
    ray_cluster, tiny_words, tmp_path, token
):
    if token:
        keep_token(tmp_path, token)
    runs = tmp_path / "runs"
    words = [*tiny_words, f"cluster.address={ray_cluster}", f"search.runs={runs}"]
    command = [sys.executable, "-m", "orchestrator.search", *words]
    ended = subprocess.run(
        command, env=environment(tmp_path), capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 2
    assert f"cluster.address={ray_cluster}: cannot join that Ray cluster" in ended.stderr
    assert "has this machine its token" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert token == "" or token not in ended.stdout + ended.stderr
    assert not list(runs.glob("*"))


@pytest.mark.parametrize("content", [None, " \n"], ids=["missing", "empty"])
def test_token_file_that_cannot_be_read_is_named(tmp_path, content):
    file = tmp_path / "token"
    if content:
        file.write_text(content)
    ended = run("", "127.0.0.1:1", environment(tmp_path, RAY_AUTH_TOKEN_PATH=str(file)))
    assert f"RAY_AUTH_TOKEN_PATH={file}" in ended.stderr.splitlines()[-1]
    assert "UserError" in ended.stderr


def test_no_file_and_no_line_of_a_search_holds_the_token(searched):
    files = [file for file in searched.folder.path.rglob("*") if file.is_file()]
    assert len(files) > 20
    assert [file.name for file in files if TOKEN.encode() in file.read_bytes()] == []
    assert TOKEN not in searched.printed

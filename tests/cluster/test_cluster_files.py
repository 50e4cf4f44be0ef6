"""Are the files of ``cluster/`` what Ray, Kubernetes and a shell accept?"""

import json
import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import jsonschema
import pytest
import ray
import yaml
from kubernetes.client import ApiClient, V1PodTemplateSpec
from ray.autoscaler._private.util import prepare_config, validate_config
from urllib3 import HTTPResponse

FOLDER = Path(__file__).parents[2] / "cluster"
SCRIPTS = sorted(FOLDER.glob("*.sh"))
PINNED = re.compile(r"^ray==(.*)$", re.MULTILINE)
SCHEMA = json.loads(Path(__file__).with_name("kuberay.schema.json").read_text())


def read(name):
    return yaml.safe_load((FOLDER / name).read_text())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.name)
def test_script_is_a_program_without_findings(script):
    assert script.stat().st_mode & 0o111
    for check in (["bash", "-n"], [str(Path(sys.executable).with_name("shellcheck"))]):
        found = subprocess.run([*check, script], capture_output=True, text=True)
        assert (found.returncode, found.stdout + found.stderr) == (0, "")


@pytest.mark.parametrize("name", ["on_premise.yaml", "aws.yaml"])
def test_cluster_of_ray_up_is_one_by_rays_own_rules(name):
    prepared = prepare_config(read(name))
    validate_config(prepared)
    assert prepared["file_mounts"].keys() == {"~/face-orchestrator", "~/.ray/auth_token"}


@pytest.mark.parametrize("name", ["on_premise.yaml", "aws.yaml"])
def test_ray_up_refuses_a_misspelt_field(name):
    with pytest.raises(jsonschema.ValidationError, match="max_wokers"):
        validate_config(prepare_config({**read(name), "max_wokers": 2}))


@pytest.mark.parametrize("name", ["on_premise.yaml", "aws.yaml"])
def test_every_node_of_ray_up_starts_with_the_token(name):
    config = read(name)
    starts = [
        command
        for side in ("head", "worker")
        for command in config[f"{side}_start_ray_commands"]
        if "ray start" in command
    ]
    assert len(starts) == 2
    assert all(command.startswith("RAY_AUTH_MODE=token ") for command in starts)
    assert "chmod 600 ~/.ray/auth_token" in config["setup_commands"][0]


def test_aws_keeps_its_head_and_rents_two_kinds_of_spot_machines():
    types = read("aws.yaml")["available_node_types"]
    spot = {
        name: kind["node_config"]["InstanceType"]
        for name, kind in types.items()
        if kind["node_config"].get("InstanceMarketOptions") == {"MarketType": "spot"}
    }
    assert len(set(spot.values())) == 2
    assert types.keys() - spot.keys() == {"head"}
    assert any("spot_notice.sh" in line for line in read("aws.yaml")["worker_start_ray_commands"])


def test_job_of_kubernetes_has_the_fields_of_kuberay():
    jsonschema.validate(read("kubernetes.yaml"), SCHEMA)


def test_misspelt_field_of_a_job_is_refused():
    job = read("kubernetes.yaml")
    job["spec"]["rayClusterSpec"]["authOption"] = {"mode": "token"}
    with pytest.raises(jsonschema.ValidationError, match="authOption"):
        jsonschema.validate(job, SCHEMA)


def groups():
    cluster = read("kubernetes.yaml")["spec"]["rayClusterSpec"]
    return [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]


@pytest.mark.parametrize("group", groups(), ids=lambda group: group.get("groupName", "head"))
def test_pods_of_kubernetes_are_pods(group):
    unread = as_pod(group["template"])
    assert unread == group["template"]


def as_pod(template):
    """Return what the typed model of a pod keeps of a template: unknown fields are lost."""
    client = ApiClient()
    answer = HTTPResponse(json.dumps(template).encode())
    pod = client.deserialize(answer, V1PodTemplateSpec)
    return client.sanitize_for_serialization(pod)


def test_typed_pod_loses_a_misspelt_field():
    template = deepcopy(groups()[0]["template"])
    template["spec"]["containers"][0]["imagePulPolicy"] = "Always"
    assert as_pod(template) != template


def test_pods_end_after_ray_has_told_the_cluster():
    for group in groups()[1:]:
        pod = group["template"]["spec"]
        (told,) = [
            one["value"]
            for one in pod["containers"][0]["env"]
            if one["name"] == "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"
        ]
        assert 0 < float(told) < pod["terminationGracePeriodSeconds"]


def test_cluster_files_name_the_version_of_ray_that_is_pinned():
    (pinned,) = PINNED.findall((FOLDER.parent / "constraints.txt").read_text())
    assert ray.__version__ == pinned
    assert read("kubernetes.yaml")["spec"]["rayClusterSpec"]["rayVersion"] == pinned
    assert f"FROM rayproject/ray:{pinned}-py311" in (FOLDER / "Dockerfile").read_text()


def test_no_cluster_file_holds_a_token():
    for file in FOLDER.iterdir():
        assert not re.search(r"[0-9a-f]{32}", file.read_text()), file.name

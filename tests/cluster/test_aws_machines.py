"""Ray rents the machines of ``cluster/aws.yaml``, from a server that answers as Amazon's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from ray.autoscaler._private.aws.config import bootstrap_aws
from ray.autoscaler._private.aws.node_provider import AWSNodeProvider
from ray.autoscaler._private.util import prepare_config
from ray.autoscaler.tags import TAG_RAY_NODE_KIND, TAG_RAY_USER_NODE_TYPE

FILE = Path(__file__).parents[2] / "cluster" / "aws.yaml"


@pytest.fixture
def cluster(s3_server, tmp_path, monkeypatch) -> Mapping[str, Any]:
    """What Ray makes of the file where the role is there that it names."""
    s3_server.new_bucket()  # waits until the server answers
    (tmp_path / ".ssh").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    boto3.client("iam").create_instance_profile(InstanceProfileName="face-orchestrator")
    prepared = bootstrap_aws(prepare_config(yaml.safe_load(FILE.read_text())))
    return AWSNodeProvider.fillout_available_node_types_resources(prepared)


def test_head_is_rented_for_good_and_workers_as_spot_machines_with_their_gpus(cluster):
    provider = AWSNodeProvider(cluster["provider"], cluster["cluster_name"])
    for name, kind in cluster["available_node_types"].items():
        tags = {TAG_RAY_NODE_KIND: "worker", TAG_RAY_USER_NODE_TYPE: name}
        provider.create_node(kind["node_config"], tags, 1)
    ec2 = boto3.client("ec2", region_name=cluster["provider"]["region"])
    rented = [one["Instances"][0] for one in ec2.describe_instances()["Reservations"]]
    assert {one["InstanceType"]: one.get("InstanceLifecycle") for one in rented} == {
        "m6i.xlarge": None,
        "g6.2xlarge": "spot",
        "g5.12xlarge": "spot",
    }
    resources = {
        name: (kind["resources"]["CPU"], kind["resources"].get("GPU", 0))
        for name, kind in cluster["available_node_types"].items()
    }
    assert resources == {"head": (0, 0), "one_l4": (8, 1), "four_a10g": (48, 4)}

"""What a leg asks of Ray: so much of a machine, and of none that is avoided; and where it runs."""

import pytest
import ray

from orchestrator.elastic import AVOID, CPUS, GPUS, group_of
from orchestrator.nodes import node_of
from trainable.leg_keys import PLACE


def place(cpus: float, gpus: float, avoid: list[str]) -> dict[str, object]:
    return {PLACE: {CPUS: cpus, GPUS: gpus, AVOID: avoid}}


def test_leg_without_a_gpu_asks_for_cores_alone():
    assert group_of(place(2.0, 0.0, [])).bundles == [{"CPU": 2.0}]


def test_leg_that_shares_a_gpu_asks_for_its_share():
    assert group_of(place(1.0, 0.5, [])).bundles == [{"CPU": 1.0, "GPU": 0.5}]


def test_legs_of_equal_needs_can_take_over_each_others_process():
    assert group_of(place(1.0, 0.5, [])) == group_of(place(1.0, 0.5, []))
    assert group_of(place(1.0, 0.5, [])) != group_of(place(1.0, 1.0, []))


def test_leg_that_avoids_a_machine_takes_over_no_process_that_may_run_there():
    assert group_of(place(1.0, 0.0, ["a1b2"])) != group_of(place(1.0, 0.0, []))


@pytest.mark.usefixtures("joined")
def test_machine_that_an_actor_runs_on_is_known():
    @ray.remote(num_cpus=0)
    class Somewhere:
        def node(self) -> str:
            return ray.get_runtime_context().get_node_id()

    actor = Somewhere.remote()
    node = ray.get(actor.node.remote())
    assert node_of(actor) == node

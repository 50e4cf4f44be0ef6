"""What a leg asks of Ray: so much of a machine, and of none that is avoided."""

from orchestrator.elastic import AVOID, CPUS, GPUS, group_of
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

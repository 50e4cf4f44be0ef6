"""What breaks a trial off is the trial's failure, or its machine's."""

import pytest
from ray.core.generated.common_pb2 import ActorDiedErrorContext
from ray.exceptions import ActorDiedError, ActorUnavailableError, RayTaskError

from orchestrator.breakage import Breakage, breakage_of
from trainable.ray_peers import failure_of_peer
from trainable.trial_folder import BusyTrialError

NODE_DIED = "The actor died because its node has died. Node Id: 0123"
"""Ray's core says this."""


def actor_died(said: str) -> ActorDiedError:
    return ActorDiedError(ActorDiedErrorContext(error_message=said, actor_id=b"\0" * 16))


def raised_on_a_worker(error: Exception) -> RayTaskError:
    return RayTaskError("step", "a traceback", error)


def test_process_that_died_is_the_trials_failure():
    assert breakage_of(ActorDiedError()) == Breakage("trial")


def test_error_of_the_trials_own_is_its_failure():
    assert breakage_of(raised_on_a_worker(ValueError("of its own"))) == Breakage("trial")


def test_machine_that_cannot_be_reached_is_no_failure():
    error = ActorUnavailableError("socket closed", b"\0" * 16)
    assert breakage_of(error).cause == "machine"


def test_trial_that_another_process_still_holds_has_not_failed():
    busy = raised_on_a_worker(BusyTrialError("trial-001 is being trained by another process"))
    assert breakage_of(busy) == Breakage("machine", str(busy.cause))


def test_actor_of_a_machine_that_is_lost_has_not_failed():
    assert breakage_of(actor_died(NODE_DIED)).cause == "machine"


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (actor_died(NODE_DIED), Breakage("machine", "a process of it ended: its machine was lost")),
        (actor_died("The actor died: killed"), Breakage("trial")),
        (raised_on_a_worker(ValueError("of its own")), Breakage("trial")),
    ],
)
def test_machine_of_a_second_process_counts_as_that_of_the_first(error, found):
    assert breakage_of(raised_on_a_worker(failure_of_peer(error))) == found

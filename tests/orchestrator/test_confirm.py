"""The leaders of a search are trained again on the cluster, with other seeds on other folds."""

import io
import shutil
from contextlib import redirect_stdout

import numpy as np
import pytest
from searches import stored_epochs

from orchestrator import confirm, search
from orchestrator.confirm_plan import make_confirmation
from orchestrator.confirm_words import without_options
from orchestrator.leaders import finished_trials
from trainable.experiment import versions
from trainable.settings import UserError
from trainable.store import ExperimentFolder, open_experiment

ASKED = ["--top", "2", "folds=2", "seeds=2"]


@pytest.fixture(scope="session")
def runs(searched, tmp_path_factory):
    """A runs folder with a copy of the search, that confirmations may stand beside."""
    runs = tmp_path_factory.mktemp("runs-to-confirm")
    shutil.copytree(searched.folder.path, runs / "five")
    ExperimentFolder(runs / "five").become_latest()
    return runs


@pytest.fixture(scope="session")
def confirmed(runs, ray_cluster) -> ExperimentFolder:
    words = [*ASKED, "experiment=five", f"search.runs={runs}", f"cluster.address={ray_cluster}"]
    words += ["cluster.cpus_per_trial=1", "cluster.gpus_per_trial=0.5"]
    with redirect_stdout(io.StringIO()):
        assert confirm.main(words) == 0
    return open_experiment(runs, "five-confirmed")


@pytest.fixture
def plan(runs):
    return lambda *words: make_confirmation(
        without_options([f"search.runs={runs}", "experiment=five", *words])
    )


@pytest.fixture
def own_runs(runs, tmp_path):
    """A copy of the search alone, that a test may change."""
    shutil.copytree(runs / "five", tmp_path / "five")
    return tmp_path


def test_record_names_the_leaders_and_what_they_were_chosen_by(confirmed, runs):
    five = open_experiment(runs, "five")
    best = list(finished_trials(five).items())[:2]
    found = confirmed.read_record().confirms
    assert [one.trial for one in found] == [f"five/{name}" for name, _ in best]
    assert [one.score for one in found] == [results.best.score for _, results in best]
    assert [one.values for one in found] == [results.record.values for _, results in best]


def test_every_leader_is_trained_with_every_seed_to_its_end(confirmed):
    trained = [trial.read() for trial in confirmed.trials()]
    wanted = [
        {**leader.values, "train.seed": seed}
        for seed in (1, 2)
        for leader in confirmed.read_record().confirms
    ]
    assert [results.record.values for results in trained] == wanted
    assert {(results.outcome.status, len(results.epochs)) for results in trained} == {
        ("completed", 4)
    }


def test_trainings_are_the_leaders_but_for_seed_and_folds(confirmed, runs):
    five = open_experiment(runs, "five")
    leader = confirmed.read_record().confirms[0].trial.partition("/")[2]
    original = five.trial(leader).read().record.config
    again = confirmed.trial("trial-001").read().record.config
    changed = {"cv.folds": 2, "cv.seed": original.cv.seed + 1, "train.seed": 1}
    assert again.identity() == original.with_values(changed).identity()


def test_all_persons_are_scored_in_every_training(confirmed):
    images = confirmed.read_images()
    for trial in confirmed.trials():
        assert np.array_equal(np.sort(trial.read_validation().rows), images.index)


def test_confirmation_that_is_over_can_be_resumed_and_trains_nothing_again(confirmed, capsys):
    before = stored_epochs(confirmed)
    assert confirm.main(["resume=five-confirmed", f"search.runs={confirmed.path.parent}"]) == 0
    assert stored_epochs(confirmed) == before


def test_interrupted_confirmation_trains_the_same_again_when_others_lead_by_now(confirmed, plan):
    stored = confirmed.read_record().words
    assert make_confirmation(stored).points == plan(*ASKED).points
    assert [word for word in stored if word.startswith(("top", "trials"))] == [
        "trials=[" + ",".join(o.trial.partition("/")[2] for o in plan(*ASKED).confirms) + "]"
    ]


def test_confirmation_goes_on_by_its_own_command(confirmed):
    with pytest.raises(UserError, match=r"python -m orchestrator\.confirm resume=five-confirmed"):
        search.main(["resume=five-confirmed", f"search.runs={confirmed.path.parent}"])


def test_confirmation_is_not_confirmed_again(confirmed):
    words = ["experiment=five-confirmed", f"search.runs={confirmed.path.parent}"]
    with pytest.raises(UserError, match="itself a confirmation, of five: say with experiment="):
        make_confirmation(words)


def test_seeds_are_none_that_the_search_trained_with(plan, own_runs):
    trial = ExperimentFolder(own_runs / "five").trials()[-1]
    record = trial.read().record
    trial.write_record(
        record.model_copy(update={"config": record.config.with_values({"train.seed": 7})})
    )
    points = plan(f"search.runs={own_runs}", "top=1", "seeds=2", "folds=2").points
    assert [point["train.seed"] for point in points] == [8, 9]


def test_configurations_that_differ_by_seed_alone_are_one(plan, own_runs):
    five = ExperimentFolder(own_runs / "five")
    first, *others = finished_trials(five)
    twin = five.trial("trial-099")
    shutil.copytree(five.trial(first).path, twin.path)
    record = twin.read().record
    values = {**record.values, "train.seed": 5}
    config = record.config.with_values(values)
    twin.write_record(record.model_copy(update={"values": values, "config": config}))
    found = plan(f"search.runs={own_runs}", "--top", "2", "folds=2").confirms
    assert [one.trial for one in found] == [f"five/{first}", f"five/{others[0]}"]


def test_mixture_of_trials_is_no_leader(plan, own_runs):
    five = ExperimentFolder(own_runs / "five")
    first, second, *_ = finished_trials(five)
    record = five.trial(first).read().record
    mixed = record.model_copy(update={"mixed_from": [second]})
    five.trial(first).write_record(mixed)
    found = plan(f"search.runs={own_runs}", "--top", "1", "folds=2").confirms
    assert [one.trial for one in found] == [f"five/{second}"]
    with pytest.raises(UserError, match=f"{first} was mixed from the weights of {second}"):
        plan(f"search.runs={own_runs}", f"trials={first}", "folds=2")


def test_named_trials_are_confirmed_in_their_order(plan, runs):
    names = list(finished_trials(open_experiment(runs, "five")))[:2][::-1]
    found = plan(f"trials={','.join(names)}", "folds=2").confirms
    assert [one.trial for one in found] == [f"five/{name}" for name in names]


def test_other_code_is_told(plan, own_runs):
    folder = ExperimentFolder(own_runs / "five")
    older = folder.read_record().model_copy(update={"versions": {**versions(), "code": "old"}})
    folder.write_record(older)
    notes = plan(f"search.runs={own_runs}", "folds=2", "top=1").notes
    assert notes == ("five was trained by other code: its scores may differ for that alone",)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--top", "9"], r"--top 9: five has \d finished configurations; choose 1 to \d"),
        (["--top=0"], "top=0: should be greater than or equal to 1"),
        (["--top"], "--top needs a number"),
        (["--top", "folds=2"], "--top needs a number"),
        (["--topp", "3"], "'--topp' is no word=value"),
        (["top=many"], "top='many'"),
        (["folds=1"], "folds=1 is one split"),
        (["folds=7"], "this split needs 7"),
        (["seeds=0"], "seeds=0: should be greater than or equal to 1"),
        (["seeds=1,2"], "seeds was given several values"),
        (["seed=3"], "unknown word 'seed'; did you mean seeds"),
        (["optim.lr=0.1"], "unknown word 'optim.lr'"),
        (["experiment=fife"], "unknown experiment 'fife'; did you mean five"),
        (["trials=trial-01"], "unknown trial of five 'trial-01'; did you mean"),
        (["trials=trial-001", "--top", "2"], "choose --top or trials=, not both"),
        (["trials=trial-001,trial-001"], "name each configuration once"),
    ],
)
def test_mistakes_are_found_before_anything_starts(runs, words, said):
    own = {word.partition("=")[0] for word in words}
    given = [] if "experiment" in own else ["experiment=five"]
    with pytest.raises(UserError, match=said):
        confirm.main([f"search.runs={runs}", *given, *words])


def test_search_without_a_finished_trial_has_nothing_to_confirm(plan, own_runs):
    for trial in ExperimentFolder(own_runs / "five").trials():
        trial.write_outcome(trial.read_outcome().model_copy(update={"status": "failed"}))
    with pytest.raises(UserError, match="no trial of five has finished"):
        plan(f"search.runs={own_runs}")


def test_changed_data_are_refused(plan, own_runs):
    folder = ExperimentFolder(own_runs / "five")
    changed = folder.read_record().model_copy(update={"data_fingerprint": "another"})
    folder.write_record(changed)
    with pytest.raises(UserError, match="have changed since five was started"):
        plan(f"search.runs={own_runs}", "folds=2", "top=1")


def test_trial_with_settings_that_its_experiment_does_not_vary_is_refused(plan, own_runs):
    trial = ExperimentFolder(own_runs / "five").trial("trial-001")
    record = trial.read().record
    other = record.config.with_values({"train.batch_size": 2})
    trial.write_record(record.model_copy(update={"config": other}))
    with pytest.raises(UserError, match="five/trial-001 has settings that five does not vary"):
        plan(f"search.runs={own_runs}", "trials=trial-001")

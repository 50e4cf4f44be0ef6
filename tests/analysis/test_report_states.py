"""The report can be written of an experiment in any state, and says what it cannot show."""

import re
import shutil

from reports import page_of, with_settings, words_of
from typer.testing import CliRunner

from analysis.report.__main__ import app
from search_spaces.catalogue import SPACES
from trainable.arrays import Probabilities
from trainable.metrics import scores
from trainable.records import Outcome
from trainable.store import ExperimentFolder


def only(experiment, *names):
    for trial in experiment.trials():
        if trial.name not in names:
            shutil.rmtree(trial.path)
    return experiment


def change_record(experiment, **changes):
    experiment.write_record(experiment.read_record().model_copy(update=changes))


def test_summary_answers_the_five_questions(experiment):
    words = words_of(experiment)
    assert "4 trials: 2 trained to the end, 1 stopped early, 1 failed." in words
    assert "Which configuration is best? peaked: macro-F1 0.600 out-of-fold" in words
    assert "How sure are we? With other persons of the same kind its macro-F1 would lie" in words
    assert "What mattered? That cannot be told: all trials with a score have the same" in words
    assert "Where does it fail? By task, the hardest first:" in words
    assert "What should we submit?" in words
    assert "python -m analysis.ensemble" in words


def test_one_trial_is_compared_with_nobody(experiment):
    words = words_of(only(experiment, "steady"))
    assert "1 trials: 1 trained to the end." in words
    assert "cannot be told from" not in words
    assert "there is nothing to compare" in words


def test_where_all_failed_nothing_is_best(experiment):
    words = words_of(only(experiment, "broken"))
    assert "None yet: no trial has finished an epoch without failing." in words
    assert "broken (failed): the loss became infinite" in words
    assert "No trial has a score" in words
    assert "Nothing yet: no trial has ended." in words


def test_before_the_first_trial_there_is_nothing_to_show(experiment):
    words = words_of(only(experiment))
    assert "No trial has started yet." in words
    assert "No epoch was trained yet." in words


def test_before_the_first_epoch_there_is_nothing_to_show(experiment):
    trial = only(experiment, "steady").trial("steady")
    trial.write_epochs([])
    trial.write_outcome(Outcome(status="running"))
    words = words_of(experiment)
    assert "1 trials: 1 running or paused. The search is not over: all of this may change." in words
    assert "No trial has finished an epoch yet." in words


def test_a_running_trial_can_be_the_best_so_far(experiment):
    experiment.trial("peaked").write_outcome(Outcome(status="running"))
    words = words_of(experiment)
    assert "The search is not over: all of this may change." in words
    assert "peaked: macro-F1 0.600" in words


def test_a_damaged_trial_is_named_with_its_reason(experiment):
    (experiment.trial("early").path / "trial.json").write_text("{")
    words = words_of(experiment)
    assert "1 damaged" in words
    assert "early (damaged): cannot read" in words


def test_lost_predictions_are_named_and_cost_only_the_interval(experiment):
    (experiment.trial("steady").path / "validation.npz").write_bytes(b"lost")
    words = words_of(experiment)
    assert "No interval for steady: cannot read" in words
    assert "peaked: macro-F1 0.600" in words


def test_without_the_predictions_of_the_best_it_is_said(experiment):
    (experiment.trial("peaked").path / "validation.npz").unlink()
    words = words_of(experiment)
    assert "How sure the score is cannot be told: its predictions are not stored." in words
    assert "Where does it fail? That cannot be told: no predictions are stored." in words


def test_a_lost_table_of_images_costs_no_more_than_what_needs_it(experiment):
    (experiment.path / "images.csv").unlink()
    words = words_of(experiment)
    assert "the table of their images is lost" in words
    assert "peaked: macro-F1 0.600" in words


def test_without_eval_predictions_the_command_that_makes_them_is_shown(experiment):
    for trial in experiment.trials():
        trial.discard_eval()
    words = words_of(experiment)
    assert "as none has yet" in words
    assert f"python -m trainable.predict trial={experiment.trial('peaked').path}" in words


def test_methods_are_compared_on_persons_not_fitted_to(experiment):
    words = words_of(experiment)
    assert re.search(r"not clearly worse than the best( \(“.+?”: .+?\))? is “", words)
    assert "python -m analysis.ensemble --method auto" in words
    assert "Who is in the eval images?" in words


def test_too_few_persons_for_an_ensemble_are_told(experiment):
    for trial in experiment.trials():
        stored = trial.read_validation()
        kept = stored.rows < 4 * 7
        trial.write_validation(Probabilities(stored.rows[kept], stored.values[kept]))
    words = words_of(experiment)
    assert "Methods cannot be compared: 4 persons were predicted out-of-fold" in words
    assert "python -m analysis.ensemble --top 3" in words


def test_images_that_are_gone_are_told(experiment):
    change_record(experiment, data_root=str(experiment.path / "gone"))
    assert f"The images are no longer in {experiment.path / 'gone'}." in words_of(experiment)


def test_a_single_missing_image_is_counted(experiment):
    assert "of these images can no longer be read." in words_of(experiment)


def test_trials_for_one_task_have_no_macro_f1(experiment):
    only(experiment, "peaked", "steady")
    for trial in experiment.trials():
        with_settings(trial, {"model.heads": "age"})
        stored = trial.read_validation()
        labels = experiment.read_images().loc[stored.rows, "label"].to_numpy()
        own = scores(labels, stored.values.argmax(axis=1), ("age",))
        trial.write_epochs(
            [epoch.model_copy(update={"metrics": own}) for epoch in trial.read_epochs()]
        )
    words = words_of(experiment)
    assert "F1 of age" in words
    assert "It answers age alone, so it has no score on the 18 classes." in words
    assert "These trials do not answer mask and gender: join them with trials" in words


def test_a_trial_that_answers_no_age_is_not_shown_by_age(experiment):
    trial = only(experiment, "peaked").trial("peaked")
    with_settings(trial, {"model.heads": "mask"})
    own = {"mask_f1": 0.5, "mask_accuracy": 0.5}
    trial.write_epochs([epoch.model_copy(update={"metrics": own}) for epoch in trial.read_epochs()])
    assert "peaked does not answer the age." in words_of(experiment)


def test_folds_in_turn_break_the_curve_where_one_is_added(experiment):
    trial = experiment.trial("steady")
    first, second = trial.read_epochs()
    trial.write_epochs([first, second.model_copy(update={"folds": 2})])
    stored = trial.read_validation()
    kept = stored.rows < 42
    experiment.trial("peaked").write_validation(
        Probabilities(stored.rows[kept], stored.values[kept])
    )
    words = words_of(experiment)
    assert "steady: macro-F1 0.500 out-of-fold, pooled over 2 folds" in words
    assert "a curve is broken where one is added" in words


def test_results_that_were_taken_cost_nothing(experiment):
    first, taken = (only(experiment, "peaked", "steady").trial(n) for n in ("peaked", "steady"))
    taken.write_record(taken.read().record.model_copy(update={"taken_from": "old/trial-001"}))
    words = words_of(experiment)
    assert f"1 trials, {len(first.read().epochs)} epochs," in words
    assert "1 trial(s) took the results of equal ones and cost nothing." in words


def test_commands_are_quoted_for_a_shell(experiment):
    change_record(experiment, words=["space=loss_aug", "search.question=which loss?"])
    spaced = experiment.path.parent.with_name("my runs")
    experiment.path.parent.rename(spaced)
    words = words_of(ExperimentFolder(spaced / experiment.name))
    assert "python -m orchestrator.search space=loss_aug 'search.question=which loss?'" in words
    assert f"python -m analysis.ensemble --method auto --runs '{spaced}'" in words


def test_an_ablation_is_reported_as_any_experiment(experiment):
    change_record(
        experiment,
        command="orchestrator.ablate",
        question="Which techniques of recsys04 help, one change at a time?",
        space=SPACES["augmentation"].as_json(),
    )
    with_settings(experiment.trial("steady"), {"augment.flip": 0.5})
    words = words_of(experiment)
    assert "Which techniques of recsys04 help, one change at a time?" in words
    assert "python -m orchestrator.ablate" in words


def test_a_space_that_cannot_be_read_is_told(experiment):
    change_record(experiment, space={"optim.lr": "damaged"})
    assert "What was varied cannot be read." in words_of(experiment)


def test_a_damaged_line_of_the_journal_is_passed_over(experiment):
    change_record(experiment, settings={"scheduler": {"name": "halving"}})
    line = '{"event":"reported","trial":"x","step":2,"score":0.1,"verdict":"pause"}\n'
    experiment.journal.write_text(line + "{damaged\n[]\n" + line)
    assert "the rungs (epoch 2)" in words_of(experiment)


def test_names_are_text_and_run_no_script(experiment):
    hostile = "<img src=x onerror=alert(1)>"
    experiment.trial("steady").path.rename(experiment.path / hostile)
    change_record(experiment, question="<script>alert(2)</script>")
    page = page_of(experiment)
    assert "<img src=x" not in page
    assert "<script>alert(2)" not in page


def test_command_writes_the_page_beside_the_trials(experiment, tmp_path):
    runs = ["--runs", str(experiment.path.parent)]
    done = CliRunner().invoke(app, runs)
    assert done.exit_code == 0
    assert done.stdout.startswith(f"wrote {experiment.path / 'report.html'} (")
    assert (experiment.path / "report.html").read_text().startswith("<!doctype html>")
    CliRunner().invoke(app, [*runs, "--out", str(tmp_path / "deep" / "page.html")])
    assert (tmp_path / "deep" / "page.html").exists()


def test_an_unknown_experiment_is_told_in_one_line(experiment):
    words = ["--runs", str(experiment.path.parent), "--experiment", "face"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert "did you mean faces?" in done.stderr

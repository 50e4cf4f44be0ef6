"""Predict the eval images with a stored trial: `python -m trainable.predict trial=<folder>`."""

from pydantic import Field

from trainable.command_line import Schema, read_words, run_command
from trainable.experiment import check_same_data, check_same_views, refuse_mixed
from trainable.fitting import Fit
from trainable.locations import folder_named
from trainable.recorded import load_weights
from trainable.settings import Section, UserError
from trainable.store import experiment_of, open_experiment
from trainable.trial_folder import TrialFolder


class StoredTrialWords(Section):
    """The words of a command about one stored trial."""

    trial: str = Field(default="", description="folder of the trial: runs/<experiment>/<trial>")


SCHEMA = Schema("trainable.predict", StoredTrialWords, {})


def main(words: list[str]) -> int:
    """Predict with the trial that the words name."""
    folder = stored_trial(read_words(SCHEMA, words).settings.trial)
    predict_eval(folder)
    print(f"{folder.path}: eval images predicted")
    return 0


def stored_trial(name: str) -> TrialFolder:
    """Return the trial in the folder `<runs>/<experiment>/<trial>`; UserError if there is none."""
    path = folder_named(name)
    if not name:
        raise UserError("trial= names no trial; write trial=runs/<experiment>/<trial>")
    return open_experiment(path.parent.parent, path.parent.name).existing_trial(path.name)


def predict_eval(folder: TrialFolder) -> None:
    """Predict the eval images with the weights of the trial's best epoch and store the result.

    Embeddings, which the networks make on the way, are stored first: where there are eval
    probabilities there are embeddings too.
    Raises UserError where the weights are gone: only the best trials of an experiment keep them.
    """
    record = folder.read().record
    if not folder.has_weights():
        refuse_mixed(record)
        raise UserError(
            f"{folder.path} keeps no weights (search.keep= keeps those of the best trials); train "
            f"it again with: python -m trainable.fit replay={folder.path.parent.name}/{folder.name}"
        )
    fit = Fit(record.config, fetch=False)
    check_same_data(experiment_of(folder), fit.data)
    check_same_views(record, fit.views)
    load_weights(fit, folder.weights_file)
    store_predictions(fit, folder)


def store_predictions(fit: Fit, folder: TrialFolder) -> None:
    """Predict the eval images with a fit's weights, and store the result and the embeddings."""
    predicted = fit.predict_and_embed()
    folder.write_embeddings(predicted.of_eval, predicted.of_validation)
    folder.write_eval(predicted.probabilities)


if __name__ == "__main__":
    run_command(SCHEMA, main)

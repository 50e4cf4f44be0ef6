"""How are the eval images predicted by a stored trial?"""

from safetensors.torch import load_file

from trainable.config import UserError
from trainable.fitting import Fit
from trainable.store import TrialFolder


def predict_eval(folder: TrialFolder) -> None:
    """Predict the eval images with the weights of the trial's best epoch and store the result.

    Raises UserError where the weights are gone: only the best trials of an experiment keep them.
    """
    if not folder.weights_file.exists():
        raise UserError(
            f"{folder.name} keeps no weights (search.keep= keeps those of the best trials); "
            f"train it again with: python -m trainable.fit replay={folder.path}"
        )
    fit = Fit(folder.read().record.config)
    fit.load_weights(load_file(folder.weights_file))
    folder.write_eval(fit.eval_probabilities())

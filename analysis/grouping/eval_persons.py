"""Do eval images answer better together with those of the same person? Tried on known persons."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.ensembles.built import Built
from analysis.ensembles.decision import decide
from analysis.ensembles.evidence import Joint
from analysis.grouping.groups import found_groups, share_of_right_pairs
from analysis.grouping.together import decided_together
from analysis.results import Trial
from trainable.arrays import Embeddings
from trainable.comparison import Difference, paired_difference
from trainable.settings import UserError


@dataclass(frozen=True)
class Grouped:
    """Probabilities (N, 18) of eval images, together with their persons' if that helped.

    ``right`` is the share of pairs that were rightly put together, and ``gain`` the difference of
    macro-F1, both among validation images of the first fold, whose persons are known.
    """

    joint: Joint
    right: float
    gain: Difference

    @property
    def is_applied(self) -> bool:
        """Whether the gain's whole interval is above 0."""
        return self.gain.low > 0

    @property
    def sentence(self) -> str:
        """What people are told."""
        verdict = "applied" if self.is_applied else "not applied"
        return (
            f"images of one person together: {verdict}; among known persons {self.right:.0%} of "
            f"pairs were right, macro-F1 {self.gain.value:+.3f} "
            f"({self.gain.low:+.3f} to {self.gain.high:+.3f})"
        )


def grouped(built: Built, joint: Joint) -> Grouped:
    """Find the eval images of each person, and answer them together if that helps known persons.

    ``joint`` (N, 18) is of the eval images. Raises UserError where a member has no embeddings, and
    names the command that makes them.
    """
    members = [trial for trial in built.trials if trial.name in built.members]
    right, gain = _tried(built, members)
    if gain.low > 0:
        found = [trial.folder.read_eval_embeddings() for trial in members]
        joint = decided_together(joint, found_groups([_in_order(one) for one in found]))
    return Grouped(joint, right, gain)


def _tried(built: Built, members: Sequence[Trial]) -> tuple[float, Difference]:
    """Group the validation images of the first fold, which no network that sees them has seen."""
    found = [trial.folder.read_validation_embeddings() for trial in members]
    rows = np.sort(found[0].rows)
    if any(not np.array_equal(np.sort(one.rows), rows) for one in found):
        raise UserError("--group-eval: the members embedded images of different persons")
    known, places = built.known, np.flatnonzero(np.isin(built.rows, rows))
    if len(places) < len(rows):
        raise UserError("--group-eval: some embedded images have no out-of-fold probabilities")
    groups = found_groups([_in_order(one) for one in found])
    persons, labels, added = known.persons[places], known.labels[places], built.ensemble.added
    alone = built.joint[places]
    together = decide(decided_together(alone, groups), added)
    gain = paired_difference(labels, persons, [together], [decide(alone, added)])
    return share_of_right_pairs(groups, persons), gain


def _in_order(found: Embeddings) -> NDArray[np.float16]:
    return found.values[np.argsort(found.rows)]

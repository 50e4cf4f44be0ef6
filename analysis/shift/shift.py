"""Is the decision rule corrected for the shares of the eval images? Where told to, or it helps."""

from dataclasses import dataclass
from typing import Literal

from analysis.ensembles.built import Built
from analysis.ensembles.decision import Floats
from analysis.ensembles.evidence import Joint
from analysis.shift.check import Check, check_correction
from analysis.shift.correction import ESTIMATED, fitted_share_model
from analysis.shift.shares import Shares
from trainable.labels import TASK_CLASSES

Correct = Literal["auto", "on", "off"]


@dataclass(frozen=True)
class Shift:
    """Shares of gender and age, known out-of-fold and estimated of eval images; the rule (18,).

    ``check`` is None where nobody asked whether the corrected rule helps.
    """

    known: dict[str, Shares]
    estimated: dict[str, Shares]
    check: Check | None
    is_corrected: bool
    added: Floats

    @property
    def sentences(self) -> list[str]:
        """What people are told."""
        found = [_shares_sentence(task, self.known, self.estimated) for task in ESTIMATED]
        if self.check is None:
            return [*found, f"correction for them: {'as told' if self.is_corrected else 'off'}"]
        gain = f"{self.check.gain:+.3f} ({self.check.low:+.3f} to {self.check.high:+.3f})"
        verdict = "applied" if self.is_corrected else "not applied"
        return [*found, f"correction for them: {verdict}; tried on known persons: macro-F1 {gain}"]


def shift_of(built: Built, joint: Joint, correct: Correct) -> Shift:
    """Estimate the shares among eval images from ``joint`` (N, 18), and decide on a correction."""
    known = built.known
    model = fitted_share_model(built.joint, known.labels)
    estimated = model.estimate(joint)
    check = None
    if correct == "auto":
        check = check_correction(
            built.joint, known.labels, known.persons, estimated, has_rule=built.chosen.rule
        )
    is_corrected = correct == "on" or (check is not None and check.helps)
    added = model.rule_for(estimated) if is_corrected else built.ensemble.added
    return Shift(dict(model.shares), estimated, check, is_corrected, added)


def _shares_sentence(task: str, known: dict[str, Shares], estimated: dict[str, Shares]) -> str:
    pairs = zip(TASK_CLASSES[task], known[task], estimated[task], strict=True)
    parts = ", ".join(f"{name} {before:.0%} -> {after:.0%}" for name, before, after in pairs)
    return f"{task}, out-of-fold -> estimated of the eval images: {parts}"

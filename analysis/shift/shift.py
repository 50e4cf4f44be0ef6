"""Is the decision rule corrected for the shares of the eval images? Where told to, or it helps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.ensembles.built import Built
from analysis.ensembles.decision import Floats
from analysis.ensembles.evidence import Joint
from analysis.shift.check import Check, Known, check_correction
from analysis.shift.correction import ESTIMATED, fitted_share_model
from analysis.shift.shares import Shares
from trainable.labels import TASK_CLASSES

Correct = Literal["auto", "on", "off"]


@dataclass(frozen=True)
class Shift:
    """Shares of gender and age, known out-of-fold and estimated of eval images.

    ``checks`` are empty where nobody asked whether a correction helps, ``corrected`` lists the
    tasks that the decision rule ``added`` (18,) is corrected for.
    """

    known: Mapping[str, Shares]
    estimated: Mapping[str, Shares]
    checks: Mapping[str, Check]
    corrected: tuple[str, ...]
    added: Floats

    @property
    def sentences(self) -> list[str]:
        """What people are told."""
        return [self._sentence(task) for task in ESTIMATED]

    def _sentence(self, task: str) -> str:
        triples = zip(TASK_CLASSES[task], self.known[task], self.estimated[task], strict=True)
        parts = ", ".join(f"{name} {before:.0%} -> {after:.0%}" for name, before, after in triples)
        verdict = "corrected" if task in self.corrected else "not corrected"
        return f"{task}, out-of-fold -> estimated of eval: {parts}; {verdict}{self._why(task)}"

    def _why(self, task: str) -> str:
        if task not in self.checks:
            return ", as told"
        found = self.checks[task]
        return (
            f": tried on known persons, estimates were off by {found.error * 100:.0f} points, "
            f"macro-F1 {found.gain:+.3f} ({found.low:+.3f} to {found.high:+.3f}), where nothing "
            f"shifted {found.unshifted:+.3f}"
        )


def shift_of(built: Built, joint: Joint, correct: Correct) -> Shift:
    """Estimate the shares among eval images from ``joint`` (N, 18), and decide on corrections.

    Of two that help it is the one that helped more: together they were not tried.
    """
    known = built.known
    model = fitted_share_model(built.joint, known.labels)
    estimated = {task: model.estimate(joint)[task] for task in ESTIMATED}
    checks = _checks(built, estimated) if correct == "auto" else {}
    corrected = ESTIMATED if correct == "on" else _most_helpful(checks)
    shares = {task: estimated[task] for task in corrected}
    added = model.rule_for(shares) if shares else built.ensemble.added
    return Shift(model.shares, estimated, checks, corrected, added)


def _most_helpful(checks: Mapping[str, Check]) -> tuple[str, ...]:
    helping = [task for task, check in checks.items() if check.helps]
    return (max(helping, key=lambda task: checks[task].gain),) if helping else ()


def _checks(built: Built, estimated: Mapping[str, Shares]) -> dict[str, Check]:
    codes = np.unique(built.known.persons, return_inverse=True)[1]
    known = Known(built.joint, built.known.labels, codes)
    return {
        task: check_correction(known, task, estimated[task], has_rule=built.chosen.rule)
        for task in ESTIMATED
    }

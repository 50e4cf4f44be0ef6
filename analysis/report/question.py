"""What was asked, and what was searched? Question, space, words, data, persons and folds."""

import shlex

import pandas as pd
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from analysis.report.evidence import Evidence
from analysis.report.section import Block, Commands, Section, Table, Text
from analysis.report.varied import shown
from search_spaces.stored import ALWAYS
from trainable.labels import TASK_CLASSES, TASKS, decode
from trainable.settings import UserError

ANCHOR, TITLE = "question", "The question"


def question_section(evidence: Evidence) -> Section:
    """Show what the experiment asked, of which data, and what it could try."""
    record = evidence.record
    blocks: list[Block] = [
        Text(record.question),
        Commands([shlex.join(["python", "-m", record.command, *record.words])]),
        *_data(evidence),
        Text(_folds(evidence)),
        _space(evidence),
    ]
    if record.first:
        sources = ", ".join(dict.fromkeys(one.source for one in record.first))
        blocks.append(Text(f"Tried first, before the sampler drew: {sources}.", quiet=True))
    return Section(ANCHOR, TITLE, blocks)


def _data(evidence: Evidence) -> list[Block]:
    record = evidence.record
    try:
        words = f"The data in {record.data_root}: {_persons(evidence.images)}."
    except UserError as error:
        words = f"The data in {record.data_root}; the table of their images is lost: {error}."
    left = {
        "images could not be read and were left out": len(record.skipped_images),
        "images kept their whole frame, as no face was found": len(record.faceless_images),
        "images were trained with a corrected label": record.fixed_labels,
    }
    return [
        Text(" ".join([words, *(f"{count:,} {what}." for what, count in left.items() if count)]))
    ]


def _persons(images: pd.DataFrame) -> str:
    persons = images.drop_duplicates("person")
    parts = decode(persons["label"])
    shares = [
        ", ".join(
            f"{(parts[task] == number).sum():,} {name}"
            for number, name in enumerate(TASK_CLASSES[task])
        )
        for task in TASKS
        if task != "mask"
    ]
    return f"{len(persons):,} persons ({'; '.join(shares)}), {len(images):,} training images"


def _folds(evidence: Evidence) -> str:
    """Say who was predicted by whom; the first trial's folds are all trials' unless searched."""
    trials = evidence.experiment.trials
    if not trials:
        return "No trial has started yet."
    cv = trials[0].results.record.config.cv
    if cv.folds == 1:
        scored = f"on {cv.validation_share:.0%} of the persons, who were kept out of training"
    elif cv.fidelity == "folds":
        scored = f"on up to {cv.folds} folds of persons, which were trained one after the other"
    else:
        scored = f"on all persons, by the one of {cv.folds} networks that had not seen them"
    return f"A trial is scored {scored}: no person stands on both sides."


def _space(evidence: Evidence) -> Block:
    if not evidence.space:
        lost = "What was varied cannot be read." if evidence.record.space else "Nothing was varied."
        return Text(lost)
    rows = [
        [path, "" if parent == ALWAYS else f"{parent}={value}", _values(one)]
        for path, (parent, cases) in evidence.space.items()
        for value, one in cases.items()
    ]
    return Table("space", ["setting", "only where", "values"], rows)


def _values(distribution: BaseDistribution) -> str:
    if isinstance(distribution, CategoricalDistribution):
        return ", ".join(map(shown, distribution.choices))
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high = shown(distribution.low), shown(distribution.high)
    return f"{low} to {high}" + (", on a logarithm" if distribution.log else "")

"""Average the weights of trials, where that wins: `python -m trainable.soup experiment=latest`."""

import time
from collections.abc import Sequence

import numpy as np
from pydantic import Field

from trainable.command_line import Schema, read_words, run_command, tell
from trainable.comparison import Difference
from trainable.locations import folder_named
from trainable.metric_names import score_name
from trainable.settings import Names, Section, UserError
from trainable.soup.choice import BEST, Judge, Mixture, Tried, greedy_mixture, judged_on_others
from trainable.soup.ingredients import Ingredient, find_ingredients
from trainable.soup.mixer import Mixer
from trainable.soup.record import listed, store_mixture
from trainable.store import LATEST, ExperimentFolder, open_experiment


class PlaceSection(Section):
    """Where experiments are kept."""

    runs: str = Field(default="runs", description="folder of all experiments")


class SoupWords(Section):
    """The words of `python -m trainable.soup`."""

    experiment: str = Field(default=LATEST, description="whose trials are mixed")
    trials: Names = Field(
        default=(), description="only these: names with commas between; empty: all that can be"
    )
    search: PlaceSection = Field(default=PlaceSection(), description="where it is kept")


SCHEMA = Schema("trainable.soup", SoupWords, {}, lists=frozenset({"trials"}))


def main(words: list[str]) -> int:
    """Mix the trials that the words name, and store the mixture as a trial if it is better."""
    started = time.perf_counter()
    asked = read_words(SCHEMA, words).settings
    experiment = open_experiment(folder_named(asked.search.runs), asked.experiment)
    if experiment.read_record().confirms:
        raise UserError(
            f"{experiment.name} is a confirmation, in which trials are compared by their seeds: "
            "name with experiment= the search that it confirms"
        )
    ingredients, notes = find_ingredients(experiment, asked.trials)
    tell([*notes, *_warnings(ingredients)])
    soup = Soup(experiment, ingredients)
    if mixture := soup.winner():
        seconds = time.perf_counter() - started
        folder = store_mixture(soup.mixer, soup.judge, mixture, seconds)
        print(f"it wins, and is stored in {folder.path}")
    return 0


class Soup:
    """The search for a mixture of ``ingredients``, the best of them first, that beats it."""

    def __init__(self, experiment: ExperimentFolder, ingredients: Sequence[Ingredient]) -> None:
        self.mixer = Mixer(ingredients)
        images = experiment.read_images().loc[np.sort(ingredients[0].validation.rows)]
        tasks = ingredients[0].record.config.tasks
        self.judge = Judge(images["label"].to_numpy(), images["person"].to_numpy(), tasks)
        self._ingredients = ingredients
        self._best = ingredients[0].folder.name
        self._tried: list[Tried] = []

    def winner(self) -> Mixture | None:
        """Choose a mixture and say what comes out; return it if it is clearly better."""
        best = self._ingredients[0]
        alone = self.judge.score(best.answers)
        print(f"{self._best} alone: {score_name(best.best.metrics)} {alone:.4f}")
        order = range(1, len(self._ingredients))
        mixture = greedy_mixture(self.mixer, self.judge, order, tell=self._tell)
        if mixture == BEST:
            print(f"no soup wins: {self._nearest()}; nothing is stored")
            return None
        if self._compare(mixture).low > 0:
            return mixture
        print("no soup wins: what it gained may be luck; nothing is stored")
        return None

    def _tell(self, tried: Tried) -> None:
        self._tried.append(tried)
        verdict = "stays" if tried.is_kept else "left out"
        name = self._name(tried)
        print(f"with {name}: {tried.score:.4f}, before {tried.before:.4f}: {verdict}", flush=True)

    def _nearest(self) -> str:
        nearest = max(self._tried, key=lambda tried: tried.score)
        lost = nearest.before - nearest.score
        return f"{self._best} loses {lost:.4f} even with {self._name(nearest)}, the best to add"

    def _name(self, tried: Tried) -> str:
        return self._ingredients[tried.added].folder.name

    def _compare(self, mixture: Mixture) -> Difference:
        """Print how much better a mixture is; return it on persons that chose no ingredient."""
        mixed = self.mixer.answers(mixture)
        found = self.judge.difference(mixed, self.mixer.answers(BEST))
        print(
            f"soup of {listed(self.mixer.named(mixture))}: {self.judge.score(mixed):.4f}, "
            f"{_told(found)} than {self._best} alone, on the persons that chose its ingredients"
        )
        judged = judged_on_others(self.mixer, self.judge, len(self._ingredients))
        print(f"chosen on one half of the persons and judged on the other: {_told(judged)}")
        return judged


def _warnings(ingredients: Sequence[Ingredient]) -> list[str]:
    """Return why mixing will hardly help, where the networks began at random."""
    configs = [one.record.config.member_configs().values() for one in ingredients]
    if all(own.model.pretrained for members in configs for own in members):
        return []
    return [
        "model.pretrained=false: networks that were trained from random weights seldom have a mean "
        "that is any good, unlike those that began with the same pretrained ones"
    ]


def _told(found: Difference) -> str:
    side = "better" if found.value >= 0 else "worse"
    return f"{abs(found.value):.4f} {side} (95 %: {found.low:+.4f} to {found.high:+.4f})"


if __name__ == "__main__":
    run_command(SCHEMA, main)

"""How are deadlines met where hours pass in milliseconds? An event clock instead of Ray.

The search, its rule, its pace and its timekeeper are the real ones; only what takes time is played:
epochs, starts, eval predictions, and the end of Ray's processes.
"""

import heapq
import math
import random
from dataclasses import dataclass, field

from benchmarks.deadlines.report import Met
from orchestrator.decisions import Search
from orchestrator.estimates import CLOSING_SECONDS
from orchestrator.journal import Ended
from orchestrator.pace import Pace
from orchestrator.proposals import Sampled, samplers
from orchestrator.rules import Halving, rung_levels
from orchestrator.states import Ask
from orchestrator.timekeeper import Timekeeper, Work
from orchestrator.timetable import EvalWork
from search_spaces.language import Space, choice, log_uniform
from trainable.config import TrialConfig
from trainable.recipes.recipe import Settings
from trainable.records import EpochRecord

BACKBONE, HEIGHT = "model.backbone", "data.image_height"
SPACE = Space(
    "?",
    {
        BACKBONE: choice("resnet18", "resnet34"),
        HEIGHT: choice(64, 128),
        "optim.lr": log_uniform(1e-4, 1e-1),
    },
)
SLOWER = {(BACKBONE, "resnet34"): 1.7, (HEIGHT, 128): 1.8}
"""Setting, value -> how many times as long a step takes."""
FIRST_START_SECONDS, START_SECONDS = 10.0, 0.4
LEAST_CLOSING, MOST_CLOSING = 3.0, 10.0
"""Seconds that ending Ray takes."""
PREDICTED = 5
"""Best trials whose eval images are predicted."""
FIRST_EPOCH = 1.5
"""How many times as long the first epoch of a process takes."""
NOISE = 0.1
"""Standard deviation of a step's seconds, as a share of them."""
PREDICTION_ERROR = 0.2
VALIDATED = 500
VALIDATION_SHARE = 0.1
"""Of a step, the part that predicts the validation images."""


@dataclass(frozen=True)
class Setting:
    """A search that is played; ``step_seconds`` is what a step of the fastest kind takes."""

    budget: float
    slots: int
    epochs: int
    trials: int
    step_seconds: float
    eval_images: int
    promote: bool

    def step(self, values: Settings) -> float:
        """Return what a step takes, but for chance."""
        slower = (times for (path, value), times in SLOWER.items() if values.get(path) == value)
        return self.step_seconds * math.prod(slower)

    def image(self, values: Settings) -> float:
        """Return what predicting an image takes, but for chance."""
        return self.step(values) * VALIDATION_SHARE / VALIDATED


def settings(count: int) -> list[Setting]:
    """Draw searches: lengths, slots and epochs as they are usual, more trials than fit."""
    drawn: list[Setting] = []
    for number in range(count):
        chance = random.Random(number)
        budget, slots = chance.uniform(600, 7200), chance.randint(2, 4)
        epochs = chance.randint(8, 27)
        whole_trial = budget * chance.uniform(0.05, 0.6)  # of the slowest kind
        step_seconds = whole_trial / epochs / math.prod(SLOWER.values())
        trials = math.ceil(3 * slots * budget / (2 * step_seconds))
        images = chance.randint(VALIDATED, 10 * VALIDATED)
        promote = number % 2 == 1
        drawn.append(Setting(budget, slots, epochs, trials, step_seconds, images, promote))
    return drawn


def base_of(setting: Setting) -> TrialConfig:
    """Return what all trials start from, which is of the fastest kind."""
    size = {HEIGHT: 64, "data.image_width": 64}
    return TrialConfig().with_values({"train.epochs": setting.epochs, BACKBONE: "resnet18", **size})


def simulated_searches(count: int) -> list[Met]:
    """Play so many searches, every other one with pauses."""
    return [Play(setting, seed).met() for seed, setting in enumerate(settings(count))]


@dataclass
class Learner:
    """Tells the timekeeper when trials are given slots."""

    timekeeper: Timekeeper

    def began(self, trial: str, values: Settings) -> None:
        """Pass it on."""
        self.timekeeper.began(trial)

    def paused(self, trial: str) -> None:
        """Nobody is told."""

    def ended(self, event: Ended) -> None:
        """Nobody is told."""

    def had_ended(self, event: Ended) -> None:
        """Nobody is told."""


@dataclass
class Slot:
    """A process that trains one trial after the other, since when, and its trial's next score."""

    is_new: bool = True
    trial: str = ""
    since: float = 0.0
    seconds: float = 0.0


@dataclass
class Play:
    """A search while it is played."""

    setting: Setting
    seed: int
    now: float = 0.0
    idle: float = 0.0
    cut: float = 0.0
    best: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        setting = self.setting
        self.chance = random.Random(f"play {self.seed}")
        base = base_of(setting)
        self.timekeeper = self._timekeeper(base)
        levels = rung_levels(2, 3, setting.epochs)
        self.search = Search(
            Ask(setting.trials, setting.slots, lambda values: setting.epochs),
            Sampled(lambda trial: SPACE.suggest(trial, base), samplers("random", self.seed, ())),
            Halving(levels, 3, promote=setting.promote),
            write=lambda event: None,
            time=self.timekeeper,
            watch=Learner(self.timekeeper),
        )
        self.free = [Slot() for _ in range(setting.slots)]
        self.busy: list[tuple[float, int, Slot]] = []

    def met(self) -> Met:
        """Play the search to its end and return how its deadline was met."""
        self._train()
        training_end = self.now
        predicted = self._predict()
        setting, trials = self.setting, len(self.best)
        way = "promoting" if setting.promote else "stopping"
        slots, epochs, step = setting.slots, setting.epochs, setting.step_seconds
        return Met(
            what=f"{slots} slots, {epochs} x {step:.0f} s, {way}",
            length=setting.budget,
            trained=training_end,
            ready=self.now + self.chance.uniform(LEAST_CLOSING, MOST_CLOSING),
            idle=self.idle / setting.slots,
            cut=self.cut / setting.slots,
            trials=trials,
            predicted=predicted,
        )

    def _timekeeper(self, base: TrialConfig) -> Timekeeper:
        """Return one that knows about what a probe finds."""
        setting, pace = self.setting, Pace()
        after = EvalWork(setting.eval_images, 1, PREDICTED, setting.slots)
        work = Work(VALIDATED, after, CLOSING_SECONDS)
        keeper = Timekeeper(base, work, setting.budget, pace, clock=lambda: self.now)
        step, image = setting.step({}), setting.image({})
        pace.seed(keeper.kind({}), self._about(step), START_SECONDS, self._about(image))
        return keeper

    def _about(self, seconds: float) -> float:
        return seconds * self.chance.uniform(1 - PREDICTION_ERROR, 1 + PREDICTION_ERROR)

    def _train(self) -> None:
        self._fill_slots()
        while self.busy:
            ends, end = self.busy[0][0], self.timekeeper.timetable.training_end
            assert end is not None
            self.idle += len(self.free) * (min(ends, max(end, self.now)) - self.now)
            if ends > end:
                self.now = max(end, self.now)
                self.cut += sum(self.now - slot.since for _, _, slot in self.busy)
                break
            self.now, _, slot = heapq.heappop(self.busy)
            self._step_ends(slot)
            self._fill_slots()
        self.search.close()

    def _fill_slots(self) -> None:
        while self.free and (leg := self.search.next_leg()):
            slot = self.free.pop()
            slot.trial = leg.trial
            self._begin_step(slot, FIRST_START_SECONDS if slot.is_new else START_SECONDS)

    def _begin_step(self, slot: Slot, start: float) -> None:
        values = self.search.trials[slot.trial].values
        noise = max(0.5, self.chance.gauss(1, NOISE))
        slot.seconds = self.setting.step(values) * noise * (FIRST_EPOCH if slot.is_new else 1.0)
        slot.is_new, slot.since = False, self.now
        heapq.heappush(self.busy, (self.now + start + slot.seconds, id(slot), slot))

    def _step_ends(self, slot: Slot) -> None:
        trial = slot.trial
        state = self.search.trials[trial]
        step = state.step + 1
        seconds = {
            "step": slot.seconds * (1 - VALIDATION_SHARE),
            "validation": slot.seconds * VALIDATION_SHARE,
        }
        epoch = EpochRecord(epoch=step, metrics={}, train_loss=1.0, lr=1e-3, seconds=seconds)
        self.timekeeper.epoch_finished(trial, state.values, epoch)
        if self.search.report(trial, step, self._score(trial, step)):
            self._begin_step(slot, 0.0)
        else:
            self.free.append(slot)

    def _score(self, trial: str, step: int) -> float:
        """Return the best score so far: a curve of the trial's own, seen through noise."""
        quality = random.Random(f"{self.seed} {trial}").random()
        score = quality * (1 - math.exp(-step / 5)) + self.chance.gauss(0, 0.02)
        self.best[trial] = max(score, self.best.get(trial, score))
        return self.best[trial]

    def _predict(self) -> int:
        """Predict with the best trials, as many at once as slots, as far as there is time."""
        setting = self.setting
        best = sorted(self.best, key=lambda trial: self.best[trial], reverse=True)[:PREDICTED]
        ends, longest, predicted = [self.now] * setting.slots, 0.0, 0
        for trial in best:
            starts = heapq.heappop(ends)
            if predicted and starts + longest > setting.budget - CLOSING_SECONDS:
                heapq.heappush(ends, starts)
                continue
            image = setting.image(self.search.trials[trial].values)
            seconds = self._about(START_SECONDS + setting.eval_images * image)
            longest, predicted = max(longest, seconds), predicted + 1
            heapq.heappush(ends, starts + seconds)
        self.now = max(ends)
        return predicted

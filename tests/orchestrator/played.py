"""How do these tests play a search? With a clock of their own instead of Ray, in milliseconds."""

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from orchestrator.asked import Time, Unlimited
from orchestrator.decisions import Search
from orchestrator.journal import Ended, Event
from orchestrator.proposals import Proposals, Sampled, samplers
from orchestrator.rules import Rule
from orchestrator.states import Ask
from search_spaces.language import Space, choice, log_uniform

SPACE = Space("?", {"loss.name": choice("focal", "f1"), "optim.lr": log_uniform(1e-4, 1e-1)})
STEPS = 9

Score = Callable[[str, int], float]
"""Trial, step -> best score so far."""


def sampled(sampler: str = "random", seed: int = 0) -> Sampled:
    return Sampled(lambda trial: SPACE.suggest(trial, None), samplers(sampler, seed, (1, 3)))


def own_score(trial: str, step: int) -> float:
    """A score that is the trial's own, and rises a little."""
    return random.Random(trial).random() + 0.01 * step


@dataclass
class Watched:
    """What a search told."""

    told: list[tuple[str, str]] = field(default_factory=list)

    def began(self, trial, values):
        self.told.append((trial, "began"))

    def paused(self, trial):
        self.told.append((trial, "paused"))

    def ended(self, event: Ended):
        self.told.append((event.trial, event.status))

    def had_ended(self, event: Ended):
        self.told.append((event.trial, f"had {event.status}"))


@dataclass
class Played:
    """A search that was played: what it wrote, and every step that was trained, in order."""

    search: Search
    events: list[Event]
    trained: list[tuple[str, int]]
    seconds: float


def play(
    rule: Rule,
    *,
    proposals: Proposals | None = None,
    trials: int = 27,
    slots: int = 1,
    score: Score = own_score,
    earlier: Sequence[Event] = (),
    time: Time | None = None,
    until: int | None = None,
    whole: int = 0,
    **options,
) -> Played:
    """Play a search of which every step takes a second, up to its end or ``until`` so many steps.

    Trials that were interrupted go on from the step that was last reported.
    """
    events = list(earlier)
    search = Search(
        Ask(trials, slots, lambda values: STEPS, whole),
        proposals or sampled(),
        rule,
        write=events.append,
        time=time or Unlimited(),
        **options,
    )
    search.replay(earlier)
    search.settle()
    busy, now, trained = [], 0.0, []
    while True:
        while (leg := search.next_leg()) is not None:
            heapq.heappush(busy, (now + 1, leg.trial))
        if not busy or len(trained) == until:
            break
        now, trial = heapq.heappop(busy)
        if hasattr(time, "now"):
            time.now = now
        step = search.trials[trial].step + 1
        trained.append((trial, step))
        if search.report(trial, step, score(trial, step)):
            heapq.heappush(busy, (now + 1, trial))
    if until is None:
        search.close()
    return Played(search, events, trained, now)

"""What does a search choose that has so many fold-epochs? Played by a clock, without training."""

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.fidelity.contenders import FIDELITIES, Contender, Step
from benchmarks.fidelity.recorded import Recording, Trained
from orchestrator.decisions import Search
from orchestrator.proposals import Listed
from orchestrator.states import Ask
from trainable.recipes.recipe import Settings

CONFIGURATION = "configuration"


@dataclass(frozen=True)
class Order:
    """In which order configurations and folds come."""

    pool: Sequence[Recording]
    folds: Sequence[int]


@dataclass(frozen=True)
class Choice:
    """What a search ends with, what it cost in fold-epochs, and how many trials it began."""

    networks: Trained
    cost: int
    trials: int


class Budget:
    """Fold-epochs instead of time: a step that is begun is paid for."""

    is_limited = True

    def __init__(self, limit: int, step_cost: int) -> None:
        self.spent = 0
        self._limit = limit
        self._step_cost = step_cost

    def may_start(self, values: Settings, steps: int) -> bool:
        """Say whether a trial can train so many steps."""
        return self.spent + steps * self._step_cost <= self._limit

    def may_go_on(self, values: Settings) -> bool:
        """Say whether a running trial can train another step."""
        return self.may_start(values, 1)


class Player:
    """One search over the configurations of an order."""

    def __init__(self, contender: Contender, order: Order, limit: int, slots: int) -> None:
        fidelity, epochs = FIDELITIES[contender.fidelity], order.pool[0].epochs
        self._pool = {one.name: one for one in order.pool}
        self._fidelity, self._folds = fidelity, order.folds
        self._steps: dict[str, Sequence[Step]] = {}
        self._best: dict[str, Trained] = {}
        any_trial = tuple(fidelity.steps(order.pool[0], order.folds))
        reserved = epochs * (len(order.folds) - 1) if fidelity.is_completed else 0
        self._budget = Budget(limit - reserved, any_trial[0].cost)
        self.search = Search(
            Ask(len(order.pool), slots, lambda values: any_trial[-1].number),
            Listed([{CONFIGURATION: one.name} for one in order.pool]),
            contender.make_rule(epochs, len(order.folds)),
            write=lambda event: None,
            time=self._budget,
        )

    def run(self) -> int:
        """Play until nothing is left to do; return what it cost."""
        busy: list[tuple[int, str]] = []
        now = 0
        while True:
            while (leg := self.search.next_leg()) is not None:
                heapq.heappush(busy, (now + self._pay(leg.trial), leg.trial))
            if not busy:
                return self._budget.spent
            now, trial = heapq.heappop(busy)
            if self._report(trial):
                heapq.heappush(busy, (now + self._pay(trial), trial))

    @property
    def begun(self) -> int:
        """How many trials were trained at all."""
        return len(self._best)

    def leader(self) -> Trained:
        """Return the best networks of all trials, those of more folds first; of equals the first.

        So does the leaderboard.
        """
        return max(self._best.values(), key=self._rank)

    def shared_leader(self) -> Trained:
        """Return the best networks where two trials are compared over the folds that both have.

        From more folds to fewer, a trial takes the lead if it is better over its own folds than the
        leader over the same ones.
        """
        found = self.leader()
        for networks in sorted(self._best.values(), key=self._rank, reverse=True):
            same = found._replace(folds=networks.folds)
            if self._rank(networks) > self._rank(same):
                found = networks
        return found

    def _rank(self, networks: Trained) -> tuple[int, float]:
        return len(networks.folds), self._pool[networks.configuration].score(networks)

    def _pay(self, trial: str) -> int:
        cost = self._next(trial)[0].cost
        self._budget.spent += cost
        return cost

    def _report(self, trial: str) -> bool:
        step, *rest = self._next(trial)
        self._steps[trial] = rest
        if step.networks:
            known = self._best.get(trial, step.networks)
            self._best[trial] = max(known, step.networks, key=self._rank)
        return self.search.report(trial, step.number, self._rank(self._best[trial])[1])

    def _next(self, trial: str) -> Sequence[Step]:
        """Return the steps that a trial has not trained yet."""
        if trial not in self._steps:
            name = str(self.search.trials[trial].values[CONFIGURATION])
            self._steps[trial] = tuple(self._fidelity.steps(self._pool[name], self._folds))
        return self._steps[trial]


def play(
    contender: Contender, order: Order, limit: int, slots: int, *, shared: bool = False
) -> Choice:
    """Let a contender search once; ``shared``: trials compare over the folds that both have."""
    player = Player(contender, order, limit, slots)
    cost, trials = player.run(), player.begun
    chosen = player.shared_leader() if shared else player.leader()
    if not FIDELITIES[contender.fidelity].is_completed:
        return Choice(chosen, cost, trials)
    whole = chosen._replace(folds=tuple(sorted(order.folds)))
    return Choice(whole, cost + chosen.epoch * (len(order.folds) - 1), trials)


def draw_orders(recordings: Sequence[Recording], pool: int, count: int, seed: int) -> list[Order]:
    """Return random orders, each of ``pool`` of the recordings, all different, and of the folds."""
    random = np.random.default_rng(seed)
    folds = recordings[0].folds
    return [
        Order(
            [recordings[number] for number in random.permutation(len(recordings))[:pool]],
            tuple(int(fold) for fold in random.permutation(len(folds))),
        )
        for _ in range(count)
    ]


def budgets(pool: int, one: Recording, shares: Sequence[float]) -> list[int]:
    """Return the fold-epochs of so many full trainings, in shares of the pool; at least one."""
    full = one.epochs * len(one.folds)
    return sorted({full * max(1, math.floor(share * pool + 0.5)) for share in shares})


Choices = Mapping[tuple[int, Contender], Sequence[Choice]]
"""Budget and contender -> what it chose in each order."""


def play_all(
    contenders: Sequence[Contender],
    orders: Sequence[Order],
    limits: Sequence[int],
    slots: int,
    *,
    shared: bool = False,
) -> Choices:
    """Let all contenders search in all orders, with each budget."""
    return {
        (limit, contender): [
            play(contender, order, limit, slots, shared=shared) for order in orders
        ]
        for limit in limits
        for contender in contenders
    }

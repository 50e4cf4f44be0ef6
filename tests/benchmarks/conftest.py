"""Searches on the simulated cluster that follow a script."""

from dataclasses import dataclass
from typing import Any

import pytest
from scripted import NAME, Script, StopAfter, ThreeCurves

from benchmarks.schedulers.cluster import Cluster, Simulation


@dataclass
class Searched:
    """A simulation that ran, with the searcher and the scheduler that it drove."""

    simulation: Simulation
    searcher: Script
    scheduler: StopAfter


@pytest.fixture
def search():
    """Run a script on ThreeCurves; a suggestion is a curve's name, a dictionary, or None."""

    def run(*suggestions: Any, stop: StopAfter | None = None, **cluster: Any) -> Searched:
        configs = [{NAME: s} if isinstance(s, str) else s for s in suggestions]
        searcher, scheduler = Script(*configs), stop or StopAfter()
        machines = Cluster(**{"workers": 2, "start_epochs": 0.0, **cluster})
        simulation = Simulation(ThreeCurves(), searcher, scheduler, machines)
        scheduler.simulation = simulation
        simulation.run()
        return Searched(simulation, searcher, scheduler)

    return run

"""How does regret fall over time? One curve for each contender, with a band of a standard error."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.schedulers.contenders import CONTENDERS
from benchmarks.schedulers.figures import mean_regret, of_contender
from benchmarks.schedulers.runs import HORIZON, Run
from trainable.settings import UserError

SUFFIXES = (".svg", ".png")
TIMES = np.geomspace(0.5, HORIZON, 80)
TICKS = (0.5, 1, 2, 5, 10, 20)


def check_picture(file: Path) -> None:
    """Refuse a file that is no picture before anything is run."""
    if file.suffix not in SUFFIXES:
        raise UserError(f"--picture {file}: the name must end in {' or '.join(SUFFIXES)}")


def draw_picture(file: Path, groups: Mapping[str, Sequence[Run]]) -> None:
    """Write a panel for each group of tasks."""
    figure = Figure(figsize=(5.2 * len(groups), 3.8), layout="constrained")
    panels = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
    for panel, (title, runs) in zip(panels, groups.items(), strict=True):
        draw_panel(panel, runs)
        panel.set_title(title)
    panels[0].set_ylabel("regret (1: median configuration)")
    panels[-1].legend(frameon=False, fontsize="small")
    figure.savefig(file, dpi=110)


def draw_panel(panel: Axes, runs: Sequence[Run]) -> None:
    """Draw all contenders' regret."""
    for name in dict.fromkeys(run.contender for run in runs):
        own = of_contender(name, runs)
        estimates = [mean_regret(own, time) for time in TIMES]
        mean = np.array([estimate.mean for estimate in estimates])
        error = np.array([estimate.error for estimate in estimates])
        (line,) = panel.plot(TIMES, mean, label=CONTENDERS[name].title)
        panel.fill_between(TIMES, mean - error, mean + error, color=line.get_color(), alpha=0.15)
    panel.axhline(0.0, color="grey", linewidth=0.8)
    panel.set_xscale("log")
    panel.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS], minor=False)
    panel.set_xticks([], minor=True)
    panel.set_xlabel("time in median full trainings")

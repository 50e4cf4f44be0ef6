"""Report what an experiment found in one HTML page: `python -m analysis.report`."""

from pathlib import Path
from typing import Annotated

import typer

from analysis.commands import RUNS, ExperimentOption, RunsOption, new_app, user_errors, with_folder
from analysis.report.evidence import read_evidence
from analysis.report.page import report_page
from trainable.files import write_text
from trainable.store import LATEST

REPORT = "report.html"
"""Its usual name, in the experiment's folder."""

app = new_app()


@app.command()
@user_errors()
def report(
    runs: RunsOption = RUNS,
    experiment: ExperimentOption = LATEST,
    out: Annotated[
        Path | None,
        typer.Option(
            callback=with_folder, help="Where to write.", show_default=f"{REPORT} of the experiment"
        ),
    ] = None,
) -> None:
    """Write one page about an experiment: what is best, how sure, why, where it fails, what next.

    It opens in a browser without a network, and in every state of an experiment, running ones too.
    """
    evidence = read_evidence(runs, experiment)
    target = out or evidence.experiment.folder.path / REPORT
    write_text(target, report_page(evidence))
    print(f"wrote {target} ({target.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    app()

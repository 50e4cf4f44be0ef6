"""How large is the report of a large search, and how soon is it open? In a real browser."""

import shutil
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from analysis.commands import new_app, tell, user_errors
from analysis.report.evidence import read_evidence
from analysis.report.page import report_page
from benchmarks.stored_search import Large, write_search
from trainable.config import DEMO, DataConfig
from trainable.dataset import data_root
from trainable.settings import UserError

OPENED = 5
"""Times the page is opened; the median counts."""
LOOKS = 1000
DRAWN = """
const figures = [...document.querySelectorAll('.js-plotly-plot')];
const drawn = figures.filter(figure => figure.querySelector('svg.main-svg .trace'));
return [performance.now() / 1000, figures.length, drawn.length];
"""
app = new_app()


@app.command()
@user_errors()
def report_size_and_speed(
    trials: Annotated[int, typer.Option(min=1, help="Trials of the search.")] = 200,
    persons: Annotated[int, typer.Option(min=20, help="Persons they predicted.")] = 2700,
    data: Annotated[str, typer.Option(help="Data folder, or the demo data.")] = DEMO,
) -> None:
    """Print the report's size, and the seconds to write it and to open it with all its figures."""
    with tempfile.TemporaryDirectory() as folder:
        runs, page = Path(folder) / "runs", Path(folder) / "report.html"
        write_search(runs, data_root(DataConfig(root=data)).resolve(), Large(trials, persons))
        started = time.perf_counter()
        page.write_text(report_page(read_evidence(runs, "latest")))
        written = time.perf_counter() - started
        opened = sorted(seconds_to_open(page) for _ in range(OPENED))
        size = page.stat().st_size / 1e6
    tell(f"the report of {trials} trials of {persons} persons: {size:.1f} MB, wanted: < 15")
    tell(f"written in {written:.1f} s")
    tell(
        f"open, all figures drawn, in {opened[OPENED // 2]:.2f} s in the median "
        f"({opened[0]:.2f} to {opened[-1]:.2f}), wanted: < 3"
    )


def seconds_to_open(page: Path) -> float:
    """Return the seconds from the request to the last figure, in a browser that just started."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        raise UserError("needs chromium and chromedriver (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("headless", "no-sandbox", "disable-gpu", "disable-background-networking"):
        options.add_argument(f"--{flag}")
    with webdriver.Chrome(options, Service(driver)) as browser:
        browser.get(page.as_uri())
        figures = drawn = 0
        for _ in range(LOOKS):
            seconds, figures, drawn = browser.execute_script(DRAWN)
            if figures and drawn == figures:
                return float(seconds)
        raise UserError(f"only {drawn} of the {figures} figures of the report were drawn")


if __name__ == "__main__":
    app()

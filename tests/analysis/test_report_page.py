"""The report is read where people read it: in a browser, without a network."""

import os
from pathlib import Path

import pytest
from browsing import SHOWN_VARIABLE, keep_picture, requested, visible_text
from reports import page_of

from benchmarks.stored_search import Large, write_search
from trainable.store import open_experiment

TRIALS, PERSONS = 24, 48
DRAWN = """
return [...document.querySelectorAll('.js-plotly-plot')].map(figure => {
    const marks = [...figure.querySelectorAll('svg.main-svg .trace path')];
    const seen = marks.filter(mark => mark.getBoundingClientRect().width > 0);
    return [figure.id, figure.getBoundingClientRect().width, seen.length];
});
"""
TRACE = (
    "return document.getElementById(arguments[0]).data.map(trace => [trace.name, [...trace.x]]);"
)
LINES = "return document.getElementById(arguments[0]).layout.shapes.map(shape => shape.x0);"
OVERFLOW = "return document.documentElement.scrollWidth - window.innerWidth;"
GROUND = "return getComputedStyle(document.body).backgroundColor"
FIGURES = {
    *(
        "leaders",
        "ensemble",
        "importance",
        "curves",
        "parallel",
        "age-accuracy",
        "age-brackets",
        "cost",
    ),
    *(f"slice-{number}" for number in range(9)),
}


@pytest.fixture(scope="module")
def search(faces_root, tmp_path_factory):
    """A made-up search that ended, on the tiny faces."""
    return write_search(tmp_path_factory.mktemp("runs"), faces_root, Large(TRIALS, PERSONS))


@pytest.fixture(scope="module")
def page_file(search):
    file = search.path / "report.html"
    file.write_text(page_of(search))
    return file


@pytest.fixture
def shown_file(page_file, tmp_path):
    """The report of the experiment that pictures show, or of the made-up one."""
    runs = os.environ.get(SHOWN_VARIABLE)
    if not runs:
        return page_file
    file = tmp_path / "report.html"
    file.write_text(page_of(open_experiment(Path(runs))))
    return file


@pytest.fixture
def page(page_file, browser):
    """The browser, showing the report."""
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(page_file.as_uri())
    return browser


def test_every_figure_is_drawn_without_a_network_and_without_an_error(page):
    assert page.get_log("browser") == []
    assert {url.split(":")[0] for url in requested(page)} == {"file", "data"}
    drawn = page.execute_script(DRAWN)
    assert {name for name, _, _ in drawn} == {f"figure-{name}" for name in FIGURES}
    assert [name for name, width, marks in drawn if width < 200 or marks == 0] == []


@pytest.mark.pictured
def test_first_screen_answers_each_question(shown_file, browser):
    browser.set_window_size(1200, 950)
    browser.get(shown_file.as_uri())
    answers = browser.find_elements("css selector", ".answers dd")
    assert len(answers) == 5
    assert all(answer.text for answer in answers)
    assert "python -m analysis.ensemble --method auto" in answers[-1].text
    keep_picture(browser, "report")


def test_figures_hold_every_trial_and_the_rungs(page):
    curves = page.execute_script(TRACE, "figure-curves")
    assert sum(epochs.count(1) for _, epochs in curves) == TRIALS
    assert page.execute_script(LINES, "figure-curves") == [2, 6]
    assert page.execute_script(LINES, "figure-age-accuracy") == [29.5, 59.5]
    parallel = page.execute_script(TRACE, "figure-parallel")
    assert sum(places.count(0) for _, places in parallel) == TRIALS


def test_summary_leads_to_the_sections(page):
    texts = visible_text(page)
    assert {"Which configuration is best?", "How sure are we?", "What mattered?"} <= texts
    assert {"Where does it fail?", "What should we submit?"} <= texts
    for link in page.find_elements("css selector", "dt a, nav a"):
        assert page.find_elements("id", link.get_attribute("href").split("#")[1])


def test_tables_unfold_to_all_trials(page):
    assert len(page.find_elements("css selector", "#places tbody tr")) == 12
    assert len(page.find_elements("css selector", "#places-rest tbody tr")) == TRIALS - 12
    assert len(page.find_elements("css selector", "#classes tbody tr")) == 6


@pytest.mark.parametrize("width", [600, 1280])
def test_page_fits_the_window(page, width):
    page.set_window_size(width, 900)
    assert page.execute_script(OVERFLOW) <= 0


def test_page_is_dark_where_the_system_is(page):
    feature = {"name": "prefers-color-scheme", "value": "dark"}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    assert page.execute_script(GROUND) == "rgb(22, 24, 28)"

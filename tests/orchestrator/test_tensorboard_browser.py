"""A browser shows every trial of a search in TensorBoard, with its pictures and its embedding."""

import os
from pathlib import Path

import numpy as np
import pytest
from browsing import SHOWN_VARIABLE, keep_picture, visible_text, within
from selenium.webdriver.common.by import By
from servers import running_server

from trainable.store import ExperimentFolder, open_experiment

TAGS = {
    *("accuracy", "confusion_of_classes", "confusion_of_tasks"),
    *("first_batch", "most_wrong_faces"),
}
LOADED_IMAGES = """
const found = [];
const walk = node => {
    const isLoaded = node.nodeName === 'IMG' && node.complete && node.naturalWidth > 0;
    if (isLoaded && node.src.includes('individualImage')) found.push(node.src);
    if (node.shadowRoot) walk(node.shadowRoot);
    node.childNodes.forEach(walk);
};
walk(document.body);
return found;
"""
CLICK_ACTUAL_SIZE = """
const walk = node => {
    if (node.nodeName === 'PAPER-CHECKBOX' && node.textContent.includes('actual')) node.click();
    if (node.shadowRoot) walk(node.shadowRoot);
    node.childNodes.forEach(walk);
};
walk(document.body);
"""
AS_SHOWN = "return arguments[0].map(value => value.toPrecision(5));"


@pytest.fixture(scope="module")
def shown(searched) -> ExperimentFolder:
    """The search that is looked at: the tests' own, or one that pictures are asked of."""
    runs = os.environ.get(SHOWN_VARIABLE)
    return open_experiment(Path(runs)) if runs else searched.folder


@pytest.fixture(scope="module")
def server(shown):
    with running_server(shown.tensorboard) as server:
        within(60, lambda: len(server.rows()) == len(scored(shown)))
        yield server


def scored(folder):
    """Return the trials that have a score."""
    trials = {trial.name: trial.read() for trial in folder.trials()}
    return {name: results for name, results in trials.items() if results.best}


@pytest.mark.pictured
def test_the_table_lists_every_trial_with_its_values_and_its_best_score(server, shown, browser):
    browser.get(f"{server.address}/#hparams")
    trials = scored(shown)
    scores = [float(np.float32(results.best.score)) for results in trials.values()]
    wanted = {*trials, *browser.execute_script(AS_SHOWN, scores)}
    within(60, lambda: wanted <= visible_text(browser))
    for name, results in trials.items():
        row = server.row(name)["hparams"]
        assert {path: row[path] for path in results.record.values} == results.record.values
    keep_picture(browser, "tensorboard")


@pytest.mark.pictured
def test_every_picture_of_the_best_trial_is_listed_and_those_in_sight_are_drawn(
    server, shown, browser
):
    best = max(scored(shown).values(), key=lambda results: results.best.score).record.trial
    browser.set_window_size(1500, 1320)
    browser.get(f"{server.address}/#images&regexInput={best}")
    within(60, lambda: {*TAGS, best} <= visible_text(browser))
    # Sections below the edge of the window are drawn when they are scrolled to.
    within(60, lambda: len(set(browser.execute_script(LOADED_IMAGES))) >= 2)
    browser.execute_script(CLICK_ACTUAL_SIZE)
    keep_picture(browser, "tensorboard-images")


@pytest.mark.pictured
def test_the_projector_shows_a_point_for_each_image_that_the_best_network_has_not_seen(
    server, shown, browser
):
    browser.get(f"{server.address}/#projector")
    for _ in range(2):  # a plugin's frame, and the projector's own in it
        browser.switch_to.frame(within(60, lambda: browser.find_elements(By.TAG_NAME, "iframe"))[0])
    points = len((shown.tensorboard / "labels.tsv").read_text().splitlines()) - 1
    within(60, lambda: {"Points:", str(points)} <= visible_text(browser))
    browser.switch_to.default_content()
    keep_picture(browser, "tensorboard-projector")

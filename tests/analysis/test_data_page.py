"""The page is read where people read it: in a browser, without a network."""

import json
import runpy
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

from analysis.data.__main__ import main
from analysis.data.page import Shown, data_page
from trainable.dataset import load_data
from trainable.labels import CLASS_NAMES, GENDERS, encode
from trainable.settings import UserError

CHROMIUM = shutil.which("chromium")
CHROMEDRIVER = shutil.which("chromedriver")
HOSTILE = """<img src=x onerror="document.title='owned'">'&lt;"""
"""A folder's name that would run as a script where it is not escaped."""
FIGURE = """
const figure = document.getElementById(arguments[0]);
return figure.data.map(trace => ({x: [...trace.x], y: [...trace.y], text: trace.text || null}));
"""
LOADED = "return document.URL === arguments[0] && document.readyState === 'complete';"
LINES = "return document.getElementById('ages').layout.shapes.map(shape => shape.x0);"
DRAWN = """
return [...document.querySelectorAll('.js-plotly-plot .bars .point path')]
    .filter(bar => bar.getBBox().width > 0 && bar.getBBox().height > 0).length;
"""
SPRITES = """
const done = arguments[arguments.length - 1];
const sprites = [...document.querySelectorAll('.tiles')].map(tiles => {
    const image = new Image();
    image.src = tiles.style.getPropertyValue('--sprite').slice('url('.length, -1);
    return image.decode().then(() => image.naturalWidth);
});
Promise.all(sprites).then(done, error => done(String(error)));
"""


@pytest.fixture(scope="module")
def persons(faces_root):
    """The table of persons as it lies on disk, with the age bracket."""
    table = pd.read_csv(faces_root / "train" / "train.csv")
    return table.assign(bracket=(table["age"] >= 30).astype(int) + (table["age"] >= 60))


@pytest.fixture(scope="module")
def planted(faces_root, tmp_path_factory):
    """Data with a hostile name, an identical file of two persons and an unreadable image."""
    root = shutil.copytree(faces_root, tmp_path_factory.mktemp("planted") / "faces")
    table = pd.read_csv(root / "train" / "train.csv", dtype=str)
    (root / "train" / "images" / table.loc[0, "path"]).rename(root / "train" / "images" / HOSTILE)
    table.loc[0, "path"] = HOSTILE
    table.to_csv(root / "train" / "train.csv", index=False)
    [original] = root.glob(f"train/images/{table.loc[3, 'path']}/normal.*")
    shutil.copy(original, root / "train" / "images" / HOSTILE / "normal.jpg")
    (root / "train" / "images" / HOSTILE / "mask1.jpg").write_bytes(b"")
    return root


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A browser that takes down what it is told and what it asks for."""
    if not (CHROMIUM and CHROMEDRIVER):
        pytest.skip("needs chromium and chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in ("headless", "no-sandbox", "disable-gpu", "disable-background-networking"):
        options.add_argument(f"--{flag}")
    options.add_argument("--window-size=1366,900")
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('browser')}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    browser = webdriver.Chrome(options, Service(CHROMEDRIVER))
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def tiny_page(tiny, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "data.html"
    file.write_text(data_page(tiny.with_values({"train.age_cutoff": 57}), Shown(3, 0)))
    return file


@pytest.fixture
def page(tiny_page, browser):
    """The browser, showing the page of the tiny data."""
    for log in ("browser", "performance"):
        browser.get_log(log)
    show(browser, tiny_page)
    return browser


def show(browser, file):
    """Load a page; a busy browser says that it has done so while it still shows another."""
    browser.get("about:blank")  # the page as it was before answers nothing
    browser.get(file.as_uri())
    WebDriverWait(browser, 30).until(lambda shown: shown.execute_script(LOADED, file.as_uri()))


@pytest.fixture(scope="module")
def planted_page(planted, tiny, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "planted.html"
    file.write_text(data_page(tiny.with_values({"data.root": str(planted)}), Shown(24, 0)))
    return file


def requested(browser):
    """Return what the page asked for; the browser's own first tab asks for other things."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [
        message["params"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    return [one["request"]["url"] for one in asked if one["documentURL"] == browser.current_url]


def cells(browser, table):
    rows = browser.find_elements("css selector", f"{table} tbody tr")
    return [[cell.text for cell in row.find_elements("css selector", "td")] for row in rows]


def test_the_page_asks_no_network_and_reports_no_error(page):
    urls = requested(page)
    assert page.current_url in urls
    assert {url.split(":")[0] for url in urls} <= {"file", "data"}
    assert page.get_log("browser") == []


def test_every_figure_is_drawn(page):
    assert page.execute_script(DRAWN) == 3 + 2 + 3 + 18 + 2 * 11


def test_every_sprite_can_be_shown(page):
    assert page.execute_async_script(SPRITES) == [12 * 160] + 18 * [3 * 96]


def test_bars_of_the_tasks_are_the_images_on_disk(page, persons):
    mask, gender, age = page.execute_script(FIGURE, "tasks")
    assert mask["y"] == [5 * len(persons), len(persons), len(persons)]
    assert gender["y"] == [7 * int((persons["gender"] == name).sum()) for name in gender["x"]]
    assert age["x"] == ["&lt;30", "30-59", "&gt;=60"]
    assert age["y"] == (7 * persons["bracket"].value_counts().sort_index()).tolist()
    assert age["text"] == ["56<br>8 persons"] * 3


def test_bars_of_the_classes_are_the_images_on_disk(page, persons):
    found = page.execute_script(FIGURE, "classes")
    names = [name for trace in found for name in trace["y"]]
    assert names == [name.replace("<", "&lt;").replace(">", "&gt;") for name in CLASS_NAMES]
    expected = [0] * 18
    for gender, bracket in zip(persons["gender"], persons["bracket"], strict=True):
        for mask, images in enumerate((5, 1, 1)):
            expected[int(encode(mask, GENDERS[gender], bracket))] += images
    assert [images for trace in found for images in trace["x"]] == expected
    assert found[0]["text"][0] == "20 (11.9%)"


def test_bars_of_the_ages_are_the_persons_on_disk(page, persons):
    for gender, trace in zip(GENDERS, page.execute_script(FIGURE, "ages"), strict=True):
        expected = persons[persons["gender"] == gender]["age"].value_counts()
        assert dict(zip(trace["x"], trace["y"], strict=True)) == expected.to_dict()


def test_cutoffs_are_drawn_before_their_first_year(page):
    assert page.execute_script(LINES) == [29.5, 59.5, 56.5]


def test_tables_hold_persons_sizes_and_colours(page, tiny):
    assert cells(page, "#brackets") == [["male", "4", "4", "4"], ["female", "4", "4", "4"]]
    assert cells(page, "#sizes") == [["32 x 40", "168", "36"]]
    data = load_data(tiny.data.model_copy(update={"image_height": 96, "image_width": 72}))
    pixels = np.concatenate([data.cache.pixels, data.eval_cache.pixels]).reshape(-1, 3) / 255
    expected = [
        " ".join(f"{value:.3f}" for value in part) for part in (pixels.mean(0), pixels.std(0))
    ]
    found = [[" ".join(cell.split()) for cell in row] for row in cells(page, "#colours")]
    assert found[0] == ["these images", *expected]
    assert found[1:] == [
        ["the competition's baseline", "0.548 0.504 0.479", "0.237 0.247 0.246"],
        ["ImageNet", "0.485 0.456 0.406", "0.229 0.224 0.225"],
    ]


def test_the_page_fits_a_laptop(page):
    width = page.execute_script("return document.documentElement.scrollWidth")
    assert width <= page.execute_script("return window.innerWidth")


def test_the_page_is_dark_where_the_system_is(page):
    grounds = []
    for scheme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        script = "return getComputedStyle(document.body).backgroundColor"
        grounds.append(page.execute_script(script))
    assert grounds == ["rgb(255, 255, 255)", "rgb(22, 24, 28)"]


def test_hostile_names_are_text(planted_page, browser):
    show(browser, planted_page)
    assert browser.title.startswith("Data: ")
    assert browser.find_elements("css selector", "img[src=x]") == []
    listed = browser.find_element("css selector", ".identical").text
    assert f"train/images/{HOSTILE}/normal.jpg" in listed.splitlines()
    titles = [
        tile.get_attribute("title") for tile in browser.find_elements("css selector", "figure")
    ]
    assert f"train/images/{HOSTILE}/normal.jpg" in titles
    unreadable = browser.find_element("id", "unreadable").text
    assert unreadable == f"train/images/{HOSTILE}/mask1.jpg: the file is empty"


def test_the_page_says_why_a_trial_would_not_start(planted_page, planted):
    text = planted_page.read_text()
    assert "A trial with these settings would not start: 1 image(s) of" in text
    assert "data.skip_unreadable=true" in text
    assert "Identical files</a>: 1 groups" in text


def test_command_writes_the_page_where_it_is_told(faces_root, tmp_path, monkeypatch, capsys):
    words = [f"data.root={faces_root}", "data.image_height=32", "data.image_width=32"]
    words += ["train.batch_size=2", "cv.validation_share=0.25", "page.faces=1"]
    monkeypatch.chdir(tmp_path)
    assert main(words) == 0
    assert capsys.readouterr().out.startswith("wrote data.html (")
    assert "2 of 2 images; each has 32 x 32 pixels" in (tmp_path / "data.html").read_text()
    assert main([*words, "out=deep/other.html"]) == 0
    written = (tmp_path / "deep" / "other.html").read_text()
    assert written == (tmp_path / "data.html").read_text()


def test_several_values_of_a_setting_are_refused():
    with pytest.raises(UserError, match=r"augment\.flip was given several values"):
        main(["augment.flip=0.1,0.2"])


def test_a_wrong_word_is_told_without_a_traceback(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["analysis.data", "data.rot=faces"])
    monkeypatch.delitem(sys.modules, "analysis.data.__main__")  # as if it were not imported yet
    with pytest.raises(SystemExit) as end:
        runpy.run_module("analysis.data", run_name="__main__")
    assert end.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("error: unknown word 'data.rot'; did you mean data.root")

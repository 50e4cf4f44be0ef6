"""How do tests look at pages? In headless Chromium, whose pictures the README can keep."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PIL import Image
from selenium.webdriver import Chrome

Answer = TypeVar("Answer")
PICTURES_VARIABLE = "PAGE_PICTURES"
"""Names the folder in which pictures of pages are kept; without it none are."""
SHOWN_VARIABLE = "PAGE_PICTURES_OF"
"""Names the runs folder whose latest experiment they show; without it tests show their own."""
COLOURS = 256
"""Of a kept picture: a palette makes it a third as large, and no text less sharp."""
VISIBLE_TEXT = """
const found = [];
const walk = node => {
    if (node.nodeType === Node.TEXT_NODE) found.push(node.textContent.trim());
    if (node.shadowRoot) walk(node.shadowRoot);
    node.childNodes.forEach(walk);
};
walk(document.body);
return found;
"""


def within(seconds: float, look: Callable[[], Answer]) -> Answer:
    """Return the first true answer of ``look``; fail when there is none in time."""
    end = time.monotonic() + seconds
    while not (answer := look()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)
    return answer


def visible_text(browser: Chrome) -> set[str]:
    """Return the texts of the page, those within shadow roots too."""
    return set(browser.execute_script(VISIBLE_TEXT))


def requested(browser: Chrome) -> list[str]:
    """Return what the page asked for; the browser's own first tab asks for other things."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [
        message["params"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    return [one["request"]["url"] for one in asked if one["documentURL"] == browser.current_url]


def keep_picture(browser: Chrome, name: str) -> None:
    """Keep what the browser shows as <name>.png, where pictures are asked for."""
    if folder := os.environ.get(PICTURES_VARIABLE):
        file = Path(folder) / f"{name}.png"
        browser.save_screenshot(str(file))
        with Image.open(file) as image:
            palette = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        palette.save(file, optimize=True)

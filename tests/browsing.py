"""How do tests look at pages? In headless Chromium, whose pictures the README can keep."""

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


def keep_picture(browser: Chrome, name: str) -> None:
    """Keep what the browser shows as <name>.png, where pictures are asked for."""
    if folder := os.environ.get(PICTURES_VARIABLE):
        file = Path(folder) / f"{name}.png"
        browser.save_screenshot(str(file))
        with Image.open(file) as image:
            palette = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        palette.save(file, optimize=True)

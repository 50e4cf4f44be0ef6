"""Show the data in one HTML page: `python -m analysis.data data.root=faces`."""

from pathlib import Path

from pydantic import Field

from analysis.data.page import Shown, data_page
from trainable.command_line import TRIAL_GROUPS, Schema, read_words, refuse_swept, run_command
from trainable.config import TrialConfig, trial_part
from trainable.files import make_folder, write_text
from trainable.settings import Section


class PageConfig(Section):
    """What the page shows of each class."""

    faces: int = Field(default=24, ge=1, le=200, description="faces on a class's contact sheet")
    seed: int = Field(default=0, ge=0, description="seed that chooses these faces")


class DataConfig(TrialConfig):
    """The words of `python -m analysis.data`: a trial's settings, and the page's own."""

    recipe: str = Field(default="plain", description="recipe the settings started from")
    scale: str = Field(default="full", description="scale the settings started from")
    out: str = Field(default="data.html", description="file to write")
    page: PageConfig = Field(default=PageConfig(), description="contact sheets")


SCHEMA = Schema("analysis.data", DataConfig, TRIAL_GROUPS)


def main(words: list[str]) -> int:
    """Write the page of the data that the words name."""
    given = read_words(SCHEMA, words)
    refuse_swept(given, "the page shows the data under one")
    config = given.settings
    trial = trial_part(config)
    out = Path(config.out).expanduser()
    make_folder(out.parent)
    write_text(out, data_page(trial, Shown(config.page.faces, config.page.seed)))
    print(f"wrote {out} ({out.stat().st_size / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    run_command(SCHEMA, main)

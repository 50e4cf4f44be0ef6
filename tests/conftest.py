"""A tiny data folder in the competition's layout, and a trial that trains on it in a second."""

import os
import resource
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from object_storage import S3Server, running_s3_server
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from trainable.cache import CACHE_VARIABLE
from trainable.config import TrialConfig
from trainable.labels import GENDERS, MASK_OF_IMAGE, age_class, encode
from trainable.patience import PATIENCE_VARIABLE

# Read when their libraries are imported: tests load nothing from a network, nor what somebody
# loaded from it before, and leave the other cores alone.
os.environ.update(
    OMP_NUM_THREADS="1",
    HF_HUB_OFFLINE="1",
    HF_HUB_CACHE=os.devnull,
    NO_ALBUMENTATIONS_UPDATE="1",
    # Every cluster of the tests asks for a token, and none is kept in the user's folder.
    RAY_AUTH_MODE="token",
    RAY_AUTH_TOKEN=secrets.token_hex(32),
    # Without it Ray takes 127.0.0.1 for an address that other machines reach.
    RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0",
)

# A busy machine is no failure; what fails is printed, nothing is kept beside the sources.
settings.register_profile("tests", deadline=None, database=None, max_examples=25)
settings.load_profile("tests")

AGES = (19, 22, 25, 28, 35, 45, 57, 59, 60, 60, 63, 70)
"""Four persons of each age class, some next to its borders; all once male, once female."""
IMAGE_HEIGHT, IMAGE_WIDTH = 40, 32
SUFFIXES = (".jpg", ".jpeg", ".png")
EVAL_IMAGES = 36


class InTwoProcesses(LoadScopeScheduling):
    """Keeps in one process what shares a Ray cluster and its searches, and the tests of a file."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file.rpartition("/")[0] if "/orchestrator/" in file else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> InTwoProcesses:
    """Let xdist ask the above; its own groups are lost by pytest 9.2."""
    return InTwoProcesses(config, log)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where this session keeps decoded images, so that no test sees those of another day.

    Storage that refuses is waited for by those tests alone that say for how long.
    """
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(folder))
        patch.setenv(PATIENCE_VARIABLE, "0")
        yield folder


@pytest.fixture(scope="session")
def faces_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 persons x 7 images of 40 x 32 pixels, coloured by class; tests must not change it."""
    root = tmp_path_factory.mktemp("faces")
    write_train(root / "train")
    write_eval(root / "eval")
    return root


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A server of the S3 protocol, which the environment names; ``new_bucket`` makes a bucket.

    It starts meanwhile, and who makes a bucket waits for it.
    """
    with running_s3_server() as server:
        yield server


@pytest.fixture
def own_faces(faces_root: Path, tmp_path: Path) -> Path:
    """A copy of ``faces_root`` that a test may damage."""
    return Path(shutil.copytree(faces_root, tmp_path / "own-faces"))


@pytest.fixture(scope="session")
def tiny(faces_root: Path) -> TrialConfig:
    """Two epochs of a small network on ``faces_root``: 18 persons to train on, 6 to predict."""
    return TrialConfig().with_values(
        {
            "data.root": str(faces_root),
            "data.image_height": 32,
            "data.image_width": 32,
            "cv.validation_share": 0.25,
            "train.epochs": 2,
            "train.batch_size": 16,
            "model.backbone": "mobilenetv3_small_050",
            "machine.device": "cpu",
            "machine.threads": 1,
        }
    )


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    """A window of 1600 x 900 pixels in headless Chromium; ``browsing.py`` looks through it."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("needs chromium and chromedriver (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("headless", "no-sandbox", "disable-gpu", "disable-background-networking"):
        options.add_argument(f"--{flag}")
    options.add_argument("--window-size=1600,900")
    options.add_argument(f"--user-data-dir={tmp_path / 'chromium'}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    browser = webdriver.Chrome(options, Service(driver))
    yield browser
    browser.quit()


@pytest.fixture
def disk_full_after() -> Callable[[int], AbstractContextManager[None]]:
    """The context in which the system refuses to write more than so many bytes to a file."""
    return _disk_full_after


@contextmanager
def _disk_full_after(size: int) -> Iterator[None]:
    """Let the system refuse to write more than ``size`` bytes to a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def write_train(folder: Path) -> None:
    random = np.random.default_rng(0)
    rows = [(gender, age) for gender in GENDERS for age in AGES]
    persons = pd.DataFrame(rows, columns=["gender", "age"]).assign(race="Asian")
    # An id may occur twice, as in the competition: only the path names a person.
    persons["id"] = [f"{i // 2:06d}" for i in range(len(persons))]
    persons["path"] = persons["id"] + "_" + persons["gender"] + "_Asian_" + persons["age"].map(str)
    persons.loc[persons["path"].duplicated(), "path"] += "-1"
    for number, person in enumerate(persons.itertuples()):
        images = folder / "images" / person.path
        images.mkdir(parents=True)
        for name, mask in MASK_OF_IMAGE.items():
            label = int(encode(mask, GENDERS[person.gender], age_class(person.age)))
            suffix = SUFFIXES[number % len(SUFFIXES)]
            cv2.imwrite(str(images / f"{name}{suffix}"), coloured_image(label, random))
    columns = ["id", "gender", "race", "age", "path"]
    persons[columns].to_csv(folder / "train.csv", index=False)


def write_eval(folder: Path) -> None:
    random = np.random.default_rng(1)
    (folder / "images").mkdir(parents=True)
    names = [f"{random.bytes(8).hex()}.jpg" for _ in range(EVAL_IMAGES)]
    labels = [i % 18 for i in range(EVAL_IMAGES)]
    for name, label in zip(names, labels, strict=True):
        cv2.imwrite(str(folder / "images" / name), coloured_image(label, random))
    pd.DataFrame({"ImageID": names, "ans": 0}).to_csv(folder / "info.csv", index=False)
    answers = pd.DataFrame({"ImageID": names, "ans": labels}).sort_values("ImageID")
    answers.to_csv(folder / "answers.csv", index=False)


def coloured_image(label: int, random: np.random.Generator) -> np.ndarray:
    """Return an image of the class's own hue; its noise makes it unlike any other."""
    noise = random.integers(0, 60, (IMAGE_HEIGHT, IMAGE_WIDTH, 2))
    hue = np.full((IMAGE_HEIGHT, IMAGE_WIDTH, 1), label * 10)
    hsv = np.concatenate([hue, 255 - noise], axis=2).astype(np.uint8)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)

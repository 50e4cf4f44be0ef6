"""Which persons are in the embedded demo data, and how does their data set lie on disk?

It has the competition's layout and words, but no photograph: every face is drawn.
"""

import csv
import hashlib
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import repeat
from pathlib import Path

import cv2
import numpy as np
from filelock import FileLock

from trainable.demo.canvas import Image
from trainable.demo.face import Size, draw_face
from trainable.demo.looks import random_looks
from trainable.demo.masks import FABRICS, random_mask
from trainable.labels import GENDERS, MASK_OF_IMAGE, age_class, encode

VERSION = 1
"""Counts changes to what is drawn: data of another version is not reused."""
JPEG_QUALITY = 90
RACES = ("Asian", "Black", "Indian", "Others", "White")
"""Words for the column; nothing drawn depends on them."""
AGE_BRACKETS = ((18, 29), (30, 59), (60, 72))
"""Youngest and oldest age of each age class."""
EVEN_STEPS = (0.7548776662466927, 0.5698402909980532)
"""Steps of the R2 sequence (Roberts, 2018), which fills a square evenly: so even a few persons
have their population's shares of gender and age."""


@dataclass(frozen=True)
class DemoSize:
    """How many persons are drawn, how large, and from which seed."""

    train_persons: int = 200
    eval_persons: int = 60
    image_width: int = 192
    image_height: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            smallest = 0 if name == "seed" else 1
            if value < smallest:
                raise ValueError(f"DemoSize.{name} is {value}: it must be at least {smallest}")

    @property
    def folder_name(self) -> str:
        """Name that differs wherever the drawn bytes differ."""
        persons = f"{self.train_persons}+{self.eval_persons}"
        return f"demo-v{VERSION}-{persons}-{self.image_width}x{self.image_height}-seed{self.seed}"


DEFAULT_SIZE = DemoSize()


@dataclass(frozen=True)
class Population:
    """Whom one side of the data consists of; `stream` keeps the two sides' persons apart."""

    stream: int
    female: float
    young: float
    old: float


TRAIN = Population(stream=0, female=0.60, young=0.47, old=0.13)
EVAL = Population(stream=1, female=0.45, young=0.42, old=0.18)


@dataclass(frozen=True)
class Person:
    """One row of train.csv; `seed` determines how the person looks in each image."""

    id: str
    gender: str
    race: str
    age: int
    seed: tuple[int, int, int]

    @property
    def path(self) -> str:
        """Folder name, the person's key."""
        return f"{self.id}_{self.gender}_{self.race}_{self.age}"

    def label(self, image_name: str) -> int:
        """Class, 0..17, of one of the person's images."""
        age = age_class(self.age)
        return int(encode(MASK_OF_IMAGE[image_name], GENDERS[self.gender], age))

    def image_id(self, image_name: str) -> str:
        """File name that tells nothing about the person, as in eval."""
        named = f"{self.seed} {image_name}".encode()
        return hashlib.sha1(named, usedforsecurity=False).hexdigest() + ".jpg"


def demo_root(cache_folder: Path, size: DemoSize = DEFAULT_SIZE) -> Path:
    """Return the folder of the demo data set of this size, drawing it on first use.

    Processes that ask at the same time wait for the one that draws; a folder is whole or absent.
    """
    cache_folder.mkdir(parents=True, exist_ok=True)
    root = cache_folder / size.folder_name
    with FileLock(cache_folder / f"{size.folder_name}.lock"):
        if not root.exists():
            with tempfile.TemporaryDirectory(prefix="drawing-", dir=cache_folder) as scratch:
                draw_data_set(Path(scratch) / "data", size)
                (Path(scratch) / "data").rename(root)
    return root


def draw_data_set(root: Path, size: DemoSize) -> None:
    """Write both sides of the data set below `root`."""
    train = [random_person(TRAIN, size.seed, k) for k in range(size.train_persons)]
    held_back = [random_person(EVAL, size.seed, k) for k in range(size.eval_persons)]
    drawings = list_train(root / "train", train) + list_eval(root / "eval", held_back)
    image_size = Size(size.image_width, size.image_height)
    with ThreadPoolExecutor() as pool:
        list(pool.map(draw_person, drawings, repeat(image_size)))


def random_person(population: Population, seed: int, number: int) -> Person:
    """Return one person of a population, whatever the number of the others."""
    start = np.random.default_rng([seed, population.stream]).random(2)
    gender_place, age_place = (start + number * np.array(EVEN_STEPS)) % 1
    rng = np.random.default_rng([seed, population.stream, number])
    bracket = int(age_place >= population.young) + int(age_place >= 1 - population.old)
    youngest, oldest = AGE_BRACKETS[bracket]
    return Person(
        id=f"{number + 1:06d}",
        gender="female" if gender_place < population.female else "male",
        race=RACES[rng.integers(len(RACES))],
        age=int(rng.integers(youngest, oldest + 1)),
        seed=(seed, population.stream, number),
    )


@dataclass(frozen=True)
class Drawing:
    """A person and the file of each of its images, by image name."""

    person: Person
    files: Mapping[str, Path]


def list_train(folder: Path, persons: Sequence[Person]) -> list[Drawing]:
    """Write train.csv and return what is to be drawn."""
    rows = [(p.id, p.gender, p.race, p.age, p.path) for p in persons]
    write_csv(folder / "train.csv", ("id", "gender", "race", "age", "path"), rows)
    images = folder / "images"
    return [
        Drawing(p, {name: images / p.path / f"{name}.jpg" for name in MASK_OF_IMAGE})
        for p in persons
    ]


def list_eval(folder: Path, persons: Sequence[Person]) -> list[Drawing]:
    """Write info.csv and answers.csv, in the random order of the names, and return the drawings."""
    answers = sorted((p.image_id(name), p.label(name)) for p in persons for name in MASK_OF_IMAGE)
    write_csv(folder / "info.csv", ("ImageID", "ans"), [(image, 0) for image, _ in answers])
    write_csv(folder / "answers.csv", ("ImageID", "ans"), answers)
    images = folder / "images"
    return [
        Drawing(p, {name: images / p.image_id(name) for name in MASK_OF_IMAGE}) for p in persons
    ]


def write_csv(file: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table, making its folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerows([header, *rows])


def draw_person(drawing: Drawing, size: Size) -> None:
    """Write a person's images, each mask of another fabric."""
    person = drawing.person
    (rng,) = np.random.default_rng(person.seed).spawn(1)
    looks = random_looks(person.gender, person.age, rng)
    fabrics = rng.permutation(len(FABRICS))
    for (name, file), fabric in zip(drawing.files.items(), fabrics, strict=False):
        mask = random_mask(MASK_OF_IMAGE[name], FABRICS[fabric], looks.face.width, rng)
        write_jpeg(file, draw_face(looks, mask, size, rng))


def write_jpeg(file: Path, image: Image) -> None:
    """Write an RGB image, making its folder."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    encodable, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not encodable:
        raise ValueError(f"no JPEG can be {image.shape[1]} x {image.shape[0]} pixels large")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data.tobytes())

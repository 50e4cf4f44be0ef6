"""How does a person of this gender and age look in the demo data?

Each feature follows gender and age only in the mean. How feminine a person looks and how old has
a chance part of its own, so that classes overlap: a model can be right often, never always.
Colours of skin, eyes, clothes and walls are independent of gender, age and mask.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from trainable.demo.canvas import Colour, mix
from trainable.demo.face import Face, Looks, Surroundings
from trainable.demo.hair import Hair

FAIR: Colour = (250, 219, 192)
DEEP: Colour = (112, 72, 52)
ROSE: Colour = (196, 58, 74)
HAIR_COLOURS: Sequence[Colour] = (
    (28, 24, 26),
    (48, 34, 28),
    (82, 54, 36),
    (122, 84, 52),
    (190, 150, 96),
    (132, 62, 40),
)
IRIS_COLOURS: Sequence[Colour] = ((60, 40, 28), (96, 64, 36), (70, 96, 72), (84, 116, 140))
FRAME_COLOURS: Sequence[Colour] = ((30, 30, 34), (94, 60, 40), (150, 126, 70), (90, 30, 40))

BRIGHTNESS = (60, 205)
WALL_SPREAD, CLOTHES_SPREAD = 12.0, 30.0
"""Standard deviation of a colour's parts around its brightness, in grey levels."""

YOUNGEST, OLDEST = 18, 72
AGE_SPREAD = 4.0
"""Standard deviation of how much older or younger than its age a person looks, in years."""
GENDER_SPREAD = 0.4
"""Standard deviation of how feminine a person looks; men are -1 and women 1 in the mean."""
GLASSES_SHARES = (0.12, 0.40)
"""Share of persons with glasses, among those who look youngest and oldest."""


class Cue(NamedTuple):
    """How a feature follows looks: mean + feminine * femininity + mature * maturity + chance."""

    mean: float
    feminine: float
    mature: float
    spread: float
    smallest: float = 0.0
    largest: float = 1.0


FACE_CUES: Mapping[str, Cue] = {
    "width": Cue(0.76, -0.015, 0.02, 0.02),
    "jaw": Cue(0.42, -0.20, 0.15, 0.15),
    "brow_width": Cue(0.085, -0.022, 0.0, 0.015, smallest=0.03),
    "eye_opening": Cue(0.64, 0.06, -0.22, 0.06, smallest=0.3),
    "lashes": Cue(0.40, 0.30, -0.10, 0.20),
    "lip_fullness": Cue(0.55, 0.15, -0.30, 0.12),
    "stubble": Cue(-0.05, -0.35, 0.0, 0.25),
    "wrinkles": Cue(0.02, 0.0, 0.90, 0.08),
}
HAIR_CUES: Mapping[str, Cue] = {
    "grey": Cue(-0.45, 0.0, 1.5, 0.14),
    "length": Cue(0.40, 0.38, -0.10, 0.15),
    "volume": Cue(0.55, 0.10, -0.35, 0.20),
    "line": Cue(-0.50, 0.02, -0.22, 0.05, smallest=-0.9, largest=-0.3),
    "recession": Cue(-0.20, -0.25, 0.70, 0.20),
    "parting": Cue(0.0, 0.0, 0.0, 0.35, smallest=-1.0),
}


class Impression(NamedTuple):
    """How feminine a person looks, about -1 or 1, and how mature, 0 at 18 and 1 at 72 years."""

    femininity: float
    maturity: float


def random_looks(gender: str, age: int, rng: Generator) -> Looks:
    """Return the looks of a person; two persons of one gender and age differ."""
    impression = Impression(
        femininity=rng.normal(1 if gender == "female" else -1, GENDER_SPREAD),
        maturity=(rng.normal(age, AGE_SPREAD) - YOUNGEST) / (OLDEST - YOUNGEST),
    )
    return Looks(
        random_face(impression, rng),
        random_hair(impression, rng),
        random_surroundings(impression, rng),
    )


def follow(cues: Mapping[str, Cue], impression: Impression, rng: Generator) -> dict[str, float]:
    """Return the strength of each feature."""
    values: dict[str, float] = {}
    for name, cue in cues.items():
        trend = cue.feminine * impression.femininity + cue.mature * impression.maturity
        value = rng.normal(cue.mean + trend, cue.spread)
        values[name] = min(max(value, cue.smallest), cue.largest)
    return values


def random_face(impression: Impression, rng: Generator) -> Face:
    """Return a face; lips are redder in the mean the more feminine it looks."""
    skin = mix(FAIR, DEEP, rng.random())
    red = min(max(rng.normal(0.40 + 0.12 * impression.femininity, 0.12), 0), 1)
    iris = pick(IRIS_COLOURS, rng)
    return Face(skin, mix(skin, ROSE, red), iris, **follow(FACE_CUES, impression, rng))


def random_hair(impression: Impression, rng: Generator) -> Hair:
    """Return hair of a colour between two natural ones."""
    first, second = pick(HAIR_COLOURS, rng), pick(HAIR_COLOURS, rng)
    return Hair(mix(first, second, 0.5 * rng.random()), **follow(HAIR_CUES, impression, rng))


def random_surroundings(impression: Impression, rng: Generator) -> Surroundings:
    """Return clothes and a wall of any colour, and perhaps glasses."""
    few, many = GLASSES_SHARES
    wears_glasses = rng.random() < few + (many - few) * impression.maturity
    frame = pick(FRAME_COLOURS, rng)
    clothes = random_colour(CLOTHES_SPREAD, rng)
    wall = random_colour(WALL_SPREAD, rng)
    return Surroundings(clothes, frame if wears_glasses else None, wall, int(rng.integers(2**31)))


def random_colour(spread: float, rng: Generator) -> Colour:
    """Return a grey of any brightness, tinted by `spread` grey levels."""
    tinted = rng.uniform(*BRIGHTNESS) + rng.normal(0, spread, 3)
    red, green, blue = np.clip(tinted, 0, 255).astype(int).tolist()
    return red, green, blue


def pick(colours: Sequence[Colour], rng: Generator) -> Colour:
    """Return one of the colours."""
    return colours[int(rng.integers(len(colours)))]

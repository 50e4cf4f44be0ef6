"""How is one cartoon-like face of the demo data drawn, given how its person looks?"""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.random import Generator

from trainable.demo.canvas import Canvas, Colour, Image, Points, Pose, bend, both_sides, mix, oval
from trainable.demo.hair import GREY, Hair, draw_back_hair, draw_front_hair, paint_hair
from trainable.demo.masks import Mask, draw_mask

INK: Colour = (38, 28, 30)
SHADE: Colour = (92, 48, 44)
EYE_WHITE: Colour = (238, 236, 232)

HEAD_PLACE, PLACE_SPREADS = (0.5, 0.47), (0.018, 0.015)
"""Mean and standard deviation of the head's place, as shares of width and height."""
HEAD_SCALE, SCALE_RANGE = 0.31, 0.06
"""Pixels per face unit, as a share of the image height, and by how much it varies."""
TILT_SPREAD, TURN_SPREAD = 0.06, 0.05
EYE_X, MOUTH_Y = 0.33, 0.56
BEARD_TOP = 0.3

WALL_GRIDS = (((2, 1), cv2.INTER_LINEAR), ((1, 7), cv2.INTER_NEAREST), ((6, 5), cv2.INTER_CUBIC))
"""Grids of random colours and how they are enlarged: gradient, panels, blobs."""
WALL_CONTRAST, WALL_TINT = 16.0, 6.0
"""Standard deviations of brightness and of each colour within a wall, in grey levels."""
LIGHT_SLOPE, LIGHT_SPREAD, TINT_SPREAD = 0.15, 0.07, 0.03
BLUR_PIXELS = (0.3, 1.1)
NOISE_LEVELS = (2.0, 8.0)
"""Smallest and largest standard deviation of the sensor noise, in grey levels."""


class Size(NamedTuple):
    """Width and height of an image, in pixels."""

    width: int
    height: int


@dataclass(frozen=True)
class Face:
    """A person's face; strengths are 0..1, `width` (half of it) and `brow_width` face units."""

    skin: Colour
    lips: Colour
    iris: Colour
    width: float
    jaw: float
    brow_width: float
    eye_opening: float
    lashes: float
    lip_fullness: float
    stubble: float
    wrinkles: float


@dataclass(frozen=True)
class Surroundings:
    """What a person wears, and the wall behind; a frame without a colour means no glasses."""

    clothes: Colour
    frame: Colour | None
    wall: Colour
    wall_seed: int


@dataclass(frozen=True)
class Looks:
    """What all images of one person share."""

    face: Face
    hair: Hair
    surroundings: Surroundings


def draw_face(looks: Looks, mask: Mask | None, size: Size, rng: Generator) -> Image:
    """Return an image of a person, (height, width, 3) RGB; pose, light and noise are random."""
    face, hair, width = looks.face, looks.hair, looks.face.width
    canvas = Canvas(draw_wall(looks.surroundings, size), random_pose(size, rng))
    paint = paint_hair(hair, size.height, size.width, rng)
    draw_shoulders(canvas, looks.surroundings)
    draw_back_hair(canvas, hair, width, paint)
    draw_head(canvas, face)
    draw_wrinkles(canvas, face)
    draw_stubble(canvas, face, hair)
    draw_nose(canvas, face)
    draw_mouth(canvas, face, rng)
    draw_eyes(canvas, face, rng)
    draw_brows(canvas, face, hair)
    if mask:
        draw_mask(canvas, mask)
    if looks.surroundings.frame:
        draw_glasses(canvas, looks.surroundings.frame, width)
    draw_front_hair(canvas, hair, width, paint)
    return photograph(canvas.pixels, rng)


def draw_wall(surroundings: Surroundings, size: Size) -> Image:
    """Return the person's background, the same in each image."""
    rng = np.random.default_rng(surroundings.wall_seed)
    grid, enlargement = WALL_GRIDS[rng.integers(len(WALL_GRIDS))]
    shades = rng.normal(0, WALL_CONTRAST, (*grid, 1)) + rng.normal(0, WALL_TINT, (*grid, 3))
    coarse = np.clip(np.array(surroundings.wall) + shades, 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, size, interpolation=enlargement), np.uint8)


def random_pose(size: Size, rng: Generator) -> Pose:
    """Return a head a little off the middle, nearer or farther, tilted and turned."""
    x, y = rng.normal(HEAD_PLACE, PLACE_SPREADS)
    return Pose(
        centre=(size.width * x, size.height * y),
        scale=size.height * HEAD_SCALE * rng.uniform(1 - SCALE_RANGE, 1 + SCALE_RANGE),
        tilt=rng.normal(0, TILT_SPREAD),
        turn=(rng.normal(0, TURN_SPREAD), rng.normal(0, TURN_SPREAD / 2)),
    )


def head_outline(face: Face) -> Points:
    """Return the outline of the head without hair; a strong jaw widens its lower half."""
    head = oval((0, 0), (face.width, 1))
    lower = np.clip(head[:, 1], 0, 1)
    head[:, 0] *= 1 + 0.24 * face.jaw * np.sin(np.pi * lower) - 0.05 * lower
    return head


def draw_shoulders(canvas: Canvas, surroundings: Surroundings) -> None:
    """Draw the clothes, one side in the shade."""
    canvas.fill(oval((0, 2.42), (1.5, 1.14)), surroundings.clothes)
    canvas.glaze(oval((0.9, 2.6), (0.9, 1.0)), INK, 0.25, 0.2)


def draw_head(canvas: Canvas, face: Face) -> None:
    """Draw neck, ears and the bare head, with red cheeks and one side in the shade."""
    canvas.fill(oval((0, 0.95), (0.33 + 0.10 * face.jaw, 0.55)), mix(face.skin, SHADE, 0.28))
    for ear in both_sides(oval((face.width, 0.1), (0.1, 0.2))):
        canvas.fill(ear, mix(face.skin, SHADE, 0.18))
    canvas.fill(head_outline(face), face.skin)
    canvas.glaze(oval((face.width * 0.95, 0.2), (0.16, 0.7)), SHADE, 0.3, 0.1)
    for cheek in both_sides(oval((0.42, 0.36), (0.16, 0.12))):
        canvas.glaze(cheek, face.lips, 0.3, 0.08)


def draw_wrinkles(canvas: Canvas, face: Face) -> None:
    """Draw what age leaves: bags under the eyes, hollow cheeks, folds and lines."""
    age = face.wrinkles
    line = mix(face.skin, SHADE, 0.1 + 0.5 * age)
    for bag in both_sides(oval((EYE_X, 0.15), (0.15, 0.06))):
        canvas.glaze(bag, SHADE, 0.1 + 0.45 * age, 0.03)
    for hollow in both_sides(oval((0.52, 0.58), (0.09, 0.24))):
        canvas.glaze(hollow, SHADE, 0.4 * age, 0.06)
    for fold in both_sides(bend((0.19, 0.3), (0.36, 0.42), (0.36, 0.66))):
        canvas.stroke(fold, line, 0.02)
    for k in range(round(4 * age)):
        y = -0.36 - 0.09 * k
        canvas.stroke(bend((-0.38, y + 0.03), (0, y - 0.04), (0.38, y + 0.03)), line, 0.03)
        for foot in both_sides(bend((0.5, 0.02), (0.56, 0.02), (0.62, -0.08 + 0.06 * k))):
            canvas.stroke(foot, line, 0.015)


def draw_stubble(canvas: Canvas, face: Face, hair: Hair) -> None:
    """Darken the lower face, from nothing to a full beard."""
    outline = head_outline(face) * 0.97
    colour = mix(mix(hair.colour, GREY, hair.grey), face.skin, 0.25)
    canvas.glaze(outline[outline[:, 1] > BEARD_TOP], colour, 0.85 * face.stubble, 0.06)


def draw_nose(canvas: Canvas, face: Face) -> None:
    """Draw the ridge, the tip and the nostrils."""
    line, width = mix(face.skin, SHADE, 0.4), 0.11 + 0.04 * face.jaw
    canvas.glaze(oval((0.06, 0.16), (0.05, 0.2)), SHADE, 0.22, 0.04)
    canvas.stroke(bend((-width, 0.29), (0, 0.40), (width, 0.29)), line, 0.035)
    for nostril in both_sides(bend((width, 0.3), (width + 0.05, 0.26), (width, 0.2))):
        canvas.stroke(nostril, line, 0.025)


def draw_mouth(canvas: Canvas, face: Face, rng: Generator) -> None:
    """Draw the lips, smiling or not."""
    smile, fullness = rng.normal(0.01, 0.025), 0.05 + 0.08 * face.lip_fullness
    left, right = (-0.23, MOUTH_Y - smile), (0.23, MOUTH_Y - smile)
    parting = bend(left, (0, MOUTH_Y + 0.02), right)
    for rise, shade in ((-fullness, 0.2), (fullness, 0.0)):
        edge = bend(right, (0, MOUTH_Y + 2 * rise), left)
        canvas.fill(np.concatenate([parting, edge]), mix(face.lips, SHADE, shade))
    canvas.stroke(parting, mix(face.lips, INK, 0.6), 0.02)


def draw_eyes(canvas: Canvas, face: Face, rng: Generator) -> None:
    """Draw both eyes with lids and lashes; opening and gaze vary a little."""
    height = 0.15 * face.eye_opening * rng.uniform(0.85, 1.1)
    gaze = rng.normal(0, 0.015)
    for x in (-EYE_X, EYE_X):
        canvas.fill(oval((x, 0), (0.14, height)), EYE_WHITE)
        canvas.fill(oval((x + gaze, 0), (0.065, min(0.065, height))), face.iris)
        canvas.fill(oval((x + gaze, 0), (0.03, 0.03)), INK)
        lid = bend((x - 0.16, 0.01), (x, -2 * height), (x + 0.16, 0.01))
        canvas.stroke(lid, mix(face.skin, INK, 0.85), 0.02 + 0.03 * face.lashes)
        canvas.stroke(lid - np.array([0, 0.05]), mix(face.skin, SHADE, 0.4), 0.015)


def draw_brows(canvas: Canvas, face: Face, hair: Hair) -> None:
    """Draw the eyebrows, which turn grey later than the hair."""
    colour = mix(mix(hair.colour, GREY, 0.6 * hair.grey), INK, 0.25)
    peak = -0.23 - 0.09 * face.eye_opening
    for brow in both_sides(bend((0.15, -0.19), (0.34, peak), (0.54, -0.16))):
        canvas.stroke(brow, colour, face.brow_width)


def draw_glasses(canvas: Canvas, frame: Colour, face_width: float) -> None:
    """Draw glasses in a frame of this colour."""
    for rim in both_sides(oval((EYE_X, 0.02), (0.22, 0.18))):
        canvas.glaze(rim, EYE_WHITE, 0.12)
        canvas.stroke(np.concatenate([rim, rim[:1]]), frame, 0.03)
    canvas.stroke(bend((-0.12, -0.02), (0, -0.07), (0.12, -0.02)), frame, 0.03)
    for temple in both_sides(np.array([(0.54, -0.02), (face_width, -0.04)])):
        canvas.stroke(temple, frame, 0.03)


def photograph(scene: Image, rng: Generator) -> Image:
    """Return the scene under a random light, a little out of focus, with sensor noise."""
    height, width = scene.shape[:2]
    slope_x, slope_y = rng.normal(0, LIGHT_SLOPE, 2)
    down, across = np.linspace(-0.5, 0.5, height)[:, None], np.linspace(-0.5, 0.5, width)
    light = rng.normal(1, LIGHT_SPREAD) * (1 + slope_x * across + slope_y * down)
    gain = cv2.merge(
        [light.astype(np.float32) * tint for tint in rng.normal(1, TINT_SPREAD, 3).tolist()]
    )
    blurred = cv2.GaussianBlur(scene, (0, 0), rng.uniform(*BLUR_PIXELS))
    exposed = cv2.multiply(blurred, gain, dtype=cv2.CV_32F)
    noise = rng.standard_normal((height, width), np.float32) * rng.uniform(*NOISE_LEVELS)
    return np.asarray(cv2.add(exposed, cv2.merge([noise] * 3), dtype=cv2.CV_8U), np.uint8)

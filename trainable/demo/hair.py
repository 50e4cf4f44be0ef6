"""How is the hair of a demo face drawn: of which cut, and how grey?"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from trainable.demo.canvas import (
    CURVE_POINTS,
    Canvas,
    Colour,
    Image,
    Points,
    bend,
    both_sides,
    oval,
)

GREY: Colour = (198, 196, 194)

SKULL_CENTRE = (0.0, -0.14)
BACK_LIGHT = 0.82
"""Brightness of the hair behind the head, against that in front."""
EDGE_BLUR = 0.008
LOCKS_FROM = 0.4
"""Length from which hair falls over the sides of the face."""
STREAK_PIXELS = 16
STREAK_CONTRAST = 0.12
GREY_SHARPNESS = 4.0
"""How clearly a streak is either grey or not."""


@dataclass(frozen=True)
class Hair:
    """A person's hair; strengths are 0..1, `line` (of the forehead) and `parting` face units."""

    colour: Colour
    grey: float
    length: float
    volume: float
    line: float
    recession: float
    parting: float


def paint_hair(hair: Hair, height: int, width: int, rng: Generator) -> Image:
    """Return an image full of vertical streaks, of which a share `hair.grey` is grey."""
    streaks = rng.standard_normal((math.ceil(height / STREAK_PIXELS), width, 1))
    share = min(max(hair.grey, 0.01), 0.99)
    threshold = 0.6 * math.log((1 - share) / share)
    grey = 1 / (1 + np.exp(GREY_SHARPNESS * (streaks + threshold)))
    colour = np.array(hair.colour) * (1 - grey) + np.array(GREY) * grey
    coarse = np.clip(colour * (1 + STREAK_CONTRAST * streaks), 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height)), np.uint8)


def draw_back_hair(canvas: Canvas, hair: Hair, face_width: float, paint: Image) -> None:
    """Draw the hair behind the head and the neck."""
    top = crown(hair, face_width)
    end, wide = 0.05 + 1.5 * hair.length, top[-1, 0] + 0.12 * hair.length
    right = np.array([(wide, 0.6 * end), (wide, 0.9 * end), (0.7 * wide, end)])
    left = both_sides(right)[1][::-1]
    darker = np.asarray(cv2.convertScaleAbs(paint, alpha=BACK_LIGHT), np.uint8)
    canvas.glaze(np.concatenate([top, right, left]), darker)


def draw_front_hair(canvas: Canvas, hair: Hair, face_width: float, paint: Image) -> None:
    """Draw the hair above the forehead, and locks over the sides of the face if it is long."""
    line = hairline(hair) * np.array([face_width, 1])
    canvas.glaze(np.concatenate([crown(hair, face_width), line]), paint, blur=EDGE_BLUR)
    if hair.length < LOCKS_FROM:
        return
    inner, outer, end = 0.84 * face_width, face_width + 0.1, 1.4 * hair.length
    rim = bend((inner, -0.5), (inner + 0.05, 0.3), (outer, end))
    for lock in both_sides(np.concatenate([rim, np.array([(outer + 0.1, end), (outer, -0.3)])])):
        canvas.glaze(lock, paint, blur=EDGE_BLUR)


def crown(hair: Hair, face_width: float) -> Points:
    """Return the upper edge of the hair, from the left ear over the top to the right ear."""
    extra = 0.13 * hair.volume
    return oval(SKULL_CENTRE, (face_width + 0.06 + extra, 0.92 + extra))[2 * CURVE_POINTS :]


def hairline(hair: Hair) -> Points:
    """Return the lower edge of the hair on a face 1 wide, from the right temple to the left."""
    x = np.linspace(0.99, -0.99, 4 * CURVE_POINTS)
    temples = np.abs(x) ** 6
    y = hair.line * (1 - temples) - 0.05 * temples
    y -= 0.35 * hair.recession * np.exp(-(((np.abs(x) - 0.6) / 0.22) ** 2))
    y -= 0.14 * np.exp(-(((x - hair.parting) / 0.16) ** 2))
    return np.stack([x, np.maximum(y, -1.0)], axis=1)

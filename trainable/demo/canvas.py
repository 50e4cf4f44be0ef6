"""How do shapes given in face units become smooth-edged pixels, whatever the pose of the head?

Face units: the origin lies between the eyes, x points right, y points down, the chin is at y = 1
and the top of the skull at y = -1. Colours are red, green, blue, 0..255.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
Image = NDArray[np.uint8]
Points = NDArray[np.float64]
Point = tuple[float, float]

SUBPIXEL_BITS = 4
SUBPIXELS = 2**SUBPIXEL_BITS
CURVE_POINTS = 14
"""Corners of an open curve; an oval has four times as many."""
ANGLES = np.linspace(0, 2 * np.pi, 4 * CURVE_POINTS, endpoint=False)
CIRCLE: Points = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
T = np.linspace(0, 1, CURVE_POINTS)
BEZIER = np.stack([(1 - T) ** 2, 2 * T * (1 - T), T**2], axis=1)
"""Weights of a quadratic Bezier curve's three control points, (CURVE_POINTS, 3)."""
TURN_REACH = 1.5
"""How fast a turn of the head fades with the squared distance from the middle of the face."""


@dataclass(frozen=True)
class Pose:
    """Where the head is: centre in pixels, pixels per face unit, tilt in radians, turn in units."""

    centre: Point
    scale: float
    tilt: float
    turn: Point


class Canvas:
    """An image on which shapes given in face units are drawn, anti-aliased, in one pose."""

    def __init__(self, pixels: Image, pose: Pose) -> None:
        self.pixels = pixels
        self.scale = pose.scale
        self.turn = np.array(pose.turn)
        cosine, sine = math.cos(pose.tilt), math.sin(pose.tilt)
        self.rotation = np.array([[cosine, sine], [-sine, cosine]]) * pose.scale * SUBPIXELS
        self.centre = np.array(pose.centre) * SUBPIXELS

    def locate(self, points: Points) -> NDArray[np.int32]:
        """Return fixed-point pixel positions; what is near the face's middle follows its turn."""
        nearness = np.exp(-TURN_REACH * (points**2).sum(axis=1, keepdims=True))
        turned = points + nearness * self.turn
        return np.rint(turned @ self.rotation + self.centre).astype(np.int32)

    def fill(self, points: Points, colour: Colour) -> None:
        """Fill a polygon."""
        cv2.fillPoly(self.pixels, [self.locate(points)], colour, cv2.LINE_AA, SUBPIXEL_BITS)

    def stroke(self, points: Points, colour: Colour, width: float) -> None:
        """Draw an open line `width` face units thick, at least one pixel."""
        thickness = max(1, round(width * self.scale))
        line = [self.locate(points)]
        cv2.polylines(self.pixels, line, False, colour, thickness, cv2.LINE_AA, SUBPIXEL_BITS)

    def glaze(
        self, points: Points, paint: Colour | Image, opacity: float = 1.0, blur: float = 0.0
    ) -> None:
        """Lay a colour or an image of the same size over a polygon, its edge `blur` units soft."""
        corners = self.locate(points)
        window = self.surround(corners, 3 * blur)
        coverage = np.zeros(self.pixels.shape[:2], np.uint8)
        cv2.fillPoly(coverage, [corners], (255,), cv2.LINE_AA, SUBPIXEL_BITS)
        share = coverage[window].astype(np.float32) * np.float32(opacity / 255)
        if blur:
            share = cv2.GaussianBlur(share, (0, 0), blur * self.scale)
        below = self.pixels[window]
        layer = np.broadcast_to(np.array(paint, np.uint8), self.pixels.shape)[window]
        self.pixels[window] = cv2.blendLinear(layer.copy(), below, share, 1 - share)

    def surround(self, corners: NDArray[np.int32], margin: float) -> tuple[slice, slice]:
        """Return the rows and columns of a shape with a margin, in face units, around it."""
        pixels = 2 + round(margin * self.scale)
        height, width = self.pixels.shape[:2]
        outermost = np.array([width - 1, height - 1])
        first = np.clip((corners.min(axis=0) >> SUBPIXEL_BITS) - pixels, 0, outermost)
        last = np.clip((corners.max(axis=0) >> SUBPIXEL_BITS) + pixels, first, outermost)
        return slice(first[1], last[1] + 1), slice(first[0], last[0] + 1)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return the colour that lies `share` of the way from the first to the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def oval(centre: Point, radii: Point) -> Points:
    """Return an ellipse as a polygon, from its right end over the bottom."""
    return CIRCLE * np.array(radii) + np.array(centre)


def bend(start: Point, middle: Point, end: Point) -> Points:
    """Return the quadratic Bezier curve with these three control points."""
    return BEZIER @ np.array([start, middle, end])


def both_sides(points: Points) -> tuple[Points, Points]:
    """Return a shape and its mirror image about the middle of the face."""
    return points, points * np.array([-1.0, 1.0])

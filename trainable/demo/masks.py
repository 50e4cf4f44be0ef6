"""How is a mask drawn on a demo face: of which fabric, and how is it worn?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator

from trainable.demo.canvas import CURVE_POINTS, Canvas, Colour, Points, both_sides, mix, oval

DARK: Colour = (20, 22, 34)
LIGHT: Colour = (246, 246, 244)


@dataclass(frozen=True)
class Fabric:
    """What a mask is made of and how it is cut."""

    colour: Colour
    pattern: Literal["plain", "stripes", "dots"] = "plain"
    cut: Literal["pleated", "beaked", "moulded"] = "pleated"


@dataclass(frozen=True)
class MaskFit:
    """Where a mask sits: upper and lower edge in face units, width as a share of the face's."""

    top: float
    bottom: float
    width: float


@dataclass(frozen=True)
class Mask:
    """A mask on a face of this half width, in face units."""

    fabric: Fabric
    fit: MaskFit
    face_width: float


FABRICS = (
    Fabric((120, 180, 225)),
    Fabric((236, 238, 240)),
    Fabric((34, 34, 40), cut="moulded"),
    Fabric((150, 205, 185)),
    Fabric((240, 241, 243), cut="beaked"),
    Fabric((226, 170, 185)),
    Fabric((60, 72, 110), pattern="dots", cut="moulded"),
    Fabric((128, 130, 136), cut="moulded"),
    Fabric((190, 200, 150), cut="beaked"),
    Fabric((178, 66, 72), pattern="dots", cut="moulded"),
    Fabric((120, 200, 190), pattern="stripes"),
    Fabric((44, 46, 52), cut="beaked"),
    Fabric((170, 160, 210), pattern="stripes"),
)
LOWER_EDGES = {"pleated": (0.48, 3.0), "beaked": (0.68, 1.2), "moulded": (0.62, 2.0)}
"""Cut -> share of the mask's height by which its lower edge rises at the ears, and the power."""
UPPER_DIP = 0.12
"""How much lower the upper edge is at the ears than at the nose."""

WORN_FIT = MaskFit(top=0.20, bottom=1.09, width=0.95)
UNDER_NOSE_FIT = MaskFit(top=0.46, bottom=1.14, width=0.90)
ON_CHIN_FIT = MaskFit(top=0.76, bottom=1.30, width=0.74)
OVER_EYES_FIT = MaskFit(top=-0.40, bottom=0.40, width=0.97)
FITS: Sequence[Sequence[MaskFit]] = (
    [WORN_FIT],
    [UNDER_NOSE_FIT] * 6 + [ON_CHIN_FIT] * 3 + [OVER_EYES_FIT],
    [],
)
"""Mask class (worn, incorrect, not worn) -> its fits, each as often as it is likely."""
FIT_JITTER = 0.035
PLEATS, STRIPES, DOTS = (0.3, 0.5, 0.7), (0.12, 0.31, 0.5, 0.69, 0.88), (0.2, 0.4, 0.6, 0.8)
"""Where pleats, stripes and rows of dots run: 0 is the mask's upper edge, 1 its lower edge."""


def random_mask(mask_class: int, fabric: Fabric, face_width: float, rng: Generator) -> Mask | None:
    """Return how a mask of this fabric sits; no mask if the class is "not worn"."""
    fits = FITS[mask_class]
    if not fits:
        return None
    fit = fits[int(rng.integers(len(fits)))]
    top, bottom = rng.normal((fit.top, fit.bottom), FIT_JITTER)
    return Mask(fabric, MaskFit(top, bottom, fit.width), face_width)


def draw_mask(canvas: Canvas, mask: Mask) -> None:
    """Draw a mask with its straps, its pattern and one side in the shade."""
    colour = mask.fabric.colour
    corner_x, corner_y = mask_line(mask, 0)[-1]
    for ear_y in (0.0, 0.2):
        strap = np.array([(corner_x * 0.98, corner_y + ear_y), (mask.face_width, ear_y)])
        for side in both_sides(strap):
            canvas.stroke(side, mix(colour, LIGHT, 0.5), 0.025)
    outline = np.concatenate([mask_line(mask, 0), mask_line(mask, 1)[::-1]])
    canvas.fill(outline, colour)
    draw_pattern(canvas, mask)
    canvas.glaze(outline[outline[:, 0] > 0.5 * corner_x], DARK, 0.3, 0.06)


def mask_line(mask: Mask, share: float) -> Points:
    """Return a line across a mask, left to right; `share` is 0 at its top, 1 at its bottom."""
    x = np.linspace(-1, 1, 2 * CURVE_POINTS + 1)
    top, bottom = mask.fit.top, mask.fit.bottom
    rise, power = LOWER_EDGES[mask.fabric.cut]
    upper = top + UPPER_DIP * x**2
    lower = bottom - rise * (bottom - top) * np.abs(x) ** power
    return np.stack([x * mask.fit.width * mask.face_width, upper + share * (lower - upper)], axis=1)


def draw_pattern(canvas: Canvas, mask: Mask) -> None:
    """Draw the pleats or the seam of the cut, and stripes or dots over them."""
    fabric = mask.fabric
    crease, accent = mix(fabric.colour, DARK, 0.25), mix(fabric.colour, LIGHT, 0.7)
    if fabric.cut == "pleated":
        for share in PLEATS:
            canvas.stroke(mask_line(mask, share), crease, 0.02)
    else:
        canvas.stroke(np.array([(0, mask.fit.top), (0, mask.fit.bottom)]), crease, 0.02)
    for share in STRIPES if fabric.pattern == "stripes" else ():
        canvas.stroke(mask_line(mask, share), accent, 0.05)
    for share in DOTS if fabric.pattern == "dots" else ():
        for x, y in mask_line(mask, share)[3:-3:4]:
            canvas.fill(oval((x, y), (0.03, 0.03)), accent)

"""How densely do known configurations lie around a new one? Products of kernels tell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.kernels import Dimension, Numbers


@dataclass(frozen=True)
class Density:
    """Known configurations, each of them the centre of a kernel over all dimensions.

    A parameter that a configuration does not have is NaN, and there its kernel is even: whether
    it fits is decided by the parameter that it depends on.
    """

    dimensions: Sequence[Dimension]
    points: Numbers
    """Coordinates, shape (configurations, dimensions)."""
    bandwidths: Sequence[float]

    @classmethod
    def fitted(
        cls, dimensions: Sequence[Dimension], points: Numbers, parameters: int, narrowest: float
    ) -> "Density":
        """Return the density of the points, the kernels as wide as their spread asks for.

        ``parameters``: how many of them one configuration has at most; ``narrowest``: the
        smallest bandwidth of a number, in parts of its range.
        """
        columns = zip(dimensions, points.T, strict=True)
        widths = [one.bandwidth(column, parameters, narrowest) for one, column in columns]
        return cls(dimensions, points, widths)

    def log(self, at: Numbers) -> Numbers:
        """Return the logarithm of the density at complete configurations; shape (at,)."""
        kernels = np.zeros((len(at), len(self.points)))
        for number, dimension in enumerate(self.dimensions):
            kernels += dimension.log_kernel(
                at[:, number], self.points[:, number], self.bandwidths[number]
            )
        # As scipy's logsumexp, whose checks take 1.5 ms more a proposal.
        highest = kernels.max(axis=1)
        kernels -= highest[:, None]
        return highest + np.log(np.exp(kernels, out=kernels).mean(axis=1))

    def draw(self, count: int, widening: float, random: np.random.Generator) -> Numbers:
        """Return complete configurations drawn from kernels so many times as wide."""
        centres = self.points[random.integers(len(self.points), size=count)]
        columns = zip(self.dimensions, centres.T, self.bandwidths, strict=True)
        return np.column_stack(
            [one.draw(column, width * widening, random) for one, column, width in columns]
        )

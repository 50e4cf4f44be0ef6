"""How frequent are classes among images whose classes nobody knows? Estimated by EM."""

import numpy as np
from numpy.typing import NDArray

from analysis.ensembles.evidence import Joint

Shares = NDArray[np.floating]
ITERATIONS = 1000
CLOSE = 1e-7


def estimated_shares(probabilities: Joint, known: Shares) -> Shares:
    """Return the shares (C,) of classes among N images, from calibrated probabilities (N, C).

    ``known`` (C,) are the shares that the probabilities were calibrated on. Each step takes the
    mean of the probabilities under the shares so far: the maximum-likelihood estimate, if only the
    shares differ and not what the images of a class look like (Saerens et al. 2002,
    https://doi.org/10.1162/089976602753284446).
    """
    shares = known
    for _ in range(ITERATIONS):
        weighted = probabilities * (shares / known)
        better = (weighted / weighted.sum(axis=1, keepdims=True)).mean(axis=0)
        if np.abs(better - shares).max() < CLOSE:
            return better
        shares = better
    return shares

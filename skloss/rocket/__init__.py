"""Kernels that are not trained, for series, and the ridge regression behind them."""

from skloss.rocket.calibrate import fitted_scale
from skloss.rocket.head import PENALTIES, Candidate, HeadPath, Heldout
from skloss.rocket.kernels import FEWEST_TIMESTEPS, RocketKernels
from skloss.rocket.pooling import POOLINGS, Pooling
from skloss.rocket.ridge import RidgeFit, RidgePath

__all__ = [
    "FEWEST_TIMESTEPS",
    "PENALTIES",
    "POOLINGS",
    "Candidate",
    "HeadPath",
    "Heldout",
    "Pooling",
    "RidgeFit",
    "RidgePath",
    "RocketKernels",
    "fitted_scale",
]

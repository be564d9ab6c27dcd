"""Layers, each of them in one place: shapes, weights, NumPy, TensorFlow, Keras."""

from skloss.networks.layers.augment import Augment
from skloss.networks.layers.batch_norm import BatchNorm
from skloss.networks.layers.column_scale import ColumnScale
from skloss.networks.layers.convolution import Conv1D, Conv2D, Convolution, Padding
from skloss.networks.layers.dense import Dense, Flatten
from skloss.networks.layers.dropout import Dropout
from skloss.networks.layers.embed import Embed
from skloss.networks.layers.fill_missing import FillMissing
from skloss.networks.layers.fixed_filters import FixedFilters
from skloss.networks.layers.flag_missing import FlagMissing
from skloss.networks.layers.layer import Layer, WeightShape
from skloss.networks.layers.piecewise import PiecewiseLinear
from skloss.networks.layers.pooling import GlobalPool, MaxPool, SlidingMax
from skloss.networks.layers.recurrent import AttentionPool, Recurrent, SkipMissing
from skloss.networks.layers.residual import Residual
from skloss.networks.layers.separable import SeparableConv1D
from skloss.networks.layers.series_scale import SeriesScale, series_moments
from skloss.networks.layers.side_by_side import SideBySide
from skloss.networks.layers.standardization import statistics_of

__all__ = [
    "LAYERS",
    "AttentionPool",
    "Augment",
    "BatchNorm",
    "ColumnScale",
    "Conv1D",
    "Conv2D",
    "Convolution",
    "Dense",
    "Dropout",
    "Embed",
    "FillMissing",
    "FixedFilters",
    "FlagMissing",
    "Flatten",
    "GlobalPool",
    "Layer",
    "MaxPool",
    "Padding",
    "PiecewiseLinear",
    "Recurrent",
    "Residual",
    "SeparableConv1D",
    "SeriesScale",
    "SideBySide",
    "SkipMissing",
    "SlidingMax",
    "WeightShape",
    "series_moments",
    "statistics_of",
]

LAYERS: tuple[type[Layer], ...] = (
    Dense,
    Conv1D,
    Conv2D,
    SeparableConv1D,
    BatchNorm,
    Dropout,
    MaxPool,
    GlobalPool,
    Flatten,
    Residual,
    SideBySide,
    SlidingMax,
    FixedFilters,
    SeriesScale,
    FlagMissing,
    Embed,
    FillMissing,
    ColumnScale,
    PiecewiseLinear,
    Augment,
    SkipMissing,
    Recurrent,
    AttentionPool,
)

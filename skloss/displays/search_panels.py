"""The panels of a search display: heat map, effects, interaction and fit time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skloss.displays.search_candidates import COARSE, Candidates, Levels
from skloss.displays.style import (
    BLACK,
    BLUE,
    CYCLE,
    GRAY,
    LIGHT,
    ORANGE,
    VERMILLION,
    count_in_tens,
    plain,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "MOST_IN_TABLE",
    "draw_cost",
    "draw_effect",
    "draw_interaction",
    "draw_table",
]

MOST_IN_TABLE = 12
# In a heat map with more cells, numbers would be too small to read.
_MOST_WRITTEN = 42
_MOST_WRITTEN_IN_ROW = 7
_MOST_LETTERS = 22
_DARK = 0.5
_WINNER: dict[str, Any] = {
    "marker": "*",
    "markersize": 13,
    "color": VERMILLION,
    "markeredgecolor": "white",
    "linestyle": "none",
    "label": "winner",
    "zorder": 5,
}
_TIED: dict[str, Any] = {
    "marker": "o",
    "markersize": 7,
    "markerfacecolor": "none",
    "markeredgecolor": BLACK,
    "linestyle": "none",
    "label": "within one standard error of the winner",
    "zorder": 4,
}

Artists = dict[str, Any]


def draw_table(ax: Axes, candidates: Candidates, row: str, column: str) -> Artists:
    """Draw a heat map of the mean score at each pair of levels."""
    rows = candidates.levels(row, MOST_IN_TABLE)
    columns = candidates.levels(column, MOST_IN_TABLE)
    means, spreads = candidates.table(row, column, MOST_IN_TABLE)
    image = ax.imshow(np.ma.masked_invalid(means), cmap="cividis", aspect="auto")
    ax.set_facecolor("white")
    few = means.size <= _MOST_WRITTEN and len(columns) <= _MOST_WRITTEN_IN_ROW
    for r, c in np.ndindex(*means.shape):
        if not np.isfinite(means[r, c]):
            ax.text(c, r, "n/a", ha="center", va="center", color=GRAY, fontsize=7)
        elif few:
            ax.text(
                c,
                r,
                f"{means[r, c]:z.2f}\n± {spreads[r, c]:.2f}",
                ha="center",
                va="center",
                fontsize=8,
                color=_readable_on(image.cmap(image.norm(means[r, c]))),
            )
    ax.set_xticks(range(len(columns)), columns.names)
    ax.set_yticks(range(len(rows)), rows.names)
    _turn_if_long(ax, columns)
    ax.set(xlabel=candidates.short(column), ylabel=candidates.short(row))
    ax.spines[:].set_visible(False)
    bar = ax.figure.colorbar(image, ax=ax, label=_score_label(candidates))
    bar.outline.set_visible(False)
    artists: Artists = {"image": image}
    tied = {
        (rows.codes[i], columns.codes[i]) for i in np.flatnonzero(candidates.is_tied)
    }
    winner = (rows.codes[candidates.winner], columns.codes[candidates.winner])
    for r, c in sorted(tied - {winner}):
        artists["tied"] = _frame(ax, r, c, ":", _TIED["label"])
    artists["winner"] = _frame(ax, *winner, "-", _WINNER["label"])
    return artists


def draw_effect(ax: Axes, candidates: Candidates, name: str) -> Artists:
    """Draw the mean score of each level, in front of the scores of all candidates."""
    levels = candidates.levels(name)
    places = np.arange(len(levels))
    artists: Artists = {}
    (artists["candidates"],) = ax.plot(
        levels.codes,
        candidates.means,
        linestyle="none",
        marker="o",
        markersize=3,
        color=LIGHT,
        alpha=0.5,
        markeredgewidth=0,
        label="one candidate",
    )
    if candidates.train_scores is not None:
        train = candidates.train_scores.mean(axis=1)
        heights = [_finite_mean(train[levels.codes == place]) for place in places]
        (artists["train"],) = ax.plot(
            places,
            heights,
            color=ORANGE,
            linestyle="--",
            linewidth=1.2,
            label="mean training score",
        )
    (artists["effect"],) = ax.plot(
        places,
        candidates.effect(name),
        color=BLUE,
        linewidth=2.0,
        marker="s",
        markersize=4,
        label="mean over other parameters",
    )
    tied = candidates.is_tied
    if tied.any():
        (artists["tied"],) = ax.plot(
            levels.codes[tied], candidates.means[tied], **_TIED
        )
    best = candidates.winner
    (artists["winner"],) = ax.plot(
        levels.codes[best], candidates.means[best], **_WINNER
    )
    _level_axis(ax, candidates, name, levels)
    return artists


def draw_interaction(
    ax: Axes, candidates: Candidates, pair: tuple[str, str]
) -> Artists:
    """Draw the mean score versus one parameter, one line per level of another."""
    along, across = pair
    means, _ = candidates.table(across, along, COARSE)
    lines = candidates.levels(across, COARSE)
    levels = candidates.levels(along, COARSE)
    artists: Artists = {}
    for name, heights, style in zip(lines.names, means, CYCLE, strict=False):
        (artists[name],) = ax.plot(
            np.arange(len(levels)),
            heights,
            marker="s",
            markersize=3,
            linewidth=1.4,
            label=name,
            **style,
        )
    _level_axis(ax, candidates, along, levels)
    ax.legend(
        title=candidates.short(across),
        frameon=False,
        fontsize="x-small",
        title_fontsize="x-small",
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        borderaxespad=0.0,
        handlelength=2.5,
        labelspacing=0.2,
    )
    return artists


def draw_cost(ax: Axes, candidates: Candidates) -> Artists:
    """Draw the mean score versus the fit time, and the best score up to each time."""
    seconds, means = candidates.seconds, candidates.means
    if seconds is None:
        raise ValueError("The fit times are not known: choose another kind.")
    artists: Artists = {}
    (artists["candidates"],) = ax.plot(
        seconds,
        means,
        linestyle="none",
        marker="o",
        markersize=4,
        color=BLUE,
        alpha=0.6,
        markeredgewidth=0,
        label="one candidate",
    )
    front = _best_for_cost(seconds, means)
    (artists["front"],) = ax.plot(
        seconds[front],
        means[front],
        drawstyle="steps-post",
        color=GRAY,
        linestyle="--",
        linewidth=1.0,
        label="best up to this fit time",
    )
    tied, best = candidates.is_tied, candidates.winner
    named = np.unique([*front, best])
    artists["errors"] = ax.errorbar(
        seconds[named],
        means[named],
        candidates.errors[named],
        linestyle="none",
        color=GRAY,
        linewidth=1.0,
        label="one standard error",
    )
    if tied.any():
        (artists["tied"],) = ax.plot(seconds[tied], means[tied], **_TIED)
    (artists["winner"],) = ax.plot(seconds[best], means[best], **_WINNER)
    known = seconds[np.isfinite(seconds)]
    if known.min() > 0 and known.max() > 10 * known.min():
        ax.set_xscale("log")
        count_in_tens(ax.xaxis)
    ax.set(xlabel="fit time (seconds)", ylabel=_score_label(candidates))
    plain(ax)
    return artists


def _best_for_cost(seconds: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Candidates that are better than all faster ones, the fastest first."""
    order = [i for i in np.argsort(seconds, kind="stable") if np.isfinite(means[i])]
    highest = np.maximum.accumulate(means[order])
    is_new = np.append(True, np.diff(highest) > 0)
    return np.asarray(order)[is_new]


def _level_axis(ax: Axes, candidates: Candidates, name: str, levels: Levels) -> None:
    ax.set_xticks(range(len(levels)), levels.names)
    _turn_if_long(ax, levels)
    ax.set_xlim(-0.4, len(levels) - 0.6)
    ax.set_xlabel(candidates.short(name))
    plain(ax)


def _turn_if_long(ax: Axes, levels: Levels) -> None:
    """Turn tick labels that would overlap."""
    if sum(map(len, levels.names)) + len(levels) > _MOST_LETTERS:
        ax.tick_params(axis="x", labelrotation=45, labelsize="x-small")
        for label in ax.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")


def _frame(ax: Axes, row: int, column: int, dashes: str, label: str) -> Any:
    from matplotlib.patches import Rectangle

    style: dict[str, Any] = {"facecolor": "none", "linewidth": 2.0}
    place = (column - 0.46, row - 0.46)
    # A white frame behind the black one makes it visible on any color.
    for color, line in (("white", "-"), (BLACK, dashes)):
        frame = Rectangle(place, 0.92, 0.92, edgecolor=color, linestyle=line, **style)
        ax.add_patch(frame)
    frame.set_label(label)
    return frame


def _readable_on(color: Any) -> str:
    red, green, blue, _ = color
    is_dark = 0.299 * red + 0.587 * green + 0.114 * blue < _DARK
    return "white" if is_dark else BLACK


def _finite_mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan


def _score_label(candidates: Candidates) -> str:
    return f"mean {candidates.metric} over folds"

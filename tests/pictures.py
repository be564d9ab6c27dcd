"""What makes a picture readable: no text on another one, none beyond the edge."""

from itertools import combinations

from matplotlib.figure import Figure
from matplotlib.text import Text


def new_axes():
    """Axes of the size at which every display must be readable."""
    return Figure(figsize=(6, 4), layout="constrained").subplots()


def assert_readable(figure):
    figure.draw_without_rendering()
    texts = shown_texts(figure)
    edge = figure.bbox.padded(2)
    for text in texts:
        box = text.get_window_extent()
        assert edge.x0 <= box.x0 <= box.x1 <= edge.x1, text.get_text()
        assert edge.y0 <= box.y0 <= box.y1 <= edge.y1, text.get_text()
    for one, other in combinations(texts, 2):
        if one.get_rotation() % 90 and other.get_rotation() % 90:
            continue  # the boxes of slanted labels overlap, their letters do not
        apart = one.get_window_extent().padded(-1)
        assert not apart.overlaps(other.get_window_extent().padded(-1)), (
            one.get_text(),
            other.get_text(),
        )


def shown_texts(figure):
    """All texts, of ticks only those within the limits."""
    ticks, shown = set(), []
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            for get_ticks, places in (
                (axis.get_major_ticks(), axis.get_majorticklocs()),
                (axis.get_minor_ticks(), axis.get_minorticklocs()),
            ):
                for tick, place in zip(get_ticks, places, strict=False):
                    labels = {tick.label1, tick.label2}
                    ticks |= labels
                    shown += labels if low <= place <= high else ()
    shown += [text for text in figure.findobj(Text) if text not in ticks]
    return [text for text in shown if text.get_visible() and text.get_text().strip()]

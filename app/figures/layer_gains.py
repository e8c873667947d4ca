"""The gain in use against the best one, channel by channel."""

import numpy as np

from app.figures.layer_belief import colours
from app.figures.multiples import heading, number, span
from app.figures.spec import Dict, Spec, axis, chip, layout, packed
from app.palette import Ink
from bkn.snapshot import LayerArrays

PANELS = (("mean", "gain", "gain_oracle"), ("variance", "var_gain", "var_gain_oracle"))


def gains(
    arrays: LayerArrays, kept: tuple[int, ...], channel: int, ink: Ink, revision: str
) -> Spec:
    """Bars of the oracle gain, sorted, with the gain in use over them; channels can be picked.

    Args:
        arrays: of the layer.
        kept: numbers of the channels that the arrays describe.
        channel: position of the picked one among them.
        ink: of the entrant.
        revision: name of the picture, zoom is kept under it.
    """
    shown = [panel for panel in PANELS if np.isfinite(arrays.get(panel[2], np.nan)).any()]
    spec: Spec = {
        "title": "How far is the gain from the best?",
        "meaning": "Bars: the gain that would have been best. Line: the gain in use. By channel.",
        "tokens": colours(ink),
        "legend": [
            chip("use", "in use", "@posterior"),
            chip("oracle", "best, with hindsight", "@muted/0.6"),
        ],
        "hint": "click a channel",
        "data": [],
        "layout": layout(revision),
        "empty": "" if shown else "No prior here, so there is nothing to blend and no gain.",
    }
    if not shown:
        return spec
    frame = layout(revision, hovermode="closest", bargap=0.15, annotations=[], shapes=[],
                   margin={"l": 8, "r": 10, "t": 22, "b": 4})  # fmt: skip
    for index, (moment, used, best) in enumerate(shown):
        order = np.argsort(np.nan_to_num(arrays[best], nan=-1.0), kind="stable")
        spec["data"] += panel(arrays[used][order], arrays[best][order], order, kept, number(index))
        add_axes(frame, index, len(shown), len(order), int(np.flatnonzero(order == channel)[0]))
        frame["annotations"].append(heading(f"of the {moment}", "@text", index, len(shown)))
    spec["layout"] = frame
    spec["label"] = in_words(arrays, shown)
    spec["caption"] = "Gains by channel"
    spec["table"] = {
        "columns": ["channel", *(f"{m}, {w}" for m, *_ in shown for w in ("in use", "best"))],
        "rows": [
            [str(kept[at]), *(f"{arrays[name][at]:.2f}" for _, *two in shown for name in two)]
            for at in range(len(kept))
        ],
        "picks": [str(one) for one in kept],
    }
    return spec


def panel(
    used: np.ndarray, best: np.ndarray, order: np.ndarray, kept: tuple[int, ...], n: str
) -> list[Dict]:
    """Bars and the line over them, in the order of the oracle gains."""
    places = np.arange(len(order))
    names = [str(kept[at]) for at in order]
    common = {"x": packed(places), "xaxis": f"x{n}", "yaxis": f"y{n}", "hovertext": names}
    return [
        common | {
            "type": "bar", "y": packed(best), "marker": {"color": "@muted/0.38"},
            "meta": {"chips": ["oracle"], "picks": names},
            "hovertemplate": "channel %{hovertext}: best %{y:.2f}<extra></extra>",
        },
        common | {
            "type": "scatter", "mode": "lines+markers" if len(order) <= 24 else "lines",
            "y": packed(used), "line": {"color": "@posterior", "width": 2.4, "shape": "hvh"},
            "marker": {"color": "@posterior", "size": 6},
            "meta": {"chips": ["use"], "picks": names},
            "hovertemplate": "channel %{hovertext}: in use %{y:.2f}<extra></extra>",
        },
    ]  # fmt: skip


def add_axes(frame: Dict, index: int, count: int, channels: int, chosen: int) -> None:
    """Axes of a panel and the mark of the picked channel."""
    n = number(index)
    frame[f"xaxis{n}"] = axis(
        title="channels, sorted", domain=span(index, count, 0.08), anchor=f"y{n}",
        range=[-0.7, channels - 0.3], showticklabels=False, showgrid=False, fixedrange=True,
    )  # fmt: skip
    frame[f"yaxis{n}"] = axis(
        title="" if index else "gain", range=[0, 1.04], tickvals=[0, 0.25, 0.5, 0.75, 1],
        anchor=f"x{n}", showticklabels=not index, fixedrange=True,
    )  # fmt: skip
    frame["shapes"].append(
        {"type": "rect", "xref": f"x{n}", "yref": f"y{n} domain", "x0": chosen - 0.5,
         "x1": chosen + 0.5, "y0": 0, "y1": 1, "line": {"color": "@text", "width": 1.6}}
    )  # fmt: skip


def in_words(arrays: LayerArrays, shown: list[tuple[str, str, str]]) -> str:
    """Averages, for those who cannot see the bars."""
    told = [
        f"{moment}: in use {np.nanmean(arrays[used]):.2f}, best {np.nanmean(arrays[best]):.2f}"
        for moment, used, best in shown
    ]
    return f"Average gains of the {'; of the '.join(told)}."

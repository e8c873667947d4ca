"""What a figure is: Plotly's data and layout as plain dicts, with words, legend and table.

Colours are tokens ("@text", "@e0/0.2"), made real in the browser when the theme is known. Number
arrays travel as base64 float32, half the size of their digits.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike

from app.palette import Ink, Pair

if TYPE_CHECKING:
    from bkn.store.cache import RaceCache

Dict = dict[str, Any]
FEW = 30  # points of a line that are marked each


class Spec(TypedDict, total=False):
    """One figure, ready to be sent. Everything but `data` and `layout` may be missing."""

    data: list[Dict]  # Plotly traces; meta: chips (legend), column (table), picks (clicks)
    layout: Dict
    title: str  # the question
    meaning: str  # what am I seeing?
    label: str  # the figure in words, for those who cannot see it
    legend: list[Dict]  # chips: id, label, color, text, dash
    scale: Dict  # colour key of a heat map: stops, ends
    table: Dict  # columns, rows; without it the table is made from the traces
    caption: str  # what the table holds, with the unit
    hint: str  # what a click does
    note: str  # a line below the plot; HTML
    least: float  # pixels of width that it needs; a narrower screen scrolls it sideways
    empty: str  # why there is nothing to see yet; shown in place of the plot
    cells: list[Dict]  # marks over a heat map's cells: x and y from 0, kind, words
    story: Dict  # stages, and at whose end it rests; traces' meta.keys: what moves when
    tokens: dict[str, Pair]  # colours beyond the theme's: [light, dark]


def packed(values: ArrayLike) -> Dict:
    """Numbers as base64 float32, what is not finite as a gap."""
    array = np.array(values, dtype="<f4")
    array[~np.isfinite(array)] = np.nan
    text: Dict = {"dtype": "f4", "bdata": b64encode(array.tobytes()).decode()}
    if array.ndim > 1:
        text["shape"] = ", ".join(map(str, array.shape))
    return text


def chip(identity: str, label: str, color: str, text: str = "@text", dash: str = "solid") -> Dict:
    """A legend entry that hides and shows the traces whose meta names its id."""
    return {"id": identity, "label": label, "color": color, "text": text, "dash": dash}


def entrant_chips(drawn: Iterable[tuple[int, Ink]]) -> list[Dict]:
    """Chips of the entrants by position, coloured as their lines."""
    return [chip(f"e{p}", ink.label, f"@e{p}", f"@t{p}", ink.dash) for p, ink in drawn]


def line(x: ArrayLike, y: ArrayLike, color: str, **more: Any) -> Dict:
    """A line trace; `dash`, `width`, `chips`, `column`, `name` and anything of Plotly's.

    A line of few points shows them, and a single one can be seen at all.
    """
    width = more.pop("width", 2.2)
    few = np.isfinite(np.asarray(y, dtype=float)).sum() <= FEW
    style = {"color": color, "width": width, "dash": more.pop("dash", "solid")}
    meta = {
        name: more.pop(name) for name in ("chips", "column", "picks", "entrant") if name in more
    }
    return {
        "type": "scatter",
        "mode": "lines+markers" if few else "lines",
        "marker": {"size": 2 + 1.5 * width, "color": color},
        "x": packed(x),
        "y": packed(y),
        "line": style,
        "meta": meta,
        "connectgaps": False,
        **more,
    }


def axis(**more: Any) -> Dict:
    """An axis in the style of the house; `title` is its name with the unit."""
    title = more.pop("title", "")
    return {
        "title": {"text": title, "standoff": 4, "font": {"size": 12.5, "color": "@muted"}},
        "gridcolor": "@grid",
        "linecolor": "@line",
        "zeroline": False,
        "tickfont": {"size": 12, "color": "@muted"},
        "automargin": True,
        "fixedrange": False,
        **more,
    }


FIRST = 250  # steps that an axis shows at first
GROWTH = (1, 2, 4)  # times FIRST, then ten times as many ...: round lengths


def step_axis(cache: "RaceCache", **more: Any) -> Dict:
    """From the start to beyond the present: a round length of a long race, at last the whole."""
    steps, now = cache.race.common.steps, max((run.step for run in cache.runs), default=0)
    lengths = (FIRST * 10**power * by for power in count() for by in GROWTH)
    round_length = next(length for length in lengths if now <= length)
    shown = round_length if 2 * round_length <= steps else steps
    return axis(title="step", range=[0, 1.012 * shown], nticks=7, showgrid=False, ticks="outside",
                ticklen=4, tickcolor="@line", showline=True, **more)  # fmt: skip


def layout(revision: str, **more: Any) -> Dict:
    """The layout all figures share; `revision` stays the same while zoom should be kept."""
    return {
        "uirevision": revision,
        "margin": {"l": 8, "r": 14, "t": 8, "b": 4},
        "paper_bgcolor": "@clear",
        "plot_bgcolor": "@clear",
        "showlegend": False,
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": "@card", "bordercolor": "@line", "namelength": -1,
                       "font": {"size": 12.5, "color": "@text"}},
        "dragmode": "zoom",
        **more,
    }  # fmt: skip


def revision(cache: "RaceCache", *more: str) -> str:
    """A name for this race's picture: zoom and legend choices are kept under it."""
    return " ".join([cache.race_id, *more])


LADDERS = (
    (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0),
    (1.0, 1.5, 2.0, 3.0, 5.0, 7.0),
    (1.0, 2.0, 5.0),
    (1.0, 3.0),
    (1.0,),
)


def log_ticks(values: ArrayLike, most: int = 7) -> list[float]:
    """Round numbers for a logarithmic axis: as many as are useful over the values' range."""
    array = np.asarray(values, dtype=float)
    array = array[np.isfinite(array) & (array > 0)]
    if not array.size:
        return [1.0]
    least, greatest = float(array.min()), float(array.max())
    low, high = np.floor(np.log10(least)), np.ceil(np.log10(greatest))
    for ladder in LADDERS:
        ticks = [step * 10.0**e for e in range(int(low) - 2, int(high) + 3) for step in ladder]
        if sum(least / 1.15 <= tick <= greatest * 1.15 for tick in ticks) <= most:
            return ticks
    stride = int(np.ceil((high - low) / most)) or 1
    return [10.0**e for e in range(int(low) - stride, int(high) + stride + 1, stride)]


FACTORS = (  # up to the first number, these ticks
    (1.35, (1.0, 1.05, 1.1, 1.2, 1.3)),
    (2.4, (1.0, 1.2, 1.5, 2.0)),
    (7.0, (1.0, 1.5, 2.0, 3.0, 5.0)),
    (30.0, (1.0, 2.0, 5.0, 10.0, 20.0)),
    (400.0, (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)),
    (np.inf, tuple(10.0**e for e in range(0, 31, 2))),
)


def factor_ticks(highest: float) -> tuple[list[float], list[str]]:
    """Ticks exact, ×1.5, ×2 ... for a logarithmic axis of factors up to the highest value."""
    chosen = next(ticks for top, ticks in FACTORS if highest <= top or top == np.inf)
    return list(chosen), ["exact", *(f"×{factor:,g}" for factor in chosen[1:])]


def listed(words: Sequence[str]) -> str:
    """a; a and b; a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def percent(fraction: float) -> str:
    """97.6 %."""
    return f"{100 * fraction:.1f} %"


def nats(value: float) -> str:
    """A loss with as many digits as matter: 2.30, 0.077, 120."""
    if not np.isfinite(value):
        return "not a number"
    return (
        f"{value:.0f}"
        if value >= 100
        else f"{value:.2f}"
        if round(value, 2) >= 0.1
        else f"{value:.2g}"
    )


def waiting(cache: "RaceCache", what: str) -> str:
    """Why a figure has no data yet."""
    ended = {run.status for run in cache.runs} & {"failed", "interrupted", "stopped", "diverged"}
    return "The race ended before anything was recorded here." if ended else what

"""What every gain is worth on average: the posterior's error, from the prior's to the batch's."""

import numpy as np

from app.figures.spec import Dict, Spec, axis, chip, layout, line, log_ticks
from app.kalman.averaged import Curve
from app.palette import FILTER

ROWS = (("mean", "error of the mean"), ("var", "error of the variance"))
SMALLEST = 1e-4  # of an error that is drawn; the axis is logarithmic
EDGE = 0.15  # gains so near to an end have their names on the other side
LEAST = 560  # pixels, so that the words of both halves stay apart
HALVES = ([0.0, 0.455], [0.545, 1.0])
IN_USE, BEST, ADAPTIVE = "in use", "best", "adaptive"
MARKS = {  # name -> colour, symbol, size
    BEST: ("@text", "diamond-open", 11),
    ADAPTIVE: ("@observation", "square", 10),
    IN_USE: ("@posterior", "circle", 13),
}


def error_by_gain(curve: Curve, marks: dict[str, tuple[float, float]], note: str = "") -> Spec:
    """Two curves over the gain: of the mean and of the variance.

    Args:
        curve: the averages.
        marks: one of MARKS -> gain of the mean and of the variance; the best are added.
        note: where the averages come from; the curve's own words by default.
    """
    marks = {**marks, BEST: (curve.best_mean, curve.best_var)}
    traces: list[Dict] = []
    axes: dict[str, Dict] = {}
    for half, (what, title) in enumerate(ROWS):
        values = np.maximum(getattr(curve, what), SMALLEST)
        x, y = (f"{letter}{half + 1 if half else ''}" for letter in "xy")
        traces.append(
            line(
                curve.gains,
                values,
                "@posterior",
                width=2.6,
                mode="lines",
                xaxis=x,
                yaxis=y,
                chips=["curve"],
                hovertemplate="%{y:.3g}<extra></extra>",
            )
        )
        traces += points(curve, what, {name: pair[half] for name, pair in marks.items()}, x, y)
        axes |= half_axes(half, title, values)
    said = [
        f"{name}: {mean:.2f} for the mean, {var:.2f} for the variance"
        for name, (mean, var) in marks.items()
    ]
    return {
        "title": "Which gain is best on average?",
        "meaning": "At the left end the prior alone, at the right end the micro-batch alone.",
        "label": f"Error of the posterior by gain. {'; '.join(said)}.",
        "data": traces,
        "layout": layout("filter error", hovermode="closest", annotations=ends(), **axes),
        "legend": [chip("curve", "posterior", "@posterior")],
        "table": {
            "columns": ["gain", *(title for _, title in ROWS)],
            "rows": [[f"{g:.2f}", f"{m:.4g}", f"{v:.4g}"] for g, m, v in
                     zip(curve.gains, curve.mean, curve.var, strict=True)],
        },
        "caption": "Average error of the posterior: mean (estimate − truth)² / true variance, "
        "variance ln(estimate / truth)²",
        "note": note or curve.origin,
        "least": LEAST,
        "tokens": FILTER,
    }  # fmt: skip


def half_axes(half: int, title: str, values: np.ndarray) -> dict[str, Dict]:
    """The axes of the left or the right half."""
    number = str(half + 1) if half else ""
    finite = values[np.isfinite(values)]
    low, high = np.log10(finite.min()), np.log10(finite.max())
    room = max(0.12, 0.18 * (high - low))
    return {
        f"xaxis{number}": axis(
            title="gain q", range=[-0.03, 1.03], domain=HALVES[half], anchor=f"y{number}",
            fixedrange=True, dtick=0.2, showgrid=False, ticks="outside", ticklen=4,
            tickcolor="@line",
        ),
        f"yaxis{number}": axis(
            title=title, type="log", tickmode="array", tickvals=log_ticks(finite, 5),
            exponentformat="none", range=[low - room, high + 1.6 * room], anchor=f"x{number}",
            fixedrange=True,
        ),
    }  # fmt: skip


def ends() -> list[Dict]:
    """Whom the ends of the axis trust."""
    return [
        {"text": words, "xref": "x domain" if half == 0 else "x2 domain", "x": x, "xanchor": side,
         "yref": "paper", "y": 1, "yanchor": "top", "showarrow": False,
         "font": {"size": 12, "color": "@muted"}}
        for half in (0, 1)
        for words, x, side in (("◂ prior alone", 0.01, "left"), ("batch alone ▸", 0.99, "right"))
    ]  # fmt: skip


def points(curve: Curve, what: str, marks: dict[str, float], x: str, y: str) -> list[Dict]:
    """The marked gains on one curve, each with its name."""
    made = []
    for name, (color, symbol, size) in MARKS.items():
        gain = marks.get(name, np.nan)
        error = max(curve.error(what, gain), SMALLEST) if np.isfinite(gain) else np.nan
        if not np.isfinite(error):
            continue
        made.append({
            "type": "scatter", "mode": "markers+text", "x": [gain], "y": [error],
            "xaxis": x, "yaxis": y, "text": [name],
            "textposition": place(name, gain, rises(curve, what, gain)),
            "textfont": {"size": 12.5, "color": "@text"}, "cliponaxis": False,
            "marker": {"color": color, "symbol": symbol, "size": size, "line": {"width": 2,
                       "color": color if symbol.endswith("open") else "@card"}},
            "hovertemplate": f"{name}: q %{{x:.2f}}, error %{{y:.3g}}<extra></extra>",
            "meta": {"chips": [name]},
        })  # fmt: skip
    return made


def rises(curve: Curve, what: str, gain: float) -> bool:
    """Whether the error grows with the gain here."""
    return curve.error(what, gain + 0.03) > curve.error(what, gain - 0.03)


def place(name: str, gain: float, rises: bool) -> str:
    """Where a mark's name stands: off the curve, apart from the others', within the picture."""
    if name == BEST:
        return f"bottom {'right' if gain < EDGE else 'left' if gain > 1 - EDGE else 'center'}"
    if gain < EDGE or gain > 1 - EDGE:
        return "top right" if gain < EDGE else "top left"
    above = name == ADAPTIVE
    return f"{'top' if above else 'bottom'} {'left' if above == rises else 'right'}"

"""Where three filters put the same channel: mean and one standard deviation to each side."""

from app.figures.spec import Dict, Spec, axis, layout
from app.kalman.filters import Placed
from app.kalman.scene import Scene, deviation
from app.palette import FILTER
from bkn.replay import Moments

KNOWN = (("truth", "@text"), ("prior", "@prior"), ("observation", "@observation"))


def three_filters(scene: Scene, placed: list[Placed]) -> Spec:
    """One row for truth, prior, observation and each filter's posterior."""
    moments = {"truth": scene.truth, "prior": scene.prior, "observation": scene.seen}
    rows: list[tuple[str, Moments, str]] = [
        (name.capitalize(), one, color)
        for name, color in KNOWN
        if (one := moments[name]) is not None
    ]
    rows += [(one.label, one.posterior, "@posterior") for one in placed]
    ends = [
        float(one.mean) + side * min(deviation(one), 12 * deviation(scene.seen) + 1e-9)
        for _, one, _ in rows
        for side in (-1, 1)
    ]
    room = 0.06 * (max(ends) - min(ends) or 1.0)
    return {
        "title": "Where does each filter put this channel?",
        "meaning": "Same prior, same micro-batch. Dot: mean. Bar: one standard deviation.",
        "label": "; ".join(f"{n}: {float(m.mean):.2f} ± {deviation(m):.2f}" for n, m, _ in rows),
        "data": [bar(at, *row) for at, row in enumerate(rows)],
        "layout": layout(
            "filter three",
            hovermode="closest",
            margin={"l": 8, "r": 14, "t": 22, "b": 4},
            xaxis=axis(title="value of the channel", range=[min(ends) - room, max(ends) + room],
                       fixedrange=True, nticks=6),
            yaxis=axis(range=[len(rows) - 0.5, -0.6], fixedrange=True, showgrid=False,
                       showticklabels=False, showline=False),
            annotations=[
                {"text": name, "x": 0, "xref": "paper", "xanchor": "left", "y": at - 0.12,
                 "yanchor": "bottom", "showarrow": False, "font": {"size": 12.5, "color": "@text"}}
                for at, (name, _, _) in enumerate(rows)
            ],
        ),
        "table": {
            "columns": ["", "mean", "variance", "standard deviation"],
            "rows": [[name, *(f"{v:.4g}" for v in (float(m.mean), float(m.var), deviation(m)))]
                     for name, m, _ in rows],
        },
        "caption": "Moments of the channel",
        "tokens": FILTER,
    }  # fmt: skip


def bar(at: int, name: str, moments: Moments, color: str) -> Dict:
    """One row: the bar and its dot."""
    mean, sd = float(moments.mean), deviation(moments)
    return {
        "type": "scatter", "mode": "lines+markers", "x": [mean - sd, mean, mean + sd],
        "y": [at + 0.14] * 3, "line": {"color": color, "width": 3},
        "marker": {"color": color, "size": [0.1, 11, 0.1], "opacity": 1, "line": {"width": 0}},
        "hovertemplate": f"{name}: {mean:.3g} ± {sd:.3g}<extra></extra>", "meta": {"chips": [name]},
    }  # fmt: skip

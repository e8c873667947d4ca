"""The filter in slow motion: predict, observe and update of one channel, as one moving picture."""

from collections.abc import Iterable

from app.figures import filter_keys as keys
from app.figures.filter_keys import Frame, Line, bell, folded, key, mixed, on_shelf
from app.figures.spec import Dict, Spec, axis, chip, layout, packed
from app.kalman.scene import Scene, deviation
from app.palette import FILTER
from bkn.replay import Moments

SECONDS = {"predict": 4.5, "observe": 4.0, "update": 4.5}
NAMES = {"predict": "Predict", "observe": "Observe", "update": "Update"}


def story(scene: Scene, stage: str = "update") -> Spec:
    """The moving picture of one update.

    Args:
        scene: its numbers.
        stage: at whose end the picture rests when it is first drawn.
    """
    size = keys.frame(scene)
    traces = list(drawn(scene, size))
    return {
        "title": "What does one update do?",
        "meaning": "How often each value of one channel occurs. The filter never sees the truth.",
        "label": in_words(scene),
        "data": traces,
        "layout": layout(
            "filter",
            margin={"l": 12, "r": 12, "t": 4, "b": 4},
            hovermode=False,
            dragmode=False,
            xaxis=axis(
                title="value of the channel", range=[size.low, size.high], fixedrange=True,
                nticks=9, showgrid=False, ticks="outside", ticklen=4, tickcolor="@line",
            ),
            yaxis=axis(range=[size.floor, size.roof], fixedrange=True, showgrid=False,
                       showticklabels=False, showline=False),
            shapes=list(lanes(scene, size)),
            annotations=list(captions(scene, size)),
        ),
        "legend": [
            chip(name, words, ink(name), dash=dash) for name, words, dash in LEGEND
            if any(name in trace["meta"]["chips"] for trace in traces)
        ],
        "table": table(scene),
        "caption": "Moments of the channel",
        "tokens": FILTER,
        "story": {"at": stage, "stages": stages(scene)},
    }  # fmt: skip


LEGEND = (
    ("truth", "truth", "solid"),
    ("prior", "prior", "dot"),
    ("observation", "observation", "dash"),
    ("posterior", "posterior", "solid"),
)


def drawn(scene: Scene, size: Frame) -> Iterable[Dict]:
    """All traces, with the keyframes in their meta; as they stand at the end."""
    shares = [0.0 if scene.prior is None else 1 - scene.var_gain, scene.var_gain]
    if (values := keys.bars(scene, size)) is not None:
        yield curve("truth", values, [key(0, opacity=0), key(1, opacity=0), key(1.15, opacity=0.7)],
                    fill=0.12, width=0.6, opacity=0.7)  # fmt: skip
    if scene.truth is not None:
        truth = bell(scene.truth, size)
        yield curve("truth", truth, [key(0, opacity=0.25), key(1, opacity=0.25),
                    key(1.15, opacity=1)], fill=0.07, width=1.6)  # fmt: skip
    if scene.below is not None:
        for belief in scene.below.beliefs:
            yield curve("muted", on_shelf(belief, size), [], opacity=0.35, width=1.4)
    yield from travellers(scene, size)
    yield from observed(scene, size)
    if scene.blended and scene.prior is not None:
        for name, of, share in zip(("prior", "observation"), (scene.prior, scene.seen), shares,
                                   strict=True):  # fmt: skip
            yield curve(name, bell(of, size, share), [
                key(2, bell(of, size), 0), key(2.02, opacity=0.9), key(2.4, bell(of, size, share)),
                key(2.6, opacity=0.9), key(2.85, opacity=0),
            ], fill=0.2, width=1.2, opacity=0.0)  # fmt: skip
    yield posterior(scene, size)


def travellers(scene: Scene, size: Frame) -> Iterable[Dict]:
    """Beliefs of the layer below on their way through ReLU and weights into the prior."""
    if scene.prior is None:
        return
    end = bell(scene.prior, size)
    faint = [key(2.35, opacity=1), key(2.7, opacity=0.75)]
    beliefs = scene.below.beliefs if scene.below else ()
    if not beliefs:
        yield curve("prior", end, [key(0, bell(scene.prior, size, 0.0), 0), key(0.3, opacity=1),
                    key(0.9, end), *faint], width=2.4)  # fmt: skip
        return
    for number, belief in enumerate(beliefs):
        start = on_shelf(belief, size)
        cut = folded(start, size)
        last = faint if number == 0 else [key(0.9, opacity=0.6), key(1, opacity=0)]
        yield curve("prior", end, [
            key(0, start, 1), key(0.2, start), key(0.5, cut), key(0.62, cut), key(0.98, end),
            *last,
        ], width=2.4, opacity=0.75 if number == 0 else 0.0)  # fmt: skip


def observed(scene: Scene, size: Frame) -> Iterable[Dict]:
    """Values fall out of the truth, and their mean and variance make the observation."""
    inside, half, fallen = keys.dots(scene, size)
    if len(fallen.x):
        yield {
            "type": "scatter", "mode": "markers", "x": packed(fallen.x), "y": packed(fallen.y),
            "marker": {"size": 7 if len(fallen.x) <= 64 else 5, "color": "@observation/0.7",
                       "line": {"width": 0}},
            "hoverinfo": "skip",
            "meta": {"chips": ["observation"], "keys": [
                key(0, inside, 0), key(1.08, opacity=0), key(1.25, inside, 1), key(1.45, half),
                key(1.65, fallen), key(2.2, opacity=1), key(2.4, opacity=0.75)]},
            "opacity": 0.75,
        }  # fmt: skip
    end = bell(scene.seen, size)
    yield curve("observation", end, [
        key(0, bell(scene.seen, size, 0.0), 0), key(1.6, opacity=0), key(1.66, opacity=1),
        key(1.68, bell(scene.seen, size, 0.0)), key(1.97, end), key(2.35, opacity=1),
        key(2.7, opacity=0.75),
    ], width=2.2, opacity=0.75)  # fmt: skip


def posterior(scene: Scene, size: Frame) -> Dict:
    """Where both shares add up, and the bell with the same mean and variance."""
    end = bell(scene.posterior, size)
    between = mixed(scene, size) if scene.rule == "mixture" and scene.blended else end
    start = between if between is not end else bell(scene.seen, size)
    return curve("posterior", end, [
        key(0, start, 0), key(2.4, opacity=0), key(2.58, start, 1), key(2.66, between),
        key(2.97, end),
    ], fill=0.14, width=3.2)  # fmt: skip


def curve(
    name: str,
    line: Line,
    frames: list[Dict],
    fill: float = 0.0,
    width: float = 2.0,
    opacity: float = 1.0,
) -> Dict:
    """One line with its keyframes; `name` is its colour and its chip."""
    dash = next((dash for chip_name, _, dash in LEGEND if chip_name == name), "solid")
    made: Dict = {
        "type": "scatter", "mode": "lines", "x": packed(line.x), "y": packed(line.y),
        "line": {"color": ink(name), "width": width, "dash": dash}, "hoverinfo": "skip",
        "opacity": opacity, "meta": {"chips": [name], "keys": frames},
    }  # fmt: skip
    return made | ({"fill": "tozeroy", "fillcolor": f"{ink(name)}/{fill}"} if fill else {})


def ink(name: str) -> str:
    """Colour of a role; the truth has that of words."""
    return "@text" if name == "truth" else f"@{name}"


def lanes(scene: Scene, size: Frame) -> Iterable[Dict]:
    """The ground of the bells, the shelf of the layer below, and the ReLU's wall on it."""
    ground = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "line": {"color": "@grid"}}
    yield ground | {"y0": 0, "y1": 0, "line": {"color": "@line", "width": 1}}
    if scene.below is not None:
        yield ground | {"y0": size.shelf, "y1": size.shelf}
        yield {
            "type": "line", "x0": size.shift, "x1": size.shift, "y0": size.shelf, "y1": size.roof,
            "line": {"color": "@line", "width": 1, "dash": "dot"},
        }  # fmt: skip


def captions(scene: Scene, size: Frame) -> Iterable[Dict]:
    """What each lane is."""
    said = [(size.top, "this layer"), (0.0, "its micro-batch" if scene.values is not None else "")]
    if scene.below is not None:
        words = "channels of the layer below (own scale)"
        said.append((size.roof, words if scene.recorded else "the layer below"))
        yield note("ReLU", size.shift, size.shelf) | {"xref": "x", "xanchor": "center"}
    for y, words in said:
        if words:
            yield note(words, 0, y)


def note(words: str, x: float, y: float) -> Dict:
    """Small quiet words at the left end."""
    return {"text": words, "xref": "paper", "x": x, "y": y, "xanchor": "left", "yanchor": "top",
            "showarrow": False, "font": {"size": 12, "color": "@muted"}}  # fmt: skip


def stages(scene: Scene) -> list[Dict]:
    """The three steps with what the caption says while each goes on."""
    n = scene.m
    images = "image" if n == 1 else "images"
    told = {
        "predict": [
            (0, "The layer below holds a belief about its own input."),
            (0.2, "The ReLU cuts away what is below zero."),
            (0.6, "The weights add many of these up: the prior of this layer."),
        ],
        "observe": [
            (0, "The channel over all images, the truth. Nobody in the network sees it."),
            (0.2, f"A micro-batch of {n} {images} is drawn." if n else "A micro-batch is drawn."),
            (0.65, "Its mean and variance are the observation."),
        ],
        "update": [
            (0, f"The prior weighs {1 - scene.gain:.0%}, the observation {scene.gain:.0%}."),
            (0.4, "Both are laid on top of each other."),
            (0.66, "The bell with the same mean and variance is the posterior: it normalizes."),
        ],
    }
    if scene.prior is None:
        told["predict"] = [(0, "No layer below holds a belief, so there is no prior.")]
    if not scene.blended:
        why = "There is no prior" if scene.prior is None else "The gain is 1"
        why = "The guard sets the prior aside" if scene.guarded else why
        told["update"] = [(0, f"{why}: the observation alone normalizes, as in batch norm.")]
    return [
        {"id": stage, "name": NAMES[stage], "seconds": SECONDS[stage],
         "beats": [{"t": t, "words": words.replace("%", " %")} for t, words in told[stage]]}
        for stage in NAMES
    ]  # fmt: skip


def rows(scene: Scene) -> list[tuple[str, Moments]]:
    """Names and moments of all that is drawn."""
    named = (("truth", scene.truth), ("prior", scene.prior), ("observation", scene.seen),
             ("posterior", scene.posterior))  # fmt: skip
    return [(name, one) for name, one in named if one is not None]


def table(scene: Scene) -> Dict:
    """The numbers behind the picture."""
    return {
        "columns": ["", "mean", "variance", "standard deviation"],
        "rows": [[name, *(f"{v:.4g}" for v in (float(one.mean), float(one.var), deviation(one)))]
                 for name, one in rows(scene)],
    }  # fmt: skip


def in_words(scene: Scene) -> str:
    """The picture for those who cannot see it."""
    said = [f"{name} {float(one.mean):.2f} ± {deviation(one):.2f}" for name, one in rows(scene)]
    return f"Bells, mean and standard deviation: {', '.join(said)}."

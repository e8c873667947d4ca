"""Marks on the time axis: what was changed by hand while the race ran, and where a run ended."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bkn.store.cache import RaceCache

SILENT = {"refused", "speed", "step", "resume", "resumed", "running", "finished", "start", "stop",
          "diagnose", "diagnosis"}  # fmt: skip
NEAR = 0.16  # labels closer than this share of the axis would overlap in a narrow chart
WORDS = {"micro_batch": "m", "lr": "lr", "pause": "pause", "paused": "pause"}


def words(kind: str, payload: dict[str, Any]) -> str:
    """Short text of one event: "lr 0.1", "m 4", "pause"."""
    value = payload.get("value", "")
    shown = f"{value:g}" if isinstance(value, int | float) else str(value)
    return f"{WORDS.get(kind, kind)} {shown}".strip()


def changes(cache: "RaceCache") -> list[tuple[int, str]]:
    """(step, words) of everything that was changed by hand, in order."""
    seen = [(e.step, words(e.kind, e.payload)) for e in cache.events if e.kind not in SILENT]
    return sorted(set(seen), key=lambda one: one[0])


def grouped(marks: Iterable[tuple[int, str]], steps: int) -> list[tuple[int, str]]:
    """One label for marks that stand too close to be labelled each; of a kind, the last counts."""
    groups: list[tuple[int, list[str]]] = []
    for step, text in marks:
        if groups and step - groups[-1][0] < NEAR * max(steps, 1):
            texts = groups[-1][1]
            texts[:] = [t for t in texts if t.split()[0] != text.split()[0]] + [text]
        else:
            groups.append((step, [text]))
    return [
        (step, " · ".join(texts if len(texts) < 3 else [texts[0], f"+{len(texts) - 1}"]))
        for step, texts in groups
    ]


def shapes(cache: "RaceCache") -> dict[str, Any]:
    """Layout parts: a thin vertical line for every change, with a short label on top."""
    steps = cache.race.common.steps
    marks = changes(cache)
    lines = [
        {"type": "line", "x0": step, "x1": step, "y0": 0, "y1": 1, "yref": "paper",
         "layer": "below", "line": {"color": "@line", "width": 1, "dash": "dot"}}
        for step, _ in marks
    ]  # fmt: skip
    labels = [
        {"x": step, "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False,
         "text": text, "font": {"size": 12, "color": "@muted"},
         "xanchor": "right" if step > 0.85 * steps else "left" if step < 0.1 * steps else "center"}
        for step, text in grouped(marks, steps)
    ]  # fmt: skip
    return {"shapes": lines, "annotations": labels}


def room(cache: "RaceCache") -> int:
    """Pixels above the plot that the labels need."""
    return 20 if changes(cache) else 8

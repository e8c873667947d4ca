"""The strip of cards: one per entrant, with what it has reached so far."""

from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from app.figures.factors import latest_factors, times
from app.figures.spec import nats
from app.figures.training import smoothed
from app.palette import Ink, inks

if TYPE_CHECKING:
    from bkn.store.cache import RaceCache
    from bkn.store.records import RunRow

STYLE = """<style>
.bkn-cards { display: grid; gap: 10px; grid-template-columns: repeat(VAR, minmax(0, 1fr));
  font-variant-numeric: tabular-nums; }
.bkn-card { border: 1px solid color-mix(in srgb, currentColor 13%, transparent);
  border-radius: 10px; padding: 9px 14px 8px; min-width: 0; font-size: 12.5px; line-height: 1.4;
  background: light-dark(#FFFFFF, color-mix(in srgb, currentColor 4%, transparent)); }
.bkn-card div { display: flex; align-items: center; gap: 8px; }
.bkn-card .who { font-size: 13.5px; font-weight: 600; white-space: nowrap; }
.bkn-card .who span { overflow: hidden; text-overflow: ellipsis; }
.bkn-card .dot { flex: none; width: 11px; height: 11px; border-radius: 50%; }
.bkn-card .big { font-size: 26px; font-weight: 650; line-height: 1.25; flex: none; }
.bkn-card .big small { font-size: 13px; font-weight: 500; }
.bkn-card .side { margin-left: auto; text-align: right; line-height: 1.25; }
.bkn-card .soft { opacity: .72; }
.bkn-card .bad { color: light-dark(#B3261E, #FF8A80); font-weight: 600; }
@media (max-width: 900px) { .bkn-cards { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
</style>"""
BAD = {"diverged", "failed", "interrupted"}


class CardData(NamedTuple):
    """What one card says."""

    ink: Ink
    accuracy: float | None  # fraction of test images
    details: tuple[str, ...]  # loss, estimates
    pace: str  # milliseconds per step; "" where the run broke
    status: str  # in words
    bad: bool
    message: str


def cards(cache: "RaceCache") -> str:
    """HTML of the whole strip, for `st.html`; 1 to 8 entrants in rows of at most 4."""
    drawn = [
        card_html(card_data(cache, run, ink))
        for run, ink in zip(cache.runs, inks(cache.race), strict=True)
    ]
    style = STYLE.replace("VAR", str(columns(len(drawn))))
    return f'{style}<div class="bkn-cards bkn-still">{"".join(drawn)}</div>'


def columns(count: int) -> int:
    """Cards in a row: all up to 4, else rows that are nearly full."""
    return count if count <= 4 else 3 if count in (5, 6) else 4


def card_data(cache: "RaceCache", run: "RunRow", ink: Ink) -> CardData:
    """Collect what is known of one entrant."""
    accuracy = known(run.summary.get("test_accuracy", cache.latest(run.position, "test_accuracy")))
    step_ms = known(cache.latest(run.position, "step_ms"))
    mean = smoothed(cache, run.position)[1]
    mean = mean[np.isfinite(mean)]
    details = [f"loss {nats(float(mean[-1]))}" if len(mean) else "", estimates_off(cache, run)]
    broken = run.status in BAD
    pace = "" if step_ms is None or broken else f"{step_ms:.1f} ms/step"
    said = tuple(filter(None, details))
    return CardData(ink, accuracy, said, pace, status_words(run), broken, run.message)


def known(value: float | None) -> float | None:
    """The number, if one was recorded."""
    return value if value is not None and np.isfinite(value) else None


def estimates_off(cache: "RaceCache", run: "RunRow") -> str:
    """How far off the variance in use is in a typical layer, or why there is no such number."""
    if not cache.race.experiments[run.position].method_card.estimates:
        return "nothing to estimate"
    factors = np.array(list(latest_factors(cache, run.position).values()))
    factors = factors[np.isfinite(factors)]
    return f"estimates {times(float(np.exp(np.log(factors).mean())))} off" if factors.size else ""


def status_words(run: "RunRow") -> str:
    """running; diverged at step 12."""
    if run.status in BAD | {"stopped"}:
        return f"{run.status} at step {run.step:,}"
    return run.status


def card_html(card: CardData) -> str:
    """One card."""
    label = escape(card.ink.label, quote=True)
    big = "–" if card.accuracy is None else f"{100 * card.accuracy:.1f}<small> %</small>"
    hint = f' title="{escape(card.message, quote=True)}"' if card.message else ""
    status = f'<span class="bad">{card.status}</span>' if card.bad else card.status
    side = "<br>".join(filter(None, (status, card.pace)))
    tone = "side" if card.bad else "side soft"
    return f"""<section class="bkn-card" aria-label="{label}"{hint}>
<div class="who"><span class="dot" style="background:{card.ink.css_line}"></span>
<span>{label}</span></div>
<div><span class="big">{big}</span><span class="{tone}">{side}</span></div>
<div class="soft">{" · ".join(card.details) or "no numbers yet"}</div></section>"""

"""The strip of cards: one per entrant, with what it has reached so far."""

from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from app.figures.heat import latest_factors, times
from app.figures.spec import nats
from app.figures.training import smoothed
from app.palette import Ink, inks

if TYPE_CHECKING:
    from bkn.store.cache import RaceCache
    from bkn.store.records import RunRow

STYLE = """<style>
.bkn-cards { display: grid; gap: 10px; grid-template-columns: repeat(VAR, minmax(0, 1fr)); }
.bkn-card { border: 1px solid color-mix(in srgb, currentColor 13%, transparent);
  border-radius: 10px; padding: 9px 14px 8px; min-width: 0; font-size: 12.5px; line-height: 1.4;
  background: light-dark(#FFFFFF, color-mix(in srgb, currentColor 4%, transparent)); }
.bkn-card p { margin: 0; font-size: inherit; line-height: inherit; }
.bkn-card .who { font-size: 13.5px; font-weight: 600; display: flex; align-items: center;
  gap: 8px; white-space: nowrap; }
.bkn-card .who span { overflow: hidden; text-overflow: ellipsis; }
.bkn-card .who svg { flex: none; }
.bkn-card .status { margin-left: auto; font-size: 12.5px; font-weight: 400; flex: none; }
.bkn-card .big { font-size: 26px; font-weight: 650; line-height: 1.2;
  font-variant-numeric: tabular-nums; }
.bkn-card small { font-size: 13px; font-weight: 500; }
.bkn-card .soft { opacity: .72; }
.bkn-card .detail { font-variant-numeric: tabular-nums; }
.bkn-card .bad { color: light-dark(#B3261E, #FF8A80); font-weight: 600; opacity: 1; }
@media (max-width: 900px) { .bkn-cards { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
</style>"""
BAD = {"diverged", "failed", "interrupted"}


class CardData(NamedTuple):
    """What one card says."""

    ink: Ink
    accuracy: float | None  # fraction of test images
    details: tuple[str, ...]
    status: str  # in words
    bad: bool
    message: str


def cards(cache: "RaceCache") -> str:
    """HTML of the whole strip, for `st.html`; 1 to 8 entrants in rows of at most 4."""
    drawn = [card_html(card_data(cache, run, ink))
             for run, ink in zip(cache.runs, inks(cache.race), strict=True)]  # fmt: skip
    style = STYLE.replace("VAR", str(columns(len(drawn))))
    return f'{style}<div class="bkn-cards bkn-still">{"".join(drawn)}</div>'


def columns(count: int) -> int:
    """Cards in a row: all up to 4, else rows that are nearly full."""
    return count if count <= 4 else 3 if count in (5, 6) else 4


def card_data(cache: "RaceCache", run: "RunRow", ink: Ink) -> CardData:
    """Collect what is known of one entrant."""
    known = {
        "accuracy": cache.latest(run.position, "test_accuracy"),
        "step_ms": cache.latest(run.position, "step_ms"),
    }
    accuracy = run.summary.get("test_accuracy", known["accuracy"])
    mean = smoothed(cache, run.position)[1]
    mean = mean[np.isfinite(mean)]
    details = []
    if len(mean):
        details.append(f"loss {nats(float(mean[-1]))}")
    details.append(estimates_off(cache, run))
    if known["step_ms"] is not None and np.isfinite(known["step_ms"]):
        details.append(f"{known['step_ms']:.1f} ms/step")
    return CardData(ink, accuracy if accuracy is not None and np.isfinite(accuracy) else None,
                    tuple(filter(None, details)), status_words(run), run.status in BAD,
                    run.message)  # fmt: skip


def estimates_off(cache: "RaceCache", run: "RunRow") -> str:
    """How far off the variance in use is in a typical layer, or why there is no such number."""
    if not run.experiment.method_card.estimates:
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
    tone = "bad" if card.bad else "soft"
    big = "–" if card.accuracy is None else f"{100 * card.accuracy:.1f}<small> %</small>"
    hint = f' title="{escape(card.message, quote=True)}"' if card.message else ""
    return f"""<div class="bkn-card"{hint}><p class="who"><svg width="11" height="11"
 aria-hidden="true"><circle cx="5.5" cy="5.5" r="5.5" style="fill:{card.ink.css_line}"/></svg>
<span>{escape(card.ink.label)}</span><span class="status {tone}">{card.status}</span></p>
<p class="big" aria-label="test accuracy">{big}</p>
<p class="soft detail">{" · ".join(card.details)}</p></div>"""

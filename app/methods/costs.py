"""What methods cost: buttons that measure it, how far that is, and the figures in words."""

import time
from collections.abc import Sequence

import streamlit as st

from app import watch
from app.lab import lab
from bkn.catalog import METHODS
from bkn.engine.measuring import Measuring, Progress
from bkn.store.costs import Cost
from bkn.store.home import home

TICK = 0.5  # seconds between looks while something is measured
REFUSED = "_cost_refused"


@st.cache_resource(show_spinner=False)
def measuring() -> Measuring:
    """This server's one measurement at a time."""
    return Measuring(home())


def known() -> dict[str, Cost]:
    """The latest measurement of every method."""
    return lab().supervisor.reader.costs()


def start(keys: Sequence[str]) -> None:
    """Begin to measure; a refusal is kept for the page."""
    st.session_state.pop(REFUSED, None)
    try:
        measuring().start(keys)
    except ValueError as refused:
        st.session_state[REFUSED] = str(refused)


def times(ratio: float) -> str:
    """1.24 ×."""
    return f"{ratio:.2f} ×" if ratio < 10 else f"{ratio:.0f} ×"


def where(cost: Cost) -> str:
    """On what and when: 2 threads of cpu, 21 Nov 2026, 14:05."""
    threads = f"{cost.threads} thread{'s' if cost.threads > 1 else ''}"
    device = threads if cost.device == "cpu" else cost.device
    when = time.strftime("%d %b %Y, %H:%M", time.localtime(cost.measured_at)).lstrip("0")
    return f"{device}, {when}"


def in_full(cost: Cost) -> str:
    """The whole sentence of one measurement."""
    return (
        f"A training step took {cost.step_ms:.1f} ms, with PyTorch's batch norm "
        f"{cost.baseline_ms:.1f} ms: medians of {cost.rounds} steps each, in turns, "
        f"{cost.network} at ({cost.batch}, {cost.micro_batch}). "
        f"{where(cost)}, on {cost.machine}."
    )


def bar(shown: Sequence[str]) -> None:
    """Measure all, or how far the measurement is; looks again by itself while one runs."""
    progress = measuring().progress
    watch.refreshing(lambda: _bar(shown, progress), TICK if progress.running else None)
    about(progress)


def _bar(shown: Sequence[str], first: Progress) -> None:
    now = measuring().progress
    if (now.running, now.done, now.failures) != (first.running, first.done, first.failures):
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key="measuring"):
        if not now.running:
            st.button(
                "Measure all" if len(shown) == len(METHODS) else f"Measure these {len(shown)}",
                "measure_all", icon=":material/timer:", on_click=start, args=(list(shown),),
                disabled=not shown,
                help="Times a training step of every method against PyTorch's batch norm, "
                "one to two seconds each.",
            )  # fmt: skip
            return
        title = METHODS[now.method].title if now.method else "getting ready"
        words = f"{title}, {now.number} of {now.of}" if now.method else title
        st.html(f'<p class="bkn-shown" role="status">Measuring: {words}</p>')
        st.button("Cancel", "measure_cancel", icon=":material/close:", on_click=cancel)


def cancel() -> None:
    """End the measurement; what is measured stays."""
    measuring().cancel()


def about(progress: Progress) -> None:
    """What was refused, what failed, and what disturbs the figures."""
    if refused := st.session_state.get(REFUSED):
        st.error(refused)
    for key, why in progress.failures.items():
        title = METHODS[key].title if key in METHODS else key
        st.error(f"{title} could not be measured: {why}")
    if progress.running and lab().supervisor.reader.active_races():
        st.caption(
            ":material/warning: A race is running on this machine: it disturbs the figures. "
            "Measure again when it is over."
        )

"""The pulse of a page that refreshes by itself: the browser notices when refreshes stay away.

Streamlit tells a browser once per run of the whole page how often to ask for a refresh, and the
browser forgets the last order as soon as it hears of the new run. What a run has said is thrown
away when the next one begins before it was sent (AppSession ignores what a runner says that is not
the current one), so on a busy machine the order may never arrive: the page then stands still while
its race goes on. So every refresh brings the browser this sign of life, too; when none has come
for a while the browser says so, and the whole page is drawn anew.
"""

import time

import streamlit as st

LEAST = 8.0  # seconds without a refresh after which something is wrong
REFRESHES = 5  # how many of them have to stay away, at least
SILENT = "_silent"  # key of whether the browser has missed refreshes

SCRIPT = """
export default ({ data, parentElement, setTriggerValue }) => {
  const root = parentElement.querySelector("i");
  clearInterval(root.bknWaits);
  if (!data.patience) return;
  const waits = setInterval(() => setTriggerValue("silent", data.at), 1000 * data.patience);
  root.bknWaits = waits;
  return () => clearInterval(waits);
};
"""


def beat(tick: float | None) -> None:
    """Give a sign of life; call it at every refresh, in the part of the page that refreshes.

    Args:
        tick: seconds between refreshes, None where the page rests and owes none.
    """
    # Declared at every call, as the live figure is.
    mount = st.components.v2.component("bkn_pulse", html="<i></i>", js=SCRIPT, isolate_styles=False)
    patience = 0.0 if tick is None else max(LEAST, REFRESHES * tick)
    with st.container(key="pulse"):
        mount(
            key="refreshes",
            data={"patience": patience, "at": 0.0 if tick is None else time.monotonic()},
            on_silent_change=_missed,
        )


def missed() -> bool:
    """Whether the browser has just said that refreshes stay away."""
    return bool(st.session_state.pop(SILENT, False))


def _missed() -> None:
    st.session_state[SILENT] = True

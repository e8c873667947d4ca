"""The live figure: one Streamlit component that draws with Plotly.react and is never rebuilt.

`st.plotly_chart` mounts anew at every refresh and loses zoom and legend choice. This component
sends the figure as data; its script (app/panel/) updates what is already on the page.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st

from app.figures.spec import Spec
from app.published import published

# The loader travels with every refresh, so it is short; the real script is a static file.
LOADER = """
const index = document.querySelector('script[src*="static/js/"]');
const root = new URL("app/static/", index ? new URL("../../", index.src) : document.baseURI);
export default async (component) => {
  const { show } = await import(new URL("FOLDER/main.js", root).href);
  return show(component, new URL("plotly.min.js", root).href);
};
"""


def loader() -> str:
    """The script that Streamlit hands to the browser; publishes the static files first."""
    return LOADER.replace("FOLDER", published())


class Pick(str):
    """The layer that was clicked; `entrant` is the position of the method it was clicked at."""

    entrant: int | None = None

    @classmethod
    def of(cls, sent: dict[str, Any]) -> "Pick":
        """From what the browser sent."""
        pick = cls(sent["layer"])
        pick.entrant = sent.get("entrant")
        return pick


SCRIPT = loader()


def figure(
    key: str,
    spec: Spec,
    *,
    title: str | None = None,
    meaning: str | None = None,
    height: int = 300,
    explain: bool = True,
    on_pick: Callable[[Pick], None] | None = None,
    on_stage: Callable[[str], None] | None = None,
) -> None:
    """Show or update one live figure.

    Args:
        key: stable; the element is found as `.st-key-<key>`.
        spec: from `app.figures`, or any dict with Plotly's `data` and `layout`.
        title: the question the figure answers; the spec's own by default.
        meaning: one line, what am I seeing?; the spec's own by default.
        height: of the whole panel, in pixels.
        explain: whether the line of meaning is shown.
        on_pick: called with the layer that was clicked, before the page or fragment runs again.
        on_stage: likewise, with the stage of its story at which a figure was stopped.
    """
    callbacks: dict[str, Any] = {}
    if on_pick is not None:
        pick = on_pick
        callbacks["on_pick_change"] = lambda: pick(Pick.of(st.session_state[key]["pick"]))
    if on_stage is not None:
        stage = on_stage
        callbacks["on_stage_change"] = lambda: stage(st.session_state[key]["stage"])
    # Declared at every call: before 1.66 Streamlit forgets it when its runtime is made anew.
    mount = st.components.v2.component(
        "bkn_figure", html='<div class="bkn-root"></div>', js=SCRIPT, isolate_styles=False
    )
    mount(
        key=key,
        data={
            "key": key,
            "spec": spec,
            "title": spec.get("title", "") if title is None else title,
            "meaning": (spec.get("meaning", "") if meaning is None else meaning) if explain else "",
            "height": height,
            "pickable": on_pick is not None,
            "tells": on_stage is not None,
        },
        height="content",
        **callbacks,
    )

"""Layers: what does one layer believe, and is it right?"""

import streamlit as st

from app import watch
from app.lab import lab
from app.layers import board, controls, diagnostics, scene, words

scene.enter({name: st.query_params.get_all(name) for name in st.query_params}, lab())
first = scene.look(lab())
pace = first.tick, first.race_id


def now() -> None:
    """The part of the page that refreshes by itself."""
    view = scene.look(lab())
    st.html(f'<p class="bkn-still bkn-sentence">{words.sentence(view)}</p>')
    if wrong := st.session_state.get(scene.WRONG):
        st.warning("In the link: " + "; ".join(dict.fromkeys(wrong)))
    controls.top(view)
    if view.snapshot is None:
        st.info(words.nothing(view))
    else:
        board.draw(view, view.snapshot, controls.timeline(view))
    diagnostics.more(lab(), view)
    scene.leave(view)
    watch.keep_pace(pace, (view.tick, view.race_id))


watch.refreshing(now, pace[0])

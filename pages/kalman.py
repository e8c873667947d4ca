"""Kalman: how does the filter work?"""

import streamlit as st

from app import forms
from app.figures.filter_error import error_by_gain
from app.figures.filter_story import story
from app.kalman import averaged, following, free, kept, picking, recorded, said, sidebar
from app.kalman.said import gains
from app.kalman.steps import steps
from app.kalman.three import three
from app.lab import lab
from app.live import figure

forms.hold()
settings = kept.settings()
kept.hear()
picked: picking.Picked | str = ""
with st.sidebar:
    if sidebar.source() == "recorded":
        picked = picking.pick(lab())
    else:
        sidebar.sliders()
st.html('<p class="bkn-sentence one">How does the filter work?</p>')
kept.complain()
if picked:
    following.follow(lab(), picked)
if isinstance(picked, picking.Picked):
    scene = picked.scene
    layout, arrays = picked.snapshot.layer(picked.label)
    curve = recorded.curve(layout, arrays, picked.index)
    st.html(f'<p class="bkn-shown"><b>Recorded:</b> {picking.about(picked)}</p>')
elif picked:
    st.info(picked)
    kept.keep()
    st.stop()
else:
    scene, curve = free.scene(settings), averaged.curve(settings)
st.html(f'<p class="bkn-still bkn-sentence">{said.outcome(scene)}</p>')
with st.container(key="filter"):
    with st.container(key="filter_picture"):
        figure(
            "fig_filter", story(scene, settings["stage"]), height=570,
            on_stage=lambda stage: kept.change(stage=stage),
        )  # fmt: skip
    with st.container(key="filter_steps"):
        steps(scene)
if curve is None:
    st.info("A layer without a prior has nothing to weigh: every gain gives the observation.")
else:
    figure("fig_q", error_by_gain(curve, gains(scene), said.origin(curve, scene)), height=340)
st.html('<h2 class="bkn-part">One update, three filters</h2>')
three(scene)
kept.keep()

"""Kalman: how does the filter work?"""

import streamlit as st

from app import forms
from app.figures.filter_error import IN_USE, error_by_gain
from app.figures.filter_story import story
from app.kalman import averaged, free, said, sidebar
from app.kalman.steps import steps
from app.live import figure

forms.hold()
settings = sidebar.settings()
with st.sidebar:
    sidebar.source()
    sidebar.sliders()
scene = free.scene(settings)
curve = averaged.curve(settings)

st.html('<p class="bkn-sentence one">How does the filter work?</p>')
if wrong := st.session_state.get(sidebar.WRONG):
    st.warning("In the link: " + "; ".join(wrong))
st.html(f'<p class="bkn-still bkn-sentence">{said.outcome(scene)}</p>')
with st.container(key="filter"):
    with st.container(key="filter_picture"):
        figure("fig_filter", story(scene, settings["stage"]), height=560,
               on_stage=lambda stage: sidebar.change("stage", stage))  # fmt: skip
    with st.container(key="filter_steps"):
        steps(scene)
figure("fig_q", error_by_gain(curve, {IN_USE: (scene.gain, scene.var_gain)}), height=330)
sidebar.keep()

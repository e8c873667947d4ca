"""The pages of the app, so that one can lead to another."""

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

PAGES = Path(__file__).resolve().parents[1] / "pages"


def race() -> StreamlitPage:
    """Home."""
    return st.Page(PAGES / "race.py", title="Race", icon=":material/flag:", default=True)


def layers() -> StreamlitPage:
    """What one layer believes."""
    return st.Page(PAGES / "layers.py", title="Layers", icon=":material/layers:")


def claims() -> StreamlitPage:
    """What the papers say, put to the test."""
    return st.Page(PAGES / "claims.py", title="Claims", icon=":material/fact_check:")


def batch_size() -> StreamlitPage:
    """Where each method breaks."""
    return st.Page(PAGES / "batch_size.py", title="Batch size", icon=":material/grid_on:")


def methods() -> StreamlitPage:
    """The catalogue."""
    return st.Page(PAGES / "methods.py", title="Methods", icon=":material/grid_view:")


def kalman() -> StreamlitPage:
    """The filter in slow motion."""
    return st.Page(PAGES / "kalman.py", title="Kalman", icon=":material/blur_on:")

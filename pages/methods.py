"""Methods: what can normalize here, and over what does each method average?"""

import streamlit as st

from app import forms
from app.methods import costs, link
from app.methods.gallery import gallery
from app.methods.sheet import sheet
from bkn.catalog import METHODS

forms.hold()
url = {name: st.query_params.get_all(name) for name in st.query_params}
method, filters, wrong = link.read(url)
known = costs.known()

st.html('<p class="bkn-sentence one">What can normalize here, and over what does each average?</p>')
if wrong:
    st.warning("In the link: " + "; ".join(wrong))
with st.container(horizontal=True, vertical_alignment="center", key="methods_top"):
    chosen = st.pills(
        "Show only", list(link.FILTERS), selection_mode="multi", default=filters, key="show",
        format_func=lambda name: link.FILTERS[name][0], label_visibility="collapsed",
    )  # fmt: skip
    cards = link.passing(chosen)
    costs.bar(list(cards))
if chosen != filters:
    if chosen:
        st.query_params["show"] = ",".join(chosen)
    else:
        st.query_params.pop("show", None)
opened = method or link.BASELINE
with st.container(key="catalogue"):
    with st.container(key="gallery"):
        if not cards:
            st.info("No method is all of that. Switch a filter off.")
        gallery(cards, opened, known)
    with st.container(key="sheet"):
        sheet(METHODS[opened], known.get(opened))

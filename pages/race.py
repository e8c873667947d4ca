"""Race: what happens when these methods train on these micro-batches?"""

import streamlit as st

from app import address, forms, notices, transport, watch
from app.lab import lab

url = {name: st.query_params.get_all(name) for name in st.query_params}
forms.seed(url, watch.asked_race(lab(), url))
with st.sidebar:
    forms.sidebar(address.hidden(url))
wanted = forms.wanted()
forms.keep(wanted.values)
first = watch.look(lab())
transport.apply_changes(lab(), first, wanted)


def now() -> None:
    """The part of the page that refreshes by itself."""
    view = watch.look(lab())
    if (view.tick, view.race_id) != (first.tick, first.race_id):
        st.rerun()
    with view.watched.lock:
        transport.row(lab(), view, wanted)
        notices.about_settings(view, wanted)
        notices.about_race(lab(), view)


watch.refreshing(now, first.tick)

"""Race: what happens when these methods train on these micro-batches?"""

import streamlit as st

from app import address, board, forms, notices, transport, watch
from app.cards import cards
from app.lab import lab
from app.sentence import plain_words

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
    transport.row(lab(), view, wanted)
    notices.about_settings(view, wanted)
    notices.about_race(lab(), view)
    explain = watch.switches(view)
    st.html(f'<p class="bkn-still bkn-sentence">{plain_words(view.picture)}</p>')
    st.html(cards(view.picture))
    estimates, training = st.columns([62, 38], gap="small")
    with estimates:
        board.estimates(view.picture, explain)
    with training:
        board.training(view.picture, explain)
    board.filter_group(view.picture, explain)
    if (view.tick, view.race_id) != (first.tick, first.race_id):
        st.rerun()  # the whole page, at its new pace


watch.refreshing(now, first.tick)

"""Race: what happens when these methods train on these micro-batches?"""

import streamlit as st

from app import board, forms, notices, transport, watch, whose
from app.cards import cards
from app.lab import lab
from app.sentence import plain_words

whose.take(whose.RACE)
url = {name: st.query_params.get_all(name) for name in st.query_params}
if watch.RUN not in st.session_state:
    st.session_state[watch.RUN] = url.get("run", [""])[-1]
    forms.seed(url, watch.race_of(lab(), st.session_state[watch.RUN]))
with st.sidebar:
    forms.sidebar()
wanted = forms.wanted()
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
    forms.keep(wanted.values, board.looks(view.picture), st.session_state[watch.RUN])
    watch.warm_when_seen(lab(), view)
    watch.keep_pace((first.tick, first.race_id), (view.tick, view.race_id))


watch.refreshing(now, first.tick)

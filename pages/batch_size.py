"""Batch size: where does each method break?"""

import streamlit as st

from app import downloads, watch
from app.batch_size import board, form, plan, scene, transport
from app.batch_size.words import sentence
from app.lab import lab

scene.enter({name: st.query_params.get_all(name) for name in st.query_params}, lab())
first = scene.look(lab())
with st.sidebar:
    form.sidebar()
wanted = form.wanted()
pace = downloads.soonest(plan.tick(lab(), wanted) or first.tick)


def now() -> None:
    """The part of the page that refreshes by itself."""
    view = scene.look(lab())
    board.open_clicked()
    transport.row(lab(), view, wanted)
    plan.line(lab(), wanted, view)
    transport.notices(view, wanted)
    said = view.watched.made(
        ("said", view.at, view.baseline, view.moving),
        lambda: sentence(view.table, view.at, view.baseline, view.moving),
    )
    st.html(f'<p class="bkn-still bkn-sentence">{said}</p>')
    explain = board.switches(lab(), view)
    board.draw(view, explain)
    form.keep(wanted.values, scene.looks(view), st.session_state[scene.SWEEP])
    now_pace = downloads.soonest(plan.tick(lab(), wanted) or view.tick)
    watch.keep_pace((pace, first.sweep_id), (now_pace, view.sweep_id))


watch.refreshing(now, pace)

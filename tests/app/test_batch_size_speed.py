"""With 1,000 finished runs in the store the Batch size page opens within a second."""

import time

import streamlit as st
from streamlit.testing.v1 import AppTest

from bkn.sweep import Sweep
from tests.app.conftest import ROOT
from tests.app.sweep_tables import lively
from tests.patience import PATIENCE, assert_fast
from tests.sweeps import write_sweep

THOUSAND = Sweep(
    methods=("batch", "group", "kalman", "layer", "frn"), micro_batches=(1, 2, 4, 8, 64),
    lrs=(0.02, 0.1), seeds=tuple(range(20)), common={"epochs": 1},
)  # fmt: skip


def test_a_thousand_runs_are_on_the_page_within_a_second(open_page, home):
    open_page("batch_size")  # what is imported once per server
    write_sweep(home, THOUSAND, lively, "thousand")
    st.cache_resource.clear()  # as in a server that has just started
    page = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=PATIENCE)
    page.switch_page(str(ROOT / "pages" / "batch_size.py"))
    page.query_params["sweep"] = "thousand"
    began = time.perf_counter()
    page.run()
    seconds = time.perf_counter() - began
    assert not page.exception
    shown = " ".join(one.proto.body for one in page.get("html"))
    assert "finished · 1,000 of 1,000 runs" in shown
    assert_fast("a page with 1,000 finished runs, its server just started", seconds, 1)

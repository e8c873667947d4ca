"""The Layers page without a browser: opening it, and reading what it shows."""

from pathlib import Path

import streamlit as st
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]
STEPS = (0, 30, 60, 90, 120, 150, 180, 210)


def open_page(home: Path, run: str = "synthetic", **query: str) -> AppTest:
    """The page of a race in the store, as a link shows it."""
    st.cache_resource.clear()
    page = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=30)
    page.switch_page(str(ROOT / "pages" / "layers.py"))
    for name, value in ({"run": run} | query).items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def said(page: AppTest) -> str:
    """All words that are no figure."""
    boxes = [*page.get("html"), *page.info, *page.warning, *page.error]
    return " ".join(str(getattr(box, "value", "") or box.proto.body) for box in boxes)

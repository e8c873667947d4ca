"""BKN Lab's front door: `streamlit run app/main.py` serves the pages of the folder pages/."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:  # so that a plain clone starts from any folder
    sys.path.insert(0, str(ROOT))

import streamlit as st  # noqa: E402 - after the path is mended

from app import pages  # noqa: E402
from app.lab import freeze_imports, lab  # noqa: E402

st.set_page_config("BKN Lab", page_icon=ROOT / "assets" / "logo.svg", layout="wide")
st.html(ROOT / "app" / "style.css")

lab()
freeze_imports()
page = st.navigation(
    [
        pages.race(),
        pages.layers(),
        pages.batch_size(),
        pages.claims(),
        pages.kalman(),
        pages.methods(),
    ]
)
page.run()

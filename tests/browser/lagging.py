"""The app as on a busy machine: what it says leaves the server late, and some of it never.

`python -m tests.browser.lagging SECONDS run app/main.py ...`, else as `streamlit`. Streamlit sends
what a run has said every few milliseconds, and throws away what is left when the next run begins;
where processors are busy those milliseconds grow. Here they have grown.
"""

import sys

from streamlit.runtime import runtime
from streamlit.web import cli

if __name__ == "__main__":
    runtime.MESSAGE_FLUSH_INTERVAL_SECS = float(sys.argv[1])
    cli.main(sys.argv[2:], prog_name="streamlit")

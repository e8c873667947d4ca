"""The app as on a busy machine: what it says leaves the server late, and some of it never.

`python -m tests.browser.lagging SECONDS LOST run app/main.py ...`, else as `streamlit`. Streamlit
sends what a run has said every few milliseconds, and throws away what is left when the next run
begins; where processors are busy those milliseconds grow. Here they have grown to SECONDS, and
with LOST 1 every second order to refresh a page is among what was thrown away.
"""

import sys
from itertools import cycle

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import app_session, runtime
from streamlit.web import cli


def lose_orders() -> None:
    """Let every second order to refresh a page never leave the server."""
    send, arrives = app_session.AppSession._enqueue_forward_msg, cycle([True, False])

    def enqueue(session: app_session.AppSession, message: ForwardMsg) -> None:
        if not message.HasField("auto_rerun") or next(arrives):
            send(session, message)

    app_session.AppSession._enqueue_forward_msg = enqueue


if __name__ == "__main__":
    seconds, lost, *arguments = sys.argv[1:]
    if float(seconds):
        runtime.MESSAGE_FLUSH_INTERVAL_SECS = float(seconds)
    if int(lost):
        lose_orders()
    cli.main(arguments, prog_name="streamlit")

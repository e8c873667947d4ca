"""Whose browser this is: a reload stays the same visitor, another browser is another one.

Streamlit gives each browser a random token against forged requests, masked anew in every answer;
unmasked, it is all that is needed to tell visitors apart without asking them to log in.
"""

import hashlib

import streamlit as st

COOKIE = "_streamlit_xsrf"  # "2|mask|masked token|time", bytes as hex


def visitor() -> str:
    """The visitor's mark; "" where the browser keeps no cookie, and all such are one visitor."""
    return mark_of(st.context.cookies.get(COOKIE, ""))


def mark_of(cookie: str) -> str:
    """The mark within a cookie, "" if it is not of the known form."""
    try:
        _, mask, masked, _ = cookie.split("|")
        pairs = zip(bytes.fromhex(mask) * 16, bytes.fromhex(masked), strict=False)
        token = bytes(a ^ b for a, b in pairs)
    except ValueError:
        return ""
    return hashlib.sha256(token).hexdigest()[:12]

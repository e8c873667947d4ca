"""Pages without a browser: opening the Race page, pressing buttons, reading what is shown."""

import json


def said(page):
    """All that the page says in callouts and captions."""
    boxes = (*page.error, *page.warning, *page.info, *page.caption)
    return " | ".join(box.value for box in boxes)


def open_page(page, **url):
    for name, value in url.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def link(page, name):
    """A query parameter of the page, as text or, where it repeats, as a list."""
    return page.query_params.get(name)


def click(page, key):
    page.button(key=key).click().run()
    assert not page.exception


def html(page):
    """All of the page's HTML."""
    return " ".join(one.proto.body for one in page.get("html"))


def figure(page, key):
    """What a live figure was sent."""
    for one in page.get("bidi_component"):
        found = json.loads(one.proto.json) if one.proto.HasField("json") else {}
        if found.get("key") == key:
            return found["spec"]
    raise AssertionError(f"no figure {key}")

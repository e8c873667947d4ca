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


def text(page):
    """All words in the page's HTML, that of its Markdown too."""
    return html(page) + " ".join(one.value for one in page.markdown)


def sent(page):
    """What each live figure was sent, by its key."""
    protos = [one.proto for one in page.get("bidi_component")]
    found = [json.loads(proto.json) for proto in protos if proto.HasField("json")]
    return {one["key"]: one for one in found if "key" in one}


def figure(page, key):
    """The picture that a live figure was sent."""
    return sent(page)[key]["spec"]

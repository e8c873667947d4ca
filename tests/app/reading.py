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


def widgets(page):
    """All that has a value."""
    kinds = (page.slider, page.select_slider, page.selectbox, page.segmented_control, page.toggle,
             page.number_input, page.text_input, page.multiselect)  # fmt: skip
    return [one for kind in kinds for one in kind]


def turned(widgets, name):
    """The widget of a setting, in whatever turn it is (see app/widgets.py)."""
    return next(one for one in widgets if (one.key or "").partition("~")[0] == name)


def shown(page):
    """What a browser shows now: the value of each widget, by the widget's identity."""
    return {one.proto.id: one.value for one in widgets(page)}


def echo(page, before):
    """The next run, of a browser that has heard nothing of the last ones' orders.

    A widget that it showed already still shows what it showed `before`; one that is new to it
    begins with its default. Whoever is slow, or was told while the next run began, is such a one.
    """
    for one in widgets(page):
        if one.proto.id in before:
            one.set_value(before[one.proto.id])
    page.run()
    assert not page.exception

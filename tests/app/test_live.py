"""The live figure as Streamlit sends it: data only, short, stable; what a click brings back."""

import json

from streamlit.testing.v1 import AppTest

from app.live import Pick, loader


def script():
    from app import figures, live
    from tests.app.fake_cache import lively

    cache = lively()
    live.figure("fig_loss", figures.loss(cache), height=250)
    live.figure("fig_error", figures.error_heat(cache), title="Mine?", explain=False,
                on_pick=lambda layer: None)  # fmt: skip


def sent(test):
    """What each component got, by its key."""
    protos = [element.proto for element in test.get("bidi_component")]
    data = [json.loads(proto.json or proto.mixed.json) for proto in protos]
    return {one["key"]: (proto, one) for proto, one in zip(protos, data, strict=True)}


def test_figures_are_sent_as_data_with_their_words():
    test = AppTest.from_function(script).run()
    assert not test.exception
    figures = sent(test)
    _, loss = figures["fig_loss"]
    assert (loss["title"], loss["height"], loss["pickable"]) == ("Is it learning?", 250, False)
    assert loss["meaning"]
    assert loss["spec"]["data"]
    _, error = figures["fig_error"]
    assert (error["title"], error["meaning"], error["pickable"]) == ("Mine?", "", True)


def test_the_script_that_travels_with_every_refresh_is_short_and_always_the_same():
    first, second = (sent(AppTest.from_function(script).run()) for _ in range(2))
    for key, (proto, _) in first.items():
        assert len(proto.js_content) + len(proto.css_content) + len(proto.html_content) < 1000
        assert proto.js_content == second[key][0].js_content
        assert proto.id == second[key][0].id
    assert "plotly.min.js" in loader()
    assert "FOLDER" not in loader()


def test_a_pick_is_the_layer_and_knows_its_method():
    pick = Pick.of({"layer": "layer3", "entrant": 2})
    assert (pick, pick.entrant) == ("layer3", 2)
    assert Pick.of({"layer": "layer3"}).entrant is None

"""The three steps beside the picture: what each does in plain words, and its equations."""

import streamlit as st

from app.figures.filter_story import NAMES
from app.kalman import equations
from app.kalman.equations import number
from app.kalman.scene import Scene


def steps(scene: Scene) -> None:
    """Three cards; the picture marks the one it shows."""
    told = {"predict": predict, "observe": observe, "update": update}
    formulas = {
        "predict": equations.predict, "observe": equations.observe, "update": equations.update,
    }  # fmt: skip
    for place, (stage, words) in enumerate(told.items()):
        with st.container(key=f"stage_{stage}"):
            st.html(
                f'<h3 class="bkn-stage"><span>{place + 1}</span>{NAMES[stage]}</h3>'
                f'<p class="bkn-told">{words(scene)}</p>'
            )
            for formula in formulas[stage](scene):
                st.latex(formula)


def predict(scene: Scene) -> str:
    """Where the prior comes from."""
    if scene.prior is None:
        return "The first layer has no layer with a belief below it, so there is no prior."
    return (
        "The layer below holds a belief about its own input. Passed through the ReLU and the real "
        "weights, it says what this layer should see. It costs no image."
    )


def observe(scene: Scene) -> str:
    """What a micro-batch is worth."""
    if not scene.m:
        return "The images of one micro-batch are averaged."
    images = "One image is" if scene.m == 1 else f"{scene.m} images are"
    values = f"{scene.places} values" if scene.places > 1 else "one value"
    said = f"{images} looked at, {values} per image."
    if scene.noise is None:
        return said
    return f"{said} The mean of so few misses the truth by {number(scene.noise**0.5)} typically."


def update(scene: Scene) -> str:
    """How both are weighed."""
    if scene.set_aside:
        return (
            "The prior's variance is 100 times the observed one or more: the guard sets it aside. "
            "The gain in force is 1, and the observation normalizes alone."
        )
    if scene.prior is None:
        return "Without a prior the observation normalizes alone, as in batch norm: gain 1."
    return (
        f"The observation gets the weight q = {number(scene.gain)}, the prior the rest. The last "
        "term counts how far the two means lie apart. The posterior normalizes."
    )

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
        return "No layer with a belief lies below this one, so it has no prior."
    if scene.own_past:
        return "No layer with a belief lies below: the prior is what this layer saw in the past."
    said = (
        "The layer below holds a belief about its own input. Passed through the ReLU and the real "
        "weights, it says what this layer should see. It costs no image."
    )
    if scene.recorded and scene.below is None:
        said = "The layers below predicted these moments; what they handed on was not recorded."
    return f"{said} Here without the bias that earlier steps showed." if scene.corrected else said


def observe(scene: Scene) -> str:
    """What a micro-batch is worth."""
    images = "One image is" if scene.m == 1 else f"{scene.m} images are"
    values = f"{scene.places} values" if scene.places > 1 else "one value"
    said = f"{images} looked at, {values} per image."
    if scene.noise is None:
        return said
    return f"{said} The mean of so few misses the truth by {number(scene.noise**0.5)} typically."


def update(scene: Scene) -> str:
    """How both are weighed."""
    if scene.guarded and scene.recorded:
        return (
            "The guard set the prior aside: averaged over the layer, the prior's variances were "
            "100 times the observed ones or more. The gain in force is 1."
        )
    if scene.guarded:
        return (
            "The prior's variance is 100 times the observed one or more: the guard sets it aside. "
            "The gain in force is 1, and the observation normalizes alone."
        )
    if scene.set_aside:
        return "The gain is set to 1: the prior has no weight, and this is batch norm."
    if not scene.blended:
        return "Without a prior the observation normalizes alone, as in batch norm: gain 1."
    if scene.gain != scene.var_gain:
        return (
            "The prior and the observation are weighed by two gains: "
            f"{number(scene.gain)} for the mean, {number(scene.var_gain)} for the variance. The "
            "posterior normalizes."
        )
    return (
        f"The observation gets the weight q = {number(scene.gain)}, the prior the rest. The last "
        "term counts how far the two means lie apart. The posterior normalizes."
    )

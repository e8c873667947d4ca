"""The filter's equations with the numbers of a scene, as LaTeX, and what each step means."""

from app.kalman.scene import Scene
from bkn.replay import Moments

PRIOR, SEEN, POSTERIOR = "#785EF0", "#0072B2", "#008A65"  # CSS makes them fit the dark theme
MEAN_PRIOR, VAR_PRIOR = r"\mu^{\text{prior}}", r"\sigma^{2\,\text{prior}}"


def number(value: float) -> str:
    """As many digits as matter: 0.31, 12.4, 130, 0.0042, 7.6 times 10 to the -5."""
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}".replace(",", r"\,")
    if size >= 10:
        return f"{value:.1f}"
    if 0 < size < 0.001:
        digits, power = f"{value:.1e}".split("e")
        return rf"{digits} \cdot 10^{{{int(power)}}}"
    return f"{value:.2f}" if size >= 0.1 or size == 0 else f"{value:.2g}"


def signed(value: float) -> str:
    """A number inside a formula: brackets around what is negative."""
    shown = number(value)
    return f"({shown})" if shown.startswith("-") else shown


def inked(color: str, formula: str) -> str:
    """In the colour of its role."""
    return rf"\textcolor{{{color}}}{{{formula}}}"


def predict(scene: Scene) -> list[str]:
    """How the prior comes about."""
    if scene.prior is None:
        return []
    mean = inked(PRIOR, number(float(scene.prior.mean)))
    var = inked(PRIOR, number(float(scene.prior.var)))
    below = scene.below
    if below is None or below.rectified is None:
        return [rf"{MEAN_PRIOR} = {mean}", rf"{VAR_PRIOR} = {var}"]
    e, v = float(below.rectified.mean), float(below.rectified.var)
    return [
        rf"{MEAN_PRIOR} = \textstyle\sum w \cdot \mathrm E[\mathrm{{ReLU}}] = "
        rf"{signed(below.total)} \cdot {number(e)} = {mean}",
        rf"{VAR_PRIOR} = \textstyle\sum w^2 \cdot \mathrm{{Var}}[\mathrm{{ReLU}}] = "
        rf"{signed(below.squares)} \cdot {number(v)} = {var}",
    ]


def observe(scene: Scene) -> list[str]:
    """What the micro-batch says."""
    count = scene.m * scene.places
    n = str(count) if count else "n"
    mean = inked(SEEN, number(float(scene.seen.mean)))
    var = inked(SEEN, number(float(scene.seen.var)))
    return [
        rf"\bar x = \tfrac{{1}}{{{n}}} \textstyle\sum x = {mean}",
        rf"s^2 = \tfrac{{1}}{{{n}}} \textstyle\sum (x - \bar x)^2 = {var}",
    ]


def update(scene: Scene) -> list[str]:
    """How both become the posterior."""
    mean = inked(POSTERIOR, number(float(scene.posterior.mean)))
    var = inked(POSTERIOR, number(float(scene.posterior.var)))
    if scene.prior is None or scene.set_aside:
        return [rf"\hat\mu = \bar x = {mean}", rf"\hat\sigma^2 = s^2 = {var}"]
    if scene.rule not in BLENDS:
        return [
            rf"q_\mu = {number(scene.gain)},\quad q_\sigma = {number(scene.var_gain)}",
            rf"\hat\mu = {mean},\quad \hat\sigma^2 = {var}",
        ]
    q, v = number(scene.gain), number(scene.var_gain)
    same = scene.gain == scene.var_gain
    mean_q, var_q = ("q", "q") if same else (r"q_\mu", r"q_\sigma")
    p_mean, p_var, s_mean, s_var = inks(scene.prior, scene.seen)
    weighed = rf"\hat\sigma^2 = (1-{var_q})\,{VAR_PRIOR} + {var_q}\,s^2"
    apart = rf"+ {var_q}(1-{var_q})(\bar x - {MEAN_PRIOR})^2"
    parts = [f"{weighed} {apart}"] if same else [weighed, rf"\phantom{{\hat\sigma^2 =}} {apart}"]
    return [
        rf"\hat\mu = (1-{mean_q})\,{MEAN_PRIOR} + {mean_q}\,\bar x",
        rf"\phantom{{\hat\mu}} = {number(1 - scene.gain)} \cdot {p_mean} + {q} \cdot {s_mean}"
        rf" = {mean}",
        *parts,
        rf"\phantom{{\hat\sigma^2}} = {number(1 - scene.var_gain)} \cdot {p_var} + {v} \cdot "
        rf"{s_var} + {spread(scene)} = {var}",
    ]


BLENDS = {"mixture"}  # rules whose numbers the equations above spell out


def inks(prior: Moments, seen: Moments) -> tuple[str, str, str, str]:
    """Mean and variance of both, coloured."""
    return (
        inked(PRIOR, signed(float(prior.mean))), inked(PRIOR, number(float(prior.var))),
        inked(SEEN, signed(float(seen.mean))), inked(SEEN, number(float(seen.var))),
    )  # fmt: skip


def spread(scene: Scene) -> str:
    """The last term: how far apart the two means are."""
    if scene.prior is None:
        return "0"
    v = scene.var_gain
    return number(v * (1 - v) * float(scene.seen.mean - scene.prior.mean) ** 2)

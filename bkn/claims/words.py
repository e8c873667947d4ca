"""What came out of a comparison, in a sentence."""

from math import isfinite

from bkn.claims.base import FEWEST, Comparison

SIGNS = {"beats": "above 0", "matches": "within ±{margin}", "reaches": "above −{margin}"}


def number(value: float, sign: bool = True) -> str:
    """Three to four digits, as many decimals as they leave."""
    if not isfinite(value):
        return "not known"
    decimals = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    text = f"{abs(value):.{decimals}f}"
    zero = not float(text)
    return f"{'' if not sign or zero else '+' if value > 0 else '−'}{text}"


def wanted(test: Comparison) -> str:
    """What the effect has to be for the comparison to hold."""
    return SIGNS[test.kind].format(margin=number(test.margin, sign=False))


def span(test: Comparison) -> str:
    """Its interval: +0.52 to +1.10."""
    return f"{number(test.low)} to {number(test.high)}"


def outcome(test: Comparison) -> str:
    """Effect, interval, and what follows."""
    if not isfinite(test.effect):
        return f"{test.label}: too few runs on both sides to compare."
    label = test.label[0].upper() + test.label[1:]
    found = (
        f"{label}: {number(test.effect)} {test.unit} ({test.level:.0%} interval {span(test)}, "
        f"{test.n} seeds)"
    )
    return f"{found}: {_follows(test)}."


def _follows(test: Comparison) -> str:
    margin = number(test.margin, sign=False)
    if test.holds:
        small = f", though surely less than {margin}" if test.high < test.margin else ""
        return {
            "beats": f"clearly above 0{small}",
            "matches": f"equal within {margin}",
            "reaches": f"at most {margin} behind",
        }[test.kind]
    if test.holds is None:
        if test.n < FEWEST:
            return f"nothing is decided on fewer than {FEWEST} seeds"
        if alone := _alone(test):
            return f"by itself {alone}; once adjusted for all comparisons of the claim it is open"
        return {
            "beats": f"a gain of {margin} or more and none at all are both possible",
            "matches": f"neither equal within {margin} nor clearly different",
            "reaches": f"neither within {margin} nor clearly further behind",
        }[test.kind]
    if test.kind == "beats":
        return "clearly below 0" if test.high < 0 else f"no gain as large as {margin}"
    return f"clearly more than {margin} {'apart' if test.kind == 'matches' else 'behind'}"


def _alone(test: Comparison) -> str:
    """What the interval, which is of this comparison alone, says of an open one; often nothing."""
    margin, inside = number(test.margin, sign=False), test.low > -test.margin
    if test.kind == "beats":
        no_gain = f"no gain as large as {margin}" if test.high < test.margin else ""
        return "above 0" if test.low > 0 else no_gain
    if test.kind == "matches":
        return f"equal within {margin}" if inside and test.high < test.margin else ""
    return f"at most {margin} behind" if inside else ""

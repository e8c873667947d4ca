"""The drawing of a method: which cells of a batch share a statistic, as SVG.

Four images side by side, each a pile of four channels, each channel a sheet of 2x2 places. Cells
of one colour share one statistic; the same hue in another shade is its neighbour in other images.
"""

from collections.abc import Sequence
from html import escape

from app.figures.sharing import DOMAINS, MICRO_BATCH, SHAPE, share_map, share_parts
from app.palette import mix
from bkn.cards import AXES

# Told apart with any colour vision, by lightness too; shades lie between the hue and white.
HUES = ("#0072B2", "#E69F00", "#007F66", "#CC79A7", "#56B4E9", "#A6431C", "#785EF0", "#8C8600")
MANY = 8  # beyond, hues are mixed: only few cards would need it
SHADES = (0.0, 0.34, 0.58, 0.78)  # share of white
CELL, DEPTH, LEAN = 16.0, 8.0, 6.0  # width and depth of a place, and how far a row leans
PILE = 2 * CELL + 2 * LEAN  # width of an image
RISE = 2 * DEPTH + 5.0  # from one channel to the next
GAP, MICRO_GAP = 6.0, 13.0  # between images, between micro-batches
PAST = 54.0  # room for an earlier batch
TOP = 12.0
FLOOR = TOP + SHAPE[1] * RISE
HEIGHT = FLOOR + 26.0


def colours(shares: Sequence[str]) -> dict[int, str]:
    """The colour of every statistic in `share_map`, all different; grey for none."""
    if not shares:
        return {-1: ""}
    among, within = share_parts(shares)
    count = int(within.max()) + 1
    images = int(among.max()) + 1
    found = {}
    for u in range(images):
        for v in range(count):
            hue, shade = (u * count + v, 0.0) if images * count <= 4 else (v, SHADES[u])
            found[u * count + v] = mix(hue_of(hue), "#FFFFFF", shade)
    return found


def hue_of(number: int) -> str:
    """One of the hues; beyond them, a blend of two."""
    if number < MANY:
        return HUES[number]
    return mix(HUES[number % MANY], "#10202F", 0.5)


def drawing(title: str, shares: Sequence[str], big: bool = False) -> str:
    """SVG of one method, with a name in words.

    Args:
        title: of the method.
        shares: keys of AXES that one statistic runs over.
        big: with words at its sides.
    """
    past, below = "past" in shares, "below" in shares
    size = width_of(shares)
    parts = [earlier(shares, big)] if past else []
    parts += [image(shares, n, left_of(shares, n)) for n in range(SHAPE[0])]
    parts.append(brackets(shares, big))
    if below:
        parts.append(layer_below(shares))
    named = escape(f"{title}: {in_words(shares)}", quote=True)
    height = HEIGHT + 22 if below else HEIGHT if big else FLOOR + 8
    kind = "bkn-tensor big" if big else "bkn-tensor"
    return (
        f'<svg class="{kind}" role="img" aria-label="{named}" '
        f'viewBox="{-12 if past else -14 if big else -8} 0 {size:.0f} {height:.0f}">'
        f"{''.join(parts)}</svg>"
    )


def in_words(shares: Sequence[str]) -> str:
    """What one statistic runs over, as a phrase."""
    if not shares:
        return "no statistics of activations"
    inside = [AXES[axis] for axis in shares if axis not in ("past", "below")]
    beyond = [AXES[axis] for axis in shares if axis in ("past", "below")]
    if "domain" in shares and "images" in shares:
        inside.remove(AXES["images"])
        inside[inside.index(AXES["domain"])] = "images of one domain in a micro-batch"
    each = [] if {"images", "domain"} & set(shares) else ["for each image by itself"]
    if not {"channels", "channel group"} & set(shares):
        each.append("for each channel")
    if "places" not in shares:
        each.append("for each place")
    words = "one statistic runs over " + (listed(inside) if inside else "what is")
    return ", ".join([words, *each]) + (f"; it also draws on {listed(beyond)}" if beyond else "")


def listed(words: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def width_of(shares: Sequence[str]) -> float:
    """Of the whole drawing."""
    return 12 + left_of(shares, SHAPE[0] - 1) + PILE + (0 if "past" in shares else 4)


def left_of(shares: Sequence[str], n: int) -> float:
    """Where an image begins."""
    micro = 0 if "domain" in shares else n // MICRO_BATCH
    return (PAST if "past" in shares else 0.0) + n * (PILE + GAP) + micro * (MICRO_GAP - GAP)


def image(shares: Sequence[str], n: int, left: float) -> str:
    """The pile of channels of one image."""
    statistics, fills = share_map(shares), colours(shares)
    sheets = [
        cell(left, c, h, w, fills[int(statistics[n, c, h, w])], int(statistics[n, c, h, w]))
        for c in range(SHAPE[1])
        for h in range(SHAPE[2])
        for w in range(SHAPE[3])
    ]
    return "".join(sheets)


def cell(left: float, c: int, h: int, w: int, fill: str, statistic: int | None) -> str:
    """One place of one channel: a small parallelogram."""
    x = left + w * CELL + (SHAPE[2] - h) * LEAN
    y = TOP + c * RISE + h * DEPTH
    path = f"M{x:g} {y:g}h{CELL:g}l{-LEAN:g} {DEPTH:g}h{-CELL:g}z"
    paint = f' fill="{fill}"' if fill else ' class="none"'
    number = "" if statistic is None else f' data-statistic="{statistic}"'
    return f'<path d="{path}"{paint}{number}/>'


def earlier(shares: Sequence[str], big: bool) -> str:
    """An image of earlier batches, faded, in the hues that its cells count for."""
    statistics, fills = share_map(shares), colours(shares)
    ghosts = []
    for left, strength in ((-11.0, 0.3), (-1.0, 0.5)):
        cells = "".join(
            cell(left, c, h, w, fills[int(statistics[0, c, h, w])], None)
            for c in range(SHAPE[1])
            for h in range(SHAPE[2])
            for w in range(SHAPE[3])
        )
        ghosts.append(f'<g opacity="{strength:g}">{cells}</g>')
    words = f'<text x="{PAST / 2 - 8:g}" y="{FLOOR + 17:g}">earlier</text>'
    return f"<g>{''.join(ghosts)}{words if big else ''}</g>"


def brackets(shares: Sequence[str], big: bool) -> str:
    """Under the images: what is one micro-batch; above them, of which domain each is."""
    size = SHAPE[0] if "domain" in shares else MICRO_BATCH
    lines = []
    for first in range(0, SHAPE[0], size):
        left = left_of(shares, first) + 1
        right = left_of(shares, first + size - 1) + PILE - LEAN
        y = FLOOR + 1
        lines.append(f'<path class="line" d="M{left:g} {y:g}v4H{right:g}v-4"/>')
        if big:
            lines.append(f'<text x="{(left + right) / 2:g}" y="{y + 16:g}">micro-batch</text>')
    if "domain" in shares:
        for n in range(SHAPE[0]):
            x = left_of(shares, n) + PILE / 2 + LEAN / 2
            lines.append(f'<text x="{x:g}" y="{TOP - 3:g}">{"AB"[n % DOMAINS]}</text>')
    if big and "past" not in shares:
        top, bottom = TOP + 2, FLOOR - 6
        lines.append(
            f'<text class="side" transform="translate(-9 {(top + bottom) / 2:g}) rotate(-90)">'
            "channels</text>"
        )
    return "".join(lines)


def layer_below(shares: Sequence[str]) -> str:
    """The layer below, which sends a belief upwards."""
    left, right = left_of(shares, 0), left_of(shares, SHAPE[0] - 1) + PILE - LEAN
    middle, y = (left + right) / 2, FLOOR + 26
    return (
        f'<path class="slab" d="M{left:g} {y:g}H{right:g}v14H{left:g}z"/>'
        f'<text x="{middle:g}" y="{y + 11:g}">layer below</text>'
        f'<path class="arrow" d="M{middle:g} {y - 2:g}v-18m-5 6l5 -6l5 6"/>'
    )

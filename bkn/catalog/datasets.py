"""The cards of all datasets."""

from bkn.cards import DatasetCard, Options, Param
from bkn.catalog.downloads import CARDS as DOWNLOADS
from bkn.catalog.folder import CARD as FOLDER

STYLES = ("filled", "outline", "negative", "sketch")  # in which shapes are drawn


def styles_of(options: Options) -> tuple[str, ...]:
    """The styles of the training images of shapes, which are their domains."""
    if options["styles"] == "one":
        return STYLES[:1]
    return tuple(style for style in STYLES if style != options["held_out"])


DATASETS: dict[str, DatasetCard] = {
    card.key: card
    for card in (
        DatasetCard(
            "digits",
            "Digits, 1,797 real 8×8 scans",
            "Handwritten digits, 8x8 pixels in 17 greys. Small enough to train in seconds.",
            "bkn.data.digits:load",
            source="Alpaydin & Kaynak 1998, UCI Machine Learning Repository, CC BY 4.0",
            train=1350,
            test=447,
            shape=(1, 8, 8),
            classes=tuple("0123456789"),
        ),
        DatasetCard(
            "shapes",
            "Shapes, drawn 32×32 in colour",
            "Ten shapes drawn on demand in random colour, place, size and angle, under clutter and "
            "noise. Harder than digits, and as many as you like.",
            "bkn.data.shapes:load",
            (
                Param("difficulty", 0.5, "Clutter, noise, contrast: 0 easy, 1 hopeless.", 0, 1),
                Param(
                    "styles",
                    "one",
                    "Styles of drawing: one, or four, which are domains with statistics of "
                    "their own.",
                    choices=("one", "four"),
                ),
                Param(
                    "held_out",
                    "sketch",
                    "With four styles: the one that training never sees and a test of its own "
                    "asks for.",
                    choices=("sketch", "negative", "outline", "filled", "none"),
                ),
            ),
            source="procedural, made here",
            drawn=True,
            train=32000,
            test=2000,
            shape=(3, 32, 32),
            classes=(
                "disc", "square", "triangle", "star", "cross",
                "ring", "heart", "crescent", "hexagon", "bar",
            ),
            domains=styles_of,
        ),
        *DOWNLOADS,
        FOLDER,
    )
}  # fmt: skip

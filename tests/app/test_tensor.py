"""The drawing of a method: cells have one colour exactly where its card says they share."""

import re
from itertools import combinations

import numpy as np
import pytest

from app.figures.sharing import CHANNEL_GROUP, DOMAINS, MICRO_BATCH, SHAPE, share_map
from app.figures.tensor import colours, drawing, in_words
from bkn.cards import AXES
from bkn.catalog import METHODS

ALL = [some for size in range(len(AXES) + 1) for some in combinations(AXES, size)]


def together(shares, one, other):
    """Whether two cells share a statistic, said once more for a pair of cells."""
    if not shares:
        return False
    (n, c, *place), (n2, c2, *place2) = one, other
    if "domain" in shares:
        images = n % DOMAINS == n2 % DOMAINS
    elif "images" in shares:
        images = n // MICRO_BATCH == n2 // MICRO_BATCH
    else:
        images = n == n2
    if "channels" in shares:
        channels = True
    elif "channel group" in shares:
        channels = c // CHANNEL_GROUP == c2 // CHANNEL_GROUP
    else:
        channels = c == c2
    return images and channels and ("places" in shares or place == place2)


@pytest.mark.parametrize("shares", ALL, ids="+".join)
def test_cells_share_a_number_exactly_where_they_share_a_statistic(shares):
    numbers = share_map(shares)
    cells = list(np.ndindex(SHAPE))
    if not shares:
        assert (numbers == -1).all()
        return
    for one in cells:
        for other in cells:
            assert (numbers[one] == numbers[other]) == together(shares, one, other)


@pytest.mark.parametrize("shares", ALL, ids="+".join)
def test_every_statistic_has_a_colour_of_its_own(shares):
    found = colours(shares)
    assert set(found) == set(share_map(shares).ravel().tolist())
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize("card", METHODS.values(), ids=METHODS)
def test_the_drawing_paints_the_cells_as_its_card_says(card):
    svg = drawing(card.title, card.shares)
    cells = re.findall(r'<path [^>]*?(?:fill="([^"]*)"|class="none") data-statistic="(-?\d+)"', svg)
    numbers = [int(number) for _, number in cells]
    assert numbers == share_map(card.shares).ravel().tolist()
    painted = {(fill, number) for fill, number in cells}
    assert len(painted) == len({fill for fill, _ in painted}) == len(set(numbers))


@pytest.mark.parametrize("card", METHODS.values(), ids=METHODS)
def test_the_drawing_has_a_name_that_says_what_is_averaged(card):
    svg = drawing(card.title, card.shares)
    assert 'role="img"' in svg
    name = re.search(r'aria-label="([^"]*)"', svg).group(1)
    assert len(name) > len(card.title) + 20


def test_what_reaches_out_of_the_batch_is_drawn():
    plain = drawing("x", ("images", "places"), big=True)
    assert "earlier" not in plain
    assert "layer below" not in plain
    assert "earlier" in drawing("x", ("images", "places", "past"), big=True)
    assert "layer below" in drawing("x", ("images", "places", "below"))
    assert ">A</text>" in drawing("x", ("images", "places", "domain"))


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ((), "no statistics of activations"),
        (("images", "places"), "the images of a micro-batch and height and width, for each ch"),
        (("channels", "places"), "all channels and height and width, for each image by itself"),
        (("channels",), "all channels, for each image by itself, for each place"),
        (("images", "places", "past"), "it also draws on earlier batches"),
        (("images", "places", "domain"), "images of one domain in a micro-batch"),
    ],
)
def test_shares_in_words(shares, words):
    assert words in in_words(shares)

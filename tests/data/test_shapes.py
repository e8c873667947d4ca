"""Shapes: what a picture shows depends on its position alone, and difficulty makes it harder."""

from math import cos, pi, sin

import pytest
import torch

from bkn.catalog import DATASETS
from bkn.data import shapes
from bkn.data.outlines import OUTLINES, Outline
from bkn.data.scenes import SIZE, Scenes
from bkn.data.shapes import Shapes, Split

CARD = DATASETS["shapes"]


def small(difficulty: float = 0.5, count: int = 400) -> Shapes:
    """The first pictures of both splits."""
    train = Scenes(count, shapes.TRAIN_SEED, difficulty)
    return Shapes(
        Split(train, "training"), Split(Scenes(100, shapes.TEST_SEED, difficulty), "test")
    )


def test_sizes_and_classes_agree_with_the_card():
    data = shapes.load()
    assert (data.train_size, data.test_size) == (CARD.train, CARD.test)
    assert data.shape == CARD.shape == (3, SIZE, SIZE)
    assert tuple(OUTLINES) == CARD.classes
    images, labels = data.train(torch.arange(20))
    assert images.shape == (20, 3, SIZE, SIZE)
    assert images.dtype == torch.float32
    assert labels.tolist() == [*range(10), *range(10)]


def test_classes_are_balanced_in_both_splits():
    data = shapes.load()
    assert data._train._scenes.labels.bincount().tolist() == [CARD.train // 10] * 10
    assert data._test._scenes.labels.bincount().tolist() == [CARD.test // 10] * 10


def test_a_picture_does_not_depend_on_the_others_in_its_batch():
    """Compared across batches of all sizes, so that pixels meet every place in a vector."""
    scenes = Scenes(400, 1, difficulty=0.5)
    index = torch.randperm(400, generator=torch.Generator().manual_seed(0))
    together = scenes.render(index)
    in_pieces = torch.cat([scenes.render(piece) for piece in index.split(37)])
    alone = torch.cat([scenes.render(one) for one in index[:40].split(1)])
    assert torch.equal(together, in_pieces)
    assert torch.equal(together[:40], alone)


def test_the_same_seed_gives_the_same_pictures_and_another_seed_others():
    index = torch.arange(50)
    first, again, other = (Scenes(50, seed, 0.5).render(index) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert (first != other).flatten(1).any(1).all()


def test_asking_again_gives_the_same_and_paints_nothing(monkeypatch):
    data, index = small(), torch.tensor([7, 3, 7, 399])
    first, labels = data.train(index)
    monkeypatch.setattr(Scenes, "render", None)  # calling it would raise
    again, labels_again = data.train(index)
    assert torch.equal(first, again)
    assert torch.equal(labels, labels_again)
    assert torch.equal(first[0], first[2])


def test_a_batch_holds_the_pictures_asked_for():
    data, index = small(), torch.tensor([399, 3, 260])
    pixels = Scenes(400, shapes.TRAIN_SEED, 0.5).render(index)
    images, _ = data.train(index)
    assert torch.equal((images * data._std + data._mean).round().to(torch.uint8), pixels)


def test_painting_leaves_the_global_random_state_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    small().train(torch.arange(9))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_splits_share_no_picture():
    index = torch.arange(100)  # equally many on both sides, so that equal seeds would show
    train, test = (
        Scenes(100, seed, 0.5).render(index).float().flatten(1)
        for seed in (shapes.TRAIN_SEED, shapes.TEST_SEED)
    )
    gaps = torch.cdist(train, test)
    assert gaps.min() > 0.5 * gaps.mean()


@pytest.mark.parametrize("difficulty", [0.0, 0.5, 1.0])
def test_values_have_about_mean_0_and_deviation_1(difficulty):
    data = small(difficulty)
    for images, _ in (data.train(torch.arange(256, 400)), data.test(torch.arange(100))):
        assert images.mean().abs() < 0.15
        assert 0.85 < images.std() < 1.15


def visibility(difficulty: float) -> float:
    """How far the shape's mean shade lies from the rest's, in deviations of the picture."""
    scenes, index = Scenes(300, 1, difficulty), torch.arange(300)
    picture = scenes.render(index).float().mean(1).flatten(1)
    shape = scenes.coverage(index)
    rest = 1 - shape
    inside = (picture * shape).sum(1) / shape.sum(1)
    outside = (picture * rest).sum(1) / rest.sum(1)
    return ((inside - outside).abs() / picture.std(1)).mean().item()


def roughness(difficulty: float) -> float:
    """How much neighbouring pixels differ, in shades of 255."""
    picture = Scenes(300, 1, difficulty).render(torch.arange(300)).float()
    return picture.diff(dim=3).abs().mean().item()


def test_pictures_get_rougher_with_the_difficulty():
    rough = [roughness(level) for level in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert rough == sorted(rough)
    assert rough[-1] > 8 * rough[0]


def test_shapes_are_harder_to_see_and_smaller_with_the_difficulty():
    levels = [0.0, 0.25, 0.5, 0.75, 1.0]
    seen = [visibility(level) for level in levels]
    area = [Scenes(300, 1, level).coverage(torch.arange(300)).sum().item() for level in levels]
    assert seen == sorted(seen, reverse=True)
    assert seen[0] > 4 * seen[-1]
    assert area == sorted(area, reverse=True)


@pytest.mark.parametrize("difficulty", [0.0, 1.0])
def test_no_shape_is_cut_by_the_border(difficulty):
    scenes = Scenes(1000, 3, difficulty)
    shape = scenes.coverage(torch.arange(1000)).view(-1, SIZE, SIZE)
    border = torch.cat([shape[:, 0], shape[:, -1], shape[:, :, 0], shape[:, :, -1]], dim=1)
    assert border.max() < 0.5  # a tip may just touch it


def test_outlines_are_about_equally_large_and_centred():
    line = torch.linspace(-2, 2, 401)
    x, y = line.expand(401, 401), line[:, None].expand(401, 401)
    for name, outline in OUTLINES.items():
        inside = outline(x, y) < 0
        assert 1.9 < inside.float().mean() * 16 < 2.4, name
        assert x[inside].mean().abs() < 0.02, name
        assert y[inside].mean().abs() < 0.02, name
        assert (x.square() + y.square())[inside].max() < 1.4**2, name


def symmetry(outline: Outline) -> int:
    """The largest n up to 12 for which turning by one n-th of the full turn changes nothing."""
    generator = torch.Generator().manual_seed(0)
    x, y = 3 * torch.rand(2, 4000, generator=generator) - 1.5
    inside = outline(x, y) < 0

    def is_same(n: int) -> bool:
        cosine, sine = cos(2 * pi / n), sin(2 * pi / n)
        turned = outline(x * cosine - y * sine, x * sine + y * cosine) < 0
        return bool((turned != inside).sum() < 8)  # some points lie on the edge

    return max(n for n in range(1, 13) if is_same(n))


def test_outlines_have_the_symmetry_of_their_names():
    assert {name: symmetry(outline) for name, outline in OUTLINES.items()} == {
        "disc": 12, "square": 4, "triangle": 3, "star": 5, "cross": 4,
        "ring": 12, "heart": 1, "crescent": 1, "hexagon": 6, "bar": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "point", "is_inside"),
    [
        ("disc", (0, 0), True),
        ("ring", (0, 0), False),
        ("square", (0.7, 0.7), True),
        ("cross", (0.7, 0.7), False),
        ("cross", (1.0, 0), True),
        ("heart", (0, -0.65), False),  # the notch between its lobes, above
        ("heart", (0.4, -0.65), True),
        ("heart", (0, 1.0), True),  # its tip, below
        ("crescent", (-0.6, 0), True),
        ("crescent", (0.3, 0), False),
        ("star", (0, 1.3), False),
        ("star", (0, -1.3), True),  # one point looks up
        ("triangle", (0, -1.1), True),
        ("triangle", (0, 0.7), False),
    ],
)
def test_outlines_at_telling_points(name, point, is_inside):
    x, y = torch.tensor(point, dtype=torch.float32)
    assert bool(OUTLINES[name](x, y) < 0) is is_inside


@pytest.mark.parametrize(
    ("difficulty", "words"),
    [
        (1.5, r"shapes option difficulty must be a number in \[0, 1\], got 1\.5"),
        ("hard", r"a number in \[0, 1\], got 'hard'"),
    ],
)
def test_a_wrong_difficulty_is_refused_in_words(difficulty, words):
    with pytest.raises(ValueError, match=words):
        shapes.load(difficulty=difficulty)


def test_a_wrong_position_is_refused_in_words():
    with pytest.raises(ValueError, match=r"training images must lie in \[0, 399\], got 400"):
        small().train(torch.tensor([400]))
    with pytest.raises(ValueError, match=r"test images must lie in \[0, 99\], got -1"):
        small().test(torch.tensor([-1]))

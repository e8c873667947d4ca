"""Four styles: domains with statistics of their own, in which the shapes stay what they are."""

import hashlib

import pytest
import torch

from bkn.catalog import DATASETS
from bkn.catalog.datasets import STYLES as NAMES
from bkn.data import digits, shapes
from bkn.data.scenes import Scenes
from bkn.data.shapes import Shapes, Split
from bkn.data.styles import STYLES

every_style = pytest.mark.parametrize("style", STYLES)


def small(held_out: str = "sketch", count: int = 600) -> Shapes:
    """The first pictures of all splits."""
    seen = tuple(style for style in STYLES if style != held_out)
    train, test = Scenes(count, shapes.TRAIN_SEED, 0.5), Scenes(120, shapes.TEST_SEED, 0.5)
    splits = Split(train, "training", seen), Split(test, "test", seen)
    return Shapes(*splits, Split(test, "held-out", (held_out,)) if held_out in STYLES else None)


def test_the_pictures_of_one_style_never_change():
    """Bytes of the first pictures, as they were before there were styles."""
    data = shapes.load()
    assert data.domains == ("filled",)
    assert data.held_out == ""
    pixels, _ = data._train.take(torch.arange(300))
    assert hashlib.sha256(pixels.numpy().tobytes()).hexdigest()[:16] == "193783712357c376"


def test_the_card_offers_the_styles_there_are():
    params = {param.name: param for param in DATASETS["shapes"].params}
    assert {*params["held_out"].choices} == {*STYLES, "none"}
    assert params["styles"].default == "one"
    assert tuple(STYLES) == NAMES


@pytest.mark.parametrize("held_out", [*STYLES, "none"])
def test_one_style_is_held_out_and_the_others_are_the_domains(held_out):
    data = shapes.load(styles="four", held_out=held_out)
    assert data.domains == tuple(style for style in STYLES if style != held_out)
    assert (data.held_out, data.held_out_size) == (
        ("", 0) if held_out == "none" else (held_out, data.test_size)
    )
    if held_out == "none":
        with pytest.raises(ValueError, match="no style is held out"):
            data.held_out_test(torch.tensor([0]))


def test_every_picture_is_drawn_in_the_style_of_its_domain():
    data, index = small(), torch.tensor([599, 3, 260, 31, 44, 12, 10])
    scenes = Scenes(600, shapes.TRAIN_SEED, 0.5)
    images, _ = data.train(index)
    pixels = (images * data._std + data._mean).round().to(torch.uint8)
    domains = data.train_domains(index)
    assert len(domains.unique()) == 3
    for place, domain, picture in zip(index, domains, pixels, strict=True):
        assert torch.equal(scenes.render(place[None], data.domains[domain])[0], picture)


def test_held_out_pictures_are_the_test_scenes_in_the_style_that_training_never_sees():
    data, index = small(), torch.arange(120)
    images, labels = data.held_out_test(index)
    pixels = (images * data._std + data._mean).round().to(torch.uint8)
    assert torch.equal(pixels, Scenes(120, shapes.TEST_SEED, 0.5).render(index, "sketch"))
    assert torch.equal(labels, data.test(index)[1])


def test_every_class_comes_about_equally_often_in_every_domain():
    data = shapes.load(styles="four")
    for size, labels, domains in (
        (data.train_size, data._train._scenes.labels, data.train_domains),
        (data.test_size, data._test._scenes.labels, data.test_domains),
    ):
        pairs = labels * 3 + domains(torch.arange(size))
        counts = pairs.bincount(minlength=30)
        assert counts.max() - counts.min() <= 1


@every_style
def test_a_picture_does_not_depend_on_the_others_in_its_batch(style):
    scenes = Scenes(200, 1, difficulty=0.5)
    index = torch.randperm(200, generator=torch.Generator().manual_seed(0))
    together = scenes.render(index, style)
    in_pieces = torch.cat([scenes.render(piece, style) for piece in index.split(37)])
    assert torch.equal(together, in_pieces)


def test_styles_differ_in_their_statistics_by_far():
    """Every pair is further apart in mean, spread or colour than batches of 64 vary in any."""
    index = torch.arange(256)
    found = {}
    for style in STYLES:
        pictures = Scenes(256, 1, 0.5).render(index, style).float()
        colour = (pictures.amax(1) - pictures.amin(1)).unflatten(0, (4, 64)).mean((1, 2, 3))
        batches = pictures.unflatten(0, (4, 64)).transpose(1, 2).flatten(2)
        moments = batches.mean(2), batches.std(2)  # (batches, channels)
        found[style] = torch.stack([*moments, colour[:, None].expand(4, 3)])
    names = list(STYLES)
    for i, one in enumerate(names):
        for other in names[:i]:
            gap = (found[one].mean(1) - found[other].mean(1)).abs().amax()
            within = torch.stack([found[one], found[other]]).std(2).amax()
            assert gap > 2 * within, (one, other)


@every_style
def test_the_shape_stays_where_it_is_and_harder_pictures_get_rougher(style):
    """Inside and outside differ in every style, less so with the difficulty."""
    seen, rough = [], []
    for difficulty in (0.0, 0.5, 1.0):
        scenes, index = Scenes(200, 1, difficulty), torch.arange(200)
        picture = scenes.render(index, style).float().mean(1).flatten(1)
        shape = STYLES[style].cover(scenes._distance(index), scenes.x, scenes.y)
        inside = (picture * shape).sum(1) / shape.sum(1)
        outside = (picture * (1 - shape)).sum(1) / (1 - shape).sum(1)
        seen.append(((inside - outside).abs() / picture.std(1)).mean().item())
        flat = scenes.render(index, style).float()
        rough.append((flat.diff(dim=3).abs().mean() / flat.std()).item())
    assert seen == sorted(seen, reverse=True)
    assert seen[0] > 1.5
    assert rough == sorted(rough)


def test_values_have_about_mean_0_and_deviation_1_over_the_domains():
    images, _ = small().train(torch.arange(256, 600))
    assert images.mean().abs() < 0.15
    assert 0.85 < images.std() < 1.15


def test_a_simple_dataset_is_one_domain():
    data, index = digits.load(), torch.arange(5)
    assert len(data.domains) == 1
    assert not data.held_out
    assert data.train_domains(index).tolist() == data.test_domains(index).tolist() == [0] * 5


def test_a_wrong_style_is_refused_in_words():
    with pytest.raises(ValueError, match="shapes option held_out must be 'sketch' or 'negative'"):
        shapes.load(held_out="cubism")

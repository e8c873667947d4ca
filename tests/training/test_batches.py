"""Batch augmentation: copies of every image in a step, and where they lie."""

import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.testing import assert_close

from bkn import Experiment, Race
from bkn.data import digits, shapes
from bkn.data.augment import crop, draw_crops
from bkn.training import batches
from bkn.training.batches import Batches, spread
from bkn.training.entrant import Entrant
from bkn.training.race import RaceTrainer
from bkn.training.recipe import Order
from bkn.training.run import MemorySink, train_race
from tests.training.resuming import assert_continued_equals_uninterrupted

SMALL = {"network_options": {"depth": 2, "width": 4}, "epochs": 1, "device": "cpu", "batch": 16}
CPU = torch.device("cpu")
both_layouts = pytest.mark.parametrize("layout", ["sample_major", "copy_major"])


@pytest.fixture(scope="module")
def images():
    return digits.load()


def made(images, **more) -> Batches:
    return Batches(Experiment(**SMALL | more), images)


def unmoved(monkeypatch):
    """Augmentation by nothing."""
    monkeypatch.setattr(
        batches, "draw_shifts", lambda n, copies, *_: torch.zeros(n, copies, 2).long()
    )


def test_one_copy_is_the_batch_as_it_was(images):
    order = Order(Experiment(**SMALL), images.train_size)
    x, y = images.train(order.batch_of(7))
    batch = made(images).of(7)
    assert torch.equal(batch.images, x)
    assert torch.equal(batch.labels, y)
    for layout in ("sample_major", "copy_major"):
        assert torch.equal(made(images, layout=layout).of(7).images, x)


def test_layouts_put_copies_side_by_side_or_far_apart():
    assert [part.tolist() for part in spread(2, 3, "sample_major")] == [
        [0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2],
    ]  # fmt: skip
    assert [part.tolist() for part in spread(2, 3, "copy_major")] == [
        [0, 1, 0, 1, 0, 1], [0, 0, 1, 1, 2, 2],
    ]  # fmt: skip


@both_layouts
def test_labels_stay_with_their_images(images, layout, monkeypatch):
    unmoved(monkeypatch)
    one, four = made(images).of(3), made(images, copies=4, layout=layout).of(3)
    assert len(four.images) == len(four.labels) == 64
    label_of = {bytes(x.numpy()): int(y) for x, y in zip(one.images, one.labels, strict=True)}
    assert len(label_of) == 16
    for x, y in zip(four.images, four.labels, strict=True):
        assert label_of[bytes(x.numpy())] == y


def test_both_layouts_hold_the_same_pictures(images):
    together, apart = (
        made(images, copies=4, layout=la).of(2) for la in ("sample_major", "copy_major")
    )
    for one, other in zip(together, apart, strict=True):
        regrouped = one.unflatten(0, (16, 4)).transpose(0, 1).flatten(0, 1)
        assert torch.equal(regrouped, other)


def test_copies_differ_and_look_alike():
    batch = made(shapes.load(), dataset="shapes", copies=4).of(0).images.unflatten(0, (16, 4))
    for copies in batch.flatten(2):
        assert len(copies.unique(dim=0)) == 4
    flat = batch.flatten(2)
    alike = torch.stack([torch.corrcoef(copies)[0, 1] for copies in flat]).mean()
    strangers = torch.corrcoef(flat[:, 0]).masked_select(~torch.eye(16, dtype=torch.bool)).mean()
    assert 0.9 > alike > abs(strangers) + 0.3


def test_a_micro_batch_holds_copies_of_one_image_or_distinct_images(images):
    for layout, distinct in (("sample_major", 1), ("copy_major", 4)):
        source, _ = spread(16, 4, layout)
        assert {len(group.unique()) for group in source.split(4)} == {distinct}, layout


def test_a_step_is_a_function_of_seed_and_step_alone(images):
    visited = made(images, copies=3)
    for step in (0, 40, 5):
        fresh = made(images, copies=3).of(step)
        assert torch.equal(visited.of(step).images, fresh.images)
    other = made(images, copies=3, seed=1).of(5)
    assert not torch.equal(fresh.images, other.images)


def test_every_step_and_seed_shifts_otherwise():
    seeds = {batches.seed_of(seed, step) % 2**32 for seed in range(5) for step in range(200)}
    assert len(seeds) == 1000
    epochs = {seed * 1_000_003 + epoch for seed in range(5) for epoch in range(200)}
    assert seeds.isdisjoint(epochs)


@both_layouts
def test_copies_without_augmentation_give_the_gradient_of_one(images, layout, monkeypatch):
    """Where no image sees another, the mean over equal copies is the image itself."""
    unmoved(monkeypatch)
    gradients = []
    for copies in (1, 4):
        experiment = Experiment(method="group", **SMALL, copies=copies, layout=layout)
        entrant = Entrant(experiment, images, CPU)
        x, y, _ = Batches(experiment, images).of(0)
        cross_entropy(entrant.model.double()(x.double()), y).backward()
        gradients.append([p.grad for p in entrant.model.parameters()])
    for one, four in zip(*gradients, strict=True):
        assert_close(one, four)


@pytest.mark.parametrize("augment", ["none", "crop_flip"])
def test_eight_entrants_see_the_same_pictures(augment):
    gains = [f"kalman:gain=0.{i}" for i in range(2, 8)]
    race = Race.of(["batch", "group", *gains], **SMALL, copies=2, augment=augment, probe="off")
    trainer = RaceTrainer(race, MemorySink(race))
    seen = []
    for entrant in trainer.entrants:
        entrant.model.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    trainer.advance()
    assert len(seen) == 8
    assert all(torch.equal(x, seen[0]) for x in seen)
    assert len(seen[0]) == 32


def test_company_changes_nothing_with_copies():
    common = {**SMALL, "copies": 2, "layout": "copy_major"}
    together = train_race(Race.of(["batch", "group"], **common))
    for run in together:
        alone = train_race(Race((run.experiment,)))[0]
        assert alone.summary["test_loss"] == run.summary["test_loss"]


def test_a_continued_race_with_copies_equals_the_uninterrupted_one():
    race = Race.of(["batch"], **SMALL, copies=3, micro_batch=4)
    assert_continued_equals_uninterrupted(race, 3, 5)


def test_without_augmentation_a_batch_is_as_it_was(images):
    """These sums stood before there was augmentation."""
    sums = [made(images, copies=c).of(3).images.double().abs().sum().item() for c in (1, 4)]
    assert sums == pytest.approx([882.4311492294073, 3533.690347544849], rel=1e-9)


def test_augmented_images_are_the_images_moved(images):
    order = Order(Experiment(**SMALL), images.train_size)
    x, y = images.train(order.batch_of(7))
    shifts, flips = draw_crops(16, 8, 8, batches.seed_of(0, 7))
    assert flips.any()
    for augment, mirrored in (("crop", None), ("crop_flip", flips)):
        batch = made(images, augment=augment).of(7)
        assert torch.equal(batch.images, crop(x, shifts, mirrored))
        assert torch.equal(batch.labels, y)


@both_layouts
def test_every_copy_is_augmented_by_itself(images, layout):
    one, four = made(images).of(3), made(images, copies=4, layout=layout, augment="crop_flip").of(3)
    source, copy = spread(16, 4, layout)
    shifts, flips = draw_crops(64, 8, 8, batches.seed_of(0, 3))
    place = source * 4 + copy
    assert torch.equal(four.images, crop(one.images[source], shifts[place], flips[place]))
    assert torch.equal(four.labels, one.labels[source])
    kinds = torch.cat((shifts, flips[:, None]), 1).unflatten(0, (16, 4))
    assert sum(len(copies.unique(dim=0)) > 1 for copies in kinds) == 16


def test_every_step_and_seed_augments_otherwise_and_always_alike(images):
    def at(step, seed=0):
        return made(images, augment="crop_flip", seed=seed).of(step).images

    visited = made(images, augment="crop_flip")
    for step in (0, 40, 5):
        assert torch.equal(visited.of(step).images, at(step))
    assert not torch.equal(at(5), at(5, seed=1))
    moved = [draw_crops(16, 8, 8, batches.seed_of(0, step))[0] for step in (5, 6)]
    assert not torch.equal(*moved)


def test_a_continued_race_with_augmentation_equals_the_uninterrupted_one():
    race = Race.of(["kalman"], **SMALL, copies=2, augment="crop_flip", micro_batch=4)
    assert_continued_equals_uninterrupted(race, 3, 5)


def test_a_live_micro_batch_must_fill_the_copies_too():
    race = Race.of(["batch"], **SMALL, copies=3)
    trainer = RaceTrainer(race, MemorySink(race))
    trainer.advance()
    trainer.change("micro_batch", 48)  # more than B = 16
    trainer.advance()
    with pytest.raises(ValueError, match="micro_batch must divide batch x copies = 16 x 3, got 5"):
        trainer.change("micro_batch", 5)

"""A race that was saved and continued, beside one that was not interrupted."""

import io

import torch

from bkn.training.race import RaceTrainer
from bkn.training.run import MemorySink


def assert_continued_equals_uninterrupted(race, before, after):
    """Save after so many steps, load in a fresh trainer, take the rest: the same state, exactly."""

    def started():
        return RaceTrainer(race, MemorySink(race))

    whole, first, second = started(), started(), started()
    for _ in range(before + after):
        whole.advance()
    for _ in range(before):
        first.advance()
    file = io.BytesIO()
    torch.save(first.state(), file)
    file.seek(0)
    second.restore(torch.load(file, weights_only=True))
    for _ in range(after):
        second.advance()
    ours, theirs = (t.entrants[0].model.state_dict() for t in (whole, second))
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name

"""Every method: number types, memory layouts, and what its output does not depend on."""

import pytest
import torch
from torch.testing import assert_close

from bkn.catalog import METHODS
from tests.normalizers.contract.subjects import (
    MAPS,
    Snapshot,
    buffers,
    every_method,
    make,
    make_prior,
    make_x,
    run,
    seasoned,
    those,
    train,
)


@every_method
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("inner", [False, True], ids=["first layer", "inner layer"])
def test_channels_last_gives_the_same(key, training, inner):
    norm = seasoned(key).train(training)
    back, x = Snapshot(norm), make_x()
    prior, weights = make_prior(norm, x) if inner else None, make_x(seed=4)
    results = []
    for layout in (torch.contiguous_format, torch.channels_last):
        back.restore()
        given = x.clone(memory_format=layout).requires_grad_()
        y = run(norm, given, prior)
        (y * weights).sum().backward()
        results.append((y.detach().contiguous(), given.grad.contiguous()))
    assert_close(results[0], results[1])


@those(lambda card: card.estimates)
@pytest.mark.parametrize("training", [True, False])
def test_the_layout_goes_through(key, training):
    norm = make(key).train(training)
    x = make_x().to(memory_format=torch.channels_last)
    assert norm(x)[0].is_contiguous(memory_format=torch.channels_last)


@every_method
@pytest.mark.parametrize("training", [True, False])
def test_half_precision_keeps_its_type_and_float32_statistics(key, training):
    """A large mean, which half precision rounds: by 0.05 already where it only passes through."""
    norm = make(key, dtype=torch.float32)
    train(norm, [make_x(seed=s).float() for s in range(3)])
    norm.train(training)
    back = Snapshot(norm)
    x = (make_x() + 50.3).bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        torch.manual_seed(5)
        y, belief = norm(x)
    kept = buffers(norm)
    y.float().square().sum().backward()
    assert y.dtype == x.grad.dtype == torch.bfloat16
    assert x.grad.isfinite().all()
    assert belief is None or belief.mean.dtype == torch.float32
    assert all(b.dtype in (torch.float32, torch.int64, torch.bool) for b in norm.buffers())
    back.restore()
    exact = run(norm, x.detach().float())
    assert_close(y.float(), exact, atol=0.03, rtol=0.02)
    assert_close(kept, buffers(norm))


def change_of(key, other):
    """The largest change of the output when all schedules are over and eps is nothing."""
    norm, x = seasoned(key), make_x()
    norm.eps = 0.0
    back, prior = Snapshot(norm), make_prior(norm, x)
    y = run(norm, x, prior)
    back.restore()
    return (run(norm, other(x), prior) - y).abs().max().item()


@every_method
def test_invariance_to_scale_is_as_the_card_says(key):
    change = change_of(key, lambda x: 3 * x)
    if METHODS[key].scale_invariant:
        assert change < 1e-9
    else:
        assert change > 1e-2


@every_method
def test_invariance_to_shift_is_as_the_card_says(key):
    change = change_of(key, lambda x: x + 2)
    if METHODS[key].shift_invariant:
        assert change < 1e-9
    else:
        assert change > 1e-2


@every_method
def test_memory_of_any_layout_is_taken(key):
    """A slice of a larger tensor, and one image's view repeated: neither is contiguous."""
    norm = make(key)
    back, wide = Snapshot(norm), make_x((*MAPS[:-1], 2 * MAPS[-1]))
    for x in (wide[..., ::2], wide[..., :1].expand(*MAPS)):
        back.restore()
        expected = run(norm, x.contiguous())
        back.restore()
        assert_close(run(norm, x), expected)

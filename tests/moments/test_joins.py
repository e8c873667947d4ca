"""Rules of arithmetic, of branches that meet, and of what chance drops, by Monte-Carlo."""

import pytest
import torch
from torch import fx
from torch.testing import assert_close

from bkn.moments.carried import Moments, Sample
from bkn.moments.constants import Scaled, Shifted
from bkn.moments.drops import Dropout
from bkn.moments.joins import Add, Concat, Multiply
from bkn.moments.operation import Arrive
from bkn.moments.reading import mark_constants, read
from bkn.normalizers.base import Belief
from tests.moments.gaussians import MEAN, PLACES, VAR, C, G, agree, check, draw, pooled, through

X = torch.zeros(2 * G, C, *PLACES).double()
OTHER = Belief(0.5 - MEAN.flip(0), VAR.flip(0) * 0.4)
CONSTANTS = {
    "number": 1.5,
    "scalar": torch.tensor(1.5),
    "per channel": torch.tensor([0.5, -1.0, 2.0]).view(1, 3, 1, 1),
    "without images": torch.tensor([0.5, -1.0, 2.0]).view(3, 1, 1),
    "per place": torch.linspace(-1, 2, 24).view(6, 4),
    "everywhere": torch.linspace(-1, 2, 72).view(1, 3, 6, 4),
}
every_constant = pytest.mark.parametrize("w", CONSTANTS.values(), ids=CONSTANTS)


@every_constant
@pytest.mark.parametrize(
    "operation", [Shifted(), Shifted(-1.0, 0.5), Scaled()], ids=["sum", "difference", "product"]
)
def test_constants(operation, w):
    check(operation, weights=(w,))


def test_quotient():
    check(Scaled(divide=True), weights=(torch.tensor([0.5, -1.0, 2.0]).view(1, 3, 1, 1),))
    assert_close(through(Scaled(divide=True), weights=(4.0,)), Belief(MEAN / 4, VAR / 16))


def test_constants_of_vectors():
    w = torch.tensor([0.5, -1.0, 2.0]).double()
    assert_close(through(Scaled(), (), (w,)), Belief(MEAN * w, VAR * w.square()))
    assert_close(through(Shifted(), (), (w,)), Belief(MEAN + w, VAR))


def test_a_constant_per_image_is_not_guessed():
    with pytest.warns(UserWarning, match="Scaled does not know"):
        assert Scaled()(Moments(MEAN, VAR), X, torch.ones(2 * G, 1, 1, 1)) is None


def test_constants_learn():
    w = torch.linspace(-1, 2, 72).view(1, 3, 6, 4).double()
    for rule in (Scaled(), Shifted(-1.0, 2.0), Scaled(divide=True)):
        inputs = [one.clone().requires_grad_() for one in (MEAN, VAR, w + 3)]
        assert torch.autograd.gradcheck(
            lambda mean, var, w, rule=rule: tuple(rule.moments(Belief(mean, var), X, w)), inputs
        )


def join_by_monte_carlo(join, real, places=(PLACES, PLACES), images=20_000):
    """Hold a join of two beliefs against draws; `real` joins the drawn images."""
    torch.manual_seed(0)
    xs = [torch.zeros(2 * G, C, *one) for one in places]
    rule = join([Moments(MEAN, VAR), Moments(*OTHER)], xs).belief()
    tried = [
        pooled(
            real(
                draw(MEAN[row], VAR[row], places[0], images),
                draw(OTHER.mean[row], OTHER.var[row], places[1], images),
            )
        )
        for row in range(G)
    ]
    agree(rule, tried)


def test_sums():
    join_by_monte_carlo(Add(), torch.add)
    join_by_monte_carlo(Add(-1.0), torch.sub)
    join_by_monte_carlo(Add(0.3), lambda x, y: torch.add(x, y, alpha=0.3))


def test_products():
    join_by_monte_carlo(Multiply(), torch.mul)


@pytest.mark.parametrize("scale", [(1, 1), (6, 1)])
def test_a_scale_for_many_places(scale):
    join_by_monte_carlo(Multiply(), torch.mul, (scale, PLACES))


def test_a_micro_batch_shows_a_part_of_the_scale_s_variance():
    """With m scales, 1 - 1/m of v_scale m_x^2 on average; all of the rest, but for the mean's."""
    torch.manual_seed(0)
    m, places, draws = 2, 64, 20_000
    (mx, vx), (ms, vs) = (2.0, 0.5), (0.4, 0.3)
    x = mx + vx**0.5 * torch.randn(draws, m, places).double()
    y = x * (ms + vs**0.5 * torch.randn(draws, m, 1).double())
    seen = y.flatten(1).var(1, correction=0)
    within = vx * (vs + ms**2) * (1 - 1 / (m * places))
    expected = within + (1 - 1 / m) * vs * mx**2
    assert abs(seen.mean() - expected) < 6 * seen.std() / draws**0.5
    one = torch.tensor([[1.0]]).double()
    rule = Multiply().moments([Belief(mx * one, vx * one), Belief(ms * one, vs * one)], [])
    assert_close(rule.var, (vx * (vs + ms**2) + vs * mx**2) * one)


def test_without_variance_a_product_is_the_product():
    zero = torch.zeros_like(VAR)
    rule = Multiply()([Moments(MEAN, zero), Moments(OTHER.mean, zero)], [X, X]).belief()
    assert_close(rule, Belief(MEAN * OTHER.mean, zero))


def test_gradients_of_products():
    inputs = [one.clone().requires_grad_() for one in (MEAN, VAR, *OTHER)]
    assert torch.autograd.gradcheck(
        lambda a, b, c, d: tuple(Multiply().moments([Belief(a, b), Belief(c, d)], [X, X])), inputs
    )


@pytest.mark.parametrize("dim", [1, -3])
def test_side_by_side(dim):
    join_by_monte_carlo(Concat(dim), lambda x, y: torch.cat([x, y], dim))


@pytest.mark.parametrize("dim", [2, -1])
def test_places_side_by_side(dim):
    other = (2, 4) if dim == 2 else (6, 9)
    join_by_monte_carlo(Concat(dim), lambda x, y: torch.cat([x, y], dim), (PLACES, other))


def test_images_side_by_side_are_not_guessed():
    with pytest.warns(UserWarning, match="Concat does not know"):
        assert Concat(0)([Moments(MEAN, VAR), Moments(*OTHER)], [X, X]) is None


def test_of_an_unknown_part_follows_nothing():
    for join in (Add(), Multiply(), Concat(1)):
        assert join([Moments(MEAN, VAR), None], [X, X]) is None


def test_a_sampled_scale_meets_the_image_it_was_made_from():
    torch.manual_seed(0)
    image = torch.randn(G, C, *PLACES)
    scale = image.mean((2, 3), keepdim=True).sigmoid()
    xs = [X, X[:, :, :1, :1]]
    product = Multiply()([Sample(image), Sample(scale)], xs)
    assert torch.equal(product.held, image * scale)
    assert Arrive()(product).mean.shape == (G, C)


def test_a_trunk_that_was_not_drawn_is_drawn_for_a_sampled_scale():
    scale = torch.rand(G, C, 1, 1).double()
    generator = torch.Generator().manual_seed(1)
    trunk = Sample(Belief(MEAN, VAR), torch.Generator().manual_seed(1))
    product = Multiply()([trunk, Sample(scale)], [X, X[:, :, :1, :1]])
    normal = torch.randn(G, C, *PLACES, generator=generator, dtype=torch.float64)
    image = MEAN[:, :, None, None] + (VAR + 1e-12).sqrt()[:, :, None, None] * normal
    assert_close(product.held, image * scale)


def test_sampled_moments_are_multiplied_like_moments():
    parts = [Sample(Belief(MEAN, VAR)), Sample(OTHER)]
    plain = Multiply()([Moments(MEAN, VAR), Moments(*OTHER)], [X, X]).belief()
    assert_close(Multiply()(parts, [X, X]).belief(), plain)


@pytest.mark.parametrize("together", [None, 2, 1])
def test_drops(together):
    check(Dropout(0.3, together), images=60_000)


def test_a_batch_that_is_dropped_as_one():
    torch.manual_seed(0)
    ones = torch.stack([Dropout(0.3, 0).real(torch.ones(2, 2, 2)) for _ in range(4000)])
    assert ((ones == ones[:, :1, :1, :1]).all(), abs(float(ones.mean()) - 1) < 0.05) == (True, True)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_nothing_or_everything_dropped(p):
    rule = through(Dropout(p))
    assert_close(rule, Belief((1 - p) * MEAN, (1 - p) * VAR))


def test_drops_follow_the_mode_or_what_they_are_told():
    belief = Belief(MEAN, VAR)
    assert_close(through(Dropout(0.3).eval()), belief)
    assert_close(through(Dropout(0.3), weights=(False,)), belief)
    assert (through(Dropout(0.3).eval(), weights=(True,)).var > VAR).any()
    assert torch.equal(Dropout(0.3, 1).real(X + 1, False), X + 1)


def test_products_stay_in_float32_under_autocast():
    belief = Moments(MEAN.float(), VAR.float())
    x = X.bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        for out in (
            Multiply()([belief, belief], [x, x]),
            Concat(1)([belief, belief], [x, x]),
            Scaled()(belief, x, torch.ones(3, 1, 1, dtype=torch.bfloat16)),
        ):
            assert {part.dtype for part in out.belief()} == {torch.float32}


SUMS = {
    "x + 3": lambda x, y: x + 3.0,
    "3 - x": lambda x, y: 3.0 - x,
    "x - 2 * 3": lambda x, y: torch.sub(x, 3.0, alpha=2),
    "3 - 2 x": lambda x, y: torch.rsub(x, 3.0, alpha=2),
    "x - 2 y": lambda x, y: torch.sub(x, y, alpha=2),
    "y - 2 x": lambda x, y: torch.rsub(x, y, alpha=2),
}


@pytest.mark.parametrize("name", SUMS)
def test_sums_are_read_as_they_are_meant(name):
    given = {"x": MEAN, "y": OTHER.mean}
    traced = fx.symbolic_trace(SUMS[name])
    mark_constants(traced.graph)
    (node,) = (node for node in traced.graph.nodes if node.op == "call_function")
    step = read(node, traced)
    beliefs = [Belief(given[source.name], VAR) for source in step.sources]
    if len(beliefs) == 1:
        beliefs = beliefs[0]
    assert_close(step.rule.moments(beliefs, X, *step.weights).mean, SUMS[name](**given))

"""What may happen around an optimizer step: toy modules, one for each hook."""

import copy

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from bkn import Experiment
from bkn.data import digits
from bkn.normalizers.hooks import Hooked, Hooks
from bkn.training.entrant import Entrant


class Diary(Hooked):
    """Writes down when it is called, and with what."""

    def __init__(self, name, diary):
        super().__init__()
        self.name, self.diary = name, diary

    def forward(self, x):
        self.note("replay" if self.replaying else "forward")
        return x

    def plan(self, steps):
        self.note(f"plan {steps}")

    def before_step(self, model):
        self.note("before")

    def after_step(self, model):
        self.note("after")

    def note(self, what):
        self.diary.append(f"{self.name} {what}")


class Again(Diary):
    """Wants the batch a second time."""

    replays = True


class Counter(nn.Module):
    """A module with a buffer of its own that every forward pass changes, in place or not."""

    def __init__(self, in_place):
        super().__init__()
        self.in_place = in_place
        self.register_buffer("calls", torch.tensor(0))
        self.register_buffer("secret", torch.tensor(0), persistent=False)

    def forward(self, x):
        if self.in_place:
            self.calls += 1
            self.secret += 1
        else:
            self.calls, self.secret = self.calls + 1, self.secret + 1
        return x


class Recall(Hooked):
    """Keeps how often it was called in each pass, and the noise that it saw in the replay."""

    replays = True

    def __init__(self):
        super().__init__()
        self.inner = Counter(in_place=True)
        self.register_buffer("first", torch.zeros(3))
        self.register_buffer("second", torch.zeros(3))

    def forward(self, x):
        noise = torch.rand(3)
        if self.replaying:
            self.second = noise
        else:
            self.first = noise
        return self.inner(x)


def step(hooks, model, x):
    """One step as the training loop takes it."""
    hooks.before_forward()
    model(x)
    hooks.before_step()
    hooks.after_step(lambda: model(x))


def test_calls_come_in_order():
    diary = []
    model = nn.Sequential(Diary("one", diary), Again("two", diary), Diary("three", diary))
    hooks = Hooks(model)
    hooks.plan(7)
    step(hooks, model, torch.ones(1))
    assert diary == [
        "one plan 7", "two plan 7", "three plan 7",
        "one forward", "two forward", "three forward",
        "one before", "two before", "three before",
        "one after", "two after", "three after",
        "one forward", "two replay", "three forward",
    ]  # fmt: skip


def test_without_replays_the_batch_goes_through_once():
    diary = []
    model = nn.Sequential(Diary("one", diary), nn.Dropout(0.5))
    hooks = Hooks(model)
    step(hooks, model, torch.ones(1))

    def replay():
        raise AssertionError("nobody wants it")

    hooks.after_step(replay)
    assert diary.count("one forward") == 1


def test_a_module_used_twice_is_called_once():
    diary = []
    one = Diary("one", diary)
    hooks = Hooks(nn.Sequential(one, nn.Sequential(one)))
    hooks.before_step()
    assert diary == ["one before"]


def test_only_overridden_hooks_are_called(monkeypatch):
    class Silent(Hooked):
        pass

    for name in ("plan", "before_step", "after_step", "undecayed"):
        monkeypatch.setattr(Hooked, name, lambda *args: pytest.fail("called for nothing"))
    hooks = Hooks(nn.Sequential(Silent(), nn.Linear(1, 1)))
    hooks.plan(1)
    hooks.before_step()
    hooks.after_step(lambda: None)
    assert hooks.undecayed() == set()


def test_gradients_can_be_changed_before_the_step():
    class Halve(Hooked, nn.Identity):
        def before_step(self, model):
            assert not torch.is_grad_enabled()
            for parameter in model.parameters():
                parameter.grad.mul_(0.5)

    model = nn.Sequential(nn.Linear(2, 1), Halve())
    model(torch.ones(1, 2)).sum().backward()
    Hooks(model).before_step()
    assert_close(model[0].weight.grad, torch.full((1, 2), 0.5))


def test_weights_can_be_changed_after_the_step():
    class Unit(Hooked):
        def after_step(self, model):
            weight = model.get_submodule("0").weight
            weight /= weight.norm()

    model = nn.Sequential(nn.Linear(2, 1), Unit())
    Hooks(model).after_step(lambda: pytest.fail("nobody replays"))
    assert model[0].weight.norm().item() == pytest.approx(1)
    assert model[0].weight.requires_grad


def test_parameters_can_be_kept_from_decay():
    class Spare(Hooked):
        def undecayed(self, model):
            return [model.get_submodule("0").weight]

    model = nn.Sequential(nn.Linear(2, 1), Spare(), nn.Linear(1, 1), Spare())
    assert Hooks(model).undecayed() == {model[0].weight}


def test_the_replay_sees_the_new_weights_and_asks_for_no_gradient():
    seen = []

    class Watch(Hooked):
        replays = True

        def forward(self, x):
            seen.append((x.item(), x.requires_grad))
            return x

        def after_step(self, model):
            model.get_submodule("0").weight.fill_(3.0)

    model = nn.Sequential(nn.Linear(1, 1, bias=False), Watch())
    model[0].weight.data.fill_(2.0)
    step(Hooks(model), model, torch.ones(1))
    assert seen == [(2.0, True), (3.0, False)]


def test_a_buffer_of_another_shape_is_put_back():
    class Growing(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("seen", torch.zeros(0))

        def forward(self, x):
            self.seen = torch.cat([self.seen, x])
            return x

    model = nn.Sequential(Growing(), Recall())
    step(Hooks(model), model, torch.ones(2))
    assert torch.equal(model[0].seen, torch.ones(2))
    assert "0.seen" in model.state_dict()


@pytest.mark.parametrize("in_place", [True, False])
def test_the_replay_leaves_no_trace_in_other_modules(in_place):
    model = nn.Sequential(Counter(in_place), Recall(), nn.BatchNorm1d(1))
    alone = copy.deepcopy(model)
    x = torch.randn(8, 1)
    hooks = Hooks(model)
    for _ in range(3):
        step(hooks, model, x)
        alone(x)
    assert model[0].calls == model[0].secret == 3
    assert model[1].inner.calls == 6  # what belongs to the replaying module is its own affair
    for index in (0, 2):
        for (name, ours), theirs in zip(
            model[index].named_buffers(), alone[index].buffers(), strict=True
        ):
            assert torch.equal(ours, theirs), name


def test_the_replay_draws_the_same_random_numbers_and_takes_none_away():
    model = nn.Sequential(nn.Dropout(0.5), Recall())
    hooks, x = Hooks(model), torch.ones(64)
    torch.manual_seed(3)
    hooks.before_forward()
    first = model(x)
    torch.rand(5)  # drawn by the loss, say
    after = torch.get_rng_state()
    second = []
    hooks.after_step(lambda: second.append(model(x)))
    assert torch.equal(second[0], first)
    assert torch.equal(model[1].second, model[1].first)
    assert torch.equal(torch.get_rng_state(), after)


def test_every_replay_has_the_numbers_of_its_own_step():
    model = nn.Sequential(Recall())
    hooks, x = Hooks(model), torch.ones(1)
    step(hooks, model, x)
    earlier = model[0].first
    step(hooks, model, x)
    assert torch.equal(model[0].second, model[0].first)
    assert not torch.equal(model[0].second, earlier)


def test_random_streams_are_only_looked_at_if_somebody_replays(monkeypatch):
    monkeypatch.setattr(torch, "get_rng_state", lambda: pytest.fail("nobody replays"))
    model = nn.Sequential(Diary("one", []))
    step(Hooks(model), model, torch.ones(1))


def test_a_replay_that_fails_puts_everything_back():
    model = nn.Sequential(Counter(in_place=True), Recall())
    hooks = Hooks(model)
    hooks.before_forward()
    model(torch.ones(1))
    after = torch.get_rng_state()

    def replay():
        model(torch.ones(1))
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        hooks.after_step(replay)
    assert model[0].calls == 1
    assert not model[1].replaying
    assert torch.equal(torch.get_rng_state(), after)


def test_a_copy_has_hooks_of_its_own():
    model = nn.Sequential(nn.Linear(1, 1), Recall())
    twin = copy.deepcopy(model)
    hooks = Hooks(twin)
    step(hooks, twin, torch.ones(1))
    assert twin[1].inner.calls == 2
    assert model[1].inner.calls == 0


def test_model_and_hooks_can_be_copied_together():
    model = nn.Sequential(nn.Linear(1, 1), Recall())
    hooks = Hooks(model)
    twin, copied = copy.deepcopy((model, hooks))
    step(copied, twin, torch.ones(1))
    assert twin[1].inner.calls == 2
    assert model[1].inner.calls == 0


def test_the_entrant_takes_its_steps_by_the_hooks(monkeypatch):
    """In this order, with the batch of the step, and whatever the method."""
    calls = []

    class Spy(Hooks):
        def plan(self, steps):
            calls.append(f"plan {steps}")

        def before_forward(self):
            calls.append("before_forward")

        def before_step(self):
            calls.append("before_step")

        def after_step(self, replay):
            calls.append(f"after_step {tuple(replay().shape)}")

    entrant = small_entrant(monkeypatch, Spy)
    entrant.train_step(torch.randn(4, 1, 8, 8), torch.arange(4), 0.1)
    assert calls == ["plan 42", "before_forward", "before_step", "after_step (4, 10)"]


def test_gradients_are_changed_before_the_weights_move(monkeypatch):
    class Hold(Hooks):
        def before_step(self):
            for parameter in self.model.parameters():
                parameter.grad.zero_()

    entrant = small_entrant(monkeypatch, Hold, weight_decay=0.0)
    before = copy.deepcopy(list(entrant.model.parameters()))
    entrant.train_step(torch.randn(4, 1, 8, 8), torch.arange(4), 0.1)
    assert_close(list(entrant.model.parameters()), before, atol=0, rtol=0)


def test_the_entrant_decays_what_it_may(monkeypatch):
    class Sparing(Hooks):
        def undecayed(self):
            return {self.model.classify.weight}

    entrant = small_entrant(monkeypatch, Sparing)
    decayed, others = entrant.optimizer.param_groups
    spared = entrant.model.classify.weight
    assert (decayed["weight_decay"], others["weight_decay"]) == (2e-4, 0.0)
    assert any(p is spared for p in others["params"])
    assert all(p.ndim > 1 and p is not spared for p in decayed["params"])


def small_entrant(monkeypatch, hooks, **settings):
    """A batch-normalized network of 42 planned steps, with other hooks."""
    monkeypatch.setattr("bkn.training.entrant.Hooks", hooks)
    cpu = torch.device("cpu")
    experiment = Experiment(
        method="batch",
        batch=32,
        epochs=1,
        device="cpu",
        network_options={"depth": 2, "width": 4},
        **settings,
    )
    return Entrant(experiment, digits.load(cpu), cpu)


@pytest.mark.parametrize("steps", [0, -5, 1.5, None, "a"])
def test_a_plan_is_a_whole_number_of_steps(steps):
    with pytest.raises(ValueError, match="steps must be a whole number of at least 1, got"):
        Hooks(nn.Linear(1, 1)).plan(steps)

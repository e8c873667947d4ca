"""Runs side by side come back in the order of the experiments."""

import sys
from types import ModuleType

from benchmarks.runs import accuracies, final_accuracy
from bkn import Experiment


def test_accuracies_keep_their_order_and_a_diverged_run_counts_as_nothing(monkeypatch):
    # Tests of pages leave their script behind as the main module; a new process would run it.
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    tiny = {"network": "mlp", "network_options": {"depth": 1, "width": 8}, "device": "cpu"}
    learns = Experiment(method="batch", epochs=1, **tiny)
    explodes = Experiment(method="none", epochs=1, lr=1e6, **tiny)
    assert accuracies([explodes, learns], jobs=1) == [0.0, final_accuracy(learns)]
    assert final_accuracy(learns) > 0.0

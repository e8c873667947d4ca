"""python -m bkn export: the rows of a recorded race as CSV."""

import pandas as pd
import pytest

from bkn import Race
from bkn.__main__ import main
from bkn.store.home import store_path
from bkn.store.writer import Writer
from bkn.training.run import MemorySink
from bkn.training.sink import PROBE, TEST, TRAIN

RACE = Race.of(["batch", "kalman"], epochs=1)
ROWS = {
    TRAIN: (("loss", "lr", "step_ms"), ((5, (2.5, 0.25, 1.0)), (10, (1.5, 0.5, 1.0)))),
    TEST: (("test_loss", "test_accuracy"), ((10, (1.25, 0.75)),)),
    PROBE: (("layer1/mean_error", "layer2/mean_error"), ((5, (0.5, 0.25)),)),
}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A store with one race."""
    monkeypatch.setenv("BKN_HOME", str(tmp_path))
    with Writer(store_path(tmp_path)) as writer, writer.transaction():
        writer.add_race("r", RACE)
        for run in writer.run_ids("r"):
            for stream, (columns, rows) in ROWS.items():
                writer.set_columns(run, stream, columns)
                for step, values in rows:
                    writer.add_row(run, stream, step, step / 2, values)
    return tmp_path


@pytest.mark.parametrize("table", ["scalars", "layers"])
def test_the_file_holds_what_the_library_would_have_given(home, capsys, table):
    out = home / "made" / "race.csv"
    assert main(["export", "r", "--table", table, "--out", str(out)]) == 0
    sink = MemorySink(RACE)
    for run in range(2):
        for stream, (columns, rows) in ROWS.items():
            sink.columns(run, stream, columns)
            for step, values in rows:
                sink.row(run, stream, step, values)
    expected = pd.concat(
        [getattr(run, table)().assign(entrant=run.experiment.entrant) for run in sink.runs]
    ).reset_index(drop=True)
    found = pd.read_csv(out)
    assert list(found["time"]) == list(found["step"] / 2)  # as recorded
    names = [name for name in expected.columns if name != "time"]
    pd.testing.assert_frame_equal(
        found[[n for n in names if n != "layer"]], expected[[n for n in names if n != "layer"]],
        check_dtype=False,
    )  # fmt: skip
    if table == "layers":
        assert list(found["layer"]) == ["layer1", "layer2"] * 2
    assert f"{out}: 4 rows" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody", "--out", "x.csv"], "race must be one of the store "),
        (["r", "--out", "x.csv", "--table", "all"], "table must be scalars or layers, got 'all'"),
        (["r", "--out", "/dev/null/x.csv"], "/dev/null/x.csv cannot be written: "),
    ],
)
def test_what_cannot_be_exported_is_refused_in_words(home, capsys, arguments, message):
    assert main(["export", *arguments]) == 2
    assert message in capsys.readouterr().err

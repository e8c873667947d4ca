"""The table of held-out styles keeps entrants, styles and seeds apart."""

from benchmarks import held_out
from benchmarks.held_out import ENTRANTS, STYLES, table


def test_every_figure_stands_in_its_place():
    found = [i / 100 for i in range(len(ENTRANTS) * len(STYLES) * 2)]
    first, *_, last = table(found, seeds=2).splitlines()[2:]
    assert [cell.strip() for cell in first.split("|")[1:-1]] == [
        "`batch`",
        "0.00, 1.00",
        "2.00, 3.00",
    ]
    assert "18.00, 19.00" in last


def test_it_asks_for_the_held_out_style(monkeypatch, capsys):
    asked = {}

    def accuracies(runs, jobs, on):
        asked[on] = {run.dataset_options["held_out"] for run in runs}
        return [0.5] * len(runs)

    monkeypatch.setattr("sys.argv", ["held_out"])
    monkeypatch.setattr(held_out, "accuracies", accuracies)
    held_out.main()
    assert asked == {"held_out_accuracy": set(STYLES)}
    assert capsys.readouterr().out.count("50.00, 50.00") == len(ENTRANTS) * len(STYLES)

"""Tables are Markdown, fractions are shown in percent."""

from bkn.tables import markdown, percent


def test_fractions_are_shown_in_percent():
    assert percent(0.97555) == "97.56"
    assert percent(0.012, sign=True) == "+1.20"
    assert percent(-0.012, sign=True) == "-1.20"


def test_tables_are_aligned_markdown():
    table = markdown(("method", "mean"), [("batch", "1.0"), ("k", "22.25")])
    assert table.splitlines() == [
        "| method | mean  |",
        "|--------|-------|",
        "| batch  | 1.0   |",
        "| k      | 22.25 |",
    ]

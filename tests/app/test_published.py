"""The browser's files are where Streamlit serves them, whole and of the installed version."""

import pytest

from app import published


def test_plotly_and_our_scripts_are_published(tmp_path):
    folder = published.publish(tmp_path)
    assert (tmp_path / "plotly.min.js").read_bytes() == published.plotly_script().read_bytes()
    names = {file.name for file in published.PANEL.iterdir()}
    assert {file.name for file in (tmp_path / folder).iterdir()} == names
    assert {"main.js", "style.css"} <= names


def test_another_version_of_plotly_is_replaced_and_an_equal_one_left(tmp_path):
    target = tmp_path / "plotly.min.js"
    target.write_text("an older one")
    published.publish(tmp_path)
    assert target.stat().st_size > 1_000_000
    before = target.stat().st_mtime_ns
    published.publish(tmp_path)
    assert target.stat().st_mtime_ns == before


def test_a_changed_script_gets_a_new_name_and_the_old_one_goes(tmp_path, monkeypatch):
    panel = tmp_path / "panel"
    panel.mkdir()
    monkeypatch.setattr(published, "PANEL", panel)
    (panel / "main.js").write_text("1")
    first = published.publish(tmp_path / "static")
    (panel / "main.js").write_text("2")
    second = published.publish(tmp_path / "static")
    assert first != second
    assert [p.name for p in (tmp_path / "static").glob("panel-*")] == [second]


def test_a_missing_plotly_is_said_in_words(monkeypatch):
    monkeypatch.setattr(published, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="plotly is not installed"):
        published.plotly_script()

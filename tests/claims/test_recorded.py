"""Verdicts that are shipped with the code: written, read back, and refused where they are none."""

import json
from dataclasses import replace
from math import nan

import pytest

from bkn.claims.recorded import machine_kind, read, record, write
from bkn.results import results
from bkn.store.home import store_path
from bkn.store.reader import Reader
from tests.app.made_up_claims import CLAIMS, write_claim


@pytest.fixture
def found(tmp_path):
    write_claim(tmp_path, "both")
    return results(Reader(store_path(tmp_path)), CLAIMS["both"].laptop.jobs, curves=True)


@pytest.fixture
def kept(found):
    verdict = CLAIMS["both"].decide(found)
    return record(verdict, found, "laptop", 1.7e9, "Linux x86_64, 2 cores, CPU")


def test_what_was_written_is_read_back(kept, tmp_path):
    path = tmp_path / "claims.json"
    write({"both": kept}, path)
    assert read(path) == {"both": kept}
    assert kept.fits(CLAIMS["both"])
    assert not kept.fits(CLAIMS["yes"])
    assert [run.status for run in kept.runs] == ["finished"] * 15
    assert kept.runs[0].seconds > 0


def test_what_is_not_a_number_stays_so_and_the_file_is_strict_json(kept, tmp_path):
    path = tmp_path / "claims.json"
    write({"both": replace(kept, verdict=replace(kept.verdict, low=nan))}, path)
    assert "NaN" not in path.read_text()
    low = read(path)["both"].verdict.low
    assert low != low


def test_without_a_file_there_is_nothing(tmp_path):
    assert read(tmp_path / "claims.json") == {}


@pytest.mark.parametrize("body", ["{", "[]", '{"version": 99, "claims": {}}', '{"version": 1}'])
def test_a_file_of_another_form_is_refused_in_words(tmp_path, body):
    path = tmp_path / "claims.json"
    path.write_text(body)
    with pytest.raises(ValueError, match=r"claims\.json does not hold recorded claims"):
        read(path)


def test_an_open_claim_is_not_recorded(found):
    part = [replace(one, status="waiting", summary={}) for one in found[:9]] + found[9:]
    with pytest.raises(ValueError, match="only a decided claim"):
        record(CLAIMS["both"].decide(part), part, "laptop", 1.7e9, "")


def test_the_machine_is_told_without_its_name():
    import platform

    assert "core" in machine_kind()
    assert platform.node() not in machine_kind() or not platform.node()


def test_the_shipped_file_can_be_read_and_is_of_this_version():
    from bkn.claims import CLAIMS as REAL

    for key, one in read().items():
        assert key in REAL
        assert len(one.runs) == len(REAL[key].protocol(one.protocol).jobs)


def test_a_half_written_file_never_takes_the_place_of_a_whole_one(kept, tmp_path, monkeypatch):
    path = tmp_path / "claims.json"
    write({"both": kept}, path)
    monkeypatch.setattr(json, "dumps", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write({}, path)
    assert "both" in read(path)

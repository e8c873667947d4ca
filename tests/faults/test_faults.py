"""The tables of planted faults fit the source: each fault can still be planted."""

from pathlib import Path

import pytest

from tests.faults.__main__ import areas

ROOT = Path(__file__).resolve().parents[2]
ALL = [pytest.param(fault, id=fault.what) for faults in areas().values() for fault in faults]


@pytest.mark.parametrize("fault", ALL)
def test_a_fault_names_one_place_and_an_existing_test(fault):
    assert (ROOT / fault.file).read_text().count(fault.old) == 1
    assert fault.new != fault.old
    file, _, name = fault.test.partition("::")
    assert f"def {name.partition('[')[0]}(" in (ROOT / file).read_text()

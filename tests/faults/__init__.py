"""Faults that were planted, and the test that caught each: one table per area, as data.

`python -m tests.faults` plants every one of them in a copy of the checkout, runs the named test
there, and writes what happened to tests/faults/README.md.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One change of the source that a test must notice."""

    file: str  # from the root of the checkout
    old: str  # occurs exactly once in the file
    new: str
    test: str  # pytest id, e.g. tests/normalizers/test_frn.py::test_no_shift_invariance
    what: str  # in words: what is broken

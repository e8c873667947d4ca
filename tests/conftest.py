"""Shared by all tests: one torch thread, and a store of their own."""

import os
import signal

os.environ["OMP_NUM_THREADS"] = "1"  # tests, and what they start, neither fight for cores nor vary

import pytest
import torch

torch.set_num_threads(1)
# A run in the background ignores Ctrl-C, and so would every process that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def home_of_the_tests(tmp_path_factory):
    """No test touches the store of whoever runs it."""
    before = os.environ.get("BKN_HOME")
    os.environ["BKN_HOME"] = str(tmp_path_factory.mktemp("home"))
    yield
    if before is None:
        del os.environ["BKN_HOME"]
    else:
        os.environ["BKN_HOME"] = before

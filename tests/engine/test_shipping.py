"""What travels to the nodes of a cluster, and what stays."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from bkn.cards import RemoteFile
from bkn.catalog import DATASETS
from bkn.engine import shipping
from bkn.fetch.state import note
from bkn.home import ROOT

MNIST = DATASETS["mnist"]
FILES = (
    RemoteFile("raw/images.gz", 6, "", (), (("raw/images", ""),)),
    RemoteFile("raw/labels.gz", 6, "", (), (("raw/labels", ""),)),
)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder of fetched data with a tiny dataset, whole and noted."""
    folder = tmp_path / "fetched"
    card = replace(MNIST, files=FILES)
    monkeypatch.setenv("BKN_DATA_DIR", str(folder))
    monkeypatch.setattr(shipping, "DATASETS", {**DATASETS, "mnist": card})
    for name in ("images.gz", "labels.gz", "images", "labels"):
        (folder / "raw").mkdir(parents=True, exist_ok=True)
        (folder / "raw" / name).write_text(name)
    note(card, folder)
    return folder


def shipped(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_code_and_digits_travel_and_nothing_else(tmp_path):
    found = shipped(shipping.stage(tmp_path))
    assert {"bkn/sweep.py", "bkn/engine/ray_task.py", "assets/digits/digits.npz"} <= found
    assert {name.split("/")[0] for name in found} == {"bkn", "assets"}
    assert {name.split("/")[1] for name in found if name.startswith("assets")} == {"digits"}
    assert not [name for name in found if "__pycache__" in name]
    assert sum((tmp_path / name).stat().st_size for name in found) < 5e6


def test_what_travels_is_enough_to_train(tmp_path):
    shipping.stage(tmp_path)
    code = (
        "import bkn; from bkn.training.job import run_job; from bkn.training.sink import Nowhere;"
        "from bkn.sweep import Job; print(bkn.__file__);"
        "run_job(Job(bkn.Experiment(batch=64, micro_batch=64, epochs=1, device='cpu')), Nowhere())"
    )
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=alone, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(str(tmp_path))


def test_fetched_files_travel_as_they_were_fetched(tmp_path, here):
    shipping.stage(tmp_path / "out", ["digits", "mnist"])
    assert shipped(tmp_path / "out" / "data") == {"raw/images.gz", "raw/labels.gz"}


def test_what_was_unpacked_travels_where_that_is_all_there_is(tmp_path, here):
    (here / "raw" / "labels.gz").unlink()
    shipping.stage(tmp_path / "out", ["mnist"])
    assert shipped(tmp_path / "out" / "data") == {"raw/images.gz", "raw/labels"}


def test_a_dataset_that_is_not_here_does_not_travel(tmp_path, here):
    (here / "raw" / "labels").unlink()
    shipping.stage(tmp_path / "out", ["mnist"])
    assert not (tmp_path / "out" / "data").exists()


def test_a_folder_that_all_nodes_see_spares_the_journey(tmp_path, here, monkeypatch):
    monkeypatch.setenv("BKN_RAY_DATA_DIR", "/seen/by/all")
    shipping.stage(tmp_path / "out", ["mnist"])
    assert shipping.shared_folder() == "/seen/by/all"
    assert not (tmp_path / "out" / "data").exists()


def test_too_much_data_is_refused_in_words(tmp_path, here, monkeypatch):
    monkeypatch.setattr(shipping, "MOST", 17)
    with pytest.raises(ValueError, match=r"mnist: .* to carry, .* name it by BKN_RAY_DATA_DIR"):
        shipping.stage(tmp_path / "out", ["digits", "mnist"])


def test_a_node_reads_the_data_that_came_with_the_code(tmp_path, monkeypatch):
    monkeypatch.setenv("BKN_DATA_DIR", "/of/the/node")
    monkeypatch.setattr(shipping, "ROOT", tmp_path)
    shipping.use_shipped_data()
    assert os.environ["BKN_DATA_DIR"] == "/of/the/node"
    (tmp_path / "data").mkdir()
    shipping.use_shipped_data()
    assert os.environ["BKN_DATA_DIR"] == str(tmp_path / "data")


def test_the_code_that_travels_is_this_one():
    assert all((ROOT / name).is_dir() for name in shipping.SHIPPED)

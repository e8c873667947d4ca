"""What the commands make of --executor and its company."""

import argparse

import pytest

from bkn.cli.executors import add_executor, maker_of
from bkn.engine.local import LocalExecutor

NO_RAY = "Ray is not installed: pip install -r requirements-ray.txt"


def given(*arguments):
    parser = argparse.ArgumentParser()
    add_executor(parser)
    return parser.parse_args(arguments)


def test_processes_of_this_machine_are_the_default(tmp_path):
    make = maker_of(given("--jobs", "3"), tmp_path)
    assert make.func is LocalExecutor
    assert make.args == (tmp_path, 3)


def test_an_address_where_nobody_answers_is_refused_before_anything_begins(tmp_path):
    pytest.importorskip("ray", reason=NO_RAY)
    with pytest.raises(ValueError, match="must be auto, local or HOST:PORT, got 'there'"):
        maker_of(given("--executor=ray", "--address=there"), tmp_path)


def test_a_cluster_is_told_what_there_is_to_know(tmp_path, monkeypatch):
    pytest.importorskip("ray", reason=NO_RAY)
    from bkn.engine import ray_cluster
    from bkn.engine.ray_executor import RayExecutor

    monkeypatch.setattr(ray_cluster, "check_address", lambda ray, address: None)
    listed = tmp_path / "packages.txt"
    listed.write_text("torch>=2.11,<3  # large\n\n# small\ntqdm\n")
    make = maker_of(
        given("--executor=ray", "--address=head:6379", "--gpus=0.25", f"--install={listed}"),
        tmp_path,
        {"mnist"},
    )
    assert make.func is RayExecutor
    assert make.args == ("head:6379", None)
    assert make.keywords == {
        "datasets": ("mnist",),
        "pip": ("torch>=2.11,<3", "tqdm"),
        "gpus": 0.25,
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "install must name a file with packages"),
        ("-r other.txt\n", "packages only, got '-r"),
    ],
)
def test_a_file_of_packages_that_is_none_is_refused(tmp_path, text, words):
    pytest.importorskip("ray", reason=NO_RAY)
    listed = tmp_path / "packages.txt"
    if text is not None:
        listed.write_text(text)
    with pytest.raises(ValueError, match=words):
        maker_of(given("--executor", "ray", "--install", str(listed)), tmp_path)

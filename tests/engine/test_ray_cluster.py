"""Ray clusters that cannot be joined: every reason is said in a sentence."""

import socket
import subprocess
import sys

import pytest

pytest.importorskip("ray", reason="Ray is not installed: pip install -r requirements-ray.txt")

import ray

from bkn.engine import ray_cluster, ray_executor
from bkn.engine.ray_cluster import RayCluster, brief
from bkn.engine.ray_executor import RayExecutor, ending
from bkn.home import ROOT
from tests.patience import PATIENCE

MISMATCH = (
    "Version mismatch: The cluster was started with:\n    Ray: 2.50.0\n    Python: 3.10.1\n"
    "This process on node 10.0.0.1 was started with:\n    Ray: 2.60.0\n    Python: 3.11.7\n"
)


TOKEN = ConnectionError("Failed to connect to Ray cluster at h:1")
TOKEN.__cause__ = RuntimeError("RPC error: InvalidAuthToken: Authentication token is missing")


@pytest.mark.parametrize(
    "address", ["ray://head:10001", "head", "head:", ":6379", "a:b", "a:70000"]
)
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(ValueError, match=f"must be auto, local or HOST:PORT, got '{address}'"):
        RayCluster(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_address_where_nobody_answers_is_refused(host):
    with socket.socket() as taken:
        taken.bind(("", 0))  # and does not listen
        port = taken.getsockname()[1]
        words = rf"no Ray cluster can be reached at .*:{port} \(.*refused\); start one"
        with pytest.raises(ValueError, match=words):
            RayCluster(f"{host}:{port}")


def test_ray_that_is_missing_is_said_in_words(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match="pip install -r requirements-ray"):
        RayExecutor("local")


@pytest.mark.parametrize(
    ("address", "error", "words"),
    [
        ("auto", ConnectionError("Could not find any"), "no Ray cluster can be found on this mach"),
        (
            "h:1",
            RuntimeError(MISMATCH),
            "the Ray cluster at h:1 runs other versions than this proc",
        ),
        (
            "h:1",
            TOKEN,
            "the Ray cluster at h:1 asks for a token: copy ~/.ray/auth_t",
        ),
        ("h:1", OSError("no route"), "the Ray cluster at h:1 cannot be joined: no route"),
    ],
)
def test_what_ray_refuses_is_said_in_words(monkeypatch, address, error, words):
    def refuse(*given, **more):
        raise error

    monkeypatch.setattr(ray, "init", refuse)
    monkeypatch.setattr(ray_cluster, "check_address", lambda *given: None)
    with pytest.raises(ValueError, match=words) as refused:
        RayCluster(address)
    assert "\n" not in str(refused.value)


MUTE = """
import socket, sys
from bkn.engine import ray_cluster, ray_executor
ray_cluster.JOINED_WITHIN = 1.0
ray_cluster.load_ray().util.get_node_ip_address = lambda: "127.0.0.1"
with socket.create_server(("127.0.0.1", 0)) as mute:
    ray_cluster.RayCluster(f"127.0.0.1:{mute.getsockname()[1]}")
"""


def test_a_port_that_never_answers_does_not_hold_up_for_ever():
    ran = subprocess.run(
        [sys.executable, "-c", MUTE], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE
    )
    assert ran.returncode == 1
    assert "cannot be joined: no answer in 1 seconds" in ran.stderr


@pytest.mark.parametrize("given", [{"slots": 0}, {"cpus": 0.0}, {"gpus": -1.0}])
def test_wrong_numbers_are_refused(given):
    with pytest.raises(ValueError, match="at least"):
        RayExecutor("local", **given)


class Small:
    """A cluster whose largest node has one CPU and half a GPU."""

    left = 0

    def __init__(self, *given):
        """Joined."""

    def most(self, resource):
        return {"CPU": 1.0, "GPU": 0.5}[resource]

    def leave(self):
        Small.left += 1


@pytest.mark.parametrize(
    ("needs", "words"),
    [
        ({"cpus": 2.0}, "a job takes 2 CPUs of a node, and no node of the cluster has more than 1"),
        (
            {"gpus": 0.75},
            r"takes 0\.75 GPUs of a node, and no node .* more than 0\.5",
        ),
    ],
)
def test_what_no_node_can_give_is_refused(monkeypatch, needs, words):
    monkeypatch.setattr(ray_executor, "RayCluster", Small)
    before = Small.left
    with pytest.raises(ValueError, match=words):
        RayExecutor("auto", **needs)
    assert Small.left == before + 1


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("NodeDiedError", ("lost", "The node was lost that trained it on vm.")),
        ("WorkerCrashedError", ("lost", "Its process on vm died.")),
        ("OutOfMemoryError", ("lost", "Its process on vm was ended, the node had no memory left.")),
        ("RuntimeEnvSetupError", ("failed", "A node could not be set up: why.")),
        ("RayTaskError(ValueError)", ("failed", "It could not be begun on vm: why.")),
        ("ObjectLostError", ("lost", "The attempt on vm broke off: why.")),
        ("StopIteration", ("lost", "The attempt on vm broke off: why.")),
    ],
)
def test_how_an_attempt_ended_in_words(kind, expected):
    error = type(kind, (Exception,), {})("why")
    assert ending(error, "vm") == expected


def test_what_ray_says_is_cut_to_a_line():
    assert brief(ValueError("a\n  b")) == "a b"
    assert brief(ValueError()) == "ValueError"
    assert (
        brief(ValueError("Broken:\nTraceback (most recent ...\n  f()\nOSError: full\n"))
        == "OSError: full"
    )
    assert len(brief(ValueError("x" * 1000))) == 300

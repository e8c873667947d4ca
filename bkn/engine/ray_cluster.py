"""The connection to a Ray cluster: joining it with code and data, asking what it has, leaving it.

Ray's own words are about its insides, so what can go wrong is said here in a sentence each.
"""

import os
import socket
import tempfile
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from bkn.engine.ray_task import inventory
from bkn.engine.shipping import shared_folder, stage

REACHED_WITHIN = 5.0  # seconds for the port of a cluster to answer
JOINED_WITHIN = 60.0  # seconds for a cluster to take this process in; Ray itself tries for ever
INSPECTED_WITHIN = 120.0  # seconds for all nodes to say what they have
INSTALLED_WITHIN = 1800  # the same where they install packages first
LOCAL_MEMORY = 200 * 2**20  # bytes of the object store of a cluster of our own; lines are small
PASSED = ("BKN_FOLDER", "BKN_FOLDER_SIZE")  # what the nodes know of this environment
HERE = ("localhost", "127.0.0.1", "::1")  # what Ray takes for this machine's outer address


def load_ray() -> ModuleType:
    """Ray, which is an extra.

    Raises:
        ValueError: saying how to install it.
    """
    try:
        import ray
    except ImportError as error:
        raise ValueError(
            f"Ray cannot be imported ({error}); install it: pip install -r requirements-ray.txt"
        ) from error
    return ray


class RayCluster:
    """This process as the driver of a cluster.

    Args:
        address: "auto" for the cluster that runs on this machine, "host:port" for one that this
            machine has joined, "local" for one of its own that ends with it.
        datasets: that travel to the nodes, if they are fetched ones.
        pip: packages that every node installs first, into an environment of their own.

    Raises:
        ValueError: in words, if there is no such cluster, or it cannot train.
    """

    def __init__(self, address: str, datasets: Sequence[str] = (), pip: Sequence[str] = ()):
        self.address, self.ray = address, load_ray()
        self._tasks: dict[Any, Any] = {}  # known to the cluster, by what they need
        hush()
        if self.ray.is_initialized():
            raise ValueError("this process is connected to a Ray cluster already; one at a time")
        check_address(self.ray, address)
        known = {name: os.environ[name] for name in PASSED if name in os.environ}
        variables = {"OMP_NUM_THREADS": "1", **known}
        if folder := shared_folder():
            variables["BKN_DATA_DIR"] = folder
        environment: dict[str, Any] = {"env_vars": variables}
        if pip:
            environment["pip"] = list(pip)
            environment["config"] = {"setup_timeout_seconds": INSTALLED_WITHIN}
        with tempfile.TemporaryDirectory(prefix="bkn-") as made:
            environment["working_dir"] = str(stage(Path(made), datasets))
            self._join(environment)
        try:
            self.nodes = self._inspect(INSTALLED_WITHIN if pip else INSPECTED_WITHIN)
        except BaseException:
            self.leave()
            raise

    def has(self, resource: str) -> float:
        """How much of "CPU" or "GPU" the living nodes have together."""
        return float(self.ray.cluster_resources().get(resource, 0.0))

    def most(self, resource: str) -> float:
        """The most that one living node has of "CPU" or "GPU"."""
        alive = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        return max((float(has.get(resource, 0.0)) for has in alive), default=0.0)

    def start(self, task: Callable[..., Any], *given: Any, **needs: float) -> Any:
        """Run a generator as a task as soon as a node has room; returns its stream of lines."""
        hidden = not needs["num_gpus"] and self.has("GPU") > 0  # it would find one nevertheless
        key = (task, hidden, *needs.values())
        if key not in self._tasks:
            options: dict[str, Any] = {"max_retries": 0, "scheduling_strategy": "SPREAD", **needs}
            if hidden:
                options["runtime_env"] = {"env_vars": {"CUDA_VISIBLE_DEVICES": ""}}
            self._tasks[key] = self.ray.remote(**options)(task)
        return self._tasks[key].remote(*given)

    def leave(self) -> None:
        """Disconnect. Ray ends what this driver began; a cluster of our own ends too."""
        self.ray.shutdown()

    def _join(self, environment: dict[str, Any]) -> None:
        given = {"runtime_env": environment, "log_to_driver": False, "logging_level": "ERROR"}
        refused: list[Exception] = []

        def join() -> None:
            try:
                self.ray.init(self.address, **given)
            except Exception as error:  # said in words below
                refused.append(error)

        if self.address == "local":
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
            given |= {"include_dashboard": False, "object_store_memory": LOCAL_MEMORY}
            join()  # its processes end together with the thread that started them
        else:
            joining = threading.Thread(target=join, name="joining", daemon=True)
            joining.start()
            joining.join(JOINED_WITHIN)
            if joining.is_alive():
                refused.append(TimeoutError(f"no answer in {JOINED_WITHIN:g} seconds"))
        if refused:
            raise ValueError(in_words(self.address, refused[0])) from refused[0]

    def _inspect(self, seconds: float) -> list[dict[str, Any]]:
        """What every living node has; they are asked all at once, however busy they are."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        ask = self.ray.remote(num_cpus=0)(inventory)
        asked = []
        for node in self.ray.nodes():
            if node["Alive"]:
                there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                asked.append(ask.options(scheduling_strategy=there).remote())
        try:
            found: list[dict[str, Any]] = self.ray.get(asked, timeout=seconds)
        except self.ray.exceptions.RayError as error:
            raise ValueError(f"a node of the cluster cannot be used: {brief(error)}") from error
        for one in found:
            if one["missing"]:
                raise ValueError(
                    f"the node {one['host']} cannot train, it lacks {', '.join(one['missing'])}: "
                    "install requirements.txt there, in the environment that Ray was started in"
                )
        return found


def hush() -> None:
    """Keep Ray from printing the log of every daemon that dies: 20 lines across a progress bar."""
    talker: Any = import_module("ray._private.worker")
    if hasattr(talker, "print_to_stdstream"):  # its own, and may go
        talker.print_to_stdstream = lambda *given, **more: None


def check_address(ray: ModuleType, address: str) -> None:
    """Raise ValueError, in words, for an address that cannot be one, or that nobody answers at."""
    if address in ("auto", "local"):
        return
    host, colon, port = address.rpartition(":")
    host = host.strip("[]")
    if "/" in address or not (host and colon and port.isdecimal() and int(port) < 2**16):
        raise ValueError(f"address must be auto, local or HOST:PORT, got {address!r}")
    host = ray.util.get_node_ip_address() if host in HERE else host
    try:
        socket.create_connection((host, int(port)), timeout=REACHED_WITHIN).close()
    except OSError as error:
        raise ValueError(
            f"no Ray cluster can be reached at {host}:{port} ({error.strerror or error}); start "
            f"one on that machine with: ray start --head --port {port}"
        ) from error


def in_words(address: str, error: Exception) -> str:
    """Why a cluster could not be joined, as a sentence."""
    text = brief(error)
    if "AuthToken" in f"{text} {error.__cause__} {error.__context__}":
        return (
            f"the Ray cluster at {address} asks for a token: copy ~/.ray/auth_token of its head to "
            "this machine and set RAY_AUTH_MODE=token"
        )
    if "ersion mismatch" in text:
        return (
            f"the Ray cluster at {address} runs other versions than this process, and Ray and "
            f"Python must be the same on all machines: {text}"
        )
    if address == "auto":
        return (
            f"no Ray cluster can be found on this machine ({text}); begin one with: ray start "
            "--head, or join one with: ray start --address HOST:PORT"
        )
    return f"the Ray cluster at {address} cannot be joined: {text}"


def brief(error: Exception) -> str:
    """What Ray says, on one line and not too long; of a traceback the end."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    traced = any(line.startswith("Traceback") for line in lines)
    text = " ".join(" ".join(lines[-1:] if traced else lines).split())
    return text if len(text) <= 300 else f"{text[:299]}…"

"""A Ray cluster of two nodes on this machine, of which one can be killed; nothing outlives it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from ray._common.utils import get_default_ray_temp_dir
from ray.cluster_utils import Cluster

from tests.engine.toy import lives
from tests.patience import until

# Ray replaces 127.0.0.1 by this machine's outer address; of the others only Linux knows.
HOSTS = ("127.0.0.2", "127.0.0.3") if sys.platform == "linux" else ("127.0.0.1",) * 2
SETTINGS = {  # of Ray, by environment
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "disabled",  # whatever token there is in somebody's home
    "RAY_worker_niceness": "0",  # a busy machine starves whoever is nice
}
HEALTH = {"health_check_period_ms": 1000}  # a node that refuses five times is dead
MEMORY = 80 * 2**20  # bytes of a node's object store


class Nodes:
    """Two nodes with one CPU each; the second one also has a GPU to its name."""

    def __init__(self):
        # Sockets lie in it, and their paths may not be long.
        self.folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
        # Ray notes a head's address there, and takes for granted that it has run here before.
        Path(get_default_ray_temp_dir()).mkdir(parents=True, exist_ok=True)
        self.cluster = Cluster()
        try:
            self._first = self._add(HOSTS[0], include_dashboard=False, _system_config=HEALTH)
            self._second = self._add(HOSTS[1], num_gpus=1)
        except BaseException:
            self.close()
            raise

    @property
    def address(self):
        return self.cluster.address

    @property
    def second(self):
        """The second node; a new one if it was killed."""
        if not lives(daemon(self._second)):
            self._second = self._add(HOSTS[1], num_gpus=1)
        return self._second

    @property
    def daemons(self):
        """Process ids of both nodes' daemons."""
        return [daemon(self._first), daemon(self._second)]

    def trains_on_second(self, pid):
        found = subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True)
        return int(found.stdout or 0) == daemon(self._second)

    def kill_second(self, worker):
        """As if the machine lost power: its daemon, and the process that trains there."""
        for pid in (daemon(self._second), worker):
            os.kill(pid, signal.SIGKILL)

    def close(self):
        self.cluster.shutdown()
        for pid in self._pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: not self._pids(), "the end of all nodes")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _add(self, host, **more):
        return self.cluster.add_node(
            num_cpus=1,
            node_ip_address=host,
            object_store_memory=MEMORY,
            temp_dir=self.folder,
            **more,
        )

    def _pids(self):
        """Living processes that name our folder, which is nobody else's."""
        listed = subprocess.run(["ps", "-eo", "pid=,stat=,args="], capture_output=True, text=True)
        rows = [line.split(None, 2) for line in listed.stdout.splitlines() if self.folder in line]
        return {int(pid) for pid, state, _ in rows if not state.startswith("Z")}


def patient(get_node):
    """Ray's question whether a node is up, which Ray itself gives up after 30 seconds."""

    def asked(*given):
        def answer():
            with suppress(RuntimeError):
                return get_node(*given)

        return until(answer, "a node to start")

    return asked


def daemon(node):
    """Process id of a node's daemon."""
    return node.all_processes["raylet"][0].process.pid

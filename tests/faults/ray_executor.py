"""Faults in the Ray executor: nodes that die, attempts that are given up, what travels."""

from tests.faults import Fault

EXECUTOR, CLUSTER = "tests/engine/test_ray_executor.py", "tests/engine/test_ray_cluster.py"
SHIPPING, DIES = "tests/engine/test_shipping.py", "test_a_node_dies_in_the_middle"

FAULTS = [
    Fault(
        "bkn/engine/ray_cluster.py",
        '"max_retries": 0,',
        '"max_retries": 3,',
        f"{EXECUTOR}::{DIES}_and_no_run_is_lost_or_doubled",
        "Ray begins a lost attempt anew behind our back",
    ),
    Fault(
        "bkn/engine/ray_executor.py",
        "        return LOST, LOSSES[kind].format(on=on)",
        "        return FAILED, LOSSES[kind].format(on=on)",
        f"{EXECUTOR}::{DIES}_and_no_run_is_lost_or_doubled",
        "a job whose node died is not tried again",
    ),
    Fault(
        "bkn/engine/ray_executor.py",
        "        news: list[News] = []\n",
        "        news = self._silent()\n",
        f"{EXECUTOR}::test_a_cancelled_job_ends_and_is_not_heard_of_again",
        "after a sleep of the driver every attempt counts as silent",
    ),
    Fault(
        "bkn/engine/ray_executor.py",
        "        self.cluster.ray.cancel(one.stream, force=True)",
        "        one.place",
        f"{EXECUTOR}::test_a_cancelled_job_ends_and_is_not_heard_of_again",
        "what was cancelled trains on",
    ),
    Fault(
        "bkn/engine/ray_executor.py",
        "if one.place and now - one.heard_at > SILENT_AFTER:",
        "if now - one.heard_at > SILENT_AFTER:",
        f"{EXECUTOR}::test_an_attempt_that_falls_silent_is_given_up_and_ended",
        "a job that waits for a free node counts as silent",
    ),
    Fault(
        "bkn/engine/ray_executor.py",
        'wants = job.experiment.device == "auto" or job.experiment.device.startswith("cuda")',
        "wants = False",
        f"{EXECUTOR}::test_a_gpu_is_asked_for_where_there_is_one",
        "no job asks for a GPU",
    ),
    Fault(
        "bkn/engine/ray_cluster.py",
        "            joining.join(JOINED_WITHIN)\n",
        "            joining.join()\n",
        f"{CLUSTER}::test_a_port_that_never_answers_does_not_hold_up_for_ever",
        "a port that never answers is waited for, for ever",
    ),
    Fault(
        "bkn/engine/shipping.py",
        'SHIPPED = ("bkn", "assets/digits")',
        'SHIPPED = ("bkn",)',
        f"{SHIPPING}::test_what_travels_is_enough_to_train",
        "the digits stay at home",
    ),
    Fault(
        "bkn/engine/shipping.py",
        'os.environ["BKN_DATA_DIR"] = str(ROOT / DATA)',
        'os.environ.setdefault("BKN_DATA_DIR", str(ROOT / DATA))',
        f"{SHIPPING}::test_a_node_reads_the_data_that_came_with_the_code",
        "a node reads its own data in place of what was sent",
    ),
]

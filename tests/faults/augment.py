"""Faults in batch augmentation."""

from tests.faults import Fault

TESTS = "tests/training/test_batches.py"
FAULTS = [
    Fault(
        "bkn/training/batches.py",
        "(part[source.to(part.device)] for part in batch)",
        "(batch[0][source], batch[1].repeat_interleave(self.copies), batch[2][source])",
        f"{TESTS}::test_labels_stay_with_their_images[copy_major]",
        "labels lie as for the other layout",
    ),
    Fault(
        "bkn/training/batches.py",
        "width, seed)[source, copy],",
        "width, seed)[source, 0 * copy],",
        f"{TESTS}::test_copies_differ_and_look_alike",
        "all copies of an image are the same",
    ),
    Fault(
        "bkn/training/batches.py",
        "(seed * 1_000_003 + step) ^ 0x5F3759DF",
        "(seed * 1_000_003) ^ 0x5F3759DF",
        f"{TESTS}::test_every_step_and_seed_shifts_otherwise",
        "every step shifts alike",
    ),
    Fault(
        "bkn/data/augment.py",
        ".clamp(0, height - 1)",
        " % height",
        "tests/data/test_augment.py::test_a_shift_pads_with_the_border_and_crops",
        "what leaves below comes back above",
    ),
    Fault(
        "bkn/experiment.py",
        "    images = batch * copies\n",
        "    images = batch\n",
        f"{TESTS}::test_a_live_micro_batch_must_fill_the_copies_too",
        "micro-batches are held against B alone",
    ),
]

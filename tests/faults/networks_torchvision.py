"""Faults in the networks of torchvision and what their cards know."""

from tests.faults import Fault

CARDS = "tests/nets/test_from_torchvision.py"
FAULTS = [
    Fault(
        "bkn/nets/from_torchvision.py",
        "    if pool:\n",
        "    if not pool:\n",
        f"{CARDS}::test_the_small_stem_keeps_the_size_of_the_picture",
        "the max-pool stays in the small stem",
    ),
    Fault(
        "bkn/nets/from_torchvision.py",
        '    if stem == "small":\n',
        "    if stem:\n",
        f"{CARDS}::test_the_original_stem_is_that_of_torchvision",
        "the original stem is small as well",
    ),
    Fault(
        "bkn/nets/from_torchvision.py",
        '{"aux_logits": False}',
        '{"aux_logits": True}',
        f"{CARDS}::test_auxiliary_classifiers_are_left_out",
        "auxiliary classifiers give more than one output in training",
    ),
    Fault(
        "bkn/nets/from_torchvision.py",
        "if first.in_channels != channels:",
        "if first.in_channels < channels:",
        f"{CARDS}::test_the_redrawn_convolution_has_the_variance_of_he",
        "pictures of one channel find a convolution for three",
    ),
    Fault(
        "bkn/nets/from_torchvision.py",
        "            norm.momentum = MOMENTUM\n",
        "            norm.momentum = norm.momentum or MOMENTUM\n",
        f"{CARDS}::test_running_averages_follow_within_a_short_training",
        "running averages stay near their start",
    ),
    Fault(
        "bkn/catalog/layers.py",
        '"u": lambda n: (n + 1) // 2,',
        '"u": lambda n: n // 2,',
        f"{CARDS}::test_the_card_knows_what_the_norms_see",
        "odd sizes of pictures are taken for smaller than they become",
    ),
    Fault(
        "bkn/catalog/torchvision_models.py",
        'whole="ddddd"',
        'whole="dddd"',
        f"{CARDS}::test_a_picture_that_is_too_small_is_refused_and_only_that",
        "a picture of which the last pool leaves nothing is let through",
    ),
    Fault(
        "bkn/fitting.py",
        "if min(height, width) < least:",
        "if max(height, width) < least - 30:",
        f"{CARDS}::test_an_experiment_is_refused_in_words_or_runs",
        "a picture that is too small fails in the middle of a race",
    ),
]

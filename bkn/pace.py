"""How often the networks of a race are tested. No torch: what is planned needs it too."""

from math import ceil

TESTED_SHARE = 0.5  # test images looked at over training images seen, at the most


def steps_between_tests(tested: int, step_images: int) -> int:
    """Steps from one test to the next.

    Args:
        tested: images that a test looks at.
        step_images: images that a step sees.
    """
    return ceil(tested / (TESTED_SHARE * step_images))

"""Faults in what is refused before a race starts, and in beliefs on unusual ways."""

from tests.faults import Fault

FAULTS = [
    Fault(
        "bkn/cards.py",
        "            if param.at_least and float",
        "            if param.at_least in options and float",
        "tests/test_fitting.py::test_a_misfit_is_refused_in_words",
        "an option below the default of another fails only in training",
    ),
    Fault(
        "bkn/experiment.py",
        "        check_domains(self.method_card, self.options, self.dataset_card, "
        "self.dataset_options)\n",
        "",
        "tests/test_fitting.py::test_a_misfit_is_refused_in_words",
        "too few domains for the images fail only in training",
    ),
    Fault(
        "bkn/fitting.py",
        "    common = gcd(*sizes)\n",
        "    common = max(sizes)\n",
        "tests/test_fitting.py::test_a_misfit_is_refused_in_words",
        "only the widest layer is asked whether groups fit",
    ),
    Fault(
        "bkn/fitting.py",
        "fewest = min(places for _, places in layers)",
        "fewest = max(places for _, places in layers)",
        "tests/test_fitting.py::test_a_misfit_is_refused_in_words",
        "deep layers of a single place are overlooked",
    ),
    Fault(
        "bkn/catalog/layers.py",
        "        if block:\n",
        "        if block > 1:\n",
        "tests/test_fitting.py::test_the_card_knows_what_the_norms_see",
        "a card's list of layers lacks one",
    ),
    Fault(
        "bkn/moments/weaver.py",
        "if isinstance(step.rule, Join):",
        "if len(carried) > 1:",
        "tests/surgery/test_convert.py::test_a_concatenation_of_one_part_carries_the_belief",
        "a concatenation of one part is taken for an operation of one input",
    ),
    Fault(
        "bkn/moments/weaver.py",
        "return Lost(unknown) if any(ways) else None",
        "return None",
        "tests/surgery/test_convert.py::test_a_sum_with_something_unknown_drops_the_belief_and_says_so",
        "a belief is dropped in silence",
    ),
    Fault(
        "app/failing.py",
        "and accuracy <= LUCK * chance",
        "and accuracy < chance / LUCK",
        "tests/app/test_sentence.py::test_a_network_that_only_guesses_is_named",
        "a network that only guesses is not named",
    ),
]

"""Faults in giving a network other normalizers."""

from tests.faults import Fault

NETWORK = "bkn/surgery/network.py"
METHOD = "bkn/surgery/method.py"
TOOLS = "tests/surgery/test_network.py"
CONVERT = "tests/surgery/test_convert.py"
EVERY = "tests/surgery/test_methods_in_networks.py"

FAULTS = [
    Fault(
        NETWORK,
        "            model = copy.deepcopy(model)\n",
        "            pass\n",
        f"{CONVERT}::test_the_original_stays_as_it_is",
        "the original is changed too",
    ),
    Fault(
        NETWORK,
        "        self.drop_unused()\n        spare_evaluation(self.model)",
        "        spare_evaluation(self.model)",
        f"{TOOLS}::test_what_nothing_calls_any_more_is_gone",
        "modules that nothing calls stay in the network",
    ),
    Fault(
        NETWORK,
        "for name, _ in list(self.model.named_modules(remove_duplicate=False)):",
        "for name, _ in list(self.model.named_modules()):",
        f"{TOOLS}::test_what_nothing_calls_any_more_is_gone",
        "an activation that a normalizer took over stays under its old name",
    ),
    Fault(
        NETWORK,
        "return node.all_input_nodes[0]",
        "return node.args[0]",
        f"{TOOLS}::test_modules_called_by_keyword_are_found",
        "a module called by keyword cannot be taken out",
    ),
    Fault(
        NETWORK,
        "return None if kind is None else kind(**settings)",
        "return None if kind is None else kind()",
        f"{TOOLS}::test_the_settings_of_an_activation_are_kept",
        "an activation that goes with its norm loses its settings",
    ),
    Fault(
        NETWORK,
        "        if len(node.users) != 1:\n            return None\n        (user,) = node.users",
        "        user = next(iter(node.users))",
        f"{TOOLS}::test_an_activation_that_others_see_too_stays",
        "an activation is taken although others need what is before it",
    ),
    Fault(
        NETWORK,
        "return [node for node in layers if not self.dependants(node).isdisjoint(layers)]",
        "return layers",
        f"{TOOLS}::test_before_weights_spares_the_classifier",
        "the classifier counts as a hidden layer",
    ),
    Fault(
        METHOD,
        "return norm.train(old.training)",
        "return norm",
        f"{EVERY}::test_a_network_that_was_frozen_in_part_stays_so[batch]",
        "a frozen layer trains after the conversion",
    ),
    Fault(
        METHOD,
        "            norm.eps = old.eps",
        "            pass",
        f"{CONVERT}::test_settings_of_the_layers_are_kept",
        "the eps of the replaced layer is lost",
    ),
    Fault(
        METHOD,
        "like = old.running_mean if old.weight is None else old.weight",
        "like = old.weight",
        f"{TOOLS}::test_without_affine_the_type_is_still_kept",
        "a layer without scale and shift falls back to single precision on the CPU",
    ),
    Fault(
        METHOD,
        "micro_batch=self.micro_batch, **self.options",
        "micro_batch=None, **self.options",
        f"{EVERY}::test_it_is_the_method_of_the_card[batch]",
        "all normalizers see the whole batch, whatever was asked for",
    ),
    Fault(
        "bkn/surgery/convert.py",
        "    if wanted.card.uses_prior:\n        Weaver(network.model).weave()\n",
        "",
        f"{CONVERT}::test_every_layer_but_the_first_gets_a_prior[convnet-moments]",
        "no beliefs are woven in",
    ),
    Fault(
        "bkn/surgery/convert.py",
        'path.removesuffix(".norm")',
        'path.rpartition(".")[0]',
        f"{EVERY}::test_nothing_is_left_behind[batch-resnet]",
        "two layers share a label",
    ),
    Fault(
        "bkn/surgery/placement.py",
        "    for node in nodes:\n        network.normalize_at(node)\n    return nodes",
        "    for node in nodes[1:]:\n        network.normalize_at(node)\n    return nodes",
        f"{EVERY}::test_it_trains_and_travels[batch-mlp]",
        "the first normalizer hands on its belief together with its output",
    ),
]

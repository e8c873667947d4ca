"""Faults in norms that take the activation with them, and in those before the weights."""

from tests.faults import Fault

FRN = "bkn/normalizers/filter_response.py"
EVONORM = "bkn/normalizers/evonorm.py"
PROXY = "bkn/normalizers/proxy.py"
IC = "bkn/normalizers/independent.py"
PLACEMENT = "bkn/surgery/placement.py"

FAULTS = [
    Fault(
        FRN,
        "squares = x.square()",
        "squares = (x - x.mean(places, keepdim=True)).square() if places else x.square()",
        "tests/normalizers/test_filter_response.py::test_by_hand_with_gradients",
        "filter response norm removes the mean",
    ),
    Fault(
        FRN,
        "y = torch.maximum(y, self.tau.view(shape).to(y.dtype))",
        "y = torch.where(y > self.tau.view(shape), y, self.tau.view(shape))",
        "tests/normalizers/test_filter_response.py::test_a_tie_shares_the_gradient",
        "a tie with the threshold gives it the whole gradient",
    ),
    Fault(
        FRN,
        "single * self.more_eps.abs()",
        "self.more_eps.abs()",
        "tests/normalizers/test_filter_response.py::test_maps_do_not_know_the_learned_eps",
        "the learned eps counts on maps too",
    ),
    Fault(
        FRN,
        "own_eps = True",
        "own_eps = False",
        "tests/normalizers/test_filter_response.py::test_it_keeps_its_own_eps",
        "filter response norm takes batch norm's eps",
    ),
    Fault(
        FRN,
        "        if activation is None:\n            self.tau = None\n",
        "        return\n",
        "tests/normalizers/test_filter_response.py::test_no_threshold_means_no_parameter",
        "a residual branch ends with a threshold",
    ),
    Fault(
        EVONORM,
        "centred = values - values.mean(within, keepdim=True)",
        "centred = values",
        "tests/normalizers/test_evonorm.py::test_by_hand_with_gradients",
        "EvoNorm's deviation is not taken around the mean",
    ),
    Fault(
        EVONORM,
        "(y * self.v.view(shape)).sigmoid()",
        "y.sigmoid()",
        "tests/normalizers/test_evonorm.py::test_without_a_bend_it_is_half_the_input_over_the_deviation",
        "EvoNorm's rectifier has no bend of its own",
    ),
    Fault(
        EVONORM,
        "most = max(1, min(wanted, channels // 2))",
        "most = max(1, min(wanted, channels))",
        "tests/normalizers/test_evonorm.py::test_groups_are_lowered_until_they_divide_into_two_or_more",
        "a group may be a single channel",
    ),
    Fault(
        EVONORM,
        "if all(norm.v is None",
        "if False and all(norm.v is None",
        "tests/normalizers/test_evonorm.py::test_a_network_without_activations_behind_its_norms_is_refused",
        "a network in which EvoNorm normalizes nothing is accepted",
    ),
    Fault(
        PROXY,
        "+ 0.5) / number",
        "+ 1.0) / (number + 1)",
        "tests/normalizers/test_proxy.py::test_nodes_are_the_quantiles",
        "the proxy's nodes are shifted",
    ),
    Fault(
        PROXY,
        "return centre, (seen - centre).square().mean(0)",
        "return centre, (seen - centre.detach()).square().sum(0) / (nodes - 1)",
        "tests/normalizers/test_proxy.py::test_by_hand_with_gradients",
        "the proxy's variance is the unbiased one",
    ),
    Fault(
        PROXY,
        "1 + at_least_float32(stretch)",
        "(1 + at_least_float32(stretch)).detach()",
        "tests/normalizers/test_proxy.py::test_by_hand_with_gradients",
        "the proxy's deviation is not learned",
    ),
    Fault(
        PROXY,
        "lambda y: activation(self.scaled(y))",
        "lambda y: activation(y)",
        "tests/normalizers/test_proxy.py::test_a_linear_activation_is_undone_with_its_affine",
        "the proxy does not know scale and shift",
    ),
    Fault(
        PROXY,
        "scale = (var + self.eps_proxy).rsqrt()",
        "scale = (var + self.eps).rsqrt()",
        "tests/normalizers/test_proxy.py::test_normal_data_come_out_with_mean_zero_and_the_variance_that_eps_leaves",
        "the proxy's eps is group norm's",
    ),
    Fault(
        IC,
        "F.dropout(ones, probability)",
        "F.dropout1d(ones, probability)",
        "tests/normalizers/test_independent.py::test_variance_grows_and_correlation_falls",
        "whole rows are dropped, not single values",
    ),
    Fault(
        IC,
        "                norm.dropout = 0.0\n",
        "                pass\n",
        "tests/normalizers/test_independent.py::test_shortcuts_stay_free_of_dropout",
        "values of shortcuts are dropped",
    ),
    Fault(
        IC,
        "torch.ones(x.shape, dtype=torch.promote_types(x.dtype, torch.float32), device=x.device)",
        "torch.ones_like(x)",
        "tests/normalizers/test_independent.py::test_what_is_dropped_does_not_depend_on_the_layout",
        "what is dropped depends on the memory layout",
    ),
    Fault(
        PLACEMENT,
        "    plain.inplace = False\n",
        "    pass\n",
        "tests/surgery/test_placement.py::test_what_a_norm_hears_does_not_work_in_place",
        "a norm is handed an activation that writes over its input",
    ),
    Fault(
        PLACEMENT,
        "list(node.users):\n            _write_elsewhere(network, user)\n",
        "list(node.users):\n            pass\n",
        "tests/surgery/test_placement.py::test_without_its_norm_an_activation_does_not_write_over_the_shortcut",
        "with the norm gone, an activation writes over the shortcut",
    ),
    Fault(
        PLACEMENT,
        'return f"{activation!r} {id(activation)}"',
        "return repr(activation)",
        "tests/surgery/test_placement.py::test_a_norm_that_is_called_twice_needs_the_same_activation",
        "two learned activations behind one norm are taken for the same",
    ),
    Fault(
        PLACEMENT,
        "            norm.train(layer.training)\n",
        "            pass\n",
        "tests/surgery/test_placement.py::test_what_is_frozen_stays_so",
        "norms before the weights train in a model in evaluation mode",
    ),
    Fault(
        PLACEMENT,
        "_quantizer(network, node) or node, path, norm",
        "node, path, norm",
        "tests/normalizers/test_independent.py::test_in_a_binary_network_it_stands_before_the_sign",
        "a binary layer gets real numbers",
    ),
    Fault(
        PLACEMENT,
        "if method.card.needs_space and",
        "if False and",
        "tests/surgery/test_convert_refusals.py::test_methods_that_need_places_refuse_vectors[instance]",
        "instance norm takes the place of a norm of vectors",
    ),
]

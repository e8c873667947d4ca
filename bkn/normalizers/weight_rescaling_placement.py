"""How weight rescaling gets into a network: every norm hears which weight layer feeds it."""

from collections import Counter
from typing import Any

from bkn.normalizers.weight_rescaling import WeightRescaling
from bkn.surgery.method import Method
from bkn.surgery.network import Network
from bkn.surgery.placement import in_place


def place(network: Network, method: Method) -> None:
    """Norms in place of batch norm; weight layers right in front of one are rescaled once, now.

    Only a layer whose length cannot matter is: its output goes into one norm and nowhere else, and
    both are used once. At the end of a pre-activation branch, say, that is not so.

    Raises:
        ValueError: if there is no such layer in the network.
    """
    calls = in_place(network, method)
    uses = Counter(network.module(node) for node in network.graph.nodes)
    found = False
    for node in calls:
        norm, source = network.module(node), network.feeding(node)
        layer: Any = network.module(source)
        if not isinstance(norm, WeightRescaling) or layer is None or uses[norm] != 1:
            continue
        plain = "weight" in layer._parameters and not getattr(layer, "transposed", False)
        if plain and uses[layer] == 1 and source is not None:
            norm.layer = str(source.target)
            norm.rescale(layer)
            found = True
    if not found:
        raise ValueError(
            f"{method.key} rescales weight layers that feed a norm directly and nothing else; "
            "this network has none"
        )

"""Where memorized batch normalization goes: in place of batch norm, if that is called once."""

from torch import fx

from bkn.surgery.method import Method
from bkn.surgery.network import Network
from bkn.surgery.placement import in_place


def called_once(network: Network, method: Method) -> list[fx.Node]:
    """Every BatchNorm layer gives its place to a normalizer.

    Returns:
        The nodes that call the normalizers, in order of execution.

    Raises:
        ValueError: for a layer that is called twice: its memory could not tell the calls apart,
            and the second forward pass would write the wrong entry anew.
    """
    called = [network.module(node) for node in network.batch_norms()]
    for node in network.batch_norms():
        if called.count(network.module(node)) > 1:
            raise ValueError(
                f"{method.key} remembers one set of statistics per step and layer, but "
                f"{node.target} is called more than once"
            )
    return in_place(network, method)

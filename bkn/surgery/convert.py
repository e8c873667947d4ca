"""Give any traceable network other normalizers.

`convert` traces a copy of the model, lets the method's placement put its normalizers in, and for
methods that use a prior weaves in the predictions between them (bkn.moments): the converted model
is plain generated code that carries beliefs beside the activations.
"""

import warnings
from typing import Any

from torch import fx, nn

from bkn.cards import load
from bkn.moments.weaver import Weaver
from bkn.normalizers.base import Normalizer
from bkn.surgery.method import Method
from bkn.surgery.network import Network, normalizers


def convert(
    model: nn.Module, method: str, *, micro_batch: int | None = None, **options: Any
) -> nn.Module:
    """A copy of the model with its nn.BatchNorm layers replaced by the method.

    The normalizers stand where the method's paper puts them (its card says where). Affine weights,
    running averages, momentum, and the names in the state_dict are kept where the method has a
    place for them. An operation without a moment rule drops the belief: the next normalizer then
    trusts its batch, and one UserWarning names the operation. Layers that kept no running averages
    get some; a UserWarning names them, as they evaluate otherwise than before.

    A method may also act around the optimizer step: see `bkn.Hooks`.

    Args:
        model: any network that torch.fx can trace; stays as it is.
        method: key of a method's card.
        micro_batch: images per set of statistics, None for the whole batch.
        options: of the card.

    Raises:
        ValueError: for a model without BatchNorm layers, one that cannot be traced (with the
            reason), an unknown method or option, or a model that the method cannot work on.
        TypeError: for what is no model.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {model!r}")
    wanted = Method(method, micro_batch, options)
    network = Network(model)
    if wanted.card.batch_statistics and (untracked := network.untracked()):
        warnings.warn(
            f"these layers keep no running averages and evaluate by their batch: "
            f"{', '.join(untracked)}; converted they evaluate by averages of their own, which "
            "begin with the next training step",
            UserWarning,
            stacklevel=2,
        )
    load(wanted.card.placement)(network, wanted)
    if wanted.card.uses_prior:
        Weaver(network.model).weave()
    converted: nn.Module = network.finish()
    if wanted.card.wrapper:
        converted = load(wanted.card.wrapper)(converted)
        converted.training = model.training
    return converted


def norm_layers(model: nn.Module) -> dict[str, Normalizer]:
    """The normalizers of a converted model by label, in order of execution.

    The label is the module's path without a trailing ".norm".
    """
    graphs = [module for module in model.modules() if isinstance(module, fx.GraphModule)]
    found = [pair for graph in graphs for pair in normalizers(graph)]
    return {path.removesuffix(".norm"): module for path, module in found}

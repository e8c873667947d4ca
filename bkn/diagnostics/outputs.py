"""Does the gradient push one class, whatever the image?

Bjorck et al. 2018, https://arxiv.org/abs/1806.02375: look at the loss's gradient by the outputs,
a matrix of images x classes. At initialization without normalization one column dominates; with
it the gradient depends on the image.
"""

from torch.nn.functional import one_hot

from bkn.diagnostics.subject import Subject
from bkn.probe.frozen import frozen


def output_gradient(subject: Subject) -> dict[str, float]:
    """How much of the gradient by the outputs lies in one class.

    `share` is the largest column's share of the absolute values, `class` its position, `even`
    what each would have if all were alike.
    """
    with frozen(subject.model):
        logits = subject.logits().double()
    columns = (logits.softmax(1) - one_hot(subject.y, logits.shape[1])).abs().sum(0)
    share, position = (columns / columns.sum()).max(0)
    return {"share": share.item(), "class": int(position), "even": 1 / logits.shape[1]}

"""One of two processes that train together: RANK, FOLDER, then the names of networks.

They meet through a file in FOLDER, by gloo on this machine, train every network that is named, and
each writes there what it saw: the gradients of each step, and the state at the end.
"""

import sys
import warnings
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from bkn.nets.from_torchvision import build
from bkn.surgery.convert import convert

STEPS = 2
PATIENCE = timedelta(seconds=280)


def model_of(key: str) -> torch.nn.Module:
    """The converted network, the same in every process."""
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "no moment rule")
        return convert(build(key, 3, (8, 8), 10), "kalman", micro_batch=2).train()


def learn(model: torch.nn.Module, rank: int, step: int) -> dict[str, torch.Tensor]:
    """Gradients of the loss on a process's own images, by name of the parameter."""
    model.zero_grad()
    generator = torch.Generator().manual_seed(10 * step + rank)
    x = torch.randn(4, 3, 8, 8, generator=generator)
    cross_entropy(model(x), torch.arange(4)).backward()
    names = ((name.removeprefix("module."), p.grad) for name, p in model.named_parameters())
    return {name: grad.clone() for name, grad in names if grad is not None}


def main(rank: int, folder: str, keys: list[str]) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", f"file://{folder}/store", rank=rank, world_size=2, timeout=PATIENCE
    )
    for key in keys:
        whole = DistributedDataParallel(model_of(key))
        gradients = [learn(whole, rank, step) for step in range(STEPS)]
        state = whole.module.state_dict()
        torch.save({"gradients": gradients, "state": state}, f"{folder}/{key}{rank}")
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])

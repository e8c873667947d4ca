"""A window over earlier batches, in buffers: the newest entry first.

Entries have one row per micro-batch. Micro-batches stand for devices, which are exchangeable: when
their number changes (the probe's set, a live change of m), rows are repeated or left out.
"""

from typing import Any

import torch
from torch import Tensor, nn


class Window(nn.Module):
    """The last `size` entries of some named quantities; grows from empty.

    State lives in buffers, whose shape is known only after the first entry: loading a state_dict
    takes over the shapes it brings.

    Args:
        size: entries kept; 0 keeps nothing.
        names: of the quantities, one buffer (size, G, ...) each.
    """

    filled: Tensor

    def __init__(self, size: int, names: tuple[str, ...]):
        super().__init__()
        self.size, self.names = size, names
        self.register_buffer("filled", torch.tensor(0))
        for name in names:
            self.register_buffer(name, torch.empty(0))

    def __len__(self) -> int:
        return int(self.filled)

    def rows(self, name: str, groups: int | None = None) -> Tensor:
        """The entries of one quantity for that many micro-batches: (filled, groups, ...).

        None for as many as the newest entry has.
        """
        entries: Tensor = getattr(self, name)[: len(self)]
        if groups is None or not len(entries) or entries.shape[1] == groups:
            return entries
        return entries[:, torch.arange(groups, device=entries.device) % entries.shape[1]]

    @torch.no_grad()
    def push(self, **values: Tensor) -> None:
        """Put one entry (G, ...) of every quantity in front; the oldest falls out."""
        if not self.size:
            return
        for name in self.names:
            value = values[name].detach()
            kept = self.rows(name, len(value))[: self.size - 1]
            entries = value.new_zeros(self.size, *value.shape)
            entries[0] = value
            if len(kept):
                entries[1 : 1 + len(kept)] = kept
            setattr(self, name, entries)
        self.filled = (self.filled + 1).clamp(max=self.size)

    @torch.no_grad()
    def replace(self, **values: Tensor) -> None:
        """Write the newest entry anew.

        Raises:
            ValueError: if there is none.
        """
        if not len(self):
            raise ValueError("the window is empty: there is no entry to replace")
        for name in self.names:
            entries = getattr(self, name).clone()
            entries[0] = values[name].detach()
            setattr(self, name, entries)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        for name in self.names:
            given = state_dict.get(prefix + name)
            if given is not None and given.shape != getattr(self, name).shape:
                old = getattr(self, name)
                setattr(self, name, torch.empty(given.shape, dtype=given.dtype, device=old.device))
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def extra_repr(self) -> str:
        return f"{self.size} of {', '.join(self.names)}"

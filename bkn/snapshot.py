"""A snapshot: what one probe saw, layer by layer and channel by channel, as arrays.

The worker packs it, the store keeps it, the Layers and Kalman pages draw it; so its form is known
here, without torch. A run names its layout once, a snapshot is then one float32 BLOB. Layers with
many channels keep some of them (`kept`); what concerns all channels is in the probe's rows.

Fields of a layer, by name; C = kept channels, K = kept micro-batches, Q = len(GAINS), 4 = SOURCES.
A method without beliefs has only the truth, the histogram and the output. Where there is no prior
(the first layer), its values are not a number.

    truth_mean, truth_var            (C,)    moments of the layer's input over the whole probe set
    seen_mean, seen_var              (K, C)  observations of the first K micro-batches
    prior_mean, prior_var            (K, C)  the priors that entered their updates
    posterior_mean, posterior_var    (K, C)
    running_mean, running_var        (C,)    what evaluation would use
    gain, var_gain                   (C,)    in force, of mean and variance
    gain_oracle, var_gain_oracle     (C,)    what would have been best, over all micro-batches
    mean_error                       (4, C)  (estimate - truth)^2 / true variance, averaged over all
                                             micro-batches; rows as SOURCES
    var_error                        (4, C)  ln(estimate / true variance)^2, likewise
    mean_curve, var_curve            (Q, C)  the posterior's error at each of GAINS, open loop: this
                                             layer's update repeated on what it saw, over all
                                             micro-batches
    histogram                        (BINS + 2, C) share of the input's values per bin; BINS equal
                                             bins reach SPAN standard deviations to both sides of
                                             the truth's mean, the first and the last row hold
                                             what lies beyond
    output_mean, output_var          (C,)    of the normalized values before scale and shift, over
                                             the whole probe set
    consistency_mean, consistency_var (C,)   innovation^2 over what the filter expected
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

GAINS = tuple(round(0.05 * number, 2) for number in range(21))  # at which updates are replayed
SOURCES = ("observation", "prior", "posterior", "running")
BINS = 48
SPAN = 4.0  # standard deviations to each side
KEPT_GROUPS = 8  # micro-batches kept one by one, at the most
KEPT_CHANNELS = 64  # of a layer, at the most

Real = NDArray[np.float32]
LayerArrays = Mapping[str, Real]


@dataclass(frozen=True)
class LayerLayout:
    """What a snapshot holds of one layer."""

    label: str
    channels: int  # of the layer
    kept: tuple[int, ...]  # which of them the arrays describe, in order
    places: int  # positions of its input: H times W, 1 for vectors
    groups: int  # micro-batches of the probe set
    blending: str  # how its update blends: a key of bkn.replay.UPDATES; "" without beliefs
    fields: dict[str, tuple[int, ...]]  # name -> shape

    @property
    def size(self) -> int:
        """Numbers in a snapshot."""
        return sum(prod(shape) for shape in self.fields.values())


@dataclass(frozen=True)
class Layout:
    """What the snapshots of one run hold, in order of execution."""

    layers: tuple[LayerLayout, ...]

    def to_json(self) -> str:
        return json.dumps({"layers": [asdict(layer) for layer in self.layers]})

    @classmethod
    def from_json(cls, text: str) -> "Layout":
        def layer(found: dict[str, Any]) -> LayerLayout:
            shapes = {name: tuple(shape) for name, shape in found["fields"].items()}
            return LayerLayout(**{**found, "kept": tuple(found["kept"]), "fields": shapes})

        return cls(tuple(map(layer, json.loads(text)["layers"])))

    def layer(self, label: str) -> LayerLayout:
        """The layer of that label; KeyError if there is none."""
        for layer in self.layers:
            if layer.label == label:
                return layer
        raise KeyError(label)

    def pack(self, arrays: Mapping[str, Mapping[str, Any]]) -> bytes:
        """One BLOB from layer label -> field -> array.

        Raises:
            ValueError: for an array whose shape is not that of the layout.
        """
        parts = []
        for layer in self.layers:
            for name, shape in layer.fields.items():
                array = np.asarray(arrays[layer.label][name], dtype="<f4")
                if array.shape != shape:
                    raise ValueError(
                        f"{layer.label}/{name} must have shape {shape}, got {array.shape}"
                    )
                parts.append(array.tobytes())
        return b"".join(parts)

    def unpack(self, data: bytes) -> dict[str, dict[str, Real]]:
        """Layer label -> field -> array, as they were packed.

        Raises:
            ValueError: if the BLOB has not the size of this layout.
        """
        values, wanted = np.frombuffer(data, dtype="<f4"), sum(layer.size for layer in self.layers)
        if len(values) != wanted:
            raise ValueError(f"a snapshot of this run has {wanted} numbers, got {len(values)}")
        arrays: dict[str, dict[str, Real]] = {}
        at = 0
        for layer in self.layers:
            arrays[layer.label] = {}
            for name, shape in layer.fields.items():
                end = at + prod(shape)
                arrays[layer.label][name] = values[at:end].reshape(shape)
                at = end
        return arrays


def spaced(count: int, most: int) -> tuple[int, ...]:
    """All of 0 to count - 1, or `most` of them with the first and the last, evenly spaced."""
    if count <= most:
        return tuple(range(count))
    return tuple(round(at * (count - 1) / max(1, most - 1)) for at in range(most))

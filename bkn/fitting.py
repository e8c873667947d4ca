"""Whether a method can work on a network, told before anything starts."""

from math import gcd

from bkn.cards import DatasetCard, Layers, MethodCard, NetworkCard, Options, Shape


def check_picture(network: NetworkCard, options: Options, shape: Shape) -> None:
    """Refuse pictures of which a network would leave nothing.

    Args:
        network, options: its card and all its options.
        shape: channels, height and width of the pictures.

    Raises:
        ValueError: naming the network, the size of the pictures and what is needed.
    """
    _, height, width = shape
    least = network.smallest(options)
    if min(height, width) < least:
        chosen = ", ".join(f"{name} {value!r}" for name, value in options.items())
        raise ValueError(
            f"network {network.key!r} with {chosen} needs pictures of at least {least}x{least}; "
            f"the images of the dataset have {height}x{width}"
        )


def check_fit(
    method: MethodCard, options: Options, micro_batch: int, network: NetworkCard, layers: Layers
) -> None:
    """Refuse what would fail at the first step.

    Args:
        method, options: of an entrant.
        micro_batch: images per statistic.
        network: its card.
        layers: channels and places that each normalizer of the network will see.

    Raises:
        ValueError: naming the method or its option, the network and what is allowed.
    """
    fewest = min(places for _, places in layers)
    if method.needs_space and fewest < 2:
        what = "a single place in its deepest layers" if network.spatial else "vectors only"
        raise ValueError(
            f"method {method.key!r} needs pictures with height and width inside the network; "
            f"network {network.key!r} has {what}"
        )
    per_channel = method.batch_statistics and "channel group" not in method.shares
    if per_channel and micro_batch * fewest < 2:
        what = "value" if network.spatial else "vector"
        raise ValueError(
            f"micro_batch must be at least 2 for method {method.key!r} on network "
            f"{network.key!r}: a single {what} has no variance; got {micro_batch}"
        )
    if method.needs_activation and not network.activates:
        raise ValueError(
            f"method {method.key!r} stands in place of norms with an activation behind them; "
            f"network {network.key!r} has none"
        )
    for param in method.params:
        if param.divides and not isinstance(groups := options[param.name], str):
            check_groups(method, param.name, int(groups), param.divides, network, layers)


def check_domains(
    method: MethodCard, options: Options, dataset: DatasetCard, drawn: Options
) -> None:
    """Refuse statistics for fewer domains than the training images have.

    Args:
        method, options: of an entrant.
        dataset, drawn: its card and all its options.

    Raises:
        ValueError: naming the option, its value, the dataset with its options and what is allowed.
    """
    if not method.takes_domains or options["domains"] == "auto":
        return
    there = dataset.domains(drawn)
    if int(options["domains"]) < len(there):
        chosen = ", ".join(f"{name}={value}" for name, value in drawn.items())
        raise ValueError(
            f"{method.key} option domains must be at least {len(there)}, the domains of dataset "
            f"{dataset.key!r}{f' with {chosen}' if chosen else ''} ({', '.join(there)}), "
            f"got {options['domains']}"
        )


def check_groups(
    method: MethodCard, name: str, groups: int, what: str, network: NetworkCard, layers: Layers
) -> None:
    """Refuse groups that do not divide every layer's channels, or all its values.

    Raises:
        ValueError: naming the option, its value and what is allowed.
    """
    sizes = [channels if what == "channels" else channels * places for channels, places in layers]
    common = gcd(*sizes)
    if common % groups:
        allowed = ", ".join(str(n) for n in range(1, common + 1) if common % n == 0)
        raise ValueError(
            f"{method.key} option {name} must divide the {what} of every layer of network "
            f"{network.key!r}, got {groups}; allowed: {allowed}"
        )

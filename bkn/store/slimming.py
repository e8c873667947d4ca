"""Fewer and smaller snapshots, for a race that is to be shipped."""

from dataclasses import replace

from bkn.snapshot import LayerLayout, Layout, spaced
from bkn.store.reader import Reader
from bkn.store.writer import Writer

FEWEST = 2  # the first and the last


def check_slim(snapshots: int, channels: int) -> None:
    """Refuse to keep too little.

    Raises:
        ValueError: naming what is to be kept, how many, and what is allowed.
    """
    for name, count in (("snapshots", snapshots), ("channels", channels)):
        if count < FEWEST:
            raise ValueError(f"{name} must be a whole number of at least {FEWEST}, got {count}")


def slim(writer: Writer, race_id: str, snapshots: int, channels: int) -> None:
    """Keep so many snapshots of every run, evenly spaced, and so many channels of every layer.

    The first and the last of them stay. Runs without snapshots stay as they are.

    Args:
        writer: of the store, in no transaction.
        race_id: which race.
        snapshots: per run, at the most; at least FEWEST.
        channels: per layer, at the most; at least FEWEST.

    Raises:
        ValueError: for fewer.
        StoreError: if the store cannot be written.
    """
    check_slim(snapshots, channels)
    reader = Reader(writer.path)
    with writer.transaction():
        for run in writer.run_ids(race_id):
            described = reader.document(run, "layout")
            if described is None:
                continue
            layout = Layout.from_json(described)
            places = [spaced(len(layer.kept), channels) for layer in layout.layers]
            narrow = Layout(tuple(map(_narrowed, layout.layers, places)))
            writer.set_document(run, "layout", narrow.to_json())
            steps = reader.snapshot_steps(run)
            kept = {steps[at] for at in spaced(len(steps), snapshots)}
            writer.drop_snapshots(run, [step for step in steps if step not in kept])
            for step in kept:
                whole = layout.unpack(reader.snapshot(run, step) or b"")
                some = {
                    layer.label: {
                        name: array[..., list(which)] for name, array in whole[layer.label].items()
                    }
                    for layer, which in zip(layout.layers, places, strict=True)
                }
                writer.replace_snapshot(run, step, narrow.pack(some))
    reader.close()


def _narrowed(layer: LayerLayout, places: tuple[int, ...]) -> LayerLayout:
    """The layout of a layer of which only these of the kept channels stay."""
    fields = {name: (*shape[:-1], len(places)) for name, shape in layer.fields.items()}
    return replace(layer, kept=tuple(layer.kept[at] for at in places), fields=fields)

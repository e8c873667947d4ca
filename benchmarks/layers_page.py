"""What a refresh of the Layers page costs with a 50-layer model, and how many bytes it sends.

    python -m benchmarks.layers_page

A store is made with a race of three entrants on a network of 53 normalizers, 64 channels recorded
of each. Two costs: making all figures of the page, JSON included, at a snapshot that is unpacked
and at one that has to be read first; and a whole run of the page without a browser.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from streamlit.testing.v1 import AppTest

from app.lab import Watched
from app.layers import specs
from app.layers.history import Histories
from app.layers.scene import Scene
from bkn.store.cache import RaceCache
from bkn.store.reader import Reader
from tests.app.network_maps import bottlenecks
from tests.app.snapshots import write_race

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 30
STEPS = tuple(range(0, 301, 20))


def scene_at(watched: Watched, histories: Histories, step: int) -> Scene:
    """The last entrant's layer in the middle, at a step."""
    history = histories.of(watched.cache, 2)
    snapshot = history.at(step)
    if snapshot is None:
        raise LookupError(step)
    label = list(snapshot.arrays)[len(snapshot.arrays) // 2]
    return Scene(watched, "deep", "finished", 2, history, list(STEPS), snapshot, label, 5, 0,
                 "posterior", "var", 0.3)  # fmt: skip


def all_figures(scene: Scene) -> list[Any]:
    """Every figure of the page."""
    drawn, snapshot = scene.history.map, scene.snapshot
    if drawn is None or snapshot is None:
        raise LookupError("nothing to draw")
    return [
        specs.network(scene, drawn, snapshot),
        specs.of_channel(scene, specs.beliefs(scene)),
        specs.of_gains(scene),
        specs.of_help(scene, snapshot),
        specs.of_replay(scene, 0.3),
        specs.of_depth(scene, snapshot.step),
    ]


def timed(work: Callable[[int], object]) -> list[float]:
    """Milliseconds of CPU time of each round: other work on the machine does not count."""
    found = []
    for number in range(ROUNDS):
        began = time.process_time()
        work(number)
        found.append(1000 * (time.process_time() - began))
    return found


def told(what: str, found: list[float]) -> str:
    """Median and worst."""
    return f"{what}: median {median(found):.1f} ms, worst {max(found):.1f} ms"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BKN_HOME"] = folder
        path = write_race(Path(folder), bottlenecks(), ("batch", "group", "kalman"), STEPS, "deep",
                          epochs=20)  # fmt: skip
        watched, histories = Watched(RaceCache(Reader(path), "deep")), Histories()
        sent = [len(json.dumps(spec)) for spec in all_figures(scene_at(watched, histories, 300))]

        def refresh(number: int) -> None:
            json.dumps(all_figures(scene_at(watched, histories, 300)))

        def play(number: int) -> None:
            json.dumps(all_figures(scene_at(watched, Histories(), STEPS[number % len(STEPS)])))

        print(told("all figures, snapshot at hand", timed(refresh)))
        print(told("all figures, snapshot and map read and unpacked anew", timed(play)))
        print(f"bytes of all figures: {sum(sent) / 1000:.0f} kB, of each {sent}")
        page = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=60)
        page.switch_page(str(ROOT / "pages" / "layers.py"))
        page.query_params["run"] = "deep"
        page.run()
        if page.exception:
            raise RuntimeError(page.exception[0].message)
        print(told("a whole run of the page, without a browser", timed(lambda _: page.run())))


if __name__ == "__main__":
    main()

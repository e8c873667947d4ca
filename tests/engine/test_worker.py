"""A worker's life inside this process, with a toy trainer: what the store says in the end."""

from queue import SimpleQueue

import pytest
import torch

from bkn.engine import checkpoint
from bkn.engine import recorder as recorder_module
from bkn.engine.loop import GONE
from bkn.engine.worker import Worker, explain
from bkn.experiment import Race
from bkn.store.errors import StoreError
from bkn.store.home import checkpoint_path, store_path
from bkn.store.reader import Reader
from bkn.store.writer import Writer
from tests.engine.toy import Toy

RACE = Race.of(["batch", "group"])


class Home:
    """A home with one race in it; `work` plays workers to their end."""

    def __init__(self, path):
        self.path = path
        with Writer(store_path(path)) as writer, writer.transaction():
            writer.add_race("r1", RACE, "w0")
        self.reader = Reader(store_path(path))
        self.workers = 0

    def work(self, on_step=None, do="start", more=(), race=RACE, steps=20):
        name = f"w{self.workers}"
        if self.workers:
            with Writer(store_path(self.path)) as writer, writer.transaction():
                writer.hand_over("r1", name)
        self.workers += 1
        inbox = SimpleQueue()
        inbox.put({"do": do, "race_id": "r1", "race": race.to_json()})
        for message in more:
            inbox.put(message)
        Worker(
            self.path, name, inbox, lambda race, sink: self.toy(race, sink, steps, on_step)
        ).run()

    def toy(self, race, sink, steps, on_step):
        self.trainer = Toy(race, sink, steps, on_step)
        return self.trainer

    def runs(self):
        return [(run.status, run.message, run.step) for run in self.reader.runs("r1")]

    def steps(self):
        return self.reader.rows(self.reader.runs("r1")[0].id, "train").step.tolist()


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path)
    yield home
    home.reader.close()


def test_a_race_runs_and_all_is_stored(home):
    home.work()
    assert home.runs() == [("finished", "", 20)] * 2
    assert home.steps() == list(range(1, 21))
    assert home.reader.race("r1").pid is not None


def test_a_worker_that_nobody_asks_ends_with_its_server(home):
    inbox, prepared = SimpleQueue(), []

    def prepare():
        prepared.append(home.reader.worker("idle"))
        inbox.put(GONE)

    Worker(home.path, "idle", inbox, None).run(prepare)
    assert len(prepared) == 1
    assert home.reader.worker("idle").state == "idle"
    assert home.runs() == [("queued", "", 0)] * 2


def test_an_error_fails_the_race_with_its_words(home):
    def breaks(toy):
        if toy.step == 5:
            raise ZeroDivisionError("no images left")

    with pytest.raises(ZeroDivisionError):
        home.work(breaks)
    assert home.runs() == [("failed", "ZeroDivisionError: no images left.", 5)] * 2
    assert home.steps() == [1, 2, 3, 4, 5]


def test_a_race_of_another_version_fails_in_words(home):
    class Odd:
        @staticmethod
        def to_json():
            return '{"experiments": [{"method": "perpetuum"}]}'

    with pytest.raises(ValueError, match="perpetuum"):
        home.work(race=Odd)
    assert home.runs()[0][1].startswith("Unknown method 'perpetuum'; known: ")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "Out of memory: choose a smaller batch, width or depth"),
        (RuntimeError("CUDA out of memory. Tried"), "Out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "Out of memory"),
        (ValueError("device must be here"), "Device must be here."),
        (KeyError("x"), "KeyError: 'x'."),
    ],
)
def test_errors_as_sentences(error, words):
    assert explain(error).startswith(words)


def test_an_interrupted_race_continues_where_it_was_saved(home):
    home.work(more=[{"do": "lr", "value": 0.3}, {"do": "pause"}, {"do": "step"}, GONE])
    status, message, _ = home.runs()[0]
    assert status == "interrupted"
    assert message == "The server that ran it ended. It can be resumed from step 1."
    assert home.reader.race("r1").checkpoint == 1
    seconds = home.reader.rows(home.reader.runs("r1")[0].id, "train").time[0]
    home.work(do="resume")
    assert home.runs() == [("finished", "", 20)] * 2
    assert home.steps() == list(range(1, 21))
    rows = home.reader.rows(home.reader.runs("r1")[0].id, "train")
    assert rows.values[:, 0].tolist() == [pytest.approx(0.3)] * 20
    assert rows.time[1] >= seconds
    kinds = [event.kind for event in home.reader.events("r1")]
    assert kinds == ["lr", "pause", "step", "resumed"]


def test_a_finished_race_leaves_no_checkpoint_behind(home):
    home.work(more=[{"do": "pause"}, GONE])
    assert checkpoint_path(home.path, "r1").exists()
    home.work(do="resume")
    assert home.runs() == [("finished", "", 20)] * 2
    assert not checkpoint_path(home.path, "r1").exists()
    assert home.reader.race("r1").checkpoint is None


def test_rows_after_the_checkpoint_are_taken_back(home):
    def killed(toy):
        if toy.step == 9:
            raise KeyboardInterrupt

    home.work(more=[{"do": "pause"}, {"do": "step"}, {"do": "step"}, GONE])
    assert home.reader.race("r1").checkpoint == 2
    with pytest.raises(KeyboardInterrupt):
        home.work(killed, do="resume")
    assert home.steps() == list(range(1, 10))
    with Writer(store_path(home.path)) as writer, writer.transaction():
        writer.end_race("r1", "interrupted", "killed")
    home.work(do="resume", steps=4)
    assert home.steps() == [1, 2, 3, 4]
    assert home.reader.race("r1").rewinds == 2


def test_a_damaged_checkpoint_fails_in_words(home):
    path = checkpoint_path(home.path, "r1")
    path.parent.mkdir()
    path.write_bytes(b"half a file")
    with pytest.raises(ValueError, match="damaged"):
        home.work(do="resume")
    assert "is damaged" in home.runs()[0][1]
    checkpoint.write(path, checkpoint.pack({"trainer": torch.arange(1000)}))
    whole = path.read_bytes()
    path.write_bytes(whole[:500] + bytes(200) + whole[700:])
    with pytest.raises(ValueError, match="damaged"):
        checkpoint.read(path)
    path.unlink()
    with pytest.raises(ValueError, match="no checkpoint"):
        home.work(do="resume")


def test_a_checkpoint_runs_no_code(home):
    path = checkpoint_path(home.path, "r1")
    checkpoint.write(path, checkpoint.pack({"trainer": print}))
    with pytest.raises(ValueError, match="damaged"):
        home.work(do="resume")


def test_a_full_disk_ends_the_race_in_words_and_keeps_what_was_written(home, monkeypatch):
    class Full(Writer):
        def __init__(self, path, timeout):
            super().__init__(path, timeout)
            pages = self.db.execute("PRAGMA page_count").fetchone()[0]
            self.db.execute(f"PRAGMA max_page_count={pages + 8}")

    monkeypatch.setattr(recorder_module, "Writer", Full)
    monkeypatch.setattr(recorder_module, "PATIENCE", {"full": 0.2})
    with pytest.raises(StoreError, match="disk is full"):
        home.work(lambda toy: toy.step < 9 and toy.sink.recorder.flush(), steps=10**6)
    status, message, _ = home.runs()[0]
    assert status == "failed"  # too early for a checkpoint
    assert "the disk is full; free some space" in message
    assert home.steps()[:8] == list(range(1, 9))


def test_a_checkpoint_that_does_not_fit_ends_the_race_in_words(home, monkeypatch):
    def no_space(path, data):
        raise StoreError("the checkpoint cannot be written: no space; free some space", "full")

    monkeypatch.setattr("bkn.engine.checkpoint.write", no_space)
    monkeypatch.setattr(recorder_module, "PATIENCE", {"full": 0.1})
    with pytest.raises(StoreError, match="no space"):
        home.work(more=[{"do": "pause"}, {"do": "resume"}], steps=10**6)
    assert "free some space" in home.runs()[0][1]

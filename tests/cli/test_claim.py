"""python -m bkn claim: what it trains, decides, prints and writes; by toys, and once for real."""

import json

import pytest

from bkn.__main__ import main
from bkn.claims import CLAIMS, recorded
from bkn.claims.base import SUPPORTED, Protocol
from bkn.cli import claim as command
from bkn.engine.conductor import Conductor
from bkn.store.home import store_path
from bkn.store.reader import Reader
from bkn.store.sweeps import begin_job, job_rows
from bkn.store.writer import Writer
from bkn.sweep import Sweep
from tests.claims.worlds import WORLDS, quiet
from tests.engine.toy_executor import TimingExecutor
from tests.sweeps import write_job

CLAIM = CLAIMS["memorized"]


class Believer(TimingExecutor):
    """In its world every claim is true."""

    def submit(self, job):
        self.by_hand = True
        super().submit(job)
        fate = WORLDS[CLAIM.key][0](job.experiment)
        self.finish(job, accuracy=(fate.accuracy + quiet(job)) / 100)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("BKN_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(command, "OUT", tmp_path / "docs" / "claims.md")
    monkeypatch.setattr(command, "RECORDED", tmp_path / "claims.json")
    return tmp_path / "home"


@pytest.fixture
def toys(monkeypatch):
    """The executors that were made."""
    made = []

    def toy():
        made.append(Believer(2))
        return made[-1]

    monkeypatch.setattr(command, "conductor_of", lambda given, home, _: Conductor(home, toy, 2))
    return made


def write_all(home, protocol="laptop", but=()):
    """Every claim has run, in a world in which it is true."""
    home.mkdir(exist_ok=True)
    seen = set(but)
    with Writer(store_path(home)) as writer, writer.transaction():
        for claim in CLAIMS.values():
            for job in claim.protocol(protocol).jobs:
                if job.id not in seen:
                    seen.add(job.id)
                    write_job(writer, job, 0.9 + quiet(job) / 100)


def test_a_claim_is_trained_decided_and_printed(home, toys, capsys):
    assert main(["claim", "memorized"]) == 0
    printed = capsys.readouterr()
    key, verdict, told = printed.out.strip().split("  ", 2)
    assert key == "memorized"
    assert verdict == SUPPORTED
    assert "+2.0" in told
    assert " points (+" in told
    assert "16/16 done" in printed.err
    rows = job_rows(Reader(store_path(home)), [job.id for job in CLAIM.laptop.jobs])
    assert [row.status for row in rows.values()] == ["finished"] * 16
    assert not command.OUT.exists()  # the document is about all of them
    assert "claims.md is left as it is: it is about all claims" in printed.err
    assert "--out FILE only what is named" in printed.err


def test_what_is_done_is_not_trained_again(home, toys, capsys):
    main(["claim", "memorized"])
    assert len(toys[0].submitted) == 16
    assert main(["claim", "memorized"]) == 0
    assert len(toys) == 1
    assert main(["claim", "batch_renorm"]) in (0, 1)  # batch norm's runs are there already
    assert {job.experiment.method for job in toys[-1].submitted} == {"batch_renorm"}
    capsys.readouterr()


def test_an_estimate_trains_nothing(home, toys, capsys):
    assert main(["claim", "memorized", "--estimate"]) == 0
    told = capsys.readouterr().err
    assert "for 16 experiments" in told
    assert "timing a few steps of 2 kinds of experiments ..." in told
    assert not any(toy.submitted for toy in toys)


def test_ctrl_c_keeps_what_is_done(home, toys, monkeypatch, capsys):
    def interrupted(conductor, sweeps, again):
        return command.Outcome(status="stopped", ids=(), by_hand=True)

    monkeypatch.setattr(command, "conduct", interrupted)
    assert main(["claim", "all"]) == 130
    assert "the same command continues it" in capsys.readouterr().err
    assert not command.OUT.exists()


def test_all_claims_are_written_with_what_the_page_shows(home, capsys):
    write_all(home)
    assert main(["claim", "all"]) == 0  # nothing is left to train
    printed = capsys.readouterr()
    text = command.OUT.read_text()
    for claim in CLAIMS.values():
        assert claim.title in text
    assert "python -m bkn claim all" in text
    assert "Python 3." in text
    shown = recorded.read(command.RECORDED)
    assert set(shown) == set(CLAIMS)
    assert "is left as it is" not in printed.err
    assert all(one.fits(CLAIMS[key]) for key, one in shown.items())
    assert "0 of" not in printed.out


def test_only_the_document_trains_nothing_and_says_what_is_missing(home, capsys):
    jobs = {job.id for job in CLAIMS["memorized"].laptop.jobs}
    others = {job.id for key, claim in CLAIMS.items() if key != "memorized"
              for job in claim.laptop.jobs}  # fmt: skip
    write_all(home, but=jobs - others)
    assert main(["claim", "all", "--only-document"]) == 1
    assert "8 of 16 runs are done" in capsys.readouterr().out
    text = command.OUT.read_text()
    assert "1 not run yet" in text
    shown = json.loads(command.RECORDED.read_text())["claims"]
    assert set(shown) == set(CLAIMS) - {"memorized"}


def test_recorded_verdicts_do_not_give_way_to_none(home, capsys):
    write_all(home, but={job.id for claim in CLAIMS.values() for job in claim.laptop.jobs})
    command.OUT.parent.mkdir()
    command.OUT.write_text("what others found")
    assert main(["claim", "all", "--only-document"]) == 2
    assert "nothing is decided yet" in capsys.readouterr().err
    assert command.OUT.read_text() == "what others found"
    assert not command.RECORDED.exists()


def test_a_document_of_some_claims_goes_where_it_is_wanted(home, tmp_path, capsys):
    write_all(home)
    out = tmp_path / "some" / "where.md"
    assert main(["claim", "fisher", "memorized", "--only-document", "--out", str(out)]) in (0, 1)
    text = out.read_text()
    assert "2 claims" in text
    assert CLAIMS["proxy"].title not in text
    assert "python -m bkn claim fisher memorized" in text
    assert not command.OUT.exists()
    assert not command.RECORDED.exists()
    capsys.readouterr()


def test_the_list_says_how_far_each_is(home, capsys):
    home.mkdir()
    with Writer(store_path(home)) as writer, writer.transaction():
        write_job(writer, CLAIM.laptop.jobs[0], 0.9)
        begin_job(writer, CLAIM.laptop.jobs[1], "somebody")
    assert main(["claim", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(CLAIMS)
    (line,) = [line for line in lines if line.startswith("memorized ")]
    assert " ".join(line.split()) == f"memorized 1 of 16 runs {CLAIM.title}"
    assert main(["claim"]) == 0  # no name: the same list
    assert capsys.readouterr().out.splitlines() == lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "unknown claim 'nonsense'; known: "),
        (["--out", "x.md"], "--out x.md takes the document of claims: name some, or all"),
        (["memorized", "--list", "--out", "x.md"], "--out x.md takes the document of claims"),
        (["all", "nonsense"], "unknown claim 'nonsense'; known: "),
        (["memorized", "--protocol", "phone"], "protocol must be laptop or gpu, got 'phone'"),
        (["memorized", "--executor", "horses"], "executor must be local or ray, got 'horses'"),
        (["memorized", "--protocol", "gpu"], "cifar10 is not on this machine"),
        (["memorized", "--out", "/"], "/ cannot be written: it is a folder"),
        (["memorized", "--out", "/dev/null/x.md"], "/dev/null/x.md cannot be written: "),
    ],
)
def test_what_cannot_be_is_refused_in_words(home, capsys, arguments, message):
    assert main(["claim", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_runs_that_failed_are_tried_again_when_asked(home, toys, capsys):
    lost = CLAIM.laptop.jobs[0]
    main(["claim", "memorized"])
    with Writer(store_path(home)) as writer, writer.transaction():
        writer.set_status(writer.run_ids(lost.id)[0], "failed", 3, "out of luck")
    capsys.readouterr()
    assert main(["claim", "memorized"]) == 1
    assert len(toys) == 1
    told = "1 of 16 runs of memorized failed: out of luck; --again tries once more"
    assert told in capsys.readouterr().err
    assert main(["claim", "memorized", "--again", "--estimate"]) == 0
    assert "for 1 experiment" in capsys.readouterr().err
    assert main(["claim", "memorized", "--again"]) == 0
    printed = capsys.readouterr().err
    assert "for 1 experiment\n" in printed
    assert "nothing is left to train" not in printed
    assert "runs of memorized failed" not in printed
    assert [job.id for job in toys[-1].submitted] == [lost.id]
    assert main(["claim", "memorized", "--again"]) == 0  # nothing failed since
    assert [job.id for job in toys[-1].submitted] == [lost.id]
    capsys.readouterr()


def test_images_are_asked_for_only_where_something_is_trained_here(home, toys, capsys):
    """A cluster has its own, and what is done needs none."""
    assert main(["claim", "memorized", "--protocol", "gpu"]) == 2
    assert "cifar10 is not on this machine" in capsys.readouterr().err
    assert main(["claim", "memorized", "--protocol", "gpu", "--executor", "ray"]) == 0
    assert "for 10 experiments" in capsys.readouterr().err
    assert main(["claim", "memorized", "--protocol", "gpu"]) == 0
    assert "cifar10" not in capsys.readouterr().err


def test_one_tiny_claim_for_real(home, monkeypatch, capsys):
    tiny = Sweep(
        methods=("batch", "memorized"), micro_batches=(2,), seeds=(1, 2, 3),
        common={"epochs": 1, "network_options": {"width": 4, "depth": 2}, "device": "cpu"},
    )  # fmt: skip
    small = Protocol("Tiny.", lambda: [tiny], 0.5, "That is two images.")
    monkeypatch.setattr(type(CLAIM), "protocol", lambda self, name: small)
    assert main(["claim", "memorized", "--jobs", "1"]) == 0
    printed = capsys.readouterr()
    assert "6/6 done" in printed.err
    assert "3 seeds" not in printed.out
    assert " points (" in printed.out

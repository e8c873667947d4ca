"""An executor without processes: it does what a test tells it to."""

from bkn.engine.executor import News
from bkn.engine.told import TellingSink


def told_of(steps=3, status="finished", accuracy=0.5, message="", columns=("test_accuracy",)):
    """What a trainer tells of a job up to some step; status None: it is not over."""
    told = []
    sink = TellingSink(told.append)
    sink.columns(0, "test", columns)
    sink.status(0, "running", 0)
    for step in range(1, steps + 1):
        sink.row(0, "test", step, [accuracy] * len(columns))
    if status is not None:
        if status == "finished":
            sink.summary(0, {"test_accuracy": accuracy, "steps": steps})
        sink.status(0, status, steps, message)
    return told


class ToyExecutor:
    """Keeps the protocol; jobs come to their end at once, or when the test says so.

    Args:
        slots: jobs at a time.
        by_hand: jobs go on until the test lets something happen to them.
    """

    def __init__(self, slots=1, by_hand=False):
        self.slots, self.by_hand = slots, by_hand
        self.running, self.submitted, self.cancelled = {}, [], []
        self.closed = False
        self.breaks = None  # raised by the next poll
        self._news = []

    def submit(self, job):
        assert len(self.running) < self.slots, "more jobs than slots"
        assert job.id not in self.running, "a job that runs already"
        self.submitted.append(job)
        self.running[job.id] = job
        self.tell(job, "begun")
        if not self.by_hand:
            self.finish(job)

    def tell(self, job, kind, told=(), message=""):
        if kind in ("done", "failed", "lost"):
            del self.running[job.id]
        self._news.append(News(job.id, kind, list(told), message))

    def finish(self, job, **what):
        self.tell(job, "done", told_of(**what))

    def poll(self, timeout):
        if self.breaks:
            raise self.breaks
        news, self._news = self._news, []
        return news

    def cancel(self, job_id):
        self.cancelled.append(job_id)
        self.running.pop(job_id, None)
        self._news = [one for one in self._news if one.job_id != job_id]

    def close(self):
        self.closed = True


class TimingExecutor(ToyExecutor):
    """It can also time jobs: by their micro-batch."""

    def __init__(self, slots=1):
        super().__init__(slots)
        self.timed = []

    def time(self, job):
        self.timed.append(job)
        self._news.append(News(job.id, "begun"))
        if job.experiment.method == "none":
            self._news.append(News(job.id, "failed", message="No."))
        else:
            told = [["step_ms", float(job.experiment.micro_batch)]]
            self._news.append(News(job.id, "timed", told))

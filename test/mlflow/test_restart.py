"""After the server was killed and started again, every read gives what it gave before."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from filters import ALIKE, ORDERS
from runs import make_runs
from servers import fresh_database, start_modeldb
from wire import OWN, Door, points


def write(door: Door) -> tuple[list[str], list[str]]:
    """Keeps the set of runs, one of them with a long history, and a logged model. Returns their experiments and ids."""
    first, second, names = make_runs(door)
    runs = list(names)
    for start in range(0, 20_000, 1000):
        door.log(runs[0], metrics=points(*[n / 3 for n in range(start, start + 1000)], key="long", first=start)).fine()
    door.post("logged-models", {"experiment_id": first, "name": "m", "source_run_id": runs[0]}).fine()
    return [first, second], runs


def reads(door: Door, experiments: list[str], runs: list[str]) -> list[Any]:
    """What is read of runs: by search, one by one, their histories, and through Model DB's own API."""
    answers = []
    for filter in ALIKE:
        filter = filter.replace("EXPERIMENT", experiments[0])
        answers.append(door.search(experiments, filter, order_by=["start_time", "run_name"]).fine().body)
    for order in ORDERS:
        answers.append(door.search(experiments, order_by=[*order, "tags.`mlflow.runName`"]).fine().body)
    for run in runs:
        answers += [door.read_run(run), door.history(run, "loss"), door.history(run, "long")]
        answers.append(door.get(OWN + f"experiments/id/{run}").body)
    answers.append(door.post("experiments/search", {"max_results": 100, "view_type": "ALL"}).fine().body)
    answers.append(door.post("logged-models/search", {"experiment_ids": experiments}).fine().body)
    return answers


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_a_restart_changes_nothing(tmp_path: Path, sign: signal.Signals) -> None:
    with fresh_database("restart") as database:
        server, url = start_modeldb(tmp_path, database)
        try:
            experiments, runs = write(Door(url))
            before = reads(Door(url), experiments, runs)
            server.end(sign)
            server, url = start_modeldb(tmp_path, database)
            assert reads(Door(url), experiments, runs) == before
        finally:
            server.stop()

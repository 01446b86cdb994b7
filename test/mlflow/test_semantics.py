"""What Model DB promises where MLflow's server loses, cuts or refuses. Only Model DB is asked."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from wire import AJAX, OWN, Answer, Door, pairs, points

BAD = "INVALID_PARAMETER_VALUE"


@pytest.fixture
def experiment(ours: Door, prefix: str) -> str:
    return ours.experiment(prefix)


@pytest.fixture
def run(ours: Door, experiment: str) -> str:
    return ours.run(experiment)


def together(url: str, count: int, work: Callable[[Door, int], None]) -> None:
    """Does work in as many threads at once, each with a connection of its own."""
    start, failed = threading.Barrier(count), []

    def one(number: int) -> None:
        try:
            start.wait(60)
            work(Door(url), number)
        except BaseException as err:
            failed.append(err)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed[0]


def test_not_a_number_and_infinities_come_back_through_every_read(ours: Door, experiment: str, run: str) -> None:
    values = {"nan": "NaN", "up": "Infinity", "down": "-Infinity"}
    model = ours.post("logged-models", {"experiment_id": experiment, "name": "m"})["model.info.model_id"]
    for key, value in values.items():
        ours.log(run, metrics=points(value, key=key)).fine()
        ours.post("runs/log-metric", {"run_id": run, "key": key, "value": value, "timestamp": 5000, "step": 5,
                                      "model_id": model}).fine()
    data = ours.read_run(run)["data"]
    assert {m["key"]: m["value"] for m in data["metrics"]} == values
    (found,) = ours.search([experiment]).fine()["runs"]
    assert found["data"] == data
    for key, value in values.items():
        assert [m["value"] for m in ours.history(run, key)] == [value, value]
        sampled = ours.get("metrics/get-history-bulk-interval", run_ids=run, metric_key=key).fine()
        assert [m["value"] for m in sampled["metrics"]] == [value, value]
        bulk = ours.get(AJAX + "metrics/get-history-bulk", run_id=run,
                        metric_key=key).fine()  # with bare words, which Python reads
        assert all(str(m["value"]).lower()[-3:] in ("nan", "inf") for m in bulk["metrics"])
    logged = ours.get(f"logged-models/{model}").fine()["model.data.metrics"]
    assert {m["key"]: m["value"] for m in logged} == values
    assert ours.get(OWN + f"experiments/id/{run}").fine()["evaluations"] == values


def test_metrics_are_taken_in_any_order_and_on_runs_that_are_over(ours: Door, run: str) -> None:
    for step in (5, 1, 3):
        ours.log(run, metrics=points(step * 10.0, first=step)).fine()
    ours.post("runs/update", {"run_id": run, "status": "FINISHED", "end_time": 5}).fine()
    for step in (2, 4, -1):
        ours.post("runs/log-metric", {"run_id": run, "key": "m", "value": step * 10.0, "timestamp": 1000 + step,
                                      "step": step}).fine()
    assert [m["step"] for m in ours.history(run, "m")] == [-1, 1, 2, 3, 4, 5]
    got = ours.read_run(run)
    assert (got["info"]["status"], got["info"]["end_time"]) == ("FINISHED", 5)
    assert [(m["step"], m["value"]) for m in got["data"]["metrics"]] == [(5, 50.0)]


def test_an_exact_duplicate_is_kept_once_however_it_comes(ours: Door, run: str) -> None:
    twice = points(1.5, "NaN", 2.5)
    for _ in range(3):
        ours.log(run, metrics=twice + twice).fine()
    ours.post("runs/log-metric", {"run_id": run, "key": "m", "value": 1.5, "timestamp": 1000, "step": 0}).fine()
    assert [m["value"] for m in ours.history(run, "m")] == [1.5, "NaN", 2.5]


def test_many_writers_of_one_run_lose_nothing(ours: Door, run: str) -> None:
    writers, each = 16, 40

    def write(door: Door, number: int) -> None:
        for step in range(each):
            door.post("runs/log-metric", {"run_id": run, "key": "shared", "value": number, "timestamp": step,
                                          "step": step}).fine()
            door.log(run, metrics=points(step, key=f"own {number}", first=step),
                     params=pairs(**{f"p {number} {step}": str(step)}),
                     tags=pairs(**{f"t {number}": str(step)})).fine()

    together(ours.url, writers, write)
    shared = ours.history(run, "shared")
    assert sorted((m["step"], m["value"]) for m in shared) == [(s, float(n)) for s in range(each)
                                                               for n in range(writers)]
    data = ours.read_run(run)["data"]
    assert {p["key"]: p["value"] for p in data["params"]} == {f"p {n} {s}": str(s) for n in range(writers)
                                                              for s in range(each)}
    assert {f"t {n}": str(each - 1) for n in range(writers)}.items() <= {t["key"]: t["value"]
        for t in data["tags"]}.items()


@pytest.mark.parametrize("batch", [False, True])
def test_a_parameter_that_32_writers_give_has_one_value_and_the_others_are_told(ours: Door, run: str,
    batch: bool) -> None:
    answers: dict[int, Answer] = {}

    def write(door: Door, number: int) -> None:
        if batch:
            answers[number] = door.log(run, params=pairs(p=str(number), **{f"with {number}": "x"}))
        else:
            answers[number] = door.post("runs/log-parameter", {"run_id": run, "key": "p", "value": str(number)})

    together(ours.url, 32, write)
    won = [number for number, answer in answers.items() if answer.status == 200]
    assert len(won) == 1
    params = {p["key"]: p["value"] for p in ours.read_run(run)["data"]["params"]}
    assert params == {"p": str(won[0])} | ({f"with {won[0]}": "x"} if batch else {})
    for number in set(answers) - set(won):
        answers[number].refused(400, BAD, "Changing param values is not allowed")


def test_an_experiment_that_many_make_at_once_is_made_once(ours: Door, prefix: str) -> None:
    answers: list[Answer] = []
    together(ours.url, 8, lambda door, _: answers.append(door.post("experiments/create", {"name": f"{prefix} raced"})))
    made = [answer for answer in answers if answer.status == 200]
    assert len(made) == 1
    for answer in answers:
        if answer is not made[0]:
            answer.refused(400, "RESOURCE_ALREADY_EXISTS", f"Experiment(name={prefix} raced) already exists")


def test_one_changed_parameter_of_a_batch_keeps_the_batch_out(ours: Door, run: str) -> None:
    ours.log(run, params=pairs(b="1")).fine()
    ours.log(run, params=pairs(a="1", b="2", c="1"), metrics=points(1, 2), tags=pairs(t="1")).refused(400, BAD,
        "Changing param values")
    data = ours.read_run(run)["data"]
    assert data["params"] == pairs(b="1")
    assert "metrics" not in data and not [t for t in data["tags"] if t["key"] == "t"]


def test_a_dataset_of_two_roles_is_used_twice_through_both_doors(ours: Door, run: str) -> None:
    for context in ("training", "test", "training"):
        ours.post("runs/log-inputs", {"run_id": run, "datasets": [
            {"dataset": {"name": "d", "digest": "1", "source_type": "s3", "source": '{"uri": "s3://b/d"}'},
             "tags": pairs(**{"mlflow.data.context": context})}]}).fine()
    uses = ours.read_run(run)["inputs"]["dataset_inputs"]
    assert sorted(use["tags"][0]["value"] for use in uses) == ["test", "training"]
    own = ours.get(OWN + f"experiments/id/{run}").fine()
    assert (own["training_dataset"], own["test_dataset"], own["validation_dataset"]) == ("s3://b/d", "s3://b/d", None)


@pytest.mark.parametrize("key", ["한" * 250, "ñ" * 250, "k" * 250])
def test_a_key_may_have_250_characters_of_any_script(ours: Door, run: str, key: str) -> None:
    ours.log(run, metrics=points(1.5, key=key), params=pairs(**{key: "p"}), tags=pairs(**{key: "t"})).fine()
    data = ours.read_run(run)["data"]
    assert (data["metrics"][0]["key"], data["params"][0]["key"]) == (key, key)
    assert {"key": key, "value": "t"} in data["tags"]
    assert [m["value"] for m in ours.history(run, key)] == [1.5]
    found = ours.search([run_experiment(ours, run)],
                        f"metrics.`{key}` = 1.5 AND params.`{key}` = 'p' AND tags.`{key}` = 't'")
    assert len(found.fine()["runs"]) == 1


def run_experiment(ours: Door, run: str) -> str:
    return ours.read_run(run)["info"]["experiment_id"]


def test_pages_hold_every_run_once_while_runs_are_added(ours: Door, experiment: str) -> None:
    old = [ours.run(experiment, start_time=1000 + n) for n in range(30)]
    for order in ([], ["attributes.start_time ASC"], ["metrics.m DESC"]):
        walk, token = [], None
        while token is not None or not walk:
            body = {"experiment_ids": [experiment], "max_results": 7,
                    "order_by": order} | ({"page_token": token} if token else {})
            page = ours.post("runs/search", body).fine().body
            walk += [run["info"]["run_id"] for run in page["runs"]]
            token = page.get("next_page_token") or None
            for start in (1, 1015, 5000):
                ours.run(experiment, start_time=start)
        assert len(walk) == len(set(walk))
        assert set(old) <= set(walk)


def test_what_was_answered_is_found_at_once(ours: Door, experiment: str) -> None:
    """Each search comes right after the write, while other runs of the experiment are written."""

    def write(door: Door, number: int) -> None:
        run = door.run(experiment)

        def finds(filter: str, view: str = "ACTIVE_ONLY") -> bool:
            body = {"experiment_ids": [experiment], "filter": f"{filter} AND tags.writer = '{number}'",
                    "run_view_type": view}
            return [r["info"]["run_id"] for r in door.post("runs/search", body).fine().body.get("runs", [])] == [run]

        door.post("runs/set-tag", {"run_id": run, "key": "writer", "value": str(number)}).fine()
        for step in range(30):
            door.log(run, metrics=points(step, first=step), params=pairs(**{f"p{step}": "x"}),
                     tags=pairs(t=str(step))).fine()
            assert finds(f"metrics.m = {step} AND params.p{step} = 'x' AND tags.t = '{step}'")
            assert not finds(f"metrics.m < {step}")
        door.post("runs/update", {"run_id": run, "status": "FAILED", "end_time": 77}).fine()
        assert finds("status = 'FAILED' AND end_time = 77")
        door.post("runs/delete", {"run_id": run}).fine()
        assert not finds("end_time = 77")
        assert finds("end_time = 77", "DELETED_ONLY")
        door.post("runs/restore", {"run_id": run}).fine()
        assert finds("end_time = 77")

    together(ours.url, 6, write)


HOSTILE = {
    "a long text": "params.a = '" + "x" * 200_000 + "'",
    "10,000 clauses": " AND ".join(f"metrics.m{n} > {n}" for n in range(10_000)),
    "10,000 alternatives": " OR ".join("metrics.m = 1" for _ in range(10_000)),
    "deep parentheses": "(" * 10_000 + "metrics.m = 1" + ")" * 10_000,
    "many NOTs": "NOT " * 20_000 + "metrics.m = 1",
    "only parentheses": "(" * 100_000,
    "an unclosed quote": "params.a = '" + "x" * 1000,
    "unclosed backticks": "params.`a" * 1000,
    "wildcards": "params.a LIKE '" + "%a" * 5000 + "'",
    "SQL in a value": "params.a = '''; drop table run; --'",
    "SQL in a key": "params.`a'; drop table run; --` = 'x'",
    "NUL": "params.a = '\x00'",
    "a long list": "params.a IN (" + ", ".join(f"'{n}'" for n in range(20_000)) + ")",
    "numbers": "metrics.m > " + "9" * 100_000,
    "white space": " " * 200_000,
    "not text": "\ud800 = 1",
}


@pytest.mark.parametrize("filter", HOSTILE)
def test_a_hostile_filter_is_answered_at_once(ours: Door, experiment: str, run: str, filter: str) -> None:
    start = time.monotonic()
    answer = ours.search([experiment], HOSTILE[filter])
    assert time.monotonic() - start < 5
    if answer.status != 200:
        answer.refused(400, BAD, "")
        assert len(answer.body["message"]) < 4000
    assert ours.read_run(run)["info"]["run_id"] == run


def test_a_filter_says_where_it_is_wrong(ours: Door, experiment: str) -> None:
    for filter in ("metrics.loss > 'x'", "params.a = 5", "metrics.a > 1 OR OR metrics.b > 2", "(metrics.a > 1",
                   "foo.bar = 'x'"):
        answer = ours.search([experiment], filter)
        answer.refused(400, BAD, "at character ")
        assert "expected" in answer.body["message"]


def test_a_body_over_the_limit_is_refused_in_mlflows_form(ours: Door, run: str) -> None:
    answer = ours.log(run, tags=pairs(a="x" * (17 << 20)))
    assert answer.status == 413
    assert answer.body["error_code"] and answer.body["message"]
    ours.log(run, tags=pairs(a="still there")).fine()


def test_what_is_not_part_of_model_db_is_told_at_once(ours: Door) -> None:
    for method, path in [("POST", "webhooks"), ("POST", "/api/3.0/mlflow/traces/search"), ("GET", "/api/2.0/nothing")]:
        start = time.monotonic()
        ours.send(method, path, "{}", headers={"Content-Type": "application/json"}).refused(404, "ENDPOINT_NOT_FOUND",
            "not part of Model DB")
        assert time.monotonic() - start < 1


def test_a_run_that_is_written_to_is_alive_and_says_when(ours: Door, run: str) -> None:
    def last() -> str:
        return ours.get(OWN + f"experiments/id/{run}").fine()["last_write_datetime"]

    first = last()
    ours.log(run, metrics=points(1)).fine()
    second = last()
    assert second >= first
    time.sleep(0.01)
    ours.post("runs/set-tag", {"run_id": run, "key": "a", "value": "b"}).fine()
    assert last() > second
    assert ours.get(OWN + f"experiments/id/{run}").fine()["status"] == "running"


@pytest.mark.parametrize("seed", range(3))
def test_a_history_logged_in_disorder_is_read_in_order_by_any_page(ours: Door, run: str, seed: int) -> None:
    """More than a run keeps unpacked; each step has times of its own, so that the order is known."""
    draw, count = random.Random(seed), 90_000
    steps = draw.sample(range(-count, count), count)
    logged = [{"key": "m", "value": draw.choice([step / 3, "NaN", 0.0]), "timestamp": (step * 7919) % 5000,
               "step": step} for step in steps]
    for first in range(0, count, 1000):
        ours.log(run, metrics=logged[first:first + 1000]).fine()
        if first % 30_000 == 0:
            ours.post("runs/update", {"run_id": run, "status": draw.choice(["FINISHED", "RUNNING"])}).fine()
    wanted = sorted(logged, key=lambda point: (point["timestamp"], point["step"]))
    assert ours.history(run, "m") == wanted
    for size in (25_000, draw.randrange(1000, 40_000)):
        walk, token = [], None
        while token is not None or not walk:
            more = {"page_token": token} if token else {}
            page = ours.get("metrics/get-history", run_id=run, metric_key="m", max_results=size, **more).fine().body
            walk += page["metrics"]
            token = page.get("next_page_token") or None
        assert walk == wanted


def test_values_keep_their_last_bit(ours: Door, run: str) -> None:
    values = [0.1, 1 / 3, math.pi, 2**-1074, 1 - 2**-53, 123456.789, 1e22, float(2**53 + 2)]
    ours.log(run, metrics=points(*values)).fine()
    assert [m["value"] for m in ours.history(run, "m")] == values


def test_a_long_history_is_the_same_before_and_after_it_is_packed(ours: Door, run: str) -> None:
    """More points than a run keeps unpacked, some of them late and some of them twice."""
    count = 150_000
    for first in range(0, count, 1000):
        ours.log(run, metrics=points(*[math.sin(n) for n in range(first, first + 1000)], first=first)).fine()
    ours.log(run, metrics=points(*[math.sin(n) for n in range(500)])).fine()
    ours.log(run, metrics=[{"key": "m", "value": 7.0, "timestamp": 1, "step": -5}]).fine()
    ours.post("runs/update", {"run_id": run, "status": "FINISHED", "end_time": 1}).fine()
    for _ in range(2):
        history: list[Any] = ours.history(run, "m")
        assert [m["step"] for m in history] == [-5, *range(count)]
        assert [m["value"] for m in history] == [7.0, *(math.sin(n) for n in range(count))]
    sampled = ours.get("metrics/get-history-bulk-interval", run_ids=run, metric_key="m",
                       max_results=100).fine()["metrics"]
    assert (len(sampled), sampled[0]["step"], sampled[-1]["step"]) == (100, -5, count - 1)

"""Histories of metrics: the same requests to MLflow's server and to ours."""

from __future__ import annotations

import json
from typing import Any

import pytest

from both import Both, Ours, Ref
from wire import AJAX, points

BULK, INTERVAL = AJAX + "metrics/get-history-bulk", "metrics/get-history-bulk-interval"


@pytest.fixture
def run(both: Both) -> Ref:
    return both.run(both.experiment(), run_name="r", start_time=1)


def test_a_history_is_ordered_by_time_then_step_then_value(both: Both, run: Ref) -> None:
    values = [(3, 10, 1.0), (1, 30, 2.0), (2, 20, 3.0), (2, 20, -1.0), (2, 20, 3.0), (5, 20, 0.5), (-4, 20, 9.0),
              (0, 0, 0.0), (1, 30, "NaN"), (1, 30, -1.0), (7, 30, -2.0)]
    metrics = [{"key": "m", "step": s, "timestamp": t, "value": v} for s, t, v in values]
    both.log(run, {"metrics": metrics[:6]})
    both.log(run, {"metrics": metrics[6:]})
    both.log(run, {"metrics": metrics})
    both.get("metrics/get-history", {"run_id": run, "metric_key": "m"})
    both.get("metrics/get-history", {"run_uuid": run, "metric_key": "m"})
    both.get(AJAX + "metrics/get-history", {"run_id": run, "metric_key": "m"})
    both.get(BULK, {"run_id": run, "metric_key": "m"})
    both.get(INTERVAL, {"run_ids": run, "metric_key": "m"})
    both.get(INTERVAL, {"run_ids": run, "metric_key": "m", "max_results": 4})


@pytest.mark.parametrize("size", [1, 3, 7, 20, 21, 100])
def test_pages_of_a_history_hold_every_point_once(both: Both, run: Ref, size: int) -> None:
    both.log(run, {"metrics": points(*range(20))})
    walks = []
    for door, id in zip((both.peer, both.ours), run.values):
        walk, token = [], None
        while token is not None or not walk:
            page = door.get("metrics/get-history", run_id=id, metric_key="m", max_results=size,
                            **({"page_token": token} if token else {})).fine().body
            walk.append([point["step"] for point in page.get("metrics", [])])
            token = page.get("next_page_token") or None
        walks.append([page for page in walk if page])
    assert walks[0] == walks[1]
    assert sum(walks[1], []) == list(range(20))


@pytest.mark.parametrize("fields", [{}, {"metric_key": ""}, {"metric_key": "m", "max_results": "0"},
                                    {"metric_key": "m", "max_results": "-1"}, {"metric_key": "nothing"}])
def test_a_history_is_refused_or_empty_alike(both: Both, run: Ref, fields: dict[str, Any]) -> None:
    both.log(run, {"metrics": points(1, 2)})
    both.get("metrics/get-history", {"run_id": run} | fields)


@pytest.mark.parametrize("size", ["x", "1.5", "", "-1", "0"])
def test_a_wrong_size_of_a_page_is_refused(both: Both, run: Ref, size: str) -> None:
    both.refused("metrics/get-history", method="GET", query={"run_id": run, "metric_key": "m", "max_results": size})
    both.refused(BULK, method="GET", query={"run_id": run, "metric_key": "m", "max_results": size})


@pytest.mark.parametrize("token", ["%%%", "x", "A" * 500])
def test_a_forged_token_of_a_history_is_refused(both: Both, run: Ref, token: str) -> None:
    both.log(run, {"metrics": points(1, 2, 3)})
    both.get("metrics/get-history", {"run_id": run, "metric_key": "m", "max_results": 1, "page_token": token},
             differs="page tokens are opaque",
             ours=Ours(400, "INVALID_PARAMETER_VALUE", "page token"))


def test_the_history_of_an_unknown_run_is_empty(both: Both) -> None:
    both.get("metrics/get-history", {"run_id": "0" * 32, "metric_key": "m"})
    both.get("metrics/get-history", {"run_id": "nope", "metric_key": "m"})
    both.get("metrics/get-history", {"metric_key": "m"})
    both.get("metrics/get-history")


def test_a_deleted_runs_history_can_be_read(both: Both, run: Ref) -> None:
    both.log(run, {"metrics": points(1, 2)})
    both.post("runs/delete", {"run_id": run})
    both.get("metrics/get-history", {"run_id": run, "metric_key": "m"})
    both.get(INTERVAL, {"run_ids": run, "metric_key": "m"})


def test_histories_of_several_runs_come_alike(both: Both) -> None:
    experiment = both.experiment()
    runs = [both.run(experiment, run_name=f"r{n}") for n in range(3)]
    for n, run in enumerate(runs):
        both.log(run, {"metrics": points(*range(n * 5), key="m") + points(1, 2, key="other")})
    for order in ([0, 1, 2], [2, 0], [1, 1]):
        both.get(INTERVAL, {"run_ids": [runs[n] for n in order], "metric_key": "m"})
    both.get(INTERVAL, {"run_ids": [runs[1], "0" * 32], "metric_key": "m"})
    for size in ("1", "3", "100"):
        answers = both.get(BULK, {"run_id": [runs[2]], "metric_key": "m", "max_results": size})
    assert answers[1]["metrics"][0]["run_id"] == runs[2].values[1]


@pytest.mark.parametrize("fields", [
    {}, {"metric_key": "m"}, {"run_id": "x"}, {"run_id": ["x"] * 101, "metric_key": "m"},
    {"run_id": "x", "metric_key": "m"}])
def test_bulk_histories_are_refused_or_empty_alike(both: Both, fields: dict[str, Any]) -> None:
    both.get(BULK, fields)


@pytest.mark.parametrize("fields", [
    {}, {"metric_key": "m"}, {"run_ids": "{<run 1>}"}, {"run_ids": ["0" * 32] * 101, "metric_key": "m"},
    {"metric_key": "m", "run_ids": "{<run 1>}", "max_results": "0"},
    {"metric_key": "m", "run_ids": "{<run 1>}", "max_results": "2501"},
    {"metric_key": "m", "run_ids": "{<run 1>}", "start_step": "1"},
    {"metric_key": "m", "run_ids": "{<run 1>}", "end_step": "1"},
    {"metric_key": "m", "run_ids": "{<run 1>}", "start_step": "5", "end_step": "1"},
    {"metric_key": "m", "run_ids": "{<run 1>}", "start_step": "x", "end_step": "1"},
    {"metric_key": "m", "run_ids": "{<run 1>}", "start_step": "1", "end_step": "3"},
    {"metric_key": "m", "run_ids": "{<run 1>}", "start_step": "2", "end_step": "2"},
    {"metric_key": "m", "run_ids": "{<run 1>}", "max_results": "1"},
    {"metric_key": "m", "run_ids": "{<run 1>}", "max_results": "-1"},
    {"metric_key": "m", "run_ids": "{<run 1>}", "start_step": "-3", "end_step": "-1"},
    {"metric_key": "none", "run_ids": "{<run 1>}"}])
def test_sampled_histories_are_refused_or_given_alike(both: Both, run: Ref, fields: dict[str, Any]) -> None:
    both.log(run, {"metrics": points(*range(8), first=-2)})
    both.get(INTERVAL, fields)


@pytest.mark.parametrize("size", [1, 2, 3, 10, 63, 64, 99, 100, 101, 2500])
def test_a_sample_holds_the_same_points(both: Both, run: Ref, size: int) -> None:
    both.log(run, {"metrics": points(*[(n * 37) % 100 / 7 for n in range(100)])})
    both.get(INTERVAL, {"run_ids": run, "metric_key": "m", "max_results": size})
    both.get(INTERVAL, {"run_ids": run, "metric_key": "m", "max_results": size, "start_step": 10, "end_step": 80})


def test_a_bulk_history_writes_nan_bare(both: Both, run: Ref) -> None:
    both.log(run, {"metrics": points("NaN", 1.0)})
    for door, id in zip((both.peer, both.ours), run.values):
        text = door.session.get(door.url + BULK, params={"run_id": id, "metric_key": "m"}, timeout=60).text
        assert "NaN" in text and '"NaN"' not in text
        assert len(json.loads(text)["metrics"]) == 2

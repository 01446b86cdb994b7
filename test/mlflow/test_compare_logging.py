"""Metrics, parameters and batches: the same requests to MLflow's server and to ours."""

from __future__ import annotations

from typing import Any

import pytest

from both import Both, Ours, Ref
from wire import pairs, points

BIG = 9223372036854775807


@pytest.fixture
def run(both: Both) -> Ref:
    return both.run(both.experiment(), run_name="r", start_time=1)


def metric(**fields: Any) -> dict[str, Any]:
    return {"key": "m", "value": 1.5, "timestamp": 10} | fields


@pytest.mark.parametrize("value", [0, 1, -1, 1.5, 0.1, 1e-300, 1e300, -2.5e-8, 123456789.123456789, "1.5", "-3", "1e5",
                                   "NaN", True, False,
                                   9007199254740993, 1e16, 5e-324, 1.7976931348623157e308, " 1 "])
def test_a_value_is_kept_alike(both: Both, run: Ref, value: Any) -> None:
    both.post("runs/log-metric", {"run_id": run} | metric(value=value))
    both.log(run, {"metrics": [metric(key="b", value=value)]})
    both.read(run)
    both.get("metrics/get-history", {"run_id": run, "metric_key": "m"})


@pytest.mark.parametrize("value", ["Infinity", "-Infinity", "inf", "-inf"])
def test_an_infinity_stays_one(both: Both, run: Ref, value: str) -> None:
    both.post("runs/log-metric", {"run_id": run} | metric(value=value))
    shown = '"value": "-Infinity"' if value[0] == "-" else '"value": "Infinity"'
    for path, query in [("runs/get", {"run_id": run}), ("metrics/get-history", {"run_id": run, "metric_key": "m"}),
                        ("metrics/get-history-bulk-interval", {"run_ids": [run], "metric_key": "m"})]:
        both.get(path, query, differs="infinities are kept", ours=Ours(says=shown))


def test_a_lower_case_nan_is_one(both: Both, run: Ref) -> None:
    both.log(run, {"metrics": [metric(value="nan")]})
    both.get("runs/get", {"run_id": run}, differs="what is wrong is refused", ours=Ours(says='"value": "NaN"'))


@pytest.mark.parametrize("step", [0, 1, -1, -BIG - 1, BIG, 9007199254740993, "7", 3.0, "-7", None, 1e3])
def test_a_step_is_kept_exactly(both: Both, run: Ref, step: Any) -> None:
    both.post("runs/log-metric", {"run_id": run} | metric(step=step))
    both.log(run, {"metrics": [metric(key="b", step=step)]})
    both.read(run)


@pytest.mark.parametrize("timestamp", [0, 1, BIG, "12", 12.0, 1795437289591])
def test_a_timestamp_is_kept_exactly(both: Both, run: Ref, timestamp: Any) -> None:
    both.post("runs/log-metric", {"run_id": run} | metric(timestamp=timestamp))
    both.log(run, {"metrics": [metric(key="b", timestamp=timestamp)]})
    both.read(run)


@pytest.mark.parametrize("fields", [
    {"key": None}, {"key": ""}, {"key": 5}, {"key": "a#b"}, {"key": "/a"}, {"key": "a/"}, {"key": "a//b"},
    {"key": "a/../b"}, {"key": "."}, {"key": ".."},
    {"key": "./a"}, {"key": "k" * 251}, {"key": "한" * 251}, {"key": "a\tb"}, {"key": "a;b"}, {"value": None},
    {"value": "x"}, {"value": ""}, {"value": [1]},
    {"value": {}}, {"timestamp": None}, {"timestamp": -1}, {"timestamp": "x"}, {"timestamp": ""}, {"step": "x"},
    {"step": ""}, {"step": [1]}])
def test_a_metric_is_refused_alike(both: Both, run: Ref, fields: dict[str, Any]) -> None:
    body = {k: v for k, v in metric(**fields).items() if v is not None}
    both.refused("runs/log-metric", {"run_id": run} | body)
    both.refused("runs/log-metric", {"run_id": run} | metric(**fields))
    both.refused("runs/log-batch", {"run_id": run, "metrics": [metric(key="fine"), body]})
    both.refused("runs/log-batch", {"run_id": run, "metrics": [metric(**fields)]})
    assert "metrics" not in both.ours.read_run(run.values[1])["data"]


@pytest.mark.parametrize("fields", [{"timestamp": 1.5}, {"timestamp": 2**63}, {"step": 1.5}, {"step": 2**63},
                                    {"step": "9223372036854775808"}])
def test_a_number_that_is_no_int64_is_refused(both: Both, run: Ref, fields: dict[str, Any]) -> None:
    both.post("runs/log-metric", {"run_id": run} | metric(**fields), differs="a wrong int64 is refused",
              ours=Ours(400, "INVALID_PARAMETER_VALUE", next(iter(fields))))
    both.log(run, {"metrics": [metric(**fields)]}, differs="a wrong int64 is refused",
             ours=Ours(400, "INVALID_PARAMETER_VALUE", next(iter(fields))))
    both.refused("runs/log-metric", {"run_id": run} | metric(timestamp="1.5"))
    assert not both.ours.history(run.values[1], "m")


@pytest.mark.parametrize("key", ["a", "a/b", "a b", "a.b-c_d:e", "1", " ", "Ключ", "한" * 83, "a/.b", "...", "k" * 250,
                                 "a\n", "метрика/точность"])
def test_a_key_is_accepted_alike(both: Both, run: Ref, key: str) -> None:
    both.post("runs/log-metric", {"run_id": run} | metric(key=key))
    both.post("runs/log-parameter", {"run_id": run, "key": key, "value": "v"})
    both.post("runs/set-tag", {"run_id": run, "key": key, "value": "v"})
    both.log(run, {"metrics": [metric(key=key, step=1)], "params": pairs(**{key: "v"}), "tags": pairs(**{key: "w"})})
    both.read(run)
    both.get("metrics/get-history", {"run_id": run, "metric_key": key})


@pytest.mark.parametrize("fields", [{"key": None}, {"key": ""}, {"key": 5}, {"key": "a#b"}, {"key": "/a"},
                                    {"key": "a/"}, {"key": "a/../b"}, {"key": "."},
                                    {"key": "k" * 251}, {"value": 5}, {"value": [1]}, {"value": True},
                                    {"value": {"a": 1}}])
def test_a_parameter_and_a_tag_are_refused_alike(both: Both, run: Ref, fields: dict[str, Any]) -> None:
    body = {k: v for k, v in ({"key": "p", "value": "v"} | fields).items() if v is not None}
    both.refused("runs/log-parameter", {"run_id": run} | body)
    both.refused("runs/set-tag", {"run_id": run} | body)
    both.refused("runs/log-batch", {"run_id": run, "params": pairs(fine="1") + [body]})
    both.refused("runs/log-batch", {"run_id": run, "tags": pairs(fine="1") + [body]})
    assert both.ours.read_run(run.values[1])["data"] == {"tags": pairs(**{"mlflow.runName": "r"})}


@pytest.mark.parametrize("value", ["", "0.1", " ", "None", "{'a': 1}", "x" * 6000, "줄\n바꿈", "\"quoted\"", "null",
                                   "true", "[1, 2]", "1e5", "\\u0041"])
def test_a_parameters_text_is_kept_alike(both: Both, run: Ref, value: str) -> None:
    both.post("runs/log-parameter", {"run_id": run, "key": "p", "value": value})
    both.log(run, {"params": pairs(q=value), "tags": pairs(t=value)})
    both.read(run)
    both.post("runs/log-parameter", {"run_id": run, "key": "p", "value": value})


def test_a_parameter_without_a_value_is_an_empty_text(both: Both, run: Ref) -> None:
    both.post("runs/log-parameter", {"run_id": run, "key": "p"})
    both.log(run, {"params": [{"key": "q"}], "tags": [{"key": "t"}]})
    both.read(run)


def test_a_long_text_is_kept_whole(both: Both, run: Ref) -> None:
    both.post("runs/log-parameter", {"run_id": run, "key": "p", "value": "x" * 6001})
    both.log(run, {"params": pairs(q="y" * 20_000)})
    both.post("runs/set-tag", {"run_id": run, "key": "t", "value": "z" * 20_000})
    whole = {"p": 6001, "q": 20_000}
    both.get("runs/get", {"run_id": run}, differs="long texts are kept whole",
             ours=Ours(check=lambda body: {p["key"]: len(p["value"]) for p in body["run"]["data"]["params"]} == whole
                       and {t["key"]: len(t["value"]) for t in body["run"]["data"]["tags"]}["t"] == 20_000))


def test_a_text_beyond_the_limit_is_refused(both: Both, run: Ref) -> None:
    for path in ("runs/log-parameter", "runs/set-tag"):
        both.post(path, {"run_id": run, "key": "k", "value": "x" * 1_000_000}, differs="texts have stated limits",
                  ours=Ours(400, "INVALID_PARAMETER_VALUE", "exceeds|at most"))


def test_a_parameter_is_written_once(both: Both, run: Ref) -> None:
    both.post("runs/log-parameter", {"run_id": run, "key": "p", "value": "1"})
    both.post("runs/log-parameter", {"run_id": run, "key": "p", "value": "1"})
    both.post("runs/log-parameter", {"run_id": run, "key": "p", "value": "2"})
    both.log(run, {"params": pairs(p="1", q="1")})
    both.log(run, {"params": pairs(p="2", r="1"), "metrics": [metric()], "tags": pairs(t="1")})
    both.log(run, {"params": pairs(p="it's", q="3", s="1")})
    both.read(run)


@pytest.mark.parametrize("lists", [
    {}, {"metrics": [], "params": [], "tags": []}, {"params": pairs(a="1") + pairs(a="1")},
    {"params": pairs(a="1") + pairs(a="2") + pairs(b="1")},
    {"tags": pairs(a="1") + pairs(a="2")}, {"metrics": [metric(), metric()]}, {"metrics": points(1, 2, 3)},
    {"metrics": points(*range(1001))},
    {"params": pairs(**{f"p{n}": "v" for n in range(101)})}, {"tags": pairs(**{f"t{n}": "v" for n in range(101)})},
    {"metrics": points(*range(1000)), "params": pairs(a="b")},
    {"metrics": points(*range(900)), "params": pairs(**{f"p{n}": "v" for n in range(100)})},
    {"metrics": "x"}, {"params": {"a": "b"}}, {"tags": 5}, {"metrics": [5]}, {"params": ["a"]}, {"tags": [None]},
    {"metrics": [{}]}, {"params": [{}]}, {"tags": [{}]}])
def test_a_batch_is_kept_or_refused_alike(both: Both, run: Ref, lists: dict[str, Any]) -> None:
    both.log(run, lists)
    both.read(run)


def test_a_batch_with_one_bad_metric_of_1000_keeps_nothing(both: Both, run: Ref) -> None:
    bad = points(*range(999)) + [metric(key="bad#")]
    both.log(run, {"metrics": bad, "params": [], "tags": []})
    both.log(run, {"metrics": points(*range(998)) + [metric(timestamp=-1)], "tags": pairs(a="b")})
    both.read(run)


def test_a_null_list_of_a_batch_is_no_list(both: Both, run: Ref) -> None:
    for name in ("metrics", "params", "tags"):
        both.log(run, {name: None}, differs="no 500 for what will not change")


LATEST = [[(5, 100, 1), (5, 100, 2)], [(5, 100, 2), (5, 99, 9)], [(5, 100, 2), (4, 1000, 50)],
          [(5, 100, 2), (5, 100, 1.5)], [(5, 100, 2), (6, 1, -1)],
          [(1, 1, "NaN"), (2, 1, 5)], [(2, 1, "NaN"), (1, 1, 5)], [(-1, 5, 1), (-2, 6, 2)], [(0, 5, 1), (0, 5, 1)],
          [(BIG, BIG, 1), (BIG - 1, BIG, 2)]]


@pytest.mark.parametrize("sequence", LATEST)
def test_the_latest_value_is_the_same(both: Both, run: Ref, sequence: list[tuple[int, int, Any]]) -> None:
    for step, timestamp, value in sequence:
        both.post("runs/log-metric", {"run_id": run} | metric(step=step, timestamp=timestamp, value=value))
    both.log(run, {"metrics": [metric(key="batch", step=s, timestamp=t, value=v) for s, t, v in sequence]})
    both.read(run)
    for key in ("m", "batch"):
        both.get("metrics/get-history", {"run_id": run, "metric_key": key})


def test_not_a_number_is_below_every_number_of_its_step(both: Both, run: Ref) -> None:
    for value in ("NaN", -1):
        both.post("runs/log-metric", {"run_id": run} | metric(value=value))
    both.get("runs/get", {"run_id": run}, differs="NaN is below all numbers", ours=Ours(says='"value": -1.0'))


def test_a_metric_of_an_unknown_logged_model_is_refused_whole(both: Both, run: Ref) -> None:
    model = "m-" + "0" * 32
    both.post("runs/log-metric", {"run_id": run} | metric(model_id=model), differs="no SQL in errors",
              ours=Ours(404, "RESOURCE_DOES_NOT_EXIST", model))
    both.log(run, {"metrics": [metric(model_id=model)], "params": pairs(a="b")}, differs="no SQL in errors",
             ours=Ours(404, "RESOURCE_DOES_NOT_EXIST", model))
    both.get("runs/get", {"run_id": run}, differs="a batch is kept whole or not at all",
             ours=Ours(check=lambda body: not {"metrics", "params"} & set(body["run"]["data"])))

"""Runs: the same requests to MLflow's server and to ours."""

from __future__ import annotations

from typing import Any

import pytest

from both import Both, Ours
from wire import pairs

NAME = "mlflow.runName"


@pytest.mark.parametrize("fields", [
    {}, {"run_name": "first"}, {"user_id": "bob", "start_time": 1234567890123}, {"user_id": "", "start_time": 0},
    {"tags": pairs(a="1", b="")},
    {"tags": pairs(**{NAME: "by tag"})}, {"run_name": "same", "tags": pairs(**{NAME: "same"})},
    {"run_name": "", "tags": pairs(**{NAME: "by tag"})},
    {"run_name": ""}, {"start_time": "17"}, {"start_time": 5.0},
    {"start_time": None, "user_id": None, "run_name": None}, {"unknown": {"a": [1]}},
    {"run_name": "imię 이름 🙂"}, {"tags": pairs(**{"mlflow.user": "ann", "mlflow.parentRunId": "x",
                                                 "mlflow.source.name": "train.py"})},
    {"start_time": -5}, {"start_time": 9007199254740993}, {"run_name": "  "}])
def test_created_runs_read_alike(both: Both, fields: dict[str, Any]) -> None:
    experiment = both.experiment()
    run = both.run(experiment, **fields)
    both.read(run)
    both.get("runs/get", {"run_uuid": run})
    both.get("runs/get", {"run_uuid": run, "run_id": run})


def test_a_run_needs_an_experiment(both: Both) -> None:
    both.post("runs/create", {"experiment_id": "0"})
    for fields in ({}, {"experiment_id": ""}):
        both.post("runs/create", fields, differs="a missing experiment is named",
                  ours=Ours(400, "INVALID_PARAMETER_VALUE", "[Ee]xperiment"))


def test_a_clash_of_names_is_refused_alike(both: Both) -> None:
    both.post("runs/create", {"experiment_id": both.experiment(), "run_name": "a", "tags": pairs(**{NAME: "b"})})


@pytest.mark.parametrize("fields", [{"experiment_id": 5}, {"run_name": 5}, {"tags": "x"}, {"tags": [{"value": "x"}]},
                                    {"tags": [5]}, {"start_time": "x"},
                                    {"user_id": 5}, {"experiment_id": "abc"}, {"experiment_id": "987654321"}])
def test_a_run_is_refused_alike(both: Both, fields: dict[str, Any]) -> None:
    both.refused("runs/create", {"experiment_id": both.experiment()} | fields)


@pytest.mark.parametrize("key", ["a#", "/a", "a//b", "..", "k" * 250, "a\tb"])
def test_a_tag_given_at_creation_may_have_any_key(both: Both, key: str) -> None:
    both.read(both.run(both.experiment(), tags=pairs(**{key: "v"})))


def test_a_tags_key_has_a_limit_at_creation_too(both: Both) -> None:
    both.post("runs/create", {"experiment_id": both.experiment(), "tags": pairs(**{"k" * 251: "v"})},
              differs="texts have stated limits",
              ours=Ours(400, "INVALID_PARAMETER_VALUE", "250"))


def test_a_tag_given_twice_at_creation_is_refused(both: Both) -> None:
    both.post("runs/create", {"experiment_id": both.experiment(), "tags": pairs(a="1") + pairs(a="2")},
              differs="no SQL in errors",
              ours=Ours(400, "INVALID_PARAMETER_VALUE", "a"))


@pytest.mark.parametrize("id", ["0" * 32, "nope", "A" * 32, "../x", "g" * 32, "a" * 31, "a" * 64])
def test_an_unknown_run_is_named_alike(both: Both, id: str) -> None:
    both.get("runs/get", {"run_id": id})
    for path in ("runs/update", "runs/delete", "runs/restore"):
        both.post(path, {"run_id": id})
    both.post("runs/log-metric", {"run_id": id, "key": "k", "value": 1.0, "timestamp": 1})
    both.post("runs/log-parameter", {"run_id": id, "key": "k", "value": "v"})
    both.post("runs/set-tag", {"run_id": id, "key": "k", "value": "v"})
    both.post("runs/delete-tag", {"run_id": id, "key": "k"})
    both.post("runs/log-batch", {"run_id": id, "tags": pairs(a="b")})
    both.post("runs/log-inputs", {"run_id": id, "datasets": [{"dataset": {"name": "d", "digest": "d",
        "source_type": "s", "source": "s"}}]})
    both.post("runs/outputs", {"run_id": id, "models": [{"model_id": "m-1", "step": 0}]})


@pytest.mark.parametrize("path", ["update", "delete", "restore", "log-metric", "log-parameter", "set-tag", "delete-tag",
                                  "log-batch", "log-inputs", "outputs"])
@pytest.mark.parametrize("body", [{}, {"run_id": ""}, {"run_id": None}, {"run_id": 5}, {"run_id": ["x"]}])
def test_a_missing_run_is_refused_alike(both: Both, path: str, body: dict[str, Any]) -> None:
    both.post(f"runs/{path}", body | {"key": "k", "value": "v", "timestamp": 1})


def test_a_missing_run_is_not_read(both: Both) -> None:
    both.get("runs/get")
    both.get("runs/get", {"run_id": ""})
    both.get("runs/get", {"other": "x"})


@pytest.mark.parametrize("changes", [
    [{"status": "FINISHED", "end_time": 99}], [{"status": "FAILED"}],
    [{"status": "KILLED", "end_time": 5}, {"status": "RUNNING"}], [{"status": 3}],
    [{"status": "SCHEDULED"}], [{"end_time": 7}, {"end_time": 3}], [{"run_name": "new"}], [{"run_name": ""}],
    [{"run_name": "이름"}, {"status": "FINISHED"}],
    [{}], [{"status": None, "end_time": None, "run_name": None}], [{"end_time": "12"}], [{"end_time": 12.0}],
    [{"status": "3"}]])
def test_updated_runs_read_alike(both: Both, changes: list[dict[str, Any]]) -> None:
    run = both.run(both.experiment(), run_name="old", start_time=1)
    for change in changes:
        both.post("runs/update", {"run_id": run} | change)
        both.read(run)


def test_both_spellings_of_a_runs_id_do(both: Both) -> None:
    run = both.run(both.experiment(), run_name="r", start_time=1)
    for id in ({"run_uuid": run}, {"run_id": run, "run_uuid": run}, {"runUuid": run}, {"runId": run}):
        both.post("runs/update", id | {"status": "FINISHED"})
        both.post("runs/log-metric", id | {"key": "m", "value": 1, "timestamp": 1})
        both.post("runs/log-parameter", id | {"key": "p", "value": "1"})
        both.post("runs/set-tag", id | {"key": "t", "value": "1"})
    both.read(run)


def test_an_unknown_status_is_refused(both: Both) -> None:
    run = both.run(both.experiment())
    for status in ("FOO", "finished", "", 9):
        both.post("runs/update", {"run_id": run, "status": status, "end_time": 5}, differs="a wrong enum is refused",
                  ours=Ours(400, "INVALID_PARAMETER_VALUE", "status"))
    assert "end_time" not in both.ours.read_run(run.values[1])["info"]


def test_a_runs_name_and_its_tag_are_one(both: Both) -> None:
    run = both.run(both.experiment(), run_name="first", start_time=1)
    both.post("runs/set-tag", {"run_id": run, "key": NAME, "value": "second"})
    both.read(run)
    both.log(run, {"tags": pairs(**{NAME: "third"})})
    both.read(run)
    both.post("runs/update", {"run_id": run, "run_name": "fourth"})
    both.read(run)


def test_a_run_whose_name_tag_is_deleted_keeps_its_name(both: Both) -> None:
    run = both.run(both.experiment(), run_name="kept", start_time=1)
    both.post("runs/delete-tag", {"run_id": run, "key": NAME})
    for door, id in zip((both.peer, both.ours), run.values):
        assert door.read_run(id)["info"]["run_name"] == "kept"


def test_tags_are_set_again_and_removed_alike(both: Both) -> None:
    run = both.run(both.experiment(), run_name="r", start_time=1, tags=pairs(a="0"))
    for key, value in [("a", "1"), ("a", "2"), ("b", ""), ("a.b/c d:e-f_g", "x"), ("k" * 250, "v"),
                       ("ключ", "значение"), ("long", "v" * 8000)]:
        both.post("runs/set-tag", {"run_id": run, "key": key, "value": value})
    both.post("runs/set-tag", {"run_id": run, "key": "no value"})
    both.read(run)
    for _ in range(2):
        both.post("runs/delete-tag", {"run_id": run, "key": "a"})
    both.post("runs/delete-tag", {"run_id": run})
    both.post("runs/delete-tag", {"run_id": run, "key": "x" * 300})
    both.read(run)


def test_a_deleted_run_can_be_read_and_restored_but_not_changed(both: Both) -> None:
    experiment = both.experiment()
    run = both.run(experiment, run_name="r", start_time=1, tags=pairs(a="1"))
    id = {"run_id": run}
    for path in ("runs/restore", "runs/delete", "runs/delete"):
        both.post(path, id)
        both.read(run)
    both.post("runs/update", id | {"status": "FINISHED"})
    both.post("runs/log-metric", id | {"key": "k", "value": 1.0, "timestamp": 1})
    both.post("runs/log-parameter", id | {"key": "k", "value": "v"})
    both.post("runs/set-tag", id | {"key": "k", "value": "v"})
    both.post("runs/delete-tag", id | {"key": "a"})
    both.log(run, {"tags": pairs(a="b")})
    both.log(run, {})
    both.post("runs/log-inputs", id | {"datasets": [{"dataset": {"name": "d", "digest": "d", "source_type": "s",
                                                                 "source": "s"}}]})
    both.post("runs/outputs", id | {"models": [{"model_id": "m-1", "step": 0}]})
    both.read(run)
    both.post("runs/restore", id)
    both.read(run)


def test_a_long_name_of_a_run_has_a_stated_limit(both: Both) -> None:
    experiment = both.experiment()
    both.post("runs/create", {"experiment_id": experiment, "run_name": "n" * 250})
    both.post("runs/create", {"experiment_id": experiment, "run_name": "n" * 8001}, differs="texts have stated limits",
              ours=Ours(400, "INVALID_PARAMETER_VALUE", "8001"))

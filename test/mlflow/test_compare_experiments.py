"""Experiments: the same requests to MLflow's server and to ours."""

from __future__ import annotations

from typing import Any

import pytest

from both import Both, Ours
from wire import AJAX, pairs

LONG = "x" * 501


def test_created_experiments_read_alike(both: Both) -> None:
    name = both.name()
    plain = both.experiment(name)
    tagged = both.experiment(tags=pairs(team="vision", note="два слова", empty=""))
    for experiment in (plain, tagged):
        both.get("experiments/get", {"experiment_id": experiment})
        both.get("/ajax-api/2.0/mlflow/experiments/get", {"experiment_id": experiment})
    both.get("experiments/get-by-name", {"experiment_name": name})


@pytest.mark.parametrize("location", ["s3://bucket/folder", "s3://bucket/folder/", "gs://b/x?version=1",
                                      "mlflow-artifacts:/else",
                                      "wasbs://c@a.blob.core.windows.net/x", "dbfs:/x", "", "file:///files/x",
                                      "/files/x"])
def test_an_artifact_location_is_kept_and_begins_the_runs_addresses(both: Both, location: str) -> None:
    experiment = both.experiment(artifact_location=location)
    both.get("experiments/get", {"experiment_id": experiment})
    run = both.run(experiment)
    both.read(run)


@pytest.mark.parametrize("location", ["s3://bucket/x#part", "s3://bucket/x;type=a#b", "s3://b/x?a=../..",
                                      "runs:/abc/x"])
def test_an_artifact_location_is_refused_alike(both: Both, location: str) -> None:
    both.post("experiments/create", {"name": both.name(), "artifact_location": location})


@pytest.mark.parametrize("location", ["s3://b/" + "y" * 2048, "http://h/x", "https://h/x", "ftp://h/x", "sftp://h/x",
                                      "hdfs://h/x", "viewfs://h/x", "abfss://f@h/x",
                                      "r2://b/x", "b2://b/x", "mlflow-artifacts://elsewhere/x"])
def test_an_artifact_location_is_refused_without_advice(both: Both, location: str) -> None:
    body = {"name": both.name(), "artifact_location": location}
    peer, ours = both.post("experiments/create", body, differs="no advice on MLflow's settings",
                           ours=Ours(400, "INVALID_PARAMETER_VALUE"))
    assert peer.body["message"].startswith(ours.body["message"])


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": None}, {"name": LONG}, {"name": 5}, {"name": ["a"]},
                                  {"name": {"a": "b"}}, {"name": True},
                                  {"tags": pairs(a="b")}])
def test_a_name_is_refused_alike(both: Both, body: dict[str, Any]) -> None:
    both.post("experiments/create", body)


@pytest.mark.parametrize("text", ["x" * 200, "100 % / : \\ \" ' #?&", "  spaces around  ", "한국어 🙂", "%2e%2e", "..",
                                  "."])
def test_any_text_may_be_a_name(both: Both, text: str) -> None:
    name = text if len(text) < 4 else text + both.name()
    experiment = both.experiment(name)
    both.get("experiments/get", {"experiment_id": experiment})
    both.get("experiments/get-by-name", {"experiment_name": name})


def test_an_experiment_tag_is_set_again_and_removed_alike(both: Both) -> None:
    experiment = both.experiment()
    for key, value in [("a", "1"), ("a", "2"), ("b", ""), ("a.b/c d:e-f_g", "x"), ("k" * 250, "v"),
                       ("long", "v" * 20000), ("ключ", "значение")]:
        both.post("experiments/set-experiment-tag", {"experiment_id": experiment, "key": key, "value": value})
    both.post("experiments/set-experiment-tag", {"experiment_id": experiment, "key": "no value"})
    both.get("experiments/get", {"experiment_id": experiment})
    both.post("experiments/delete-experiment-tag", {"experiment_id": experiment, "key": "a"})
    both.post("experiments/delete-experiment-tag", {"experiment_id": experiment, "key": "a"})
    both.get("experiments/get", {"experiment_id": experiment})


@pytest.mark.parametrize("fields", [{"key": "a#b", "value": "v"}, {"key": "/a", "value": "v"},
                                    {"key": "a//b", "value": "v"}, {"key": "k" * 251, "value": "v"},
                                    {"key": "", "value": "v"}, {"value": "v"}, {"key": "a", "value": 5},
                                    {"key": 5, "value": "v"}, {"key": "..", "value": "v"}])
def test_an_experiment_tag_is_refused_alike(both: Both, fields: dict[str, Any]) -> None:
    both.post("experiments/set-experiment-tag", {"experiment_id": both.experiment()} | fields)


def test_the_value_of_an_experiment_tag_has_a_limit(both: Both) -> None:
    both.post("experiments/set-experiment-tag", {"experiment_id": both.experiment(), "key": "a", "value": "v" * 20001})


ACTIONS = ["experiments/delete", "experiments/restore", "experiments/update", "experiments/set-experiment-tag",
           "experiments/delete-experiment-tag"]


@pytest.mark.parametrize("id", ["987654321", "abc", ""])
@pytest.mark.parametrize("path", ACTIONS)
def test_an_unknown_experiment_is_named_alike(both: Both, path: str, id: str) -> None:
    both.post(path, {"experiment_id": id, "new_name": both.name(), "key": "k", "value": "v"})


@pytest.mark.parametrize("id", ["1.5", "-1", " 1", "1 ", "0x1", 987654321, None, ["1"]])
def test_a_wrong_id_of_an_experiment_is_refused_alike(both: Both, id: Any) -> None:
    both.post("experiments/delete", {"experiment_id": id})


def test_an_id_beyond_all_numbers_is_not_found(both: Both) -> None:
    both.post("experiments/delete", {"experiment_id": "9" * 20}, differs="no 500 for what will not change",
              ours=Ours(404, "RESOURCE_DOES_NOT_EXIST", "No Experiment with id=9+ exists"))


@pytest.mark.parametrize("query", [{"experiment_id": "987654321"}, {"experiment_id": "abc"}, {"experiment_id": ""}, {}])
def test_an_unknown_experiment_is_not_read(both: Both, query: dict[str, str]) -> None:
    both.get("experiments/get", query)


@pytest.mark.parametrize("query", [{"experiment_name": "nobody's"}, {"experiment_name": ""}, {}])
def test_an_unknown_name_is_not_found(both: Both, query: dict[str, str]) -> None:
    both.get("experiments/get-by-name", query)


def test_a_renamed_experiment_has_the_new_name_alone(both: Both) -> None:
    old, new = both.name("old"), both.name("new")
    experiment = both.experiment(old)
    both.post("experiments/update", {"experiment_id": experiment, "new_name": new})
    both.get("experiments/get", {"experiment_id": experiment})
    both.get("experiments/get-by-name", {"experiment_name": old})
    both.get("experiments/get-by-name", {"experiment_name": new})
    both.post("experiments/update", {"experiment_id": experiment, "new_name": new})
    for fields in ({}, {"new_name": ""}, {"new_name": 3}, {"new_name": LONG}):
        both.post("experiments/update", {"experiment_id": experiment} | fields)


def test_a_taken_name_is_refused_without_the_databases_words(both: Both) -> None:
    name, other = both.name(), both.experiment()
    both.experiment(name)
    both.post("experiments/create", {"name": name}, differs="no SQL in errors",
              ours=Ours(400, "RESOURCE_ALREADY_EXISTS", r"^Experiment\(name=.*\) already exists"))
    both.post("experiments/update", {"experiment_id": other, "new_name": name}, differs="no SQL in errors",
              ours=Ours(400, "RESOURCE_ALREADY_EXISTS", "already exists"))


def test_deleting_and_restoring_an_experiment_goes_alike(both: Both) -> None:
    name = both.name()
    experiment = both.experiment(name)
    run = both.run(experiment)
    id = {"experiment_id": experiment}
    both.post("experiments/restore", id)
    both.post("experiments/delete", id)
    both.get("experiments/get", id)
    both.get("experiments/get-by-name", {"experiment_name": name})
    both.read(run)
    for view in ("ACTIVE_ONLY", "DELETED_ONLY", "ALL"):
        both.post("runs/search", {"experiment_ids": [experiment], "run_view_type": view})
    both.post("experiments/delete", id)
    both.post("experiments/set-experiment-tag", id | {"key": "k", "value": "v"})
    both.post("experiments/delete-experiment-tag", id | {"key": "k"})
    both.post("runs/create", id)
    both.post("experiments/restore", id)
    both.get("experiments/get", id)
    both.read(run)


def test_renaming_a_deleted_experiment_is_refused_for_good(both: Both) -> None:
    experiment = both.experiment()
    both.post("experiments/delete", {"experiment_id": experiment})
    both.post("experiments/update", {"experiment_id": experiment, "new_name": both.name()},
              differs="no 500 for what will not change",
              ours=Ours(400, "INVALID_STATE", "Cannot rename a non-active experiment."))


def test_a_deleted_name_can_be_given_again(both: Both) -> None:
    name = both.name()
    old = both.experiment(name)
    both.post("experiments/delete", {"experiment_id": old})
    answers = both.post("experiments/create", {"name": name}, differs="deleted names are free")
    new = answers[1]["experiment_id"]
    assert both.ours.get("experiments/get-by-name", experiment_name=name)["experiment.experiment_id"] == new
    refusal = both.ours.post("experiments/restore", {"experiment_id": old.values[1]})
    refusal.refused(400, "RESOURCE_ALREADY_EXISTS", new)
    refusal.refused(400, "RESOURCE_ALREADY_EXISTS", old.values[1])
    both.ours.post("experiments/delete", {"experiment_id": new}).fine()
    assert both.ours.get("experiments/get-by-name",
                         experiment_name=name)["experiment.experiment_id"] == new  # the one deleted last
    both.ours.post("experiments/restore", {"experiment_id": old.values[1]}).fine()


def test_restoring_an_experiment_leaves_runs_that_were_deleted_before(both: Both) -> None:
    experiment = both.experiment()
    run = both.run(experiment)
    both.post("runs/delete", {"run_id": run})
    both.post("experiments/delete", {"experiment_id": experiment})
    both.post("experiments/restore", {"experiment_id": experiment})
    both.get("runs/get", {"run_id": run}, differs="a restored experiment",
             ours=Ours(says='"lifecycle_stage": "deleted"'))


def test_datasets_of_experiments_are_listed_alike(both: Both) -> None:
    first, second = both.experiment(), both.experiment()
    for experiment, name, context in [(first, "a", "train"), (first, "b", None), (second, "c", "eval")]:
        tags = pairs(**{"mlflow.data.context": context}) if context else []
        both.post("runs/log-inputs", {"run_id": both.run(experiment), "datasets": [
            {"dataset": {"name": name, "digest": "d", "source_type": "s", "source": "x"}, "tags": tags}]})
    path = AJAX + "experiments/search-datasets"
    both.post(path, {"experiment_ids": [first, second]})
    both.post(path, {"experiment_ids": [second]})
    both.post(path, {"experiment_ids": ["987654321"]})
    both.post(path, {"experiment_ids": []})
    both.post(path, {})
    both.post(path, {"experiment_ids": [str(n) for n in range(21)]})

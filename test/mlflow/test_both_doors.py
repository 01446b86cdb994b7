"""One record behind two doors: what one API writes, the other reads."""

from __future__ import annotations

from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient

from wire import OWN, V3, Door, pairs, points


@pytest.fixture
def client(our_url: str) -> MlflowClient:
    """MLflow's client, pointed at Model DB."""
    mlflow.set_tracking_uri(our_url)
    return MlflowClient(our_url)


class Own:
    """Model DB's own API."""

    def __init__(self, door: Door) -> None:
        self.door = door

    def add(self, what: str, **fields: Any) -> Any:
        return self.door.post(OWN + what, fields).fine().body

    def get(self, path: str) -> Any:
        return self.door.get(OWN + path).fine().body

    def project(self, name: str, **fields: Any) -> str:
        return self.add("projects", project_name=name, **fields)["project_id"]

    def model(self, project: str, name: str, **fields: Any) -> str:
        return self.add("models", project_id=project, model_name=name, **fields)["model_id"]

    def delete(self, path: str) -> None:
        self.door.send("DELETE", OWN + path).fine()


@pytest.fixture
def own(ours: Door) -> Own:
    return Own(ours)


@pytest.fixture
def model(own: Own, prefix: str) -> str:
    """A model of a project of its own, which MLflow's clients call PREFIX/forest."""
    return own.model(own.project(prefix), "forest")


def test_a_model_is_an_experiment_under_its_full_name(own: Own, client: MlflowClient, prefix: str, model: str) -> None:
    got = client.get_experiment_by_name(f"{prefix}/forest")
    assert (got.experiment_id, got.name, got.lifecycle_stage) == (model, f"{prefix}/forest", "active")
    assert got.artifact_location == f"mlflow-artifacts:/{model}"
    assert client.get_experiment(model).name == f"{prefix}/forest"
    assert [e.experiment_id for e in client.search_experiments(filter_string=f"name = '{prefix}/forest'")] == [model]
    assert client.get_experiment_by_name("forest") is None


def test_an_experiment_is_a_model(own: Own, client: MlflowClient, prefix: str) -> None:
    plain = client.create_experiment(f"{prefix} plain")
    got = own.get(f"models/id/{plain}")
    assert got["model_name"] == f"{prefix} plain"
    assert own.get(f"projects/id/{got['project_id']}")["project_name"] == "Default"
    project = own.project(prefix)
    inside = client.create_experiment(f"{prefix}/tree")
    assert own.get(f"models/id/{inside}") == own.get(f"models/project-id/{project}")[0]
    assert own.get(f"models/id/{inside}")["model_name"] == "tree"
    outside = client.create_experiment(f"{prefix} nowhere/tree")
    assert own.get(f"models/id/{outside}")["model_name"] == f"{prefix} nowhere/tree"


def test_an_ambiguous_name_is_refused_through_both_doors(ours: Door, own: Own, client: MlflowClient,
                                                         prefix: str) -> None:
    client.create_experiment(f"{prefix}/tree")  # there is no project of this name yet
    project = own.project(prefix)
    answer = ours.post(OWN + "models", {"project_id": project, "model_name": "tree"})
    assert answer.status == 409
    ours.post("experiments/create", {"name": f"{prefix}/tree"}).refused(400, "RESOURCE_ALREADY_EXISTS",
        "already exists")
    assert own.model(project, "bush") == client.get_experiment_by_name(f"{prefix}/bush").experiment_id


def test_an_experiment_of_model_db_is_a_whole_run(own: Own, client: MlflowClient, model: str) -> None:
    parameters = {"n": 100, "rate": 0.10, "name": "손글씨", "deep": {"list": [1, 2.5, None, True]}, "none": None,
                  "yes": True, "text": '"quoted"'}
    evaluations = {"accuracy": 0.97, "n": 100, "confusion": [[50, 1], [2, 3]], "note": "good"}
    added = own.add("experiments", model_id=model, model_version_id="forest-1", parameters=parameters,
                    training_dataset="s3://digits/train.csv",
                    validation_dataset="validation set", test_dataset="s3://digits/test.csv", evaluations=evaluations,
                    artifact_file_paths={"model": "s3://models/forest-1.onnx"})
    run = client.get_run(added["experiment_id"])
    assert (run.info.status, run.info.run_name, run.info.experiment_id, run.info.user_id) == ("FINISHED", "forest-1",
        model, "")
    assert run.info.start_time == run.info.end_time
    assert run.info.artifact_uri == f"mlflow-artifacts:/{model}/{run.info.run_id}/artifacts"
    assert run.data.params == {"n": "100", "rate": "0.10", "name": "손글씨", "deep": '{"list":[1,2.5,null,true]}',
                               "none": "null", "yes": "true", "text": '"quoted"'} \
        or run.data.params == {"n": "100", "rate": "0.1", "name": "손글씨", "deep": '{"list":[1,2.5,null,true]}',
                               "none": "null", "yes": "true", "text": '"quoted"'}
    assert run.data.metrics == {"accuracy": 0.97, "n": 100}
    assert run.data.tags == {"mlflow.runName": "forest-1"}
    uses = {tag.value: use.dataset for use in run.inputs.dataset_inputs for tag in use.tags}
    assert {context: (d.name, d.source, d.digest) for context, d in uses.items()} == {
        "training": ("s3://digits/train.csv", "s3://digits/train.csv", ""),
        "validation": ("validation set", "validation set", ""),
        "test": ("s3://digits/test.csv", "s3://digits/test.csv", "")}
    filters = ["params.n = '100'", "params.name = '손글씨'", "metrics.accuracy > 0.9", "run_name = 'forest-1'",
               "dataset.name = 'validation set'",
               "dataset.context = 'test'", "status = 'FINISHED'", "params.deep LIKE '%list%'", "params.yes = 'true'"]
    for filter in filters:
        assert [r.info.run_id for r in client.search_runs([model], filter)] == [run.info.run_id], filter


def test_an_experiment_without_anything_is_an_empty_run(own: Own, client: MlflowClient, model: str) -> None:
    added = own.add("experiments", model_id=model, model_version_id="bare")
    run = client.get_run(added["experiment_id"])
    assert (run.data.params, run.data.metrics, run.inputs.dataset_inputs) == ({}, {}, [])


def test_a_run_is_a_whole_experiment_of_model_db(ours: Door, own: Own, client: MlflowClient, prefix: str) -> None:
    experiment = client.create_experiment(prefix)
    run = client.create_run(experiment, run_name="night run", tags={"a": "b"}, start_time=5).info.run_id
    ours.log(run, params=pairs(lr="0.1", text="a b", json='{"x": 1}'),
             metrics=points(0.5, 0.25, key="loss") + points("NaN", key="bad") + points("-Infinity", key="low")).fine()
    for name, context, source in [("d1", "train", '{"uri": "s3://b/d1"}'), ("d2", "training", "plain"),
                                  ("d3", "eval", '{"tags": {}}'), ("d4", "own words", "x"),
                                  ("d5", "test", '{"url": "http://h/d5"}')]:
        ours.post("runs/log-inputs", {"run_id": run, "datasets": [
            {"dataset": {"name": name, "digest": "1", "source_type": "s", "source": source},
             "tags": pairs(**{"mlflow.data.context": context})}]}).fine()
    got = own.get(f"experiments/id/{run}")
    assert (got["experiment_id"], got["model_id"], got["model_version_id"], got["status"]) == (run, experiment,
        "night run", "running")
    assert got["parameters"] == {"lr": "0.1", "text": "a b", "json": '{"x": 1}'}
    assert got["evaluations"] == {"loss": 0.25, "bad": "NaN", "low": "-Infinity"}
    assert (got["training_dataset"], got["validation_dataset"], got["test_dataset"]) == ("s3://b/d1; plain", "d3",
        "http://h/d5")
    client.set_terminated(run, "FAILED")
    assert own.get(f"experiments/id/{run}")["status"] == "failed"
    client.update_run(run, name="day run")
    assert own.get("experiments/model-version-id/day run")["experiment_id"] == run
    assert [e["experiment_id"] for e in own.get(f"experiments/model-id/{experiment}")] == [run]


def test_evaluations_and_metrics_are_one_history(own: Own, client: MlflowClient, model: str) -> None:
    id = own.add("experiments", model_id=model, model_version_id="v", evaluations={"accuracy": 0.5})["experiment_id"]
    client.log_metric(id, "accuracy", 0.75, step=3)
    assert own.get(f"experiments/id/{id}")["evaluations"] == {"accuracy": 0.75}
    own.add(f"experiments/evaluations/{id}", evaluations={"accuracy": 0.6, "note": "lower"})
    assert client.get_run(id).data.metrics == {"accuracy": 0.6}
    assert [(m.value, m.step) for m in client.get_metric_history(id, "accuracy")] == [(0.5, 0), (0.75, 3), (0.6, 3)]
    client.log_metric(id, "accuracy", 0.8, step=4)
    assert own.get(f"experiments/id/{id}")["evaluations"] == {"accuracy": 0.8, "note": "lower"}


def test_a_parameter_of_one_door_is_written_once_for_the_other(ours: Door, own: Own, model: str) -> None:
    id = own.add("experiments", model_id=model, model_version_id="v", parameters={"n": 5, "t": "x"})["experiment_id"]
    ours.post("runs/log-parameter", {"run_id": id, "key": "n", "value": "5"}).fine()
    ours.post("runs/log-parameter", {"run_id": id, "key": "t", "value": "x"}).fine()
    ours.post("runs/log-parameter", {"run_id": id, "key": "n", "value": "6"}).refused(400, "INVALID_PARAMETER_VALUE",
        "'5'")
    assert own.get(f"experiments/id/{id}")["parameters"] == {"n": 5, "t": "x"}


def test_what_one_door_deletes_and_restores_is_so_for_the_other(ours: Door, own: Own, client: MlflowClient, prefix: str,
                                                                model: str) -> None:
    id = own.add("experiments", model_id=model, model_version_id="v")["experiment_id"]
    own.delete(f"experiments/id/{id}")
    assert client.get_run(id).info.lifecycle_stage == "deleted"
    client.restore_run(id)
    assert own.get(f"experiments/id/{id}")["experiment_id"] == id
    client.delete_run(id)
    assert ours.get(OWN + f"experiments/id/{id}").status == 404
    own.add(f"experiments/restore/{id}")
    own.delete(f"models/id/{model}")
    assert client.get_experiment(model).lifecycle_stage == "deleted"
    assert client.get_run(id).info.lifecycle_stage == "deleted"
    client.restore_experiment(model)
    assert own.get(f"models/id/{model}")["model_name"] == "forest"
    project = own.get(f"models/id/{model}")["project_id"]
    own.delete(f"projects/id/{project}")
    assert client.get_experiment(model).lifecycle_stage == "deleted"
    own.add(f"projects/restore/{project}")
    assert client.get_experiment_by_name(f"{prefix}/forest").lifecycle_stage == "active"


def test_a_renamed_experiment_is_a_renamed_model(own: Own, client: MlflowClient, prefix: str, model: str) -> None:
    client.rename_experiment(model, f"{prefix}/grove")
    assert own.get(f"models/id/{model}")["model_name"] == "grove"
    assert client.get_experiment(model).name == f"{prefix}/grove"


def test_the_default_experiment_is_the_default_model(own: Own, client: MlflowClient) -> None:
    run = client.create_run("0", run_name="default").info.run_id
    got = own.get(f"experiments/id/{run}")
    assert got["model_id"] == "0"
    assert own.get("models/id/0")["model_name"] == "Default"
    assert "0" in [m["model_id"] for m in own.get("models/all")]


def test_runs_are_added_to_a_model_through_either_door(own: Own, client: MlflowClient, prefix: str, model: str) -> None:
    mlflow.set_experiment(f"{prefix}/forest")
    with mlflow.start_run(run_name="from mlflow") as run:
        mlflow.log_metric("accuracy", 0.9)
    added = own.add("experiments", model_id=model, model_version_id="from model db",
                    evaluations={"accuracy": 0.8})["experiment_id"]
    assert {e["experiment_id"] for e in own.get(f"experiments/model-id/{model}")} == {run.info.run_id, added}
    table = mlflow.search_runs(order_by=["metrics.accuracy DESC"])
    assert list(table["tags.mlflow.runName"]) == ["from mlflow", "from model db"]


def test_a_workspace_is_a_project(ours: Door, own: Own, prefix: str) -> None:
    name = f"ws-{prefix[-8:]}"
    project = own.project(name)
    model = own.model(project, "forest")
    inside, outside = {"X-MLFLOW-WORKSPACE": name}, {"X-MLFLOW-WORKSPACE": "default"}
    got = ours.get("experiments/get-by-name", headers=inside, experiment_name="forest").fine()
    assert (got["experiment.experiment_id"], got["experiment.name"], got["experiment.workspace"]) == (model, "forest",
        name)
    assert ours.get("experiments/get-by-name", headers=outside, experiment_name="forest").status == 404
    assert ours.get("experiments/get", headers=outside, experiment_id=model).status == 404
    added = ours.post("experiments/create", {"name": "tree"}, headers=inside).fine()["experiment_id"]
    assert own.get(f"models/id/{added}")["project_id"] == project
    found = ours.post("experiments/search", {"max_results": 100}, headers=inside).fine()["experiments"]
    assert sorted(e["name"] for e in found) == ["forest", "tree"]
    run = ours.post("runs/create", {"experiment_id": added}, headers=inside).fine()["run.info.run_id"]
    assert ours.get("runs/get", headers=outside, run_id=run).status == 404
    assert ours.get("runs/get", headers=inside, run_id=run).status == 200
    ours.post("experiments/search", {"max_results": 5}, headers={"X-MLFLOW-WORKSPACE": "nope"}).refused(404,
        "RESOURCE_DOES_NOT_EXIST", "Workspace 'nope' not found")
    assert name in [w["name"] for w in ours.get(V3 + "workspaces").fine()["workspaces"]]


def test_mlflows_client_works_in_a_workspace(own: Own, client: MlflowClient, prefix: str) -> None:
    name = f"ws-{prefix[-8:]}"
    project = own.project(name)
    mlflow.set_workspace(name)
    try:
        mlflow.set_experiment("forest")
        with mlflow.start_run() as run:
            mlflow.log_metric("m", 1)
        assert [e.name for e in mlflow.search_experiments()] == ["forest"]
        assert list(mlflow.search_runs()["run_id"]) == [run.info.run_id]
    finally:
        mlflow.set_workspace(None)
    assert [m["model_name"] for m in own.get(f"models/project-id/{project}")] == ["forest"]
    assert client.get_experiment_by_name(f"{name}/forest") is not None

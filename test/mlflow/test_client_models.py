"""Logged models and datasets through MLflow's client, on both servers."""

from __future__ import annotations

import mlflow
import numpy
import pandas
import pytest
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, Experiment, InputTag
from mlflow.entities import LoggedModelInput, LoggedModelOutput, LoggedModelStatus
from mlflow.exceptions import MlflowException


def test_a_logged_model_is_begun_measured_and_ended(experiment: Experiment) -> None:
    with mlflow.start_run() as run:
        model = mlflow.initialize_logged_model(name="net", params={"lr": "0.1"}, tags={"team": "vision"},
                                               model_type="agent")
        assert model.status == LoggedModelStatus.PENDING
        mlflow.log_metric("accuracy", 0.9, step=2, model_id=model.model_id)
        mlflow.log_metrics({"f1": 0.8, "recall": 0.7}, step=3, model_id=model.model_id)
        mlflow.log_model_params({"depth": "5"}, model_id=model.model_id)
        ended = mlflow.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    assert ended.status == LoggedModelStatus.READY
    mlflow.set_logged_model_tags(model.model_id, {"stage": "new"})
    mlflow.delete_logged_model_tag(model.model_id, "team")
    got = mlflow.get_logged_model(model.model_id)
    assert (got.name, got.model_type, got.source_run_id, got.status) == ("net", "agent", run.info.run_id,
        LoggedModelStatus.READY)
    assert (got.params, got.tags["stage"], "team" in got.tags) == ({"lr": "0.1", "depth": "5"}, "new", False)
    assert {(m.key, m.value, m.step, m.run_id) for m in got.metrics} == {
        ("accuracy", 0.9, 2, run.info.run_id), ("f1", 0.8, 3, run.info.run_id), ("recall", 0.7, 3, run.info.run_id)}
    assert got.artifact_location.endswith(f"/models/{model.model_id}/artifacts")
    assert mlflow.get_run(run.info.run_id).data.metrics == {"accuracy": 0.9, "f1": 0.8, "recall": 0.7}
    assert [m.model_id for m in mlflow.get_run(run.info.run_id).outputs.model_outputs or []] in ([], [model.model_id])


def test_search_logged_models_gives_a_table(experiment: Experiment) -> None:
    made = {}
    with mlflow.start_run():
        for name, value in [("a", 0.5), ("b", 0.9), ("c", 0.7)]:
            made[name] = mlflow.initialize_logged_model(name=name, params={"name": name}).model_id
            mlflow.log_metric("score", value, model_id=made[name])
            mlflow.finalize_logged_model(made[name], "READY")
    table = mlflow.search_logged_models(experiment_ids=[experiment.experiment_id], filter_string="metrics.score > 0.6",
                                        order_by=[{"field_name": "metrics.score", "ascending": False}])
    assert isinstance(table, pandas.DataFrame)
    assert list(table["model_id"]) == [made["b"], made["c"]]
    models = mlflow.search_logged_models(experiment_ids=[experiment.experiment_id], filter_string="params.name = 'a'",
                                         output_format="list")
    assert [m.model_id for m in models] == [made["a"]]
    client = MlflowClient()
    client.delete_logged_model(made["a"])
    with pytest.raises(MlflowException, match="not found"):
        mlflow.get_logged_model(made["a"])
    page = client.search_logged_models([experiment.experiment_id], max_results=1, order_by=[{"field_name": "name"}])
    rest = client.search_logged_models([experiment.experiment_id], max_results=1, order_by=[{"field_name": "name"}],
                                       page_token=page.token)
    assert [m.model_id for m in [*page, *rest]] == [made["b"], made["c"]]


def test_models_are_inputs_and_outputs_of_runs(experiment: Experiment) -> None:
    client = MlflowClient()
    first, second = (client.create_logged_model(experiment.experiment_id, name=name).model_id
                     for name in ("one", "two"))
    with mlflow.start_run() as run:
        client.log_inputs(run.info.run_id, models=[LoggedModelInput(first)])
        client.log_outputs(run.info.run_id, [LoggedModelOutput(second, step=5)])
    got = mlflow.get_run(run.info.run_id)
    assert [m.model_id for m in got.inputs.model_inputs] == [first]
    assert [(m.model_id, m.step) for m in got.outputs.model_outputs] == [(second, 5)]


def test_an_external_model_can_be_named_as_active(experiment: Experiment) -> None:
    model = mlflow.set_active_model(name="service-1")
    try:
        mlflow.log_metric("latency", 5)
        assert [m.key for m in mlflow.get_logged_model(model.model_id).metrics] == ["latency"]
        assert mlflow.set_active_model(name="service-1").model_id == model.model_id
    finally:
        mlflow.clear_active_model()


def test_datasets_are_logged_with_schema_and_context(experiment: Experiment) -> None:
    frame = pandas.DataFrame({"x": [1, 2, 3], "y": [0.5, 1.5, 2.5]})
    train = mlflow.data.from_pandas(frame, source="/data/train.csv", name="train set", targets="y")
    test = mlflow.data.from_numpy(numpy.arange(12).reshape(4, 3), name="test set")
    with mlflow.start_run() as run:
        mlflow.log_input(train, context="training", tags={"version": "2"})
        mlflow.log_input(test, context="test")
        mlflow.log_input(train, context="training")
    uses = {use.dataset.name: use for use in mlflow.get_run(run.info.run_id).inputs.dataset_inputs}
    assert set(uses) == {"train set", "test set"}
    got = uses["train set"].dataset
    assert (got.digest, got.source_type) == (train.digest, "local")
    assert "/data/train.csv" in got.source and '"num_rows": 3' in got.profile and '"x"' in got.schema
    assert {tag.key: tag.value for tag in uses["train set"].tags} == {"mlflow.data.context": "training", "version": "2"}
    assert mlflow.data.get_source(uses["train set"]).uri == "/data/train.csv"
    found = mlflow.search_runs(filter_string="dataset.name = 'train set' and dataset.context = 'training'")
    assert list(found["run_id"]) == [run.info.run_id]


def test_datasets_are_logged_through_the_client(experiment: Experiment) -> None:
    client = MlflowClient()
    run = client.create_run(experiment.experiment_id)
    client.log_inputs(run.info.run_id, [
        DatasetInput(Dataset("d", "1", "s3", "s3://b/d", schema="{}", profile="{}"),
                     [InputTag("mlflow.data.context", "eval")]),
        DatasetInput(Dataset("e", "2", "s3", "s3://b/e"), [])])
    got = client.get_run(run.info.run_id).inputs.dataset_inputs
    assert sorted((use.dataset.name, use.dataset.source, len(use.tags)) for use in got) == [("d", "s3://b/d", 1),
        ("e", "s3://b/e", 0)]

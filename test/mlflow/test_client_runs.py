"""Runs as a training script makes them: MLflow's fluent API and its client, on both servers."""

from __future__ import annotations

import math
import time

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Experiment, Metric, Param, RunStatus, RunTag, ViewType
from mlflow.exceptions import MlflowException, RestException

BAD, TAKEN, MISSING = "INVALID_PARAMETER_VALUE", "RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST"


def test_a_run_holds_what_the_fluent_api_logs(experiment: Experiment) -> None:
    with mlflow.start_run(run_name="first", description="what it is", tags={"team": "vision"}) as run:
        mlflow.log_param("lr", 0.1)
        mlflow.log_params({"depth": 5, "model": "cnn", "nothing": None, "list": [1, 2], "empty": ""})
        mlflow.log_metric("loss", 0.5, step=0)
        mlflow.log_metric("loss", 0.25, step=1)
        mlflow.log_metrics({"accuracy": 0.9, "val/accuracy": 0.8}, step=3)
        mlflow.set_tag("a", "1")
        mlflow.set_tags({"b": 2, "c": True, "имя": "значение"})
    got = mlflow.get_run(run.info.run_id)
    assert (got.info.status, got.info.run_name, got.info.lifecycle_stage) == ("FINISHED", "first", "active")
    assert got.info.end_time >= got.info.start_time > time.time() * 1000 - 60_000
    assert got.data.params == {"lr": "0.1", "depth": "5", "model": "cnn", "nothing": "None", "list": "[1, 2]",
                               "empty": ""}
    assert got.data.metrics == {"loss": 0.25, "accuracy": 0.9, "val/accuracy": 0.8}
    tags = {"team": "vision", "a": "1", "b": "2", "c": "True", "имя": "значение", "mlflow.note.content": "what it is",
            "mlflow.runName": "first"}
    assert tags.items() <= got.data.tags.items()
    assert got.info.artifact_uri.endswith(f"/{run.info.run_id}/artifacts")
    assert mlflow.last_active_run().info.run_id == run.info.run_id


def test_nested_runs_know_their_parent(experiment: Experiment) -> None:
    with mlflow.start_run(run_name="parent") as parent:
        with mlflow.start_run(run_name="child", nested=True) as child:
            mlflow.log_metric("m", 1)
            with mlflow.start_run(run_name="grandchild", nested=True) as grandchild:
                mlflow.log_metric("m", 2)
        assert mlflow.active_run().info.run_id == parent.info.run_id
    assert mlflow.get_parent_run(child.info.run_id).info.run_id == parent.info.run_id
    assert mlflow.get_parent_run(grandchild.info.run_id).info.run_id == child.info.run_id
    assert mlflow.get_parent_run(parent.info.run_id) is None
    children = mlflow.search_runs(filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'",
                                  output_format="list")
    assert [run.info.run_id for run in children] == [child.info.run_id]


def test_a_run_that_raises_is_failed(experiment: Experiment) -> None:
    with pytest.raises(ZeroDivisionError):
        with mlflow.start_run() as run:
            mlflow.log_metric("before", 1)
            raise ZeroDivisionError
    got = mlflow.get_run(run.info.run_id)
    assert (got.info.status, got.data.metrics) == ("FAILED", {"before": 1})


def test_a_resumed_run_goes_on(experiment: Experiment) -> None:
    with mlflow.start_run(run_name="r") as run:
        mlflow.log_metric("m", 1, step=1)
    with mlflow.start_run(run_id=run.info.run_id) as again:
        assert mlflow.get_run(again.info.run_id).info.status == "RUNNING"
        mlflow.log_metric("m", 2, step=2)
        mlflow.log_param("late", "x")
    got = mlflow.get_run(run.info.run_id)
    assert (got.info.status, got.info.run_name, got.data.metrics, got.data.params) == ("FINISHED", "r", {"m": 2},
        {"late": "x"})


def test_a_run_logs_by_its_id_when_it_is_over(experiment: Experiment) -> None:
    with mlflow.start_run() as run:
        pass
    mlflow.log_metric("late", 3, run_id=run.info.run_id, timestamp=5, step=-7)
    client = MlflowClient()
    assert [(m.value, m.timestamp, m.step) for m in client.get_metric_history(run.info.run_id, "late")] == [(3, 5, -7)]


def test_more_than_a_batch_holds_is_split_by_the_client(experiment: Experiment) -> None:
    with mlflow.start_run() as run:
        mlflow.log_params({f"p{n}": n for n in range(250)})
        mlflow.log_metrics({f"m{n}": n for n in range(2500)})
        mlflow.set_tags({f"t{n}": n for n in range(130)})
    data = mlflow.get_run(run.info.run_id).data
    assert data.params == {f"p{n}": str(n) for n in range(250)}
    assert data.metrics == {f"m{n}": n for n in range(2500)}
    assert {f"t{n}": str(n) for n in range(130)}.items() <= data.tags.items()


def test_the_client_makes_changes_and_ends_runs(experiment: Experiment) -> None:
    client = MlflowClient()
    made = client.create_experiment(f"client's {experiment.name}", tags={"a": "b"})
    run = client.create_run(made, start_time=12, tags={"x": "y"}, run_name="name")
    id = run.info.run_id
    client.log_batch(id, metrics=[Metric("m", 1.5, 7, 3), Metric("m", 2.5, 6, 4)], params=[Param("p", "1")],
                     tags=[RunTag("t", "2")])
    client.log_param(id, "q", 2)
    client.set_tag(id, "u", 3)
    client.delete_tag(id, "x")
    client.update_run(id, status="SCHEDULED", name="renamed")
    client.set_terminated(id, RunStatus.to_string(RunStatus.KILLED), end_time=99)
    got = client.get_run(id)
    assert (got.info.status, got.info.start_time, got.info.end_time, got.info.run_name) == ("KILLED", 12, 99, "renamed")
    assert (got.data.metrics, got.data.params) == ({"m": 2.5}, {"p": "1", "q": "2"})
    assert got.data.tags == {"t": "2", "u": "3", "mlflow.runName": "renamed"}
    assert [m.value for m in client.get_metric_history(id, "m")] == [2.5, 1.5]
    client.delete_run(id)
    assert client.get_run(id).info.lifecycle_stage == "deleted"
    assert not client.search_runs([made])
    assert [r.info.run_id for r in client.search_runs([made], run_view_type=ViewType.DELETED_ONLY)] == [id]
    client.restore_run(id)
    assert client.get_run(id).info.lifecycle_stage == "active"


def test_refusals_reach_the_client_with_their_codes(experiment: Experiment) -> None:
    client = MlflowClient()
    with mlflow.start_run() as run:
        mlflow.log_param("p", 1)
        with pytest.raises(MlflowException, match="Changing param values is not allowed") as caught:
            mlflow.log_param("p", 2)
        assert caught.value.error_code == BAD
        with pytest.raises(MlflowException, match="Changing param values is not allowed"):
            mlflow.log_params({"p": 3, "q": 4})
    assert client.get_run(run.info.run_id).data.params == {"p": "1"}
    with pytest.raises(RestException, match="Run with id=.* not found") as caught:
        client.get_run("0" * 32)
    assert caught.value.error_code == MISSING
    with pytest.raises(RestException, match="No Experiment with id=987654321 exists") as caught:
        client.get_experiment("987654321")
    assert caught.value.error_code == MISSING
    client.delete_run(run.info.run_id)
    with pytest.raises(RestException, match="must be in the 'active' state"):
        client.log_metric(run.info.run_id, "m", 1)
    with pytest.raises(MlflowException, match="Cannot start run with ID .* because it is in the deleted state"):
        mlflow.start_run(run_id=run.info.run_id)


@pytest.mark.parametrize("value", [1, 0.1, -5e-324, 1.7976931348623157e308, float("nan"), 2**53 + 1])
def test_a_value_comes_back_as_it_was_logged(experiment: Experiment, value: float) -> None:
    with mlflow.start_run() as run:
        mlflow.log_metric("m", value, step=2**62, timestamp=1)
    client = MlflowClient()
    got = client.get_run(run.info.run_id).data.metrics["m"]
    (point,) = client.get_metric_history(run.info.run_id, "m")
    for read in (got, point.value):
        assert math.isnan(read) if math.isnan(value) else read == float(value)
    assert (point.step, point.timestamp) == (2**62, 1)


def test_a_long_history_is_read_in_pages(experiment: Experiment) -> None:
    """One point more than a page of the client holds."""
    count = 25_001
    client = MlflowClient()
    with mlflow.start_run() as run:
        for first in range(0, count, 1000):
            client.log_batch(run.info.run_id, [Metric("loss", 1 / (n + 1), 1000 + n, n)
                                               for n in range(first, min(first + 1000, count))])
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [m.step for m in history] == list(range(count))
    assert [m.value for m in history] == [1 / (n + 1) for n in range(count)]

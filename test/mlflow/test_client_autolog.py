"""Autologging, system metrics and asynchronous logging, on both servers."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator

import lightgbm
import mlflow
import numpy
import pytest
from mlflow import MlflowClient
from mlflow.entities import Experiment
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV


@pytest.fixture
def training(experiment: Experiment) -> Iterator[Experiment]:
    """An experiment for autologging, which ends with the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield experiment
    mlflow.autolog(disable=True)


def only_run(experiment: Experiment) -> mlflow.entities.Run:
    (run,) = MlflowClient().search_runs([experiment.experiment_id])
    return run


def test_scikit_learn_logs_by_itself(training: Experiment) -> None:
    mlflow.sklearn.autolog(log_models=False, silent=True)
    x, y = load_iris(return_X_y=True)
    LogisticRegression(C=0.5, max_iter=200).fit(x, y)
    run = only_run(training)
    assert run.info.status == "FINISHED"
    assert {"C": "0.5", "max_iter": "200"}.items() <= run.data.params.items()
    assert run.data.metrics["training_accuracy_score"] > 0.9
    assert run.data.tags["estimator_name"] == "LogisticRegression"
    (use,) = run.inputs.dataset_inputs
    assert {tag.key: tag.value for tag in use.tags}["mlflow.data.context"] == "train"


def test_a_search_for_parameters_logs_its_children(training: Experiment) -> None:
    mlflow.sklearn.autolog(log_models=False, silent=True, max_tuning_runs=3)
    x, y = load_iris(return_X_y=True)
    GridSearchCV(LogisticRegression(max_iter=300), {"C": [0.1, 1.0, 10.0]}, cv=2).fit(x, y)
    runs = MlflowClient().search_runs([training.experiment_id])
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert sorted(run.data.params["C"] for run in children) == ["0.1", "1.0", "10.0"]
    assert all("mean_test_score" in run.data.metrics for run in children)
    assert "best_cv_score" in parent.data.metrics


def test_a_model_is_logged_with_its_metrics(training: Experiment) -> None:
    mlflow.sklearn.autolog(log_models=True, silent=True, log_datasets=True)
    x, y = load_iris(return_X_y=True)
    with mlflow.start_run() as run:
        LogisticRegression(max_iter=200).fit(x, y)
    (model,) = mlflow.search_logged_models(experiment_ids=[training.experiment_id], output_format="list")
    assert model.status == mlflow.entities.LoggedModelStatus.READY
    assert model.source_run_id == run.info.run_id
    assert any(m.key == "training_accuracy_score" and m.dataset_name for m in model.metrics)
    assert [o.model_id for o in mlflow.get_run(run.info.run_id).outputs.model_outputs] == [model.model_id]
    loaded = mlflow.sklearn.load_model(f"models:/{model.model_id}")
    assert loaded.predict(x).shape == y.shape


def test_lightgbm_logs_every_iteration(training: Experiment) -> None:
    mlflow.lightgbm.autolog(log_models=False, silent=True)
    x, y = load_iris(return_X_y=True)
    train = lightgbm.Dataset(x[::2], y[::2])
    valid = lightgbm.Dataset(x[1::2], y[1::2])
    parameters = {"objective": "multiclass", "num_class": 3, "verbose": -1, "num_threads": 1, "learning_rate": 0.2}
    lightgbm.train(parameters, train, num_boost_round=12, valid_sets=[valid], valid_names=["valid"])
    run = only_run(training)
    assert run.data.params["learning_rate"] == "0.2"
    history = MlflowClient().get_metric_history(run.info.run_id, "valid-multi_logloss")
    assert [m.step for m in history] == list(range(12))
    assert history[-1].value < history[0].value
    assert {tag.value for use in run.inputs.dataset_inputs for tag in use.tags} >= {"train", "eval"}


def test_system_metrics_are_sampled(experiment: Experiment) -> None:
    mlflow.set_system_metrics_sampling_interval(0.2)
    mlflow.set_system_metrics_samples_before_logging(1)
    try:
        with mlflow.start_run(log_system_metrics=True) as run:
            wait_for(lambda: "system/cpu_utilization_percentage" in mlflow.get_run(run.info.run_id).data.metrics)
    finally:
        mlflow.set_system_metrics_sampling_interval(None)
        mlflow.set_system_metrics_samples_before_logging(None)
    metrics = mlflow.get_run(run.info.run_id).data.metrics
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes",
            "system/disk_usage_percentage"} <= set(metrics)


def wait_for(ready: Callable[[], bool], seconds: float = 30) -> None:
    """Returns when ready() is true."""
    tick = threading.Event()
    for _ in range(int(seconds / 0.1)):
        if ready():
            return
        tick.wait(0.1)
    raise AssertionError(f"not so after {seconds} s")


def test_asynchronous_logging_loses_nothing(experiment: Experiment) -> None:
    with mlflow.start_run() as run:
        for step in range(100):
            mlflow.log_metric("m", step / 7, step=step, synchronous=False)
            mlflow.log_metrics({"a": step, "b": -step}, step=step, synchronous=False)
        mlflow.log_param("p", 1, synchronous=False)
        mlflow.log_params({f"p{n}": n for n in range(150)}, synchronous=False)
        mlflow.set_tag("t", "x", synchronous=False).wait()
        mlflow.set_tags({"u": "y"}, synchronous=False)
        mlflow.flush_async_logging()
    client = MlflowClient()
    for key, value in (("m", lambda s: s / 7), ("a", float), ("b", lambda s: -s)):
        assert {m.step: m.value for m in client.get_metric_history(run.info.run_id, key)} == {s: value(s)
            for s in range(100)}
    data = client.get_run(run.info.run_id).data
    assert data.params == {"p": "1"} | {f"p{n}": str(n) for n in range(150)}
    assert (data.tags["t"], data.tags["u"]) == ("x", "y")


PROCESS = """
import sys, mlflow
run, number, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
client = mlflow.MlflowClient()
with mlflow.start_run(run_id=run):
    for step in range(count):
        mlflow.log_metric("shared", number, step=step)
        mlflow.log_metrics({f"own {number}": step, "both": number * count + step}, step=step)
        mlflow.log_param(f"p {number} {step}", step)
        mlflow.set_tag("last", str(number))
"""


def test_processes_that_share_a_run_lose_nothing(experiment: Experiment) -> None:
    processes, count = 3, 15
    with mlflow.start_run() as run:
        there = os.environ | {"MLFLOW_TRACKING_URI": mlflow.get_tracking_uri()}
        started = [subprocess.Popen([sys.executable, "-c", PROCESS, run.info.run_id, str(n), str(count)], env=there)
                   for n in range(processes)]
        assert [process.wait(120) for process in started] == [0] * processes
    client = MlflowClient()
    history = client.get_metric_history(run.info.run_id, "shared")
    assert sorted((m.step, m.value) for m in history) == [(s, n) for s in range(count) for n in range(processes)]
    assert numpy.array_equal(sorted(m.value for m in client.get_metric_history(run.info.run_id, "both")),
                             range(processes * count))
    data = client.get_run(run.info.run_id).data
    assert data.params == {f"p {n} {s}": str(s) for n in range(processes) for s in range(count)}
    assert [data.metrics[f"own {n}"] for n in range(processes)] == [count - 1] * processes


def test_threads_log_to_runs_of_their_own(experiment: Experiment) -> None:
    ids: dict[int, str] = {}

    def work(number: int) -> None:
        with mlflow.start_run(run_name=f"thread {number}") as run:
            ids[number] = run.info.run_id
            for step in range(30):
                mlflow.log_metric("m", number * 100 + step, step=step)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client = MlflowClient()
    for number, id in ids.items():
        assert [m.value for m in client.get_metric_history(id, "m")] == [number * 100 + step for step in range(30)]

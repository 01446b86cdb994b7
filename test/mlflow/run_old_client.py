"""Plain calls that every MLflow 2.x client has, for a client of any version.

    python run_old_client.py URL

URL is that of a running server. The script needs an installed mlflow and
nothing of this folder, and ends with an error when an answer is wrong.
"""

from __future__ import annotations

import math
import sys
import time

import mlflow
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient


def main(url: str) -> None:
    mlflow.set_tracking_uri(url)
    name = f"old client {mlflow.__version__} {time.time_ns()}"
    experiment = mlflow.set_experiment(name).experiment_id
    run = log_a_run()
    read_it_back(run)
    resume_it(run)
    search(experiment, run)
    change_and_delete(experiment, run)
    refuse(run)
    if hasattr(mlflow, "log_input"):
        log_a_dataset()
    print(f"MLflow {mlflow.__version__} works")


def log_a_run() -> str:
    with mlflow.start_run(run_name="parent", tags={"team": "vision"}) as parent:
        mlflow.log_param("lr", 0.1)
        mlflow.log_params({f"p{n}": n for n in range(90)})
        for step in range(20):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"accuracy": 0.9, "odd": math.nan, "negative": -5.5}, step=3)
        mlflow.set_tag("a", 1)
        mlflow.set_tags({"b": "2", "c": "3"})
        with mlflow.start_run(nested=True):
            mlflow.log_metric("inner", 1)
    return parent.info.run_id


def read_it_back(id: str) -> None:
    client = MlflowClient()
    run = client.get_run(id)
    assert run.info.status == "FINISHED" and run.data.tags["mlflow.runName"] == "parent"
    assert run.data.params == {"lr": "0.1"} | {f"p{n}": str(n) for n in range(90)}
    assert (run.data.metrics["loss"], run.data.metrics["accuracy"], run.data.metrics["negative"]) == (1 / 20, 0.9, -5.5)
    assert math.isnan(run.data.metrics["odd"])
    assert {"team": "vision", "a": "1", "b": "2", "c": "3"}.items() <= run.data.tags.items()
    assert [(m.step, m.value) for m in client.get_metric_history(id, "loss")] == [(s, 1 / (s + 1)) for s in range(20)]


def resume_it(id: str) -> None:
    with mlflow.start_run(run_id=id):
        mlflow.log_metric("late", 7)
    run = MlflowClient().get_run(id)
    assert (run.info.status, run.data.metrics["late"]) == ("FINISHED", 7)


def search(experiment: str, id: str) -> None:
    client = MlflowClient()
    for n in range(5):
        run = client.create_run(experiment, tags={"n": str(n)})
        client.log_batch(run.info.run_id, [Metric("score", n, 1000, n)], [Param("n", str(n))],
                         [RunTag("even", str(n % 2 == 0))])
        client.set_terminated(run.info.run_id)
    found = mlflow.search_runs(filter_string="metrics.score >= 2 and tags.even = 'True'",
                               order_by=["metrics.score DESC"])
    assert list(found["params.n"]) == ["4", "2"]
    assert list(mlflow.search_runs(filter_string=f"attributes.run_id = '{id}'")["run_id"]) == [id]
    page = client.search_runs([experiment], max_results=3, order_by=["attributes.start_time DESC"])
    rest = client.search_runs([experiment], max_results=10, order_by=["attributes.start_time DESC"],
                              page_token=page.token)
    assert len({run.info.run_id for run in [*page, *rest]}) == 7
    named = client.search_experiments(filter_string="name LIKE 'old client %'")
    assert experiment in [e.experiment_id for e in named]


def change_and_delete(experiment: str, id: str) -> None:
    client = MlflowClient()
    client.set_experiment_tag(experiment, "kind", "old")
    client.rename_experiment(experiment, client.get_experiment(experiment).name + " renamed")
    got = client.get_experiment(experiment)
    assert got.tags["kind"] == "old" and got.name.endswith(" renamed")
    client.delete_tag(id, "a")
    client.delete_run(id)
    assert client.get_run(id).info.lifecycle_stage == "deleted"
    assert id in [run.info.run_id for run in client.search_runs([experiment], run_view_type=ViewType.DELETED_ONLY)]
    client.restore_run(id)
    client.delete_experiment(experiment)
    assert client.get_experiment(experiment).lifecycle_stage == "deleted"
    client.restore_experiment(experiment)
    assert client.get_run(id).info.lifecycle_stage == "active"


def refuse(id: str) -> None:
    client = MlflowClient()
    for call, code in [(lambda: client.log_param(id, "lr", 5), "INVALID_PARAMETER_VALUE"),
                       (lambda: client.get_run("0" * 32), "RESOURCE_DOES_NOT_EXIST"),
                       (lambda: client.create_experiment(client.get_experiment("0").name), "RESOURCE_ALREADY_EXISTS"),
                       (lambda: client.search_runs(["0"], "foo.bar = 1"), "INVALID_PARAMETER_VALUE")]:
        try:
            call()
        except MlflowException as err:
            assert err.error_code == code, err
        else:
            raise AssertionError(f"nothing raised {code}")


def log_a_dataset() -> None:
    import pandas

    data = mlflow.data.from_pandas(pandas.DataFrame({"x": [1, 2]}), source="/data/x.csv", name="x")
    with mlflow.start_run() as run:
        mlflow.log_input(data, context="training")
    (use,) = MlflowClient().get_run(run.info.run_id).inputs.dataset_inputs
    assert (use.dataset.name, use.tags[0].value) == ("x", "training")


if __name__ == "__main__":
    main(sys.argv[1])

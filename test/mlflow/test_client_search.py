"""Experiments and searches through MLflow's client, on both servers."""

from __future__ import annotations

import mlflow
import pandas
import pytest
from mlflow import MlflowClient
from mlflow.entities import Experiment, ViewType
from mlflow.exceptions import MlflowException


def make_runs(experiment: Experiment, count: int) -> list[str]:
    """Runs of an experiment, oldest first."""
    client, ids = MlflowClient(), []
    for n in range(count):
        run = client.create_run(experiment.experiment_id, start_time=1000 + n, run_name=f"run {n}")
        ids.append(run.info.run_id)
        client.log_metric(run.info.run_id, "loss", (n * 7) % count)
        client.log_param(run.info.run_id, "parity", "odd" if n % 2 else "even")
        if n % 3 == 0:
            client.set_tag(run.info.run_id, "third", "yes")
            client.set_terminated(run.info.run_id, end_time=2000 + n)
    return ids


def test_search_runs_gives_a_table(experiment: Experiment) -> None:
    ids = make_runs(experiment, 12)
    table = mlflow.search_runs(filter_string="params.parity = 'odd' and metrics.loss < 9",
                               order_by=["metrics.loss DESC"])
    assert isinstance(table, pandas.DataFrame)
    assert list(table["metrics.loss"]) == [7, 5, 3, 1]
    assert [ids[(int(loss) * 7) % 12] for loss in table["metrics.loss"]] == list(table["run_id"])
    whole = mlflow.search_runs()
    assert list(whole["run_id"]) == ids[::-1]
    assert list(whole["status"])[:3] == ["RUNNING", "RUNNING", "FINISHED"]
    assert whole["tags.third"].notna().sum() == 4
    assert whole["start_time"].iloc[0] == pandas.Timestamp(1.011, unit="s", tz="UTC")
    assert pandas.isna(whole["end_time"].iloc[0])
    assert mlflow.search_runs(filter_string="metrics.loss > 100").empty


def test_search_runs_walks_every_page(experiment: Experiment) -> None:
    ids = make_runs(experiment, 11)
    client = MlflowClient()
    walk, token = [], None
    while token or not walk:
        page = client.search_runs([experiment.experiment_id], max_results=4, page_token=token,
                                  order_by=["start_time ASC"])
        walk += [run.info.run_id for run in page]
        token = page.token
    assert walk == ids
    assert len(mlflow.search_runs(max_results=7)) == 7
    assert len(mlflow.search_runs(max_results=11)) == 11


def test_experiments_are_made_found_and_deleted(experiment: Experiment) -> None:
    client = MlflowClient()
    base = experiment.name
    ids = {name: mlflow.create_experiment(f"{base} {name}", tags={"kind": name}) for name in ("a", "b", "c")}
    found = mlflow.search_experiments(filter_string=f"name LIKE '{base} %'", order_by=["name DESC"])
    assert [e.name for e in found] == [f"{base} {name}" for name in "cba"]
    found = mlflow.search_experiments(filter_string=f"name LIKE '{base} %' AND tags.kind = 'b'")
    assert [e.experiment_id for e in found] == [ids["b"]]
    client.rename_experiment(ids["a"], f"{base} renamed")
    client.set_experiment_tag(ids["a"], "new", "tag")
    got = mlflow.get_experiment_by_name(f"{base} renamed")
    assert (got.experiment_id, got.tags) == (ids["a"], {"kind": "a", "new": "tag"})
    assert mlflow.get_experiment_by_name(f"{base} a") is None
    mlflow.delete_experiment(ids["b"])
    assert mlflow.get_experiment(ids["b"]).lifecycle_stage == "deleted"
    with pytest.raises(MlflowException, match="Cannot set a deleted experiment"):
        mlflow.set_experiment(f"{base} b")
    deleted = mlflow.search_experiments(view_type=ViewType.DELETED_ONLY, filter_string=f"name LIKE '{base} %'")
    assert [e.experiment_id for e in deleted] == [ids["b"]]
    client.restore_experiment(ids["b"])
    assert mlflow.set_experiment(f"{base} b").experiment_id == ids["b"]


def test_an_experiment_that_is_there_already_is_used(experiment: Experiment) -> None:
    name = experiment.name + " again"
    first = mlflow.set_experiment(name)
    assert mlflow.set_experiment(name).experiment_id == first.experiment_id
    with pytest.raises(MlflowException) as caught:
        mlflow.create_experiment(name)
    assert caught.value.error_code == "RESOURCE_ALREADY_EXISTS"


def test_experiments_come_in_pages(experiment: Experiment) -> None:
    base = experiment.name
    names = [f"{base} {n:02}" for n in range(9)]
    for name in names:
        mlflow.create_experiment(name)
    assert [e.name for e in mlflow.search_experiments(filter_string=f"name LIKE '{base} %'", order_by=["name ASC"],
                                                      max_results=100)] == names
    client = MlflowClient()
    page = client.search_experiments(filter_string=f"name LIKE '{base} %'", order_by=["name ASC"], max_results=4)
    rest = client.search_experiments(filter_string=f"name LIKE '{base} %'", order_by=["name ASC"], max_results=5,
                                     page_token=page.token)
    assert [e.name for e in page] + [e.name for e in rest] == names
    assert not rest.token


def test_a_wrong_filter_is_told_to_the_client(experiment: Experiment) -> None:
    for filter in ("foo.bar = 1", "metrics.loss > 'x'", "params.a = 5", "metrics.loss"):
        with pytest.raises(MlflowException) as caught:
            mlflow.search_runs(filter_string=filter)
        assert caught.value.error_code == "INVALID_PARAMETER_VALUE"

"""Inputs and outputs of runs: the same requests to MLflow's server and to ours."""

from __future__ import annotations

import json
from typing import Any

import pytest

from both import Both, Ours, Ref
from wire import pairs

CONTEXT = "mlflow.data.context"


@pytest.fixture
def run(both: Both) -> Ref:
    return both.run(both.experiment(), run_name="r", start_time=1)


def dataset(**fields: Any) -> dict[str, Any]:
    return {"name": "d", "digest": "1a", "source_type": "http", "source": '{"url": "http://h/d"}'} | fields


def use(context: str | None = None, tags: list[Any] | None = None, **fields: Any) -> dict[str, Any]:
    return {"tags": (pairs(**{CONTEXT: context}) if context is not None else []) + (tags or []),
            "dataset": dataset(**fields)}


@pytest.mark.parametrize("uses", [
    [use()], [use("training")], [use("eval", pairs(a="b"))], [use("my own words")],
    [use("training", schema='{"a": 1}', profile='{"rows": 5}')],
    [use("training", name="a"), use("test", name="b"), use("validation", name="c", digest="2")],
    [use("training", source="s3://bucket/x", source_type="s3")],
    [use("training", name="имя", source="путь")], [use("training", schema="x" * 65535)],
    [use("training", digest="d" * 36, name="n" * 500)],
    [use("training", name="same", digest="1"), use("training", name="same", digest="2")], [{"dataset": dataset()}]])
def test_datasets_are_kept_alike(both: Both, run: Ref, uses: list[dict[str, Any]]) -> None:
    both.post("runs/log-inputs", {"run_id": run, "datasets": uses})
    both.read(run)
    both.post("runs/log-inputs", {"run_id": run, "datasets": uses})
    both.read(run)


@pytest.mark.parametrize("fields", [
    {"name": "n" * 501}, {"digest": "d" * 37}, {"source": "s" * 65536}, {"schema": "s" * 1048576}, {"name": None},
    {"digest": None}, {"source_type": None}, {"source": None}, {"name": ""}])
def test_a_dataset_is_refused_or_kept_alike(both: Both, run: Ref, fields: dict[str, Any]) -> None:
    full = dataset(**fields)
    both.post("runs/log-inputs", {"run_id": run, "datasets": [{"dataset": {k: v for k,
        v in full.items() if v is not None}}]})
    both.read(run)


@pytest.mark.parametrize("uses", ["x", [5], [{}], [{"tags": pairs(a="b")}], [use(tags=[{"value": "v"}])], [use(name=5)],
                                  [use(source={"a": 1})]])
def test_wrong_inputs_are_refused(both: Both, run: Ref, uses: Any) -> None:
    both.refused("runs/log-inputs", {"run_id": run, "datasets": uses})
    assert not both.ours.read_run(run.values[1])["inputs"]


def test_an_empty_context_is_no_tag(both: Both, run: Ref) -> None:
    both.post("runs/log-inputs", {"run_id": run, "datasets": [use("")]})
    both.get("runs/get", {"run_id": run}, differs="an empty context is none",
             ours=Ours(check=lambda body: "tags" not in body["run"]["inputs"]["dataset_inputs"][0]))


@pytest.mark.parametrize("lists", [{}, {"datasets": []}, {"datasets": [{"dataset": {}}]},
                                   {"datasets": [use(tags=[{"key": "k" * 256, "value": "v"}])]},
                                   {"datasets": [use(tags=[{"key": "k", "value": "v" * 501}])]},
                                   {"datasets": [use(tags=[{"key": "k"}])]}, {"models": []}])
def test_inputs_are_refused_or_kept_alike(both: Both, run: Ref, lists: dict[str, Any]) -> None:
    both.post("runs/log-inputs", {"run_id": run} | lists)
    both.read(run)


def test_a_dataset_in_two_roles_is_in_both(both: Both, run: Ref) -> None:
    for context in ("training", "test"):
        both.post("runs/log-inputs", {"run_id": run, "datasets": [use(context)]})
    both.get("runs/get", {"run_id": run}, differs="a dataset keeps every role", ours=Ours(check=lambda body: sorted(
        item["tags"][0]["value"] for item in body["run"]["inputs"]["dataset_inputs"]) == ["test", "training"]))


def test_models_that_a_run_took_and_made_are_kept_alike(both: Both, run: Ref) -> None:
    first, second = (both.logged_model(both.refs[0], name=name) for name in ("a", "b"))
    both.post("runs/log-inputs", {"run_id": run, "models": [{"model_id": first}]})
    both.post("runs/outputs", {"run_id": run, "models": [{"model_id": second, "step": 3}]})
    both.read(run)
    both.post("runs/outputs", {"run_id": run, "models": [{"model_id": first, "step": 0},
                                                         {"model_id": "m-" + "0" * 32, "step": -1}]})
    both.read(run)


@pytest.mark.parametrize("models", ["x", [{}], [{"step": 1}], [{"model_id": 5, "step": 1}],
                                    [{"model_id": "m-1", "step": "x"}]])
def test_wrong_outputs_are_refused(both: Both, run: Ref, models: Any) -> None:
    both.refused("runs/outputs", {"run_id": run, "models": models})


@pytest.mark.parametrize("lists", [{}, {"models": []}, {"models": [{"model_id": "m-1"}]}])
def test_outputs_are_refused_or_kept_alike(both: Both, run: Ref, lists: dict[str, Any]) -> None:
    both.post("runs/outputs", {"run_id": run} | lists)
    both.read(run)


def test_an_output_given_again_is_the_same_output(both: Both, run: Ref) -> None:
    body = {"run_id": run, "models": [{"model_id": "m-" + "1" * 32, "step": 3}]}
    both.post("runs/outputs", body)
    both.post("runs/outputs", body, differs="the same again is no error")
    both.read(run)


def model_json(run: str, **fields: Any) -> str:
    return json.dumps({"artifact_path": "model", "flavors": {"python_function": {}},
                       "utc_time_created": "2026-01-01 00:00:00", "run_id": run} | fields)


def test_the_record_of_an_old_clients_model_is_kept_alike(both: Both, run: Ref) -> None:
    for path in ("model", "other"):
        both.post("runs/log-model", {"run_id": run, "model_json": model_json("x", artifact_path=path)})
    kept = [json.loads(model_json("x", artifact_path=path)) for path in ("model", "other")]
    both.get("runs/get", {"run_id": run}, differs="an old model is kept as it was sent",
             ours=Ours(check=lambda body: json.loads(body["run"]["data"]["tags"][0]["value"]) == kept))


@pytest.mark.parametrize("text", [None, "", "{", "[]", "5", "{}", model_json("x").replace("flavors", "flavours"),
                                  json.dumps({"artifact_path": "model"})])
def test_the_record_of_an_old_clients_model_is_refused_alike(both: Both, run: Ref, text: str | None) -> None:
    both.post("runs/log-model", {"run_id": run, "model_json": text})

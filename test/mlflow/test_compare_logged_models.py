"""Logged models: the same requests to MLflow's server and to ours."""

from __future__ import annotations

from typing import Any

import pytest

from both import Both, Ours, Ref
from wire import Door, pairs


@pytest.mark.parametrize("fields", [
    {"name": "a"}, {}, {"name": ""}, {"name": "a", "model_type": "agent", "source_run_id": "{<run 1>}",
                                      "params": pairs(p="1", q=""), "tags": pairs(t="x", u="")},
    {"name": "a b-c_d", "source_run_id": "nobody's"}, {"name": "имя"}, {"name": "a", "params": pairs(long="x" * 6001)}])
def test_created_logged_models_read_alike(both: Both, fields: dict[str, Any]) -> None:
    experiment = both.experiment()
    both.run(experiment)
    model = both.logged_model(experiment, **fields)
    both.get(f"logged-models/{model}")
    both.get(f"/ajax-api/2.0/mlflow/logged-models/{model}")


@pytest.mark.parametrize("fields", [{"name": name} for name in ("a/b", "a:b", "a.b", "a%b", 'a"b', "a'b", 5)] + [
    {"experiment_id": ""}, {"experiment_id": None}, {"experiment_id": "abc"}, {"experiment_id": "987654321"}])
def test_a_logged_model_is_refused_or_kept_alike(both: Both, fields: dict[str, Any]) -> None:
    both.post("logged-models", {"experiment_id": both.experiment(), "name": "m"} | fields)


@pytest.mark.parametrize("fields", [{"params": "x"}, {"params": [{"value": "x"}]}, {"tags": [{"value": "x"}]},
                                    {"params": [{"key": "a", "value": 5}]}])
def test_a_logged_model_with_a_wrong_field_is_refused(both: Both, fields: dict[str, Any]) -> None:
    both.refused("logged-models", {"experiment_id": both.experiment(), "name": "m"} | fields)


@pytest.mark.parametrize("fields", [{"params": pairs(**{"k" * 251: "v"})}, {"tags": pairs(**{"k" * 251: "v"})}])
def test_keys_of_a_logged_model_have_a_limit(both: Both, fields: dict[str, Any]) -> None:
    body = {"experiment_id": both.experiment(), "name": "m"} | fields
    both.post("logged-models", body, differs="texts have stated limits",
              ours=Ours(400, "INVALID_PARAMETER_VALUE", "250"))


def test_a_logged_model_of_a_deleted_experiment_is_refused_alike(both: Both) -> None:
    experiment = both.experiment()
    both.post("experiments/delete", {"experiment_id": experiment})
    both.post("logged-models", {"experiment_id": experiment, "name": "m"})


@pytest.mark.parametrize("status", ["LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED", "LOGGED_MODEL_PENDING", 2, 3])
def test_a_logged_model_ends_alike(both: Both, status: str | int) -> None:
    model = both.logged_model(both.experiment(), name="m")
    for value in (status, "LOGGED_MODEL_READY"):
        both.call("PATCH", f"logged-models/{model}", {"model_id": model, "status": value})
    both.get(f"logged-models/{model}")


def test_an_unknown_status_of_a_logged_model_is_refused(both: Both) -> None:
    model = both.logged_model(both.experiment(), name="m")
    both.call("PATCH", f"logged-models/{model}", {"model_id": model, "status": "READY!"},
              differs="a wrong enum is refused",
              ours=Ours(400, "INVALID_PARAMETER_VALUE", "status"))
    both.call("PATCH", f"logged-models/{model}", {"model_id": model})


def test_an_unknown_logged_model_is_named_alike(both: Both) -> None:
    for id in ("m-" + "0" * 32, "nope"):
        both.get(f"logged-models/{id}")
        both.call("PATCH", f"logged-models/{id}", {"model_id": id, "status": "LOGGED_MODEL_READY"})
        both.call("DELETE", f"logged-models/{id}", {"model_id": id})
        both.call("PATCH", f"logged-models/{id}/tags", {"tags": pairs(a="b")})
        both.call("DELETE", f"logged-models/{id}/tags/a")


def test_tags_and_parameters_of_a_logged_model_change_alike(both: Both) -> None:
    model = both.logged_model(both.experiment(), name="m", params=pairs(p="1"), tags=pairs(t="1"))
    for tags in (pairs(t="2", u=""), [], pairs(**{"a.b/c": "x"}), pairs(u="y")):
        both.call("PATCH", f"logged-models/{model}/tags", {"model_id": model, "tags": tags})
        both.get(f"logged-models/{model}")
    for key in ("t", "t", "nothing"):
        both.call("DELETE", f"logged-models/{model}/tags/{key}")
    for params in (pairs(q="1"), []):
        both.post(f"logged-models/{model}/params", {"model_id": model, "params": params})
        both.get(f"logged-models/{model}")


def test_a_parameter_of_a_logged_model_is_written_once(both: Both) -> None:
    model = both.logged_model(both.experiment(), name="m", params=pairs(p="1"))
    both.post(f"logged-models/{model}/params", {"model_id": model, "params": pairs(p="2", q="1")},
              differs="no SQL in errors",
              ours=Ours(400, "INVALID_PARAMETER_VALUE|RESOURCE_ALREADY_EXISTS".split("|")[0], "p"))
    both.get(f"logged-models/{model}")


def test_a_deleted_logged_model_is_gone_alike(both: Both) -> None:
    experiment = both.experiment()
    model = both.logged_model(experiment, name="m")
    for _ in range(2):
        both.call("DELETE", f"logged-models/{model}", {"model_id": model})
    both.get(f"logged-models/{model}")
    both.post("logged-models/search", {"experiment_ids": [experiment]})


def test_metrics_of_a_logged_model_read_alike(both: Both) -> None:
    experiment = both.experiment()
    run, model = both.run(experiment, run_name="r", start_time=1), both.logged_model(experiment, name="m")
    measured = {"model_id": model, "dataset_name": "d", "dataset_digest": "1"}
    both.post("runs/log-metric", {"run_id": run, "key": "a", "value": 1.5, "timestamp": 5, "step": 2} | measured)
    both.log(run, {"metrics": [{"key": "b", "value": 2.5, "timestamp": 6, "step": 0} | measured,
                               {"key": "b", "value": 3.5, "timestamp": 7, "step": 0, "model_id": model},
                               {"key": "c", "value": 1, "timestamp": 7, "step": 0}]})
    both.get(f"logged-models/{model}")
    both.read(run)
    both.post("logged-models/search", {"experiment_ids": [experiment]})
    both.log(run, {"metrics": [{"key": "nan", "value": "NaN", "timestamp": 6, "step": 0} | measured]})
    both.get(f"logged-models/{model}", differs="NaN of a logged model is kept", ours=Ours(says='"value": "NaN"'))


MODELS = [("cnn", "agent", pairs(lr="0.1"), pairs(team="a"), 0.5), ("CNN", "", pairs(lr="0.2"), pairs(team="b"), 0.75),
          ("rnn_1", "agent", [], [], None),
          ("rnnx1", "x", pairs(lr="0.1", depth="5"), pairs(**{"a b": "c"}), -1.0)]


@pytest.fixture(scope="module")
def searched(peer_url: str, our_url: str) -> tuple[str, str]:
    """The experiment of MODELS on each server."""
    return make(Door(peer_url)), make(Door(our_url))


def make(door: Door) -> str:
    experiment = door.experiment("searched logged models")
    run = door.run(experiment)
    for n, (name, type, params, tags, value) in enumerate(MODELS):
        body = {"experiment_id": experiment, "name": name, "model_type": type, "params": params, "tags": tags,
                "source_run_id": run}
        model = door.post("logged-models", body).fine()["model.info.model_id"]
        if value is not None:
            door.log(run, metrics=[{"key": "acc", "value": value, "timestamp": n, "step": n, "model_id": model,
                                    "dataset_name": f"d{n % 2}", "dataset_digest": "1"},
                                   {"key": "acc", "value": value + 1, "timestamp": n + 1, "step": n,
                                    "model_id": model}]).fine()
        if n % 2:
            door.patch(f"logged-models/{model}", {"model_id": model, "status": "LOGGED_MODEL_READY"}).fine()
    return experiment


def names(both: Both, searched: tuple[str, str], **fields: Any) -> list[str]:
    found = []
    for at, door in enumerate((both.peer, both.ours)):
        answer = door.post("logged-models/search", {"experiment_ids": [searched[at]]} | fields).fine()
        found.append([model["info"]["name"] for model in answer.body.get("models", [])])
    assert found[0] == found[1], f"{fields}\nMLflow: {found[0]}\nours:   {found[1]}"
    return found[1]


@pytest.mark.parametrize("filter", [
    "name = 'cnn'", "name != 'cnn'", "name LIKE 'c%'", "name ILIKE 'C%'", "name LIKE 'rnn_1'",
    "attributes.name = 'cnn'", "name IN ('cnn', 'CNN')", "name NOT IN ('cnn')",
    "model_type = 'agent'", "model_type = ''", "params.lr = '0.1'", "params.lr = 0.1", "params.lr LIKE '0.%'",
    "params.lr != '0.1'", "params.lr IN ('0.1', '0.2')", "tags.team = 'a'",
    "tags.team != 'a'", "tags.`a b` = 'c'", "metrics.acc > 0.6", "metrics.acc = 0.5", "metrics.acc <= -1",
    "metrics.acc != 0.5", "metrics.none > 0",
    "creation_timestamp > 5", "creation_time > 5", "last_updated_timestamp < 5", "name = 'cnn' AND params.lr = '0.1'",
    "metrics.acc > 0 and tags.team = 'b'", "",
    "tags.team = 5", "name LIKE 'c%' name = 'cnn'", "lifecycle_stage = 'active'",
    "params.depth = '5' AND params.lr = '0.1'", "source_run_id != 'x'", "model_id != 'x'",
    "artifact_location LIKE 'mlflow-artifacts:/%'"])
def test_a_filter_finds_the_same_logged_models(both: Both, searched: tuple[str, str], filter: str) -> None:
    names(both, searched, filter=filter, order_by=[{"field_name": "name"}])


@pytest.mark.parametrize("filter", [
    "foo = 'x'", "tag.team = 'a'", "param.lr = '1'", "metric.acc > 1", "attribute.name = 'x'", "name > 'a'",
    "metrics.acc LIKE '1'", "name = cnn x",
    "creation_timestamp = 'x'", "name", "metrics.acc > 'x'", "attributes.unknown = 'x'", "metrics.acc"])
def test_a_filter_of_logged_models_is_refused_alike(both: Both, filter: str) -> None:
    both.faulty("logged-models/search", {"experiment_ids": ["0"], "filter": filter})


def test_filters_that_mlflow_refuses_find_logged_models(both: Both, searched: tuple[str, str]) -> None:
    for filter, found in [("name = 'cnn' OR metrics.acc < 0", ["cnn", "rnnx1"]),
                          ("NOT (params.lr = '0.1')", ["CNN", "rnn_1"]),
                          ("metrics.acc IN (0.5, 0.75)", ["CNN", "cnn"])]:
        both.post("logged-models/search", {"experiment_ids": [Ref("e", searched)], "filter": filter,
                                           "order_by": [{"field_name": "name"}]}, differs="filters say more",
                  ours=Ours(check=lambda body, found=found: [model["info"]["name"]
                                                             for model in body["models"]] == found))


@pytest.mark.parametrize("order", [
    [{"field_name": "name"}], [{"field_name": "name", "ascending": False}], [{"field_name": "metrics.acc"}],
    [{"field_name": "metrics.acc", "ascending": False}],
    [{"field_name": "metrics.acc", "dataset_name": "d1"}],
    [{"field_name": "metrics.acc", "dataset_name": "d0", "dataset_digest": "1"}],
    [{"field_name": "model_type"}, {"field_name": "name"}], [{"field_name": "creation_timestamp"}], []])
def test_an_order_gives_the_same_logged_models(both: Both, searched: tuple[str, str],
                                               order: list[dict[str, Any]]) -> None:
    assert len(names(both, searched, order_by=order)) == len(MODELS)


@pytest.mark.parametrize("datasets", [[{"dataset_name": "d0", "dataset_digest": "1"}],
                                      [{"dataset_name": "d1", "dataset_digest": "1"}],
                                      [{"dataset_name": "no"}]])
def test_datasets_restrict_a_filter_alike(both: Both, searched: tuple[str, str],
                                          datasets: list[dict[str, str]]) -> None:
    names(both, searched, datasets=datasets, filter="metrics.acc > -5", order_by=[{"field_name": "name"}])
    names(both, searched, datasets=datasets, filter="metrics.acc > 0.6", order_by=[{"field_name": "name"}])


def test_a_dataset_without_a_digest_is_any_of_its_name(both: Both, searched: tuple[str, str]) -> None:
    body = {"experiment_ids": [Ref("e", searched)], "datasets": [{"dataset_name": "d0"}], "filter": "metrics.acc > -5"}
    both.post("logged-models/search", body, differs="a dataset needs no digest",
              ours=Ours(check=lambda body: [m["info"]["name"] for m in body["models"]] == ["cnn"]))


def test_a_status_that_there_is_not_is_refused(both: Both) -> None:
    both.post("logged-models/search", {"experiment_ids": ["0"], "filter": "status = 'x'"},
              differs="a status is one that there is",
              ours=Ours(400, "INVALID_PARAMETER_VALUE", "status"))


@pytest.mark.parametrize("fields", [{"order_by": [{}]}, {"order_by": ["name"]}, {"max_results": -1},
                                    {"max_results": "x"}, {"filter": "name IN ()"}, {"filter": "name IS NULL"}])
def test_a_wrong_search_of_logged_models_is_refused(both: Both, fields: dict[str, Any]) -> None:
    both.refused("logged-models/search", {"experiment_ids": ["0"], "filter": "name = 'nobody'"} | fields)


@pytest.mark.parametrize("field", ["foo", "params.x", "tags.x"])
def test_a_wrong_order_of_logged_models_is_refused_alike(both: Both, field: str) -> None:
    both.faulty("logged-models/search", {"experiment_ids": ["0"], "order_by": [{"field_name": field}]})


def test_a_forged_token_of_logged_models_is_refused(both: Both) -> None:
    both.post("logged-models/search", {"experiment_ids": ["0"], "page_token": "%%%"}, differs="page tokens are opaque",
              ours=Ours(400, "INVALID_PARAMETER_VALUE", "page token"))


@pytest.mark.parametrize("fields", [
    {}, {"experiment_ids": []}, {"experiment_ids": "x"}, {"experiment_ids": ["987654321"]},
    {"experiment_ids": ["0"], "datasets": [{}]},
    {"experiment_ids": ["0"], "datasets": [{"dataset_digest": "x"}]},
    {"experiment_ids": ["0"], "order_by": [{"field_name": "name", "dataset_name": "d"}]}])
def test_a_wrong_search_of_logged_models_is_answered_alike(both: Both, fields: dict[str, Any]) -> None:
    both.post("logged-models/search", {"filter": "name = 'nobody'"} | fields)


def test_pages_hold_every_logged_model_once(both: Both, searched: tuple[str, str]) -> None:
    for at, door in enumerate((both.peer, both.ours)):
        walk, token = [], ""
        while token is not None:
            body = {"experiment_ids": [searched[at]], "max_results": 3, "order_by": [{"field_name": "name"}]}
            page = door.post("logged-models/search", body | ({"page_token": token} if token else {})).fine().body
            walk += [model["info"]["name"] for model in page["models"]]
            token = page.get("next_page_token") or None
        assert walk == sorted(name for name, *_ in MODELS)


def test_a_logged_models_status_is_found_by_its_name(both: Both, searched: tuple[str, str]) -> None:
    for text in ("READY", "LOGGED_MODEL_READY"):
        answer = both.ours.post("logged-models/search",
                                {"experiment_ids": [searched[1]], "filter": f"status = '{text}'"}).fine()
        assert sorted(model["info"]["name"] for model in answer["models"]) == ["CNN", "rnnx1"]



"""How requests may be written: the same requests to MLflow's server and to ours."""

from __future__ import annotations

import json

import pytest

from both import Both, Ours
from wire import AJAX, V2, V3, pairs

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"},
                                     {"Content-Type": "application/json; charset=utf-8"}, {"Content-Type": ""},
                                     {"Content-Type": "application/x-www-form-urlencoded"}])
def test_a_content_type_is_asked_for_alike(both: Both, headers: dict[str, str]) -> None:
    experiment = both.experiment()
    both.post("runs/search", {"experiment_ids": [experiment]}, headers=headers)
    both.post("experiments/set-experiment-tag", {"experiment_id": experiment, "key": "a", "value": "b"},
              headers=headers)


def test_a_content_type_may_have_capitals(both: Both) -> None:
    both.post("experiments/search", {"max_results": 1, "filter": "name = 'nobody'"},
              headers={"Content-Type": "Application/JSON"}, differs="content types in any case")


@pytest.mark.parametrize("data", ["", "{}", "null", '{"name": null}', '"{}"', '"x"', "5", "true"])
def test_a_body_without_the_fields_misses_them(both: Both, data: str) -> None:
    both.call("POST", "experiments/create", data=data)


@pytest.mark.parametrize("data", ["{", '{"name": "x"', "not json", '{"name": "x"} trailing', b"\xff\xfe",
                                  '{"name": \'x\'}'])
def test_a_body_that_is_no_json_is_refused(both: Both, data: str | bytes) -> None:
    both.call("POST", "experiments/create", data=data, differs="a body that cannot be read is named",
              ours=Ours(400, "INVALID_PARAMETER_VALUE", "body"))


def test_a_list_as_a_body_is_refused(both: Both) -> None:
    both.call("POST", "experiments/create", data="[]")
    both.call("POST", "runs/search", data='["x"]', differs="a body that cannot be read is named",
              ours=Ours(400, "INVALID_PARAMETER_VALUE", "object"))


def test_json_inside_a_json_text_is_read(both: Both) -> None:
    inner = json.dumps({"name": both.name(), "tags": pairs(a="b")})
    answers = both.call("POST", "experiments/create", data=json.dumps(inner))
    experiment = both.ref("<experiment>", "experiment_id", answers)
    both.get("experiments/get", {"experiment_id": experiment})


def test_unknown_fields_are_ignored(both: Both) -> None:
    experiment = both.experiment(future={"a": [1, {"b": None}]}, other=5)
    run = both.run(experiment, nonsense=[[[[]]]])
    both.log(run, {"metrics": [{"key": "m", "value": 1, "timestamp": 1, "more": "x"}], "else": 1})
    both.read(run)
    both.get("experiments/get", {"experiment_id": experiment, "unknown": "x"})


def test_camel_case_is_read_beside_snake_case(both: Both) -> None:
    experiment = both.experiment()
    both.post("runs/create", {"experimentId": experiment, "runName": "camel", "startTime": 5, "userId": "u"})
    both.get("runs/get", {"runId": both.run(experiment)})
    both.get("experiments/get", {"experimentId": experiment})
    both.post("runs/search", {"experimentIds": [experiment], "maxResults": 5})
    both.post("experiments/update", {"experimentId": experiment, "newName": "x"})
    both.post("experiments/update", {"experiment_id": experiment, "experimentId": experiment, "new_name": "x"})


@pytest.mark.parametrize("path", [V2 + "nothing", V2 + "experiments/list", V2 + "registered-models/list",
                                  "/api/2.0/preview/mlflow/experiments/search",
                                  AJAX + "nothing", V3 + "nothing", "/api/2.0/mlflow"])
def test_an_unknown_route_says_so_in_json(both: Both, path: str) -> None:
    for method in ("GET", "POST"):
        both.call(method, path, data="{}", headers=JSON, differs="errors are JSON",
                  ours=Ours(404, "ENDPOINT_NOT_FOUND", "not part of Model DB"))


@pytest.mark.parametrize(("method", "path"), [("GET", "runs/create"), ("POST", "runs/get"),
                                              ("DELETE", "experiments/get"), ("PUT", "runs/log-batch"),
                                              ("GET", "runs/search")])
def test_a_wrong_method_is_refused_in_json(both: Both, method: str, path: str) -> None:
    both.call(method, path, data="{}", headers=JSON, differs="errors are JSON", ours=Ours(405))


def test_both_prefixes_serve_the_same(both: Both) -> None:
    experiment = both.experiment()
    both.post(AJAX + "runs/search", {"experiment_ids": [experiment]})
    both.get(AJAX + "experiments/get", {"experiment_id": experiment})
    both.post(AJAX + "experiments/search", {"max_results": 1, "filter": "name = 'nobody'"})


def test_health_and_version_answer_alike(both: Both) -> None:
    for path in ("/health", "/version"):
        texts = [door.session.get(door.url + path, timeout=60) for door in (both.peer, both.ours)]
        assert [(t.status_code, t.text) for t in texts] == [(200, texts[0].text)] * 2


def test_the_servers_features_are_told(both: Both) -> None:
    for base in ("/api/3.0/mlflow/", "/ajax-api/3.0/mlflow/"):
        told = both.ours.get(base + "server-info").fine().body
        assert set(both.peer.get(base + "server-info").fine().body) <= set(told)
        assert told["store_type"] == "SqlStore"
        assert told["multipart_uploads_enabled"] is told["multipart_downloads_enabled"] is False


def test_answers_may_not_be_sniffed_or_framed(both: Both) -> None:
    for door in (both.peer, both.ours):
        headers = door.post("experiments/search", {"max_results": 1}).fine().headers
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_a_bare_word_for_a_number_is_never_stored_as_zero(both: Both, value: str) -> None:
    run = both.run(both.experiment())
    sent = '{{"run_id": "{}", "key": "m", "value": {}, "timestamp": 7, "step": 3}}'
    answer = both.ours.send("POST", "runs/log-metric", sent.format(run.values[1], value), headers=JSON)
    history = both.ours.history(run.values[1], "m")
    if answer.status == 200:
        assert history == [{"key": "m", "value": value, "timestamp": 7, "step": 3}]
    else:
        answer.refused(400, "INVALID_PARAMETER_VALUE", "value")
        assert history == []

"""The registry: the same calls to MLflow's server and to ours."""

from __future__ import annotations

from typing import Any

import pytest

from both import Both, Ours
from wire import Door, pairs

MODELS, VERSIONS = "registered-models/", "model-versions/"
PROMPT = "mlflow.prompt.is_prompt"


def all_of(both: Both, name: str) -> None:
    """Reads all that there is of a registered model."""
    both.get(MODELS + "get", {"name": name})
    both.get(MODELS + "get-latest-versions", {"name": name})
    both.get(VERSIONS + "search", {"filter": f"name = '{name}'", "order_by": "version_number"})


@pytest.mark.parametrize("fields", [
    {}, {"description": ""}, {"description": "d"}, {"tags": None}, {"tags": pairs(a="1", b="")},
    {"tags": [*pairs(a="1"), *pairs(a="2")]}, {"tags": pairs(long="x" * 100_000)}])
def test_a_registered_model_reads_alike(both: Both, fields: dict[str, Any]) -> None:
    all_of(both, both.registered(**fields))


@pytest.mark.parametrize("name", ["", "   ", None, "a/b", "a:b", ".", "..", "..a", 5, ["a"]])
def test_a_wrong_name_is_refused_alike(both: Both, name: Any) -> None:
    both.post(MODELS + "create", {"name": name})
    if isinstance(name, str):
        for path in ("get", "search"):
            both.get(MODELS + path, {"name": name} if path == "get" else {"filter": f"name = '{name}'"})
        both.call("DELETE", MODELS + "delete", {"name": name})
        both.post(VERSIONS + "create", {"name": name, "source": "s3://b/x"})
        both.get(VERSIONS + "get", {"name": name, "version": "1"})
        both.get(VERSIONS + "get-download-uri", {"name": name, "version": "1"})
        both.post(MODELS + "alias", {"name": name, "alias": "a", "version": "1"})


@pytest.mark.parametrize("odd", ["%", "%2f", "#", "?", " lead", "trail ", "new\nline", "tab\t", "a@b", "a.b", "имя", "'",
                                 '"', "\\", "x" * 120])
def test_a_name_with_any_other_characters_is_kept_alike(both: Both, odd: str) -> None:
    name = both.name("n").replace("/", " ").replace(":", " ") + odd
    both.post(MODELS + "create", {"name": name})
    both.version(name)
    both.get(MODELS + "get", {"name": name})
    both.get(VERSIONS + "get", {"name": name, "version": 1})
    both.post(MODELS + "rename", {"name": name, "new_name": name + " new"})


def test_a_longer_name_than_a_column_has_is_refused(both: Both) -> None:
    both.post(MODELS + "create", {"name": "x" * 257}, differs="texts have stated limits",
              ours=Ours(400, "INVALID_PARAMETER_VALUE", "257 characters; at most 256"))


def test_a_name_is_taken_alike(both: Both) -> None:
    model, prompt = both.registered(), both.registered(tags=pairs(**{PROMPT: "true"}))
    for name in (model, prompt):
        both.post(MODELS + "create", {"name": name})
        both.post(MODELS + "create", {"name": name, "tags": pairs(**{PROMPT: "true"})})
    both.post(MODELS + "rename", {"name": model, "new_name": prompt}, differs="no SQL in errors",
              ours=Ours(400, "RESOURCE_ALREADY_EXISTS", r"^Registered Model \(name=.*\) already exists\."))


@pytest.mark.parametrize("tag", [{"key": "a!"}, {"key": ""}, {}, {"key": "a//b"}, {"key": "k" * 251},
                                 {"key": "a", "value": "x" * 100_001}])
def test_a_wrong_tag_is_refused_alike(both: Both, tag: dict[str, str]) -> None:
    name = both.registered()
    both.version(name)
    both.post(MODELS + "create", {"name": name + "2", "tags": [tag]})
    both.post(MODELS + "set-tag", {"name": name} | tag)
    both.version(name, tags=[tag])
    both.post(VERSIONS + "set-tag", {"name": name, "version": "1"} | tag)
    if "value" not in tag:
        both.call("DELETE", MODELS + "delete-tag", {"name": name} | tag)
        both.call("DELETE", VERSIONS + "delete-tag", {"name": name, "version": "1"} | tag)
    all_of(both, name)


def test_a_prompt_has_a_longest_text(both: Both) -> None:
    name = both.registered(tags=pairs(**{PROMPT: "true"}))
    for length in (100_000, 100_001):
        both.version(name, source="dummy-source", tags=pairs(**{PROMPT: "true", "mlflow.prompt.text": "x" * length}))


def test_a_registered_model_changes_alike(both: Both) -> None:
    name = both.registered(description="d", tags=pairs(a="1"))
    both.version(name)
    for body in ({"description": "e"}, {"description": ""}, {}, {"description": 5}):
        both.call("PATCH", MODELS + "update", {"name": name} | body)
        all_of(both, name)
    for key in ("a", "a", "b"):
        both.call("DELETE", MODELS + "delete-tag", {"name": name, "key": key})
    both.post(MODELS + "set-tag", {"name": name, "key": "c", "value": "1"})
    both.post(MODELS + "set-tag", {"name": name, "key": "c"})
    both.post(MODELS + "rename", {"name": name, "new_name": name})
    both.post(MODELS + "rename", {"name": name, "new_name": name + " new"})
    for new in ("", "  ", "a/b", None):
        both.post(MODELS + "rename", {"name": name + " new", "new_name": new})
    all_of(both, name)
    all_of(both, name + " new")
    for _ in range(2):
        both.call("DELETE", MODELS + "delete", {"name": name + " new"})
    both.post(MODELS + "create", {"name": name + " new"})
    both.version(name + " new")


@pytest.mark.parametrize("fields", [
    {}, {"run_id": "x" * 32}, {"run_id": ""}, {"run_id": None}, {"description": "d"}, {"description": ""},
    {"run_link": "http://host/x"}, {"tags": pairs(a="1", b="")}, {"tags": [*pairs(a="1"), *pairs(a="2")]}, {"tags": None}])
def test_a_version_reads_alike(both: Both, fields: dict[str, Any]) -> None:
    name = both.registered()
    both.version(name, **fields)
    both.get(VERSIONS + "get", {"name": name, "version": "1"})
    both.get(VERSIONS + "get-download-uri", {"name": name, "version": "1"})
    all_of(both, name)


@pytest.mark.parametrize("version", ["1", " 1 ", "01", "+1", "0", "-1", "2", "abc", "1.0", "1e0", "", "latest", None, 1])
def test_a_number_of_a_version_is_read_alike(both: Both, version: Any) -> None:
    name = both.registered()
    both.version(name)
    found = {"name": name, "version": version}
    if version is not None:
        both.get(VERSIONS + "get", found)
        both.get(VERSIONS + "get-download-uri", found)
    both.call("PATCH", VERSIONS + "update", found | {"description": "x"})
    both.post(VERSIONS + "set-tag", found | {"key": "a", "value": "b"})
    both.call("DELETE", VERSIONS + "delete-tag", found | {"key": "a"})
    both.post(VERSIONS + "transition-stage", found | {"stage": "Staging"})
    both.post(MODELS + "alias", found | {"alias": "a"})
    both.call("DELETE", VERSIONS + "delete", found)
    all_of(both, name)


def test_a_number_beyond_all_versions_is_not_found(both: Both) -> None:
    name, number = both.registered(), "1" + "0" * 30
    both.get(VERSIONS + "get", {"name": name, "version": number}, differs="no 500 for what will not change",
             ours=Ours(404, "RESOURCE_DOES_NOT_EXIST", number))


def test_a_version_changes_alike(both: Both) -> None:
    name = both.registered()
    for _ in range(3):
        both.version(name, description="d", tags=pairs(a="1"))
    for body in ({"description": "e"}, {"description": ""}, {}):
        both.call("PATCH", VERSIONS + "update", {"name": name, "version": "2"} | body)
    for key in ("a", "a"):
        both.call("DELETE", VERSIONS + "delete-tag", {"name": name, "version": "2", "key": key})
    both.post(VERSIONS + "set-tag", {"name": name, "version": "2", "key": "c"})
    all_of(both, name)
    for _ in range(2):
        both.call("DELETE", VERSIONS + "delete", {"name": name, "version": "3"})
    both.version(name)
    all_of(both, name)


@pytest.mark.parametrize("alias", ["champion", "1", "имя", "a_b-c", "latest", "LATEST", "v1", "V12", "v", "v1x", "vv1", "a b",
                                   "a.b", "", "x" * 255, "x" * 256, None, 5])
def test_an_alias_is_taken_or_refused_alike(both: Both, alias: Any) -> None:
    name = both.registered()
    both.version(name)
    both.post(MODELS + "alias", {"name": name, "alias": alias, "version": "1"})
    if isinstance(alias, str):
        both.get(MODELS + "alias", {"name": name, "alias": alias})
    both.call("DELETE", MODELS + "alias", {"name": name, "alias": alias})
    all_of(both, name)


def test_aliases_move_and_end_alike(both: Both) -> None:
    name = both.registered()
    both.get(MODELS + "alias", {"name": name, "alias": "latest"})
    for _ in range(3):
        both.version(name)
    for alias, version in [("a", "1"), ("b", "1"), ("a", "2"), ("a", "2"), ("A", "3"), ("a", "9")]:
        both.post(MODELS + "alias", {"name": name, "alias": alias, "version": version})
        both.get(VERSIONS + "get", {"name": name, "version": version})
    for alias in ("a", "A", "b", "latest", "none"):
        both.get(MODELS + "alias", {"name": name, "alias": alias})
    all_of(both, name)
    both.call("DELETE", VERSIONS + "delete", {"name": name, "version": "1"})
    both.get(MODELS + "alias", {"name": name, "alias": "b"})
    for _ in range(2):
        both.call("DELETE", MODELS + "alias", {"name": name, "alias": "a"})
    all_of(both, name)
    for path, body in [("alias", {"name": "nobody", "alias": "a", "version": "1"}), ("alias", {"name": name})]:
        both.post(MODELS + path, body)
    both.call("DELETE", MODELS + "alias", {"name": "nobody", "alias": "a"})
    both.get(MODELS + "alias", {"name": "nobody", "alias": "a"})


def test_stages_move_alike(both: Both) -> None:
    name = both.registered()
    for _ in range(4):
        both.version(name)
    both.post(MODELS + "alias", {"name": name, "alias": "a", "version": "1"})
    for version, stage, archive in [("1", "Production", False), ("2", "production", None), ("3", "STAGING", True),
                                    ("3", "Production", True), ("1", "None", False), ("1", "nowhere", True),
                                    ("9", "None", False), ("4", "Archived", False)]:
        body = {"name": name, "version": version, "stage": stage, "archive_existing_versions": archive}
        both.post(VERSIONS + "transition-stage", body)
        all_of(both, name)
    both.post(VERSIONS + "transition-stage",
              {"name": name, "version": "1", "stage": "None", "archive_existing_versions": True})
    for stages in (["Production"], ["archived", "None"], ["nowhere"], []):
        both.post(MODELS + "get-latest-versions", {"name": name, "stages": stages})
        both.get(MODELS + "get-latest-versions", {"name": name, "stages": stages})
    both.post(MODELS + "get-latest-versions", {"name": "nobody"})


@pytest.mark.parametrize("call", ["create", "get", "update", "delete", "rename", "get-latest-versions", "set-tag",
                                  "delete-tag", "alias"])
def test_calls_of_registered_models_without_fields_are_refused_alike(both: Both, call: str) -> None:
    method = {"get": "GET", "update": "PATCH", "delete": "DELETE", "delete-tag": "DELETE"}.get(call, "POST")
    both.call(method, MODELS + call, {})
    both.call(method, MODELS + call, {"name": "nobody"})


@pytest.mark.parametrize("call", ["create", "get", "update", "delete", "transition-stage", "set-tag", "delete-tag",
                                  "get-download-uri"])
def test_calls_of_versions_without_fields_are_refused_alike(both: Both, call: str) -> None:
    method = {"get": "GET", "get-download-uri": "GET", "update": "PATCH", "delete": "DELETE",
              "delete-tag": "DELETE"}.get(call, "POST")
    both.call(method, VERSIONS + call, {})
    both.call(method, VERSIONS + call, {"name": "nobody"})
    both.call(method, VERSIONS + call, {"name": "nobody", "version": "1"})


# Sources.


@pytest.mark.parametrize("source", [
    "s3://b/m", "gs://b/m", "wasbs://c@a.host/m", "dbfs:/m", "custom:/m", "s3://b/a//b", "s3://b/a/", "s3://b/m?x=1",
    "s3://b/a+b", "s3://b/a%20b", "s3://b", "s3://b/", "s3:b/m", "s3://b/../m", "s3://b/./m", "s3://b/%2e%2e/m",
    "s3://b/%252e%252e/m", "s3://b/m%00", "s3://b/a%2f..%2fb", "word", "/etc/passwd", "./m", "../m", "file:///etc",
    "file:/etc", "file://localhost/etc", "models:/", "models:/a/b/c", "models://host/m/1", "models:/nobody/1",
    "models:/m-00000000000000000000000000000000", "runs:/x/m", "mlflow-artifacts:/0/x/artifacts/m", "dummy-source", ""])
def test_a_source_is_taken_or_refused_alike(both: Both, source: str) -> None:
    name = both.registered()
    both.post(VERSIONS + "create", {"name": name, "source": source})
    all_of(both, name)


@pytest.mark.parametrize("source", [
    "http://host/m", "HTTPS://host/m", "ftp://host/m", "sftp://host/m", "hdfs://host/m", "viewfs://host/m",
    "abfss://c@host/m", "r2://b/m", "b2://b/m", "http:/m", "mlflow-artifacts://host/m"])
def test_a_source_on_another_host_is_refused_alike(both: Both, source: str) -> None:
    both.post(VERSIONS + "create", {"name": both.registered(), "source": source},
              differs="no advice on MLflow's settings", ours=Ours(400, "INVALID_PARAMETER_VALUE", "'source' cannot use the"))


def test_a_source_is_in_the_run_or_refused_alike(both: Both) -> None:
    experiment = both.experiment()
    run, other, name = both.run(experiment), both.run(experiment), both.registered()
    for source, given in [(f"runs:/{run}/m", run), (f"runs:/{run}", run), (f"runs:/{other}/m", run), (f"runs:/{run}x/m", run),
                          (f"runs://host/{run}/m", run), (f"runs:/{run}/../m", run), (f"runs:/{run}/m", "nobody"),
                          (f"mlflow-artifacts:/{experiment}/{run}/artifacts/m", run),
                          (f"mlflow-artifacts:/{experiment}/{run}/artifacts", run),
                          (f"mlflow-artifacts:/{experiment}/{run}/artifactsx", run),
                          (f"mlflow-artifacts:/{experiment}/{other}/artifacts/m", run),
                          (f"mlflow-artifacts:/{experiment}/{run}/artifacts/m", "nobody"),
                          ("file:///etc", run), ("/etc/passwd", run), ("s3://b/m", "nobody")]:
        both.version(name, source=source, run_id=given)
    all_of(both, name)


def test_a_source_is_the_logged_model_or_refused_alike(both: Both) -> None:
    experiment = both.experiment()
    run, name = both.run(experiment), both.registered()
    model = both.logged_model(experiment, name="m", source_run_id=run)
    other = both.logged_model(experiment, name="m")
    for source, given in [(f"models:/{model}", model), (f"models:/{other}", other), (f"models:/{model}", other),
                          (f"models:/{model}", ""), (f"mlflow-artifacts:/{experiment}/models/{model}/artifacts", model),
                          (f"mlflow-artifacts:/{experiment}/models/{model}/artifacts/x", other), (f"runs:/{run}/m", model),
                          ("s3://b/m", model), ("/etc", model)]:
        both.version(name, source=source, model_id=given)
    both.version(name, source=f"models:/{model}", model_id=model, run_id="mine")
    for version in range(1, 6):
        both.get(VERSIONS + "get-download-uri", {"name": name, "version": str(version)})
    both.get(f"logged-models/{model}")
    all_of(both, name)


def test_a_source_that_is_a_version_is_that_version_alike(both: Both) -> None:
    name, copy, run = both.registered(), both.registered(), "r" * 32
    both.version(name, run_id=run)
    both.version(name, source="s3://b/2")
    both.post(MODELS + "alias", {"name": name, "alias": "a", "version": "1"})
    both.post(VERSIONS + "transition-stage", {"name": name, "version": "2", "stage": "Staging"})
    for suffix in ("/1", "/2", "/latest", "@a", "/Staging", "/staging", "/9", "@none", "/nowhere"):
        both.version(copy, source=f"models:/{name}{suffix}")
    for fields in ({"run_id": run}, {"run_id": ""}, {"run_id": "other"}, {"model_id": ""}):
        both.version(copy, source=f"models:/{name}/1", **fields)
    both.post(VERSIONS + "create", {"name": copy, "source": f"models:/{name}/Production"},
              differs="no 500 for what will not change",
              ours=Ours(404, "RESOURCE_DOES_NOT_EXIST", "No versions of model with name"))
    all_of(both, copy)
    both.version(copy, source=f"models:/{copy}/1")
    both.get(VERSIONS + "get-download-uri", {"name": copy, "version": "1"})
    prompt = both.registered(tags=pairs(**{PROMPT: "true"}))
    both.version(prompt, source="dummy-source", tags=pairs(**{PROMPT: "true"}))
    both.version(copy, source=f"models:/{prompt}/1")
    both.version(prompt, source="s3://b/x", tags=pairs(**{PROMPT: "TRUE"}))


# Searches.

FOUND = [("cnn", pairs(team="a")), ("CNN", pairs(team="b")), ("rnn_1", []), ("rnnx1", pairs(**{"a b": "c"})),
         ("a prompt", pairs(**{PROMPT: "true"}))]


@pytest.fixture(scope="module")
def searched(peer_url: str, our_url: str) -> None:
    """The registered models of FOUND, with versions, on both servers."""
    for url in (peer_url, our_url):
        door = Door(url)
        for n, (name, tags) in enumerate(FOUND):
            door.post(MODELS + "create", {"name": f"searched {name}", "tags": tags}).fine()
            for i in range(3 if n < 2 else 1):
                prompt = tags and tags[0]["key"] == PROMPT
                door.post(VERSIONS + "create", {
                    "name": f"searched {name}", "source": "dummy-source" if prompt else f"s3://{name}/{i}",
                    "run_id": f"run{i}" * 8, "tags": [*pairs(n=str(i)), *tags]}).fine()


ONLY = " AND name LIKE 'searched%'"


@pytest.mark.parametrize("filter", [
    "name = 'searched cnn'", "name != 'searched cnn'", "name LIKE 'searched r%'", "name ILIKE 'SEARCHED C%'",
    "name LIKE 'searched rnn_1'", "attribute.name = 'searched cnn'", "name IN ('searched cnn', 'searched CNN', 'x')",
    "name NOT IN ('searched cnn')", "tags.team = 'a'", "tag.team != 'a'", "tags.team LIKE '_'", "tags.`a b` = 'c'",
    f"tags.`{PROMPT}` = 'true'", f"tags.`{PROMPT}` != 'true'", f"tags.`{PROMPT}` = 'false'", f"tags.`{PROMPT}` != 'false'",
    f"tags.`{PROMPT}` != 'true' AND tags.team = 'a'", "name = 'nobody'", "name LIKE '%'"])
def test_a_filter_finds_the_same_registered_models(both: Both, searched: None, filter: str) -> None:
    for order in ("name", "name DESC"):
        both.get(MODELS + "search", {"filter": filter + ONLY, "order_by": order})


@pytest.mark.parametrize("filter", [
    "name = 'searched cnn'", "name != 'searched cnn'", "name ILIKE 'searched c%'", "name IN ('searched cnn', 'searched CNN')",
    f"run_id = '{'run1' * 8}'", f"run_id != '{'run1' * 8}'", f"run_id IN ('{'run1' * 8}', 'x')", "source_path LIKE 's3://c%'",
    "source_path = 's3://cnn/1'", "version_number = 2", "version_number > 1", "version_number <= '2'", "version_number != 1",
    "tags.n = '1'", "tags.team = 'a' AND tags.n = '2'", "tags.team != 'b'", f"tags.`{PROMPT}` = 'true'",
    f"tags.`{PROMPT}` != 'true'", f"tags.`{PROMPT}` = 'false'", "run_id = ''"])
def test_a_filter_finds_the_same_versions(both: Both, searched: None, filter: str) -> None:
    for order in (["name", "version_number"], ["version_number DESC"], ["creation_timestamp", "name"]):
        both.get(VERSIONS + "search", {"filter": filter + ONLY, "order_by": order})


@pytest.mark.parametrize("filter", ["foo = 'x'", "params.a = 'x'", "name > 'a'", "name = cnn x", "name", "tags.a > 'x'",
                                    "name = 5", "last_updated_timestamp > 5", "name = 'a' AND", "tags.a = 5"])
def test_a_wrong_filter_of_the_registry_is_refused_alike(both: Both, filter: str) -> None:
    for path in (MODELS, VERSIONS):
        peer, ours = both.send("GET", path + "search", query={"filter": filter})
        assert (ours.status, ours.status) == (200 if peer.status == 200 else 400, min(peer.status, 400)), (peer.body, ours.body)


@pytest.mark.parametrize("fields", [{"max_results": 0}, {"max_results": -1}, {"max_results": "x"}])
def test_a_wrong_page_of_the_registry_is_refused(both: Both, fields: dict[str, Any]) -> None:
    both.refused(MODELS + "search", method="GET", query={"filter": "name = 'nobody'"} | fields)
    both.refused(VERSIONS + "search", method="GET", query={"filter": "name = 'nobody'"} | fields)


def test_too_large_a_page_of_the_registry_is_refused_alike(both: Both) -> None:
    both.get(MODELS + "search", {"max_results": 1001})
    both.get(VERSIONS + "search", {"max_results": 200_001})
    for path in (MODELS, VERSIONS):
        both.post(path + "search", {}, differs="errors are JSON", ours=Ours(405, "BAD_REQUEST"))


def test_pages_of_the_registry_hold_everything_once(both: Both, searched: None) -> None:
    for path, key in ((MODELS, "registered_models"), (VERSIONS, "model_versions")):
        walks = []
        for door in (both.peer, both.ours):
            walk, token = [], None
            while token != "":
                query = {"filter": "name LIKE 'searched%'", "max_results": 2, "order_by": "name"}
                page = door.get(path + "search", **query | ({"page_token": token} if token else {})).fine().body
                walk += [(item["name"], item.get("version")) for item in page[key]]
                token = page.get("next_page_token", "")
            walks.append(walk)
        assert walks[0] == walks[1] and len(walks[1]) in (4, 8)


def test_filters_that_mlflow_refuses_find_versions(both: Both, searched: None) -> None:
    both.get(VERSIONS + "search", {"filter": "name = 'searched rnn_1' OR (name = 'searched cnn' AND NOT version_number = 1)",
                                   "order_by": "name"}, differs="filters say more",
             ours=Ours(check=lambda body: [v["version"] for v in body["model_versions"]] == ["3", "2", "1"]))

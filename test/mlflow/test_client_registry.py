"""The registry through MLflow's client, on both servers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException, RestException


@pytest.fixture
def client(experiment: Experiment) -> MlflowClient:
    """MLflow's client, pointed at one of the servers."""
    return MlflowClient()


@pytest.fixture
def name(prefix: str) -> str:
    return prefix.replace(":", " ")


def test_a_model_is_registered_versioned_and_found(client: MlflowClient, name: str) -> None:
    made = client.create_registered_model(name, tags={"team": "vision"}, description="reads digits")
    assert (made.name, made.tags, made.description) == (name, {"team": "vision"}, "reads digits")
    with pytest.raises(RestException, match="RESOURCE_ALREADY_EXISTS"):
        client.create_registered_model(name)
    for n in range(1, 4):
        version = client.create_model_version(name, f"s3://bucket/{n}", run_id="r" * 32, tags={"n": str(n)}, description="d")
        assert (version.version, version.status, version.run_id) == (str(n), "READY", "r" * 32)
    got = client.get_registered_model(name)
    assert [v.version for v in got.latest_versions] == ["3"]
    assert [v.version for v in client.search_model_versions(f"name = '{name}'", order_by=["version_number DESC"])] == [
        "3", "2", "1"]
    assert [v.version for v in client.search_model_versions(f"name = '{name}' and tags.n = '2'")] == ["2"]
    assert [m.name for m in client.search_registered_models(f"name = '{name}' and tags.team = 'vision'")] == [name]
    assert client.get_model_version_download_uri(name, "2") == "s3://bucket/2"


def test_aliases_and_stages_move(client: MlflowClient, name: str) -> None:
    client.create_registered_model(name)
    for n in range(3):
        client.create_model_version(name, f"s3://bucket/{n}")
    client.set_registered_model_alias(name, "champion", "1")
    client.set_registered_model_alias(name, "champion", 2)
    client.set_registered_model_alias(name, "old", "1")
    assert client.get_model_version_by_alias(name, "champion").version == "2"
    assert client.get_registered_model(name).aliases == {"champion": "2", "old": "1"}
    assert client.get_model_version(name, "2").aliases == ["champion"]
    client.delete_registered_model_alias(name, "old")
    with pytest.raises(MlflowException, match="alias old not found"):
        client.get_model_version_by_alias(name, "old")
    client.transition_model_version_stage(name, "1", "Production")
    moved = client.transition_model_version_stage(name, "2", "Production", archive_existing_versions=True)
    assert moved.current_stage == "Production"
    assert {v.version: v.current_stage for v in client.get_latest_versions(name)} == {
        "1": "Archived", "2": "Production", "3": "None"}


def test_what_is_registered_is_described_tagged_renamed_and_deleted(client: MlflowClient, name: str) -> None:
    client.create_registered_model(name)
    client.create_model_version(name, "s3://bucket/1")
    client.update_registered_model(name, "about it")
    client.update_model_version(name, "1", "about the first")
    client.set_registered_model_tag(name, "a", "1")
    client.set_model_version_tag(name, "1", "b", "2")
    client.rename_registered_model(name, name + " new")
    renamed = client.get_registered_model(name + " new")
    assert (renamed.name, renamed.description, renamed.tags) == (name + " new", "about it", {"a": "1"})
    version = client.get_model_version(name + " new", "1")
    assert (version.name, version.description, version.tags) == (name + " new", "about the first", {"b": "2"})
    client.delete_registered_model_tag(name + " new", "a")
    client.delete_model_version_tag(name + " new", "1", "b")
    assert not client.get_model_version(name + " new", "1").tags
    client.delete_model_version(name + " new", "1")
    assert client.create_model_version(name + " new", "s3://bucket/2").version == "2"
    client.delete_registered_model(name + " new")
    with pytest.raises(RestException, match="RESOURCE_DOES_NOT_EXIST"):
        client.get_registered_model(name + " new")


def test_a_version_is_copied(client: MlflowClient, name: str) -> None:
    client.create_registered_model(name)
    version = client.create_model_version(name, "s3://bucket/1", run_id="r" * 32, description="d")
    copied = client.copy_model_version(f"models:/{name}/1", name + " copy")
    again = client.copy_model_version(f"models:/{name} copy/1", name + " other")
    assert (copied.name, copied.version, copied.source) == (name + " copy", "1", f"models:/{name}/1")
    assert (copied.run_id, copied.description) == (version.run_id, "d")
    assert client.get_model_version_download_uri(again.name, "1") == "s3://bucket/1"


def test_a_logged_model_is_registered(client: MlflowClient, name: str) -> None:
    with mlflow.start_run() as run:
        model = mlflow.initialize_logged_model(name="net")
        mlflow.finalize_logged_model(model.model_id, "READY")
    for n in (1, 2):
        version = mlflow.register_model(f"models:/{model.model_id}", name, await_registration_for=0)
        assert (version.version, version.run_id) == (str(n), run.info.run_id)
    assert client.get_model_version_download_uri(name, "1") == model.artifact_location
    listed = mlflow.get_logged_model(model.model_id).tags["mlflow.modelVersions"]
    assert f'"{name}"' in listed and listed.count("version") >= 2


def test_prompts_are_registered_loaded_and_found(client: MlflowClient, name: str) -> None:
    name = "p-" + "".join(c for c in name if c.isalnum())[-40:]
    first = mlflow.genai.register_prompt(name=name, template="Hello {{who}}", commit_message="first", tags={"tone": "warm"})
    second = mlflow.genai.register_prompt(name=name, template="Good day {{who}}")
    assert (first.version, second.version) == (1, 2)
    assert mlflow.genai.load_prompt(name, version=1).format(who="Ann") == "Hello Ann"
    mlflow.genai.set_prompt_alias(name, alias="live", version=2)
    assert mlflow.genai.load_prompt(f"prompts:/{name}@live").template == "Good day {{who}}"
    assert [p.name for p in mlflow.genai.search_prompts(filter_string=f"name = '{name}'")] == [name]
    assert not client.search_registered_models(f"name = '{name}'")
    assert not client.search_model_versions(f"name = '{name}'")


def test_creators_of_versions_at_once_get_all_numbers(client: MlflowClient, name: str) -> None:
    client.create_registered_model(name)
    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(lambda _: int(client.create_model_version(name, "s3://bucket/x").version), range(16)))
    assert sorted(numbers) == list(range(1, 17))

"""Files and saved models through MLflow's client, on both servers."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import lightgbm
import mlflow
import numpy
import pandas
import pytest
from mlflow import MlflowClient
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Leaves out what the flavours warn of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    mlflow.autolog(disable=True)


def names(run: mlflow.entities.Run, path: str | None = None) -> list[str]:
    return sorted(f.path for f in MlflowClient().list_artifacts(run.info.run_id, path))


def test_a_file_comes_back_as_it_was(experiment: Experiment, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "a b+ü.bin").write_bytes(content)
    (tmp_path / "empty").touch()
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(tmp_path / "a b+ü.bin"))
        mlflow.log_artifact(str(tmp_path / "a b+ü.bin"), "deep/er")
        mlflow.log_artifact(str(tmp_path / "empty"), "deep")
    assert names(run) == ["a b+ü.bin", "deep"]
    assert names(run, "deep") == ["deep/empty", "deep/er"]
    (file,) = MlflowClient().list_artifacts(run.info.run_id, "deep/er")
    assert (file.path, file.is_dir, file.file_size) == ("deep/er/a b+ü.bin", False, len(content))
    got = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="deep/er/a b+ü.bin",
                                              dst_path=str(tmp_path / "back"))
    assert Path(got).read_bytes() == content
    assert Path(MlflowClient().download_artifacts(run.info.run_id, "deep/empty", str(tmp_path))).stat().st_size == 0
    with pytest.raises(MlflowException):
        mlflow.artifacts.load_text(f"{run.info.artifact_uri}/nothing")


def test_a_folder_of_a_thousand_files_comes_back(experiment: Experiment, tmp_path: Path) -> None:
    for i in range(1000):
        file = tmp_path / "out" / f"d{i % 7}" / f"f{i:04}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(i) * 100)
    with mlflow.start_run() as run:
        mlflow.log_artifacts(str(tmp_path / "out"), "all")
    assert names(run, "all") == [f"all/d{i}" for i in range(7)]
    back = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="all",
                                                    dst_path=str(tmp_path / "back")))
    got = {str(f.relative_to(back)): f.read_text() for f in back.rglob("*") if f.is_file()}
    assert got == {f"d{i % 7}/f{i:04}.txt": str(i) * 100 for i in range(1000)}


def test_texts_tables_and_pictures_are_kept(experiment: Experiment) -> None:
    with mlflow.start_run() as run:
        mlflow.log_text("first", "notes/a.txt")
        mlflow.log_text("second", "notes/a.txt")
        mlflow.log_dict({"a": [1, 2]}, "conf.json")
        mlflow.log_image(numpy.zeros((4, 4, 3), dtype=numpy.uint8), "black.png")
        mlflow.log_image(numpy.zeros((4, 4, 3), dtype=numpy.uint8), key="black", step=1)
        mlflow.log_table({"x": [1], "y": ["a"]}, "table.json")
        mlflow.log_table({"x": [2], "y": ["b"]}, "table.json")
    uri = run.info.artifact_uri
    assert mlflow.artifacts.load_text(f"{uri}/notes/a.txt") == "second"
    assert mlflow.artifacts.load_dict(f"{uri}/conf.json") == {"a": [1, 2]}
    assert mlflow.artifacts.load_image(f"{uri}/black.png").size == (4, 4)
    table = mlflow.load_table("table.json", run_ids=[run.info.run_id])
    assert sorted(table["x"]) == [1, 2]
    assert {"black.png", "conf.json", "images", "notes", "table.json"} == set(names(run))


def test_a_scikit_learn_model_is_saved_and_loaded(experiment: Experiment) -> None:
    x, y = load_iris(return_X_y=True, as_frame=True)
    trained = LogisticRegression(max_iter=300).fit(x, y)
    with mlflow.start_run() as run:
        info = mlflow.sklearn.log_model(trained, name="iris", input_example=x.head(3),
                                        signature=infer_signature(x, trained.predict(x)))
    for uri in (info.model_uri, f"models:/{info.model_id}", f"runs:/{run.info.run_id}/iris"):
        loaded = mlflow.sklearn.load_model(uri)
        assert list(loaded.predict(x)) == list(trained.predict(x))
    general = mlflow.pyfunc.load_model(info.model_uri)
    assert list(general.predict(x)) == list(trained.predict(x))
    assert general.metadata.signature == infer_signature(x, trained.predict(x))
    saved = mlflow.models.Model.load(info.model_uri).load_input_example(None)
    assert isinstance(saved, pandas.DataFrame) and len(saved) == 3
    assert mlflow.get_logged_model(info.model_id).status == "READY"


def test_a_lightgbm_model_is_saved_and_loaded(experiment: Experiment) -> None:
    x, y = load_iris(return_X_y=True)
    trained = lightgbm.train({"objective": "multiclass", "num_class": 3, "verbose": -1}, lightgbm.Dataset(x, y), 3)
    with mlflow.start_run():
        info = mlflow.lightgbm.log_model(trained, name="boosted")
    numpy.testing.assert_array_equal(mlflow.lightgbm.load_model(info.model_uri).predict(x), trained.predict(x))


def test_autologging_saves_the_model(experiment: Experiment) -> None:
    mlflow.sklearn.autolog(silent=True)
    x, y = load_iris(return_X_y=True)
    trained = LogisticRegression(max_iter=300).fit(x, y)
    (run,) = MlflowClient().search_runs([experiment.experiment_id])
    assert "estimator.html" in names(run)
    (output,) = run.outputs.model_outputs
    loaded = mlflow.sklearn.load_model(f"models:/{output.model_id}")
    assert list(loaded.predict(x)) == list(trained.predict(x))


def test_deleted_files_are_gone(experiment: Experiment) -> None:
    with mlflow.start_run() as run:
        mlflow.log_text("a", "d/a.txt")
        mlflow.log_text("b", "d/e/b.txt")
        mlflow.log_text("c", "c.txt")
    store = mlflow.store.artifact.artifact_repository_registry.get_artifact_repository(run.info.artifact_uri)
    store.delete_artifacts("d")
    assert names(run) == ["c.txt"]
    store.delete_artifacts("c.txt")
    assert names(run) == []


def test_a_registered_model_is_loaded_by_version_and_alias(experiment: Experiment) -> None:
    x, y = load_iris(return_X_y=True)
    name = f"registered {experiment.experiment_id}"
    models = [LogisticRegression(max_iter=300, C=c).fit(x, y) for c in (1.0, 0.01)]
    for number, trained in enumerate(models, 1):
        with mlflow.start_run() as run:
            info = mlflow.sklearn.log_model(trained, name="iris", registered_model_name=name)
        assert int(info.registered_model_version) == number
    client = MlflowClient()
    client.set_registered_model_alias(name, "champion", "1")
    for uri, trained in ((f"models:/{name}/1", models[0]), (f"models:/{name}/2", models[1]),
                         (f"models:/{name}@champion", models[0]), (f"models:/{name}/latest", models[1])):
        assert list(mlflow.sklearn.load_model(uri).predict(x)) == list(trained.predict(x))
    copied = client.copy_model_version(f"models:/{name}@champion", f"{name} copied")
    assert list(mlflow.sklearn.load_model(f"models:/{copied.name}/1").predict(x)) == list(models[0].predict(x))
    mlflow.register_model(f"runs:/{run.info.run_id}/iris", name)
    assert list(mlflow.sklearn.load_model(f"models:/{name}/3").predict(x)) == list(models[1].predict(x))
    client.delete_model_version(name, "1")
    with pytest.raises(MlflowException):
        mlflow.sklearn.load_model(f"models:/{name}@champion")

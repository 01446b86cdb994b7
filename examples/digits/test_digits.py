"""Trains the short form against a real server and checks what the server then holds.

    MODELDB_BIN=/path/to/modeldb python -m unittest -v test_digits
"""

from __future__ import annotations

import csv
import hashlib
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np

from modeldb_api import Api, ApiError

TRAIN = Path(__file__).resolve().with_name("train.py")
ROLES = {"training_dataset": ("train-short.csv", 300), "validation_dataset": ("validation.csv", 359),
         "test_dataset": ("test.csv", 360)}
START_SECONDS = 30
STOP_SECONDS = 30
TRAIN_SECONDS = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server process on a free port, with its records below folder."""

    def __init__(self, folder: Path) -> None:
        binary = os.environ.get("MODELDB_BIN")
        if not binary:
            raise RuntimeError("set MODELDB_BIN to the server's binary")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.api = Api(self.url)
        self.log = folder / "server.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [os.path.abspath(binary), "serve", "--port", str(port), "--data", str(folder / "data")],
                cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        try:
            self._wait()
        except BaseException:
            self.kill()
            raise

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the server did not start:\n{self.log.read_text(errors='replace')}")
            time.sleep(0.05)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + "/readyz", timeout=5) as answer:
                return answer.status == 200
        except OSError:  # not listening yet, or an answer other than 2xx
            return False

    def stop(self) -> int:
        """Asks the server to stop, and gives its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def experiments(self) -> list[dict[str, Any]]:
        return self.api.get("experiments", "all")


def train(server: Server, folder: Path) -> str:
    """Runs the short training as a user does, in folder, and gives what it printed."""
    done = subprocess.run([sys.executable, str(TRAIN), "--short", "--url", server.url], cwd=folder,
                          capture_output=True, text=True, timeout=TRAIN_SECONDS)
    if done.returncode != 0:
        raise AssertionError(f"train.py ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def table_versions(printed: str) -> list[str]:
    """The version labels in the table that training prints at its end."""
    table = printed.split("All experiments, by validation accuracy:")[1].split("The best of each model:")[0]
    return re.findall(r"\b(?:svm|forest)-\d+\b", table)


def file_at(address: str, folder: Path) -> Path:
    """The file at an address, once its bytes are known to have the recorded digest."""
    url = urllib.parse.urlsplit(address)
    path = folder / urllib.parse.unquote(url.path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if (url.scheme, url.fragment) != ("file", f"sha256={digest}"):
        raise AssertionError(f"{address} is recorded, but the digest of that file is {digest}")
    return path


def read_csv(path: Path) -> np.ndarray:
    with path.open(newline="") as file:
        return np.array([list(map(int, row)) for row in list(csv.reader(file))[1:]])


class RecordsOfOneTraining(unittest.TestCase):
    folder: Path
    server: Server
    printed: str
    experiments: list[dict[str, Any]]

    @classmethod
    def setUpClass(cls) -> None:
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = Path(temporary.name)
        cls.server = Server(cls.folder)
        cls.addClassCleanup(cls.server.kill)
        cls.printed = train(cls.server, cls.folder)
        cls.experiments = cls.server.experiments()

    def test_project_has_two_models_and_each_has_experiments(self) -> None:
        project, = self.server.api.get("projects", "all")
        self.assertEqual(project["project_name"], "handwritten digits")
        models = self.server.api.get("models", "project-id", project["project_id"])
        self.assertEqual(sorted(model["model_name"] for model in models), ["SVM", "random forest"])
        for model in models:
            found = self.server.api.get("experiments", "model-id", model["model_id"])
            self.assertGreaterEqual(len(found), 2, model["model_name"])
        self.assertGreaterEqual(len(self.experiments), 4)

    def test_parameters_differ_and_hold_the_grid_point(self) -> None:
        parameters = [one["parameters"] for one in self.experiments]
        for one in parameters:
            grid = {"SVC": {"C", "gamma"}, "RandomForestClassifier": {"n_estimators", "max_features"}}
            self.assertLessEqual(grid[one["estimator"]], one.keys())
            self.assertEqual(one["training_samples"], 300)
        self.assertEqual(len({str(sorted(one.items())) for one in parameters}), len(parameters))

    def test_data_sets_are_recorded_by_file_and_digest_and_share_no_sample(self) -> None:
        for one in self.experiments:
            seen: set[int] = set()
            for role, (name, rows) in ROLES.items():
                path = file_at(one[role], self.folder)
                self.assertEqual(path, self.folder / "digits-out" / "data" / name)
                samples = set(read_csv(path)[:, 0].tolist())
                self.assertEqual(len(samples), rows)
                self.assertFalse(seen & samples, f"{role} shares samples with another data set")
                seen |= samples

    def test_scores_on_the_validation_set(self) -> None:
        for one in self.experiments:
            self.check_scores(one, "validation_", rows=359)
            self.assertGreater(one["evaluations"]["fit_seconds"], 0)

    def test_only_the_best_of_each_model_has_scores_on_the_test_set(self) -> None:
        tested = [one for one in self.experiments if "accuracy" in one["evaluations"]]
        self.assertEqual(len({one["model_id"] for one in tested}), 2)
        self.assertEqual(len(tested), 2)
        for best in tested:
            self.check_scores(best, "", rows=360)
            others = [one["evaluations"]["validation_accuracy"] for one in self.experiments
                      if one["model_id"] == best["model_id"]]
            self.assertEqual(best["evaluations"]["validation_accuracy"], max(others))

    def check_scores(self, experiment: dict[str, Any], prefix: str, rows: int) -> None:
        scores = experiment["evaluations"]
        for name in ("accuracy", "f1_macro"):
            self.assertGreater(scores[prefix + name], 0.8)
            self.assertLessEqual(scores[prefix + name], 1)
        has_probabilities = experiment["parameters"]["estimator"] == "RandomForestClassifier"
        self.assertEqual(prefix + "log_loss" in scores, has_probabilities)
        matrix = np.array(scores[prefix + "confusion_matrix"])
        self.assertEqual(matrix.shape, (10, 10))
        self.assertEqual(matrix.sum(), rows)
        self.assertAlmostEqual(matrix.trace() / rows, scores[prefix + "accuracy"])
        per_class = scores[prefix + "per_class"]
        self.assertEqual([per_class[str(digit)]["support"] for digit in range(10)], matrix.sum(axis=1).tolist())
        self.assertAlmostEqual(np.mean([one["f1"] for one in per_class.values()]), scores[prefix + "f1_macro"])

    def test_model_files_give_the_recorded_accuracy_again(self) -> None:
        for one in self.experiments:
            model = pickle.loads(file_at(one["artifact_file_paths"]["model"], self.folder).read_bytes())
            self.check_accuracy(model, one, "validation_dataset", "validation_accuracy")
            if "accuracy" in one["evaluations"]:
                self.check_accuracy(model, one, "test_dataset", "accuracy")

    def check_accuracy(self, model: Any, experiment: dict[str, Any], role: str, name: str) -> None:
        rows = read_csv(file_at(experiment[role], self.folder))
        accuracy = np.mean(model.predict(rows[:, 1:-1]) == rows[:, -1])
        self.assertAlmostEqual(accuracy, experiment["evaluations"][name])

    def test_predictions_are_those_of_the_recorded_accuracy(self) -> None:
        names = {"validation_predictions": "validation_accuracy", "test_predictions": "accuracy"}
        for one in self.experiments:
            paths, scores = one["artifact_file_paths"], one["evaluations"]
            self.assertEqual("test_predictions" in paths, "accuracy" in scores)
            for name in names.keys() & paths.keys():
                rows = read_csv(file_at(paths[name], self.folder))
                self.assertAlmostEqual(np.mean(rows[:, 1] == rows[:, 2]), scores[names[name]])

    def test_printed_table_lists_every_experiment_best_first(self) -> None:
        accuracy = {one["model_version_id"]: one["evaluations"]["validation_accuracy"] for one in self.experiments}
        versions = table_versions(self.printed)
        self.assertEqual(sorted(versions), sorted(accuracy))
        listed = [accuracy[version] for version in versions]
        self.assertEqual(listed, sorted(listed, reverse=True))

    def test_printed_addresses_show_the_best_experiments(self) -> None:
        addresses = re.findall(r"^  (http\S+)$", self.printed, re.MULTILINE)
        found = [self.server.api.get("experiments", "id", address.rpartition("/")[2]) for address in addresses]
        self.assertEqual(addresses, [self.server.api.address("experiments", "id", one["experiment_id"])
                                     for one in found])
        tested = {one["experiment_id"] for one in self.experiments if "accuracy" in one["evaluations"]}
        self.assertEqual({one["experiment_id"] for one in found}, tested)


class TrainingAgain(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def start(self) -> Server:
        server = Server(self.folder)
        self.addCleanup(server.kill)
        return server

    def test_second_training_adds_experiments_and_all_outlive_a_restart(self) -> None:
        server = self.start()
        train(server, self.folder)
        first = server.experiments()
        printed = train(server, self.folder)
        both = server.experiments()
        projects, models = server.api.get("projects", "all"), server.api.get("models", "all")
        self.assertEqual((len(projects), len(models)), (1, 2))
        self.assertEqual(len(both), 2 * len(first))
        for one in first:
            self.assertIn(one, both)
        versions = [one["model_version_id"] for one in both]
        self.assertEqual(len(set(versions)), len(versions), "a version label came twice")
        self.assertEqual(sorted(table_versions(printed)), sorted(versions))
        self.assertEqual(server.stop(), 0)

        server = self.start()
        self.assertEqual(server.experiments(), both)
        self.assertEqual(server.api.get("projects", "all"), projects)
        self.assertEqual(server.api.get("models", "all"), models)
        self.assertEqual(server.stop(), 0)


class RefusedRequests(unittest.TestCase):
    def test_message_tells_the_status_and_the_reason(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            server = Server(Path(folder))
            self.addCleanup(server.kill)
            with self.assertRaisesRegex(ApiError, r"GET \S+/models/id/31415926 answered 404: .*31415926"):
                server.api.get("models", "id", "31415926")
            with self.assertRaisesRegex(ApiError, r"POST \S+/models answered 422: .*model_name"):
                server.api.post("models", project_id="31415926")

    def test_training_without_a_server_ends_with_a_message(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, str(TRAIN), "--short", "--url", f"http://127.0.0.1:{free_port()}"],
                cwd=folder, capture_output=True, text=True, timeout=TRAIN_SECONDS)
        self.assertEqual(done.returncode, 1)
        self.assertIn("Is Model DB running there?", done.stderr)
        self.assertNotIn("Traceback", done.stderr)


if __name__ == "__main__":
    unittest.main()

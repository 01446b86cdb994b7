#!/usr/bin/env python3
"""Trains two lines of models on handwritten digits and records every step in Model DB.

Each experiment is posted before its training starts, with its parameters and data sets; evaluations and
addresses of files follow when they are known. At the end everything is read back and compared.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import pickle
import re
import sys
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Optional

import numpy as np
import sklearn
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import (accuracy_score, confusion_matrix, f1_score, log_loss,
                             precision_recall_fscore_support)
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from modeldb_api import Api, ApiError, Record

SEED = 0  # fixes the split and the forests, so that a second run gives the same digests and scores
SHORT_TRAINING_SAMPLES = 300


@dataclass(frozen=True)
class Line:
    """One line of models: an estimator, and the grid of parameters to try it with."""

    model_name: str
    label: str
    description: str
    estimator: type
    fixed: dict[str, Any]
    grid: dict[str, list[Any]]
    short_grid: dict[str, list[Any]]


# The pixels all run from 0 to 16, so neither line needs a scaler; gamma is chosen for that range.
LINES = (
    Line("SVM", "svm", "Support vector machine with a radial kernel on raw pixels", SVC,
         fixed={"kernel": "rbf"},
         grid={"C": [0.1, 1, 10], "gamma": [0.0001, 0.0003, 0.001, 0.003]},
         short_grid={"C": [1, 10], "gamma": [0.001]}),
    Line("random forest", "forest", "Random forest on raw pixels", RandomForestClassifier,
         fixed={"random_state": SEED},
         grid={"n_estimators": [25, 100, 300], "max_depth": [5, None], "max_features": ["sqrt", 0.3]},
         short_grid={"n_estimators": [25, 100], "max_features": ["sqrt"]}),
)


@dataclass(frozen=True)
class Dataset:
    """One part of the digits, as read from its file."""

    address: str
    samples: np.ndarray  # where each row stands in scikit-learn's data set
    pixels: np.ndarray
    digits: np.ndarray


class Split(NamedTuple):
    training: Dataset
    validation: Dataset
    test: Dataset


def file_address(path: Path) -> str:
    """The address of a file together with its digest: the record then tells which bytes were meant."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"file:{urllib.parse.quote(path.as_posix(), safe='/:')}#sha256={digest}"


def write_csv(path: Path, columns: list[str], rows: np.ndarray) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="\n") as file:  # the same bytes, thus the same digest, on every system
        np.savetxt(file, rows, fmt="%d", delimiter=",", header=",".join(columns), comments="")
    return file_address(path)


def write_and_load(path: Path, samples: np.ndarray) -> Dataset:
    """Writes these samples as a CSV file and reads them from it, so the digest is that of the data used."""
    source = load_digits()
    rows = np.column_stack([samples, source.data[samples], source.target[samples]])
    address = write_csv(path, ["sample", *source.feature_names, "digit"], rows)
    rows = np.loadtxt(path, delimiter=",", skiprows=1, dtype=int)
    return Dataset(address, rows[:, 0], rows[:, 1:-1], rows[:, -1])


def split_digits(folder: Path, short: bool) -> Split:
    """Splits the digits 60:20:20 into training, validation and test, every digit in equal proportion.

    The short form shortens the training set only, so that its scores compare with those of the full form.
    """
    digits = load_digits().target

    def halves(samples: np.ndarray, first: Any) -> list[np.ndarray]:
        return train_test_split(samples, train_size=first, random_state=SEED, stratify=digits[samples])

    training, held_out = halves(np.arange(len(digits)), 0.6)
    validation, test = halves(held_out, 0.5)
    name = "train.csv"
    if short:
        training, _ = halves(training, SHORT_TRAINING_SAMPLES)
        name = "train-short.csv"  # a name of its own: recorded digests of train.csv must stay true
    return Split(write_and_load(folder / name, training),
                 write_and_load(folder / "validation.csv", validation),
                 write_and_load(folder / "test.csv", test))


def evaluate(estimator: Any, data: Dataset, predicted: np.ndarray) -> Record:
    """Scores of the predictions. Numbers become metrics in Model DB; lists and objects are kept as they are."""
    labels = list(range(10))
    columns = precision_recall_fscore_support(data.digits, predicted, labels=labels, zero_division=0)
    scores: Record = {
        "accuracy": float(accuracy_score(data.digits, predicted)),
        "f1_macro": float(f1_score(data.digits, predicted, average="macro")),
        "per_class": {
            str(digit): {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
            for digit, p, r, f, n in zip(labels, *columns)},
        # One row for each true digit, one column for each predicted digit.
        "confusion_matrix": confusion_matrix(data.digits, predicted, labels=labels).tolist(),
    }
    if hasattr(estimator, "predict_proba"):  # the SVM has no probabilities
        scores["log_loss"] = float(log_loss(data.digits, estimator.predict_proba(data.pixels), labels=labels))
    return scores


class Training:
    """One experiment: recorded first, then trained and evaluated."""

    def __init__(self, api: Api, line: Line, point: Record, model_id: str, version: str, data: Split,
                 out: Path) -> None:
        self.api, self.version, self.point, self.data = api, version, point, data
        self.estimator = line.estimator(**line.fixed, **point)
        self.accuracy = 0.0  # on the validation set, once trained
        parameters = {"estimator": line.estimator.__name__, **line.fixed, **point,
                      "training_samples": len(data.training.digits),
                      "library": f"scikit-learn {sklearn.__version__}"}
        experiment = api.post(
            "experiments", model_id=model_id, model_version_id=version, parameters=parameters,
            training_dataset=data.training.address, validation_dataset=data.validation.address,
            test_dataset=data.test.address)
        self.id = experiment["experiment_id"]
        self.folder = out / "experiments" / self.id

    def run(self) -> None:
        start = time.perf_counter()
        self.estimator.fit(self.data.training.pixels, self.data.training.digits)
        seconds = time.perf_counter() - start
        model = self.folder / "model.pkl"
        model.parent.mkdir(parents=True)
        model.write_bytes(pickle.dumps(self.estimator))
        self._record_files(model=file_address(model))
        scores = self._evaluate(self.data.validation, "validation_")
        self._record_scores(**scores, fit_seconds=seconds)
        self.accuracy = scores["validation_accuracy"]
        print(f"  {self.version}  {as_text(self.point)}: validation accuracy {self.accuracy:.4f}", flush=True)

    def report_on_test_set(self) -> None:
        """Adds the scores on the test set to what is recorded already; their names have no prefix."""
        self._record_scores(**self._evaluate(self.data.test, ""))

    def _evaluate(self, data: Dataset, prefix: str) -> Record:
        predicted = self.estimator.predict(data.pixels)
        name = f"{prefix or 'test_'}predictions"
        rows = np.column_stack([data.samples, data.digits, predicted])
        address = write_csv(self.folder / f"{name}.csv", ["sample", "digit", "predicted"], rows)
        self._record_files(**{name: address})
        return {prefix + key: value for key, value in evaluate(self.estimator, data, predicted).items()}

    # What is posted by these two is merged, key by key, into what the experiment has already.

    def _record_scores(self, **scores: Any) -> None:
        self.api.post("experiments", "evaluations", self.id, evaluations=scores)

    def _record_files(self, **addresses: str) -> None:
        self.api.post("experiments", "artifact-file-paths", self.id, artifact_file_paths=addresses)


def points(grid: dict[str, list[Any]]) -> Iterator[Record]:
    for values in itertools.product(*grid.values()):
        yield dict(zip(grid, values))


def next_number(api: Api, model_id: str, label: str) -> int:
    """One more than the greatest number among the model's version labels.

    Two trainings at the same time may draw the same number; only a label is then doubled, never an id.
    """
    labels = [experiment["model_version_id"] for experiment in api.get("experiments", "model-id", model_id)]
    numbers = [re.fullmatch(re.escape(label) + r"-(\d+)", text) for text in labels]
    return max((int(found[1]) for found in numbers if found), default=0) + 1


def train_line(api: Api, line: Line, project_id: str, data: Split, out: Path, short: bool) -> Record:
    # Creating a model (or project) that exists gives the existing one, so a second run just goes on.
    model = api.post("models", project_id=project_id, model_name=line.model_name, description=line.description)
    print(f"{line.model_name}:")
    first = next_number(api, model["model_id"], line.label)
    trainings = []
    for number, point in enumerate(points(line.short_grid if short else line.grid), first):
        training = Training(api, line, point, model["model_id"], f"{line.label}-{number}", data, out)
        training.run()
        trainings.append(training)
    # Validation alone selects; of equals the first is taken. The test set is looked at once for each line,
    # after the choice: its accuracy then estimates new digits, and is not the luckiest of many.
    max(trainings, key=lambda training: training.accuracy).report_on_test_set()
    return model


def score(experiment: Record, name: str) -> Optional[float]:
    """A number among an experiment's evaluations; None while its training is not done."""
    value = (experiment["evaluations"] or {}).get(name)
    return value if isinstance(value, (int, float)) else None


def varying(experiments: list[Record]) -> list[str]:
    """The names of parameters that are not the same in all of these experiments."""
    every = [experiment["parameters"] or {} for experiment in experiments]
    names = {name: None for parameters in every for name in parameters}  # a dict keeps their order
    return [name for name in names if len({json.dumps(parameters.get(name)) for parameters in every}) > 1]


def as_text(parameters: Record) -> str:
    return " ".join(f"{name}={value}" for name, value in parameters.items())


def best_first(experiment: Record) -> tuple[float, str]:
    return -(score(experiment, "validation_accuracy") or 0), experiment["created_datetime"]


def rounded(value: Optional[float], digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def table_row(experiment: Record, model_name: str, names: list[str]) -> list[str]:
    parameters = experiment["parameters"] or {}
    return [model_name, experiment["model_version_id"],
            as_text({name: parameters[name] for name in names if name in parameters}),
            rounded(score(experiment, "validation_accuracy"), 4),
            rounded(score(experiment, "validation_f1_macro"), 4),
            rounded(score(experiment, "accuracy"), 4),
            rounded(score(experiment, "fit_seconds"), 3)]


def print_table(rows: list[list[str]]) -> None:
    head = ["model", "version", "parameters", "val. accuracy", "val. f1", "test accuracy", "fit s"]
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    for row in [head, ["-" * width for width in widths], *rows]:
        cells = [cell.ljust(width) if at < 3 else cell.rjust(width)
                 for at, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells))


def print_comparison(api: Api, models: list[Record]) -> None:
    """Compares what Model DB holds now, earlier runs of this script included."""
    rows, best = [], []
    for model in models:
        experiments = sorted(api.get("experiments", "model-id", model["model_id"]), key=best_first)
        names = varying(experiments)
        rows += [(best_first(one), table_row(one, model["model_name"], names)) for one in experiments]
        best.append((model["model_name"], experiments[0]))
    print("\nAll experiments, by validation accuracy:\n")
    print_table([row for _, row in sorted(rows)])
    print("\nThe best of each model:\n")
    for model_name, experiment in best:
        print(f"{model_name}: {experiment['model_version_id']}, "
              f"test accuracy {rounded(score(experiment, 'accuracy'), 4)}")
        print(f"  {api.address('experiments', 'id', experiment['experiment_id'])}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="address of Model DB (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("digits-out"), help="folder for files (%(default)s)")
    parser.add_argument("--short", action="store_true", help="fewer samples and parameters; a few seconds")
    args = parser.parse_args()
    api = Api(args.url)
    try:
        project = api.post("projects", project_name="handwritten digits",
                           description="Which digit is on an 8x8 image? Data: scikit-learn's load_digits")
        data = split_digits(args.out / "data", args.short)
        models = [train_line(api, line, project["project_id"], data, args.out, args.short) for line in LINES]
        print_comparison(api, models)
    except ApiError as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

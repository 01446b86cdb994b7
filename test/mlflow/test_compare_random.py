"""Requests drawn at random, to MLflow's server and to ours, which answer each of them alike."""

from __future__ import annotations

import random
from typing import Any

import pytest

from both import Both, Ref
from wire import pairs

STEPS = 60
KEYS = ["a", "b", "long/key with.dots", "bad#"]
TEXTS = ["", "1", "x", "Ünï", "0.10"]
NUMBERS = [-2, 0, 1, 1.5, 7, 1e300, "Infinity!"]


class Session:
    """Requests about one experiment with a few runs and logged models."""

    def __init__(self, both: Both, seed: int) -> None:
        self.both, self.draw = both, random.Random(seed)
        self.experiment = both.experiment()
        self.runs: list[Ref] = []
        self.models: list[Ref] = []
        self.add_run()

    def step(self) -> None:
        """Sends one request and compares the answers."""
        self.draw.choice([self.add_run, self.add_model, self.log_metric, self.log_metric, self.log_batch,
                          self.log_batch, self.log_param, self.set_tag,
                          self.delete_tag, self.update, self.delete_or_restore, self.history, self.search, self.search,
                          self.end_model])()
        self.both.read(self.run())

    def run(self) -> Ref:
        return self.draw.choice(self.runs)

    def body(self, **fields: Any) -> dict[str, Any]:
        return {"run_id": self.run()} | fields

    def add_run(self) -> None:
        tags = pairs(**{self.draw.choice(KEYS): self.draw.choice(TEXTS)}) if self.draw.random() < 0.5 else []
        if len(self.runs) < 5:
            self.runs.append(self.both.run(self.experiment, run_name=f"run {len(self.runs)}", tags=tags,
                                           start_time=self.draw.randrange(3),
                                           user_id=self.draw.choice(TEXTS)))

    def add_model(self) -> None:
        if len(self.models) < 3:
            self.models.append(self.both.logged_model(self.experiment, name=f"model {len(self.models)}",
                                                      source_run_id=self.run(),
                                                      params=pairs(p=self.draw.choice(TEXTS)),
                                                      tags=pairs(t=self.draw.choice(TEXTS))))

    def end_model(self) -> None:
        for model in self.models[:1]:
            self.both.call("PATCH", f"logged-models/{model}",
                           {"model_id": model, "status": self.draw.choice([2, 3, "LOGGED_MODEL_READY"])})
            self.both.get(f"logged-models/{model}")

    def point(self) -> dict[str, Any]:
        return {"key": self.draw.choice(KEYS[:3]), "value": self.draw.choice(NUMBERS[:6]),
                "timestamp": self.draw.randrange(4), "step": self.draw.randrange(-1, 3)}

    def log_metric(self) -> None:
        self.both.post("runs/log-metric", self.body(**self.point() | {"key": self.draw.choice(KEYS)}))

    def log_batch(self) -> None:
        lists: dict[str, Any] = {"metrics": [self.point() for _ in range(self.draw.randrange(5))]}
        if self.draw.random() < 0.5:
            lists["params"] = pairs(**{self.draw.choice(KEYS): self.draw.choice(TEXTS),
                                       "p": self.draw.choice(TEXTS[:2])})
        if self.draw.random() < 0.5:
            lists["tags"] = pairs(**{self.draw.choice(KEYS): self.draw.choice(TEXTS), "mlflow.note": "n"})
        self.both.post("runs/log-batch", self.body(**lists))

    def log_param(self) -> None:
        self.both.post("runs/log-parameter", self.body(key=self.draw.choice(KEYS), value=self.draw.choice(TEXTS)))

    def set_tag(self) -> None:
        self.both.post("runs/set-tag", self.body(key=self.draw.choice(KEYS), value=self.draw.choice(TEXTS)))

    def delete_tag(self) -> None:
        self.both.post("runs/delete-tag", self.body(key=self.draw.choice(KEYS)))

    def update(self) -> None:
        changes = {"status": self.draw.choice(["RUNNING", "FINISHED", "FAILED"]), "end_time": self.draw.randrange(1, 9)}
        self.both.post("runs/update", self.body(**dict(self.draw.sample(sorted(changes.items()),
            self.draw.randrange(3)))))

    def delete_or_restore(self) -> None:
        self.both.post(self.draw.choice(["runs/delete", "runs/restore", "runs/restore"]), self.body())

    def history(self) -> None:
        self.both.get("metrics/get-history", self.body(metric_key=self.draw.choice(KEYS)))

    def search(self) -> None:
        key = self.draw.choice(["a", "b", "`long/key with.dots`"])
        operator, number = self.draw.choice([">", "<=", "!="]), self.draw.choice([0, 1, 1.5])
        clause = self.draw.choice([f"metrics.{key} {operator} {number}",
                                   f"params.{key} = '{self.draw.choice(TEXTS)}'",
                                   f"tags.{key} != '{self.draw.choice(TEXTS)}'", f"tags.{key} IS NULL",
                                   "status = 'FINISHED'", "end_time > 3", "user_id LIKE '%x%'", ""])
        self.both.post("runs/search", {"experiment_ids": [self.experiment], "filter": clause,
                                       "run_view_type": self.draw.choice([1, 2, 3]),
                                       "order_by": [self.draw.choice([f"metrics.{key} DESC", f"params.{key}",
                                                                      "end_time", "start_time DESC"]), "run_name"]})


@pytest.mark.parametrize("seed", range(8))
def test_requests_drawn_at_random_are_answered_alike(both: Both, seed: int) -> None:
    session = Session(both, seed)
    for _ in range(STEPS):
        session.step()

"""One server's HTTP API, spoken without MLflow's client."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import requests

V2 = "/api/2.0/mlflow/"
V3 = "/api/3.0/mlflow/"
AJAX = "/ajax-api/2.0/mlflow/"
OWN = "/v0.1/api/"


@dataclass
class Answer:
    """What a server answered."""

    status: int
    body: Any  # the JSON value; where there is none, the text
    headers: Any

    def __getitem__(self, path: str) -> Any:
        """Returns the value at a path such as run.info.run_id."""
        value = self.body
        for step in path.split("."):
            value = value[int(step) if isinstance(value, list) else step]
        return value

    def fine(self) -> Answer:
        """Returns itself, unless the answer is an error."""
        assert self.status == 200, f"{self.status} {self.body}"
        return self

    def refused(self, status: int, code: str, says: str) -> None:
        """Asserts an error of MLflow's form whose message has the text."""
        assert (self.status, self.body.get("error_code")) == (status, code), f"{self.status} {self.body}"
        assert says in self.body["message"], self.body["message"]


class Door:
    """A server's routes. A path that begins with no slash is one below /api/2.0/mlflow/."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()

    def send(self, method: str, path: str, data: bytes | str | None = None, query: Any = None,
             headers: dict[str, str] | None = None) -> Answer:
        url = self.url + (path if path.startswith("/") else V2 + path)
        if isinstance(data, str):
            data = data.encode()
        response = self.session.request(method, url, data=data, params=query, headers=headers, timeout=60)
        try:
            body = response.json()
        except ValueError:
            body = response.text
        return Answer(response.status_code, body, response.headers)

    def post(self, path: str, body: Any, method: str = "POST", headers: dict[str, str] | None = None) -> Answer:
        return self.send(method, path, json.dumps(body), headers={"Content-Type": "application/json"} | (headers or {}))

    def patch(self, path: str, body: Any) -> Answer:
        return self.post(path, body, "PATCH")

    def delete(self, path: str, body: Any) -> Answer:
        return self.post(path, body, "DELETE")

    def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> Answer:
        return self.send("GET", path, query=query, headers=headers)

    def experiment(self, name: str, **fields: Any) -> str:
        return self.post("experiments/create", {"name": name} | fields).fine()["experiment_id"]

    def run(self, experiment: str, **fields: Any) -> str:
        return self.post("runs/create", {"experiment_id": experiment} | fields).fine()["run.info.run_id"]

    def read_run(self, run: str) -> Any:
        return self.get("runs/get", run_id=run).fine()["run"]

    def log(self, run: str, **lists: Any) -> Answer:
        return self.post("runs/log-batch", {"run_id": run} | lists)

    def history(self, run: str, key: str) -> list[Any]:
        return self.get("metrics/get-history", run_id=run, metric_key=key).fine().body.get("metrics", [])

    def search(self, experiments: list[str], filter: str = "", **fields: Any) -> Answer:
        return self.post("runs/search", {"experiment_ids": experiments, "filter": filter} | fields)


def points(*values: Any, key: str = "m", first: int = 0) -> list[dict[str, Any]]:
    """Metrics of one key at steps that count from first."""
    return [{"key": key, "value": v, "timestamp": 1000 + s, "step": s} for s, v in enumerate(values, first)]


def pairs(**texts: str) -> list[dict[str, str]]:
    """Params or tags as the API wants them."""
    return [{"key": k, "value": v} for k, v in texts.items()]

"""One set of runs for everything that searches."""

from __future__ import annotations

from typing import Any

from wire import Door, pairs

RUNS, DELETED = 24, 2
CONTEXT = "mlflow.data.context"


def make_runs(door: Door) -> tuple[str, str, dict[str, str]]:
    """Keeps the runs on one server. What they hold repeats with periods that share no factor."""
    first, second = door.experiment("searched runs"), door.experiment("searched runs too")
    names: dict[str, str] = {}
    for n in range(RUNS):
        experiment = first if n % 8 else second
        name = ["alpha", "Alpha", "beta_1", "beta%1", "имя", "", "it's"][n % 7] or None
        fields: dict[str, Any] = {"start_time": 1000 + n // 3, "user_id": ["ann", "bob", ""][n % 3],
                                  "run_name": f"{name or 'run'} {n}"}
        run = door.run(experiment, **fields)
        names[run] = fields["run_name"]
        door.log(run, params=params(n), metrics=metrics(n), tags=tags(n)).fine()
        if n % 4:
            status = ["FINISHED", "FAILED", "KILLED", "SCHEDULED"][n % 4]
            door.post("runs/update", {"run_id": run, "status": status,
                                      **({"end_time": 2000 + n} if n % 5 else {})}).fine()
        if n % 3 == 0:
            door.post("runs/log-inputs", {"run_id": run, "datasets": [
                {"dataset": {"name": f"data{n % 4}", "digest": f"d{n % 2}", "source_type": "s", "source": "x"},
                 "tags": pairs(**{CONTEXT: ["train", "eval"][n % 2]})}]}).fine()
        if n % 13 == 5:
            door.post("runs/delete", {"run_id": run}).fine()
    return first, second, names


def params(n: int) -> list[dict[str, str]]:
    """Parameters of the nth run."""
    texts = {"lr": ["0.1", "0.01", "1e-3"][n % 3], "model": ["CNN", "cnn", "RNN 50%", "a_b", "aXb"][n % 5]}
    if n % 2:
        texts["only odd"] = str(n)
    if n % 6 == 0:
        texts["empty"] = ""
    return pairs(**texts)


def metrics(n: int) -> list[dict[str, Any]]:
    """Metrics of the nth run."""
    values: dict[str, Any] = {"loss": (n * 7) % 11 / 4, "acc/val": (n * 3) % 5 / 10, "same": 1.0}
    if n % 4 == 0:
        values["maybe"] = "NaN" if n % 8 == 0 else n
    if n % 9 == 0:
        values["big"] = 1e300 * (-1) ** n
    return [{"key": k, "value": v, "timestamp": 5, "step": 1} for k, v in values.items()]


def tags(n: int) -> list[dict[str, str]]:
    """Tags of the nth run."""
    texts = {"team": ["vision", "NLP", "Ünïcode"][n % 3], "mlflow.source.name": f"train{n % 2}.py"}
    if n % 5 == 0:
        texts["odd key/with.dots"] = "x"
    return pairs(**texts)

"""Searching runs: the same requests to MLflow's server and to ours, on one set of runs."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest

from both import Both, Ours, Ref
from filters import ALIKE, BEYOND, ORDERS, OTHER_WORDS, REFUSED, REFUSED_ORDERS
from runs import DELETED, RUNS, make_runs
from wire import Door

FIELDS = ["params.model", "params.`only odd`", "tags.team", "status", "user_id", "end_time"]
BY_START = ["attributes.start_time", "attributes.run_name"]


@dataclass
class Data:
    """The experiments and runs of both servers that the searches are about."""

    experiments: tuple[str, str]
    others: tuple[str, str]
    names: tuple[dict[str, str], dict[str, str]]  # of runs, by id


@pytest.fixture(scope="module")
def data(peer_url: str, our_url: str) -> Data:
    made = [make_runs(Door(url)) for url in (peer_url, our_url)]
    return Data(*((a, b) for a, b in zip(*made)))


def found(both: Both, data: Data, **fields: Any) -> list[list[str]]:
    """The names of the runs that both servers find, in order."""
    fields = {"order_by": BY_START} | fields
    names = []
    for at, door in enumerate((both.peer, both.ours)):
        body = {"experiment_ids": [data.experiments[at], data.others[at]]} | both.fill(fields, at)
        body["filter"] = fill_ids(body.get("filter", ""), data, at)
        names.append([run["info"]["run_name"] for run in door.post("runs/search", body).fine().body.get("runs", [])])
    assert names[0] == names[1], f"{fields}\nMLflow: {names[0]}\nours:   {names[1]}"
    return names


def fill_ids(filter: str, data: Data, at: int) -> str:
    """Puts a server's ids in the places of RUN0, RUN1, ... in a filter."""
    ids = list(data.names[at])
    for n in range(9, -1, -1):
        filter = filter.replace(f"RUN{n}", ids[n])
    return filter.replace("EXPERIMENT", data.experiments[at])


@pytest.mark.parametrize("filter", ALIKE)
def test_a_filter_finds_the_same_runs_in_the_same_order(both: Both, data: Data, filter: str) -> None:
    found(both, data, filter=filter)


@pytest.mark.parametrize("seed", range(60))
def test_a_filter_and_an_order_drawn_at_random_find_the_same_runs(both: Both, data: Data, seed: int) -> None:
    draw = random.Random(seed)
    negative = [clause for clause in ALIKE if " != " in clause or " <= " in clause
                or " IS NULL" in clause]  # which most runs satisfy
    clauses = [clause for clause in ALIKE if clause and "AND" not in (clause[:3], clause[-3:])]
    filter = " AND ".join(draw.sample(negative, 2) + draw.sample(clauses, draw.randint(0, 2)))
    order = [f"metrics.{draw.choice(['loss', 'maybe', 'big', 'nothing'])}{draw.choice(['', ' DESC'])}",
             f"{draw.choice(FIELDS)}{draw.choice(['', ' DESC'])}"]
    found(both, data, filter=filter, order_by=[*order, "attributes.run_name"])


@pytest.mark.parametrize("filter", REFUSED)
def test_a_filter_is_refused_alike(both: Both, data: Data, filter: str) -> None:
    both.faulty("runs/search", {"experiment_ids": ["0"], "filter": filter}, other_words=filter in OTHER_WORDS)


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_an_order_gives_the_same_runs(both: Both, data: Data, order: list[str]) -> None:
    if any("run_id" in key for key in order):
        order = ["attributes.start_time", *order]
    names = found(both, data, order_by=order + ["attributes.run_name"]
                  if not any("run" in key.lower() for key in order) else order)
    assert len(names[1]) == RUNS - DELETED


@pytest.mark.parametrize("order", REFUSED_ORDERS, ids=" ".join)
def test_an_order_is_refused_alike(both: Both, order: list[str]) -> None:
    both.faulty("runs/search", {"experiment_ids": ["0"], "order_by": order})


@pytest.mark.parametrize(("filter", "same_as"), BEYOND)
def test_what_mlflow_refuses_finds_what_it_says(both: Both, data: Data, filter: str, same_as: list[str]) -> None:
    """The runs are those that MLflow finds by any of the filters in same_as."""
    both.post("runs/search", {"experiment_ids": ["0"], "filter": filter}, differs="filters say more", ours=Ours())
    wanted: set[str] = set()
    for plain in same_as:
        wanted |= set(found(both, data, filter=plain)[0])
    answer = both.ours.search([data.experiments[1], data.others[1]], filter, order_by=["start_time"])
    got = [run["info"]["run_name"] for run in answer.fine().body.get("runs", [])]
    assert sorted(got) == sorted(wanted)


@pytest.mark.parametrize("view", ["ACTIVE_ONLY", "DELETED_ONLY", "ALL", 1, 2, 3])
def test_a_view_shows_the_same_runs(both: Both, data: Data, view: str | int) -> None:
    names = found(both, data, run_view_type=view, order_by=["attributes.run_name"])
    assert len(names[1]) == {"ACTIVE_ONLY": RUNS - DELETED, "DELETED_ONLY": DELETED, "ALL": RUNS, 1: RUNS - DELETED,
                             2: DELETED, 3: RUNS}[view]


def test_an_unknown_view_is_refused(both: Both) -> None:
    both.post("runs/search", {"experiment_ids": ["0"], "run_view_type": "foo"}, differs="a wrong enum is refused",
              ours=Ours(400, "INVALID_PARAMETER_VALUE", "run_view_type"))


@pytest.mark.parametrize("size", [1, 5, 21, 22, 23])
@pytest.mark.parametrize("order", [[], ["metrics.maybe DESC", "tags.`mlflow.runName`"],
                                   ["params.model", "attributes.run_name"]], ids=" ".join)
def test_pages_hold_every_run_once_and_in_order(both: Both, data: Data, size: int, order: list[str]) -> None:
    whole, token, walk = found(both, data, order_by=order or ["start_time DESC", "run_name"])[1], "", []
    while token is not None:
        body = {"experiment_ids": [data.experiments[1], data.others[1]], "max_results": size,
                "order_by": order or ["start_time DESC", "run_name"]}
        page = both.ours.post("runs/search", body | ({"page_token": token} if token else {})).fine().body
        walk += [run["info"]["run_name"] for run in page["runs"]]
        assert len(page["runs"]) == min(size, RUNS - DELETED - len(walk) + len(page["runs"]))
        token = page.get("next_page_token") or None
    assert walk == whole


@pytest.mark.parametrize("fields", [
    {}, {"experiment_ids": []}, {"experiment_ids": ["987654321"]}, {"experiment_ids": [""]}, {"experiment_ids": "x"},
    {"experiment_ids": ["0"], "max_results": 0}, {"experiment_ids": ["0"], "max_results": -1},
    {"experiment_ids": ["0"], "max_results": 50001},
    {"experiment_ids": ["0"], "max_results": "x"}, {"experiment_ids": ["0"], "order_by": "x"},
    {"experiment_ids": ["0"], "filter": 5}])
def test_a_wrong_search_is_refused_or_empty_alike(both: Both, fields: dict[str, Any]) -> None:
    both.post("runs/search", fields | ({"filter": "attributes.run_id = 'x'"} if "filter" not in fields else {}))


@pytest.mark.parametrize("fields", [{"experiment_ids": [5]}, {"order_by": [5]}, {"page_token": 5},
                                    {"run_view_type": 7}])
def test_a_field_of_a_wrong_type_is_refused(both: Both, fields: dict[str, Any]) -> None:
    both.refused("runs/search", {"experiment_ids": ["0"], "filter": "run_id = 'x'"} | fields)


def test_an_experiment_id_that_is_no_number_is_answered_alike(both: Both) -> None:
    both.post("runs/search", {"experiment_ids": ["abc"]})


@pytest.mark.parametrize(("filter", "same_as"), [("tags.team ILIKE 'ünïcode'", "tags.team = 'Ünïcode'"),
                                                 ("run_name ILIKE 'ИМЯ%'", "run_name LIKE 'имя%'")])
def test_ilike_knows_every_alphabet(both: Both, data: Data, filter: str, same_as: str) -> None:
    body = {"experiment_ids": [Ref("e", data.experiments)], "order_by": BY_START}
    wanted = both.ours.post("runs/search", both.fill(body, 1) | {"filter": same_as}).fine()["runs"]
    both.post("runs/search", body | {"filter": filter}, differs="ILIKE knows every alphabet",
              ours=Ours(check=lambda body: body.get("runs") == wanted))


@pytest.mark.parametrize("token", ["%%%", "e30=", "eyJvZmZzZXQiOiAxfQ==", "x", "A" * 5000])
def test_a_forged_token_is_refused(both: Both, data: Data, token: str) -> None:
    both.ours.search([data.experiments[1]], page_token=token).refused(400, "INVALID_PARAMETER_VALUE", "page")


def test_a_token_of_another_search_is_refused(both: Both, data: Data) -> None:
    ids = [data.experiments[1]]
    token = both.ours.search(ids, max_results=1, order_by=["metrics.loss"])["next_page_token"]
    for fields in ({}, {"order_by": ["metrics.loss DESC"]},
                   {"order_by": ["metrics.loss"], "filter": "metrics.loss > 0"}):
        both.ours.search(ids, **({"filter": ""} | fields), page_token=token).refused(400, "INVALID_PARAMETER_VALUE",
            "page")


def test_a_whole_found_run_is_as_it_is_read(both: Both, data: Data) -> None:
    for run in both.ours.search([data.experiments[1]], max_results=50).fine()["runs"]:
        assert run == both.ours.read_run(run["info"]["run_id"])

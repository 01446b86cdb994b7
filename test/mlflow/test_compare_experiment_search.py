"""Searching experiments: the same requests to MLflow's server and to ours."""

from __future__ import annotations

from typing import Any

import pytest

from both import Both, Ours
from wire import Door, pairs


@pytest.fixture(scope="module")
def names(peer_url: str, our_url: str) -> list[str]:
    """Experiments of both servers, for every test here."""
    made = []
    for name, tags in [("Alpha", pairs(team="vision", stage="a")), ("alphabet", pairs(team="Vision")),
                       ("beta_1", pairs(team="nlp")),
                                      ("beta%1", []), ("Gamma's \"own\"", pairs(**{"a b": "x", "c.d": "y"})),
                       ("delta", pairs(team=""))]:
        made.append(f"findable {name}")
        for url in (peer_url, our_url):
            door = Door(url)
            id = door.experiment(made[-1], tags=tags)
            if name == "delta":
                door.post("experiments/delete", {"experiment_id": id}).fine()
    return made


def searched(both: Both, **fields: Any) -> list[list[str]]:
    """The names that a search finds on each server, after comparing their order."""
    found = []
    for door in (both.peer, both.ours):
        got = door.post("experiments/search", {"max_results": 1000} | fields).fine().body.get("experiments", [])
        found.append([e["name"] for e in got if e["name"].startswith("findable ")])
    assert found[0] == found[1]
    return found


FILTERS = [
    "name = 'findable Alpha'", "attribute.name = 'findable Alpha'", "name != 'findable Alpha'",
    "name LIKE 'findable a%'", "name ILIKE 'findable a%'",
    "name LIKE 'findable beta_1'", "name LIKE '%Alpha%'", "name ILIKE '%ALPHA'", "`name` = 'findable Alpha'",
    "\"name\" = 'findable Alpha'",
    "name = \"findable Gamma's\"", "tags.team = 'vision'", "tag.team = 'vision'", "tags.team != 'vision'",
    "tags.team ILIKE 'VIS%'", "tags.team LIKE 'vis%'",
    "tags.`a b` = 'x'", "tags.\"a b\" = 'x'", "tags.c.d = 'y'", "tags.team IS NULL", "tags.team IS NOT NULL",
    "tags.team = 'vision' AND tags.stage = 'a'",
    "tags.team = 'vision' and name LIKE '%Alpha'", "tags.nothing = 'x'", "creation_time > 0", "creation_time < 0",
    "last_update_time >= 0 AND creation_time != 5",
    "experiment_id = '12'", "experiment_id IN ('12', '13')", "experiment_id != '12'", "experiment_id NOT IN ('12')", "",
    "name = 'findable Alpha' AND",
    "AND name = 'findable Alpha'", "name LIKE 'findable%' name LIKE '%a'", "creation_time > 5",
    "creation_time <= 9007199254740993",
]


@pytest.mark.parametrize("filter", FILTERS)
def test_a_filter_finds_the_same_experiments(both: Both, names: list[str], filter: str) -> None:
    for view in ("ACTIVE_ONLY", "DELETED_ONLY", "ALL"):
        searched(both, filter=filter, view_type=view, order_by=["name"])


REFUSED = [
    "name = Alpha", "name > 'a'", "name <> 'a'", "params.a = 'x'", "attributes.name = 'a'", "foo = 'x'", "'a' = name",
    "name = 5", "creation_time = '5'",
    "creation_time LIKE 'x'", "experiment_id > '1'", "experiment_id = 1", "experiment_id LIKE '1'", "tags.a > 'x'",
    "tags.a = 5", "tags.a = x", "name",
    "name = ", "= 'a'", "name = 'a'; name = 'b'", "name = 'a", "name IN ('a')", "tags.a IN ('a')", "metrics.a > 1",
    "experiment_id IN ()", "name IS NULL", "creation_time IS NULL", "TAGS.a = 'b'", "NAME = 'a'", "tags = 'a'",
    "name == 'a'",
]


@pytest.mark.parametrize("filter", REFUSED)
def test_a_filter_is_refused_alike(both: Both, filter: str) -> None:
    both.faulty("experiments/search", {"max_results": 5, "filter": filter})


@pytest.mark.parametrize("order", [["name"], ["name DESC"], ["name asc"], ["attribute.name DESC"], ["experiment_id"],
                                   ["experiment_id DESC"], ["creation_time"],
                                   ["creation_time DESC", "name"], ["last_update_time DESC"], ["name", "name DESC"], [],
                                   ["name ASC", "creation_time DESC"]])
def test_an_order_gives_the_same_experiments(both: Both, names: list[str], order: list[str]) -> None:
    searched(both, order_by=order, view_type="ALL")


@pytest.mark.parametrize("order", [["foo"], ["tags.a"], ["name sideways"], ["name DESC, experiment_id"], [""],
                                   ["name ASC NULLS FIRST"], ["attributes.name"]])
def test_an_order_is_refused_alike(both: Both, order: list[str]) -> None:
    both.faulty("experiments/search", {"max_results": 5, "order_by": order})


@pytest.mark.parametrize("fields", [{}, {"max_results": 0}, {"max_results": -1}, {"max_results": 50001},
                                    {"max_results": "x"}, {"max_results": None},
                                    {"max_results": 5, "order_by": "name"}, {"max_results": 5, "filter": 5}])
def test_a_wrong_search_is_refused_alike(both: Both, fields: dict[str, Any]) -> None:
    both.post("experiments/search", fields)


def test_a_forged_token_is_refused(both: Both) -> None:
    both.post("experiments/search", {"max_results": 5, "page_token": "%%%"}, differs="page tokens are opaque",
              ours=Ours(400, "INVALID_PARAMETER_VALUE", "page token"))
    both.refused("experiments/search", {"max_results": 5, "page_token": 5})


def test_pages_hold_every_experiment_once_and_in_order(both: Both, names: list[str]) -> None:
    for size in (1, 2, 3, 10):
        walks = []
        for door in (both.peer, both.ours):
            walk, token = [], None
            while token is not None or not walk:
                page = door.get("experiments/search", max_results=size, filter="name LIKE 'findable %'",
                                order_by="name", view_type="ALL",
                                **({"page_token": token} if token else {})).fine().body
                walk.append([e["name"] for e in page["experiments"]])
                token = page.get("next_page_token") or None
            walks.append(walk)
        assert walks[0] == walks[1]
        assert sorted(sum(walks[1], [])) == sorted(names)


def test_the_default_experiment_is_there(both: Both) -> None:
    both.get("experiments/get", {"experiment_id": "0"})
    both.get("experiments/get-by-name", {"experiment_name": "Default"})
    both.post("experiments/search", {"max_results": 5, "filter": "name = 'Default'"})


BEYOND = [("name = 'findable Alpha' OR name = 'findable delta'", ["findable Alpha", "findable delta"]),
          ("name LIKE 'findable %' AND NOT (tags.team IS NOT NULL)", ["findable Gamma's \"own\"", "findable beta%1"]),
          ("name like 'findable A%'", ["findable Alpha"]),
          ("name LIKE 'findable %' AND creation_time > 1.5 AND tags.team = 'nlp'", ["findable beta_1"])]


@pytest.mark.parametrize(("filter", "found"), BEYOND)
def test_filters_that_mlflow_refuses_find_experiments(both: Both, names: list[str], filter: str,
                                                      found: list[str]) -> None:
    both.post("experiments/search", {"max_results": 100, "filter": filter, "view_type": "ALL", "order_by": ["name"]},
              differs="filters say more",
              ours=Ours(check=lambda body: [e["name"] for e in body.get("experiments", [])] == found))

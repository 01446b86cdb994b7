"""Filters and orders of runs, for test_compare_run_search.

RUN0 to RUN9 stand for ids of runs, EXPERIMENT for that of their experiment.
"""

NUMBERS = [f"metrics.{key} {op} {value}" for key, value in [("loss", "1.25"), ("loss", "0"), ("maybe", "12"),
                                                            ("big", "1e299"), ("same", "1.0"), ("none", "1")]
           for op in ("=", "!=", "<", "<=", ">", ">=")]
WRITTEN = ["metrics.loss > -1", "metrics.loss > .5", "metrics.loss >1.", "metrics.loss>1e-1", "metrics.loss<1E0",
           "metric.loss > 1",
           "metrics.`acc/val` > 0.2", 'metrics."acc/val" > 0.2', "`metrics`.loss > 1", "  metrics.loss   >   1  ",
           "metrics.loss\n>\t1",
           "metrics.loss > 00.5", "metrics.loss = 1.250"]
TEXTS = [f"{field} {op} '{value}'" for field, values in [
    ("params.model", ["CNN", "c%", "%50%", "a_b", "a\\_b", "%", "", "RNN 50%"]),
    ("tags.team", ["vision", "nlp", "Ünïcode", "ünïcode", "%i%"]),
    ("params.`only odd`", ["7", "%1%"]), ("params.empty", ["", "%"]), ("attributes.user_id", ["ann", "A%", ""]),
    ("attributes.status", ["FINISHED", "finished", "F%", "RUNNING"]),
    ("run_name", ["alpha 7", "ALPHA%", "beta_1%", "имя%", "ИМЯ%"])]
    for value in values for op in ("=", "!=", "LIKE", "ILIKE") if op != "ILIKE" or value not in ("ünïcode", "ИМЯ%")]
NAMES = ["param.lr = '0.1'", "parameter.lr = '0.1'", "parameters.lr = '0.1'", "tag.team = 'NLP'",
         "attribute.status = 'FAILED'", "attr.status = 'FAILED'",
         "run.status = 'FAILED'", "status = 'KILLED'", "user_id = 'bob'", "attributes.`run name` = 'alpha 7'",
         "attributes.run_name = 'alpha 7'",
         "`run name` = 'alpha 7'", "attributes.`Run name` = 'alpha 7'", "attributes.`Run Name` = 'alpha 7'",
         'attributes."run_name" = "alpha 7"',
         "tags.`odd key/with.dots` = 'x'", "tags.mlflow.source.name = 'train1.py'",
         "tags.`mlflow.source.name` LIKE 'train%'", "tags.mlflow.runName = 'alpha 7'",
         'params."only odd" = "7"', "params.lr = \"0.1\"", "run_name = \"it's 6\"", "run_name LIKE '%it\\'s%'",
         "tags.team = 'a''b'"]
TIMES = [f"{field} {op} {value}" for field, value in [("start_time", 1005), ("end_time", 2015),
                                                      ("attributes.start_time", 1003), ("created", 1005),
                                                      ("attribute.Created", 1005)]
         for op in ("=", "!=", "<", "<=", ">", ">=")]
IDS = ["run_id = 'RUN1'", "run_id != 'RUN1'", "attributes.run_id LIKE 'RUN2'", "run_id ILIKE 'RUN3'",
       "run_id IN ('RUN1', 'RUN2', 'RUN4')", "run_id IN ('RUN1')",
       "attributes.run_id NOT IN ('RUN1','RUN2')", "run_id IN ('RUN1',)", "run_id IN ('nope')",
       "run_id NOT IN ('nope')", 'run_id IN ("RUN1", "RUN2")',
       "artifact_uri LIKE '%RUN1%'", "artifact_uri = 'mlflow-artifacts:/EXPERIMENT/RUN1/artifacts'",
       "artifact_uri LIKE 'mlflow-artifacts:/EXPERIMENT/%'"]
DATASETS = [f"{field} {op} '{value}'" for field, values in [("dataset.name", ["data0", "DATA%", "nothing"]),
                                                            ("datasets.digest", ["d1", "D%"]),
                                                            ("dataset.context", ["train", "EVAL"])]
            for value in values for op in ("=", "!=", "LIKE", "ILIKE")]
DATASETS += ["dataset.name IN ('data0', 'data3')", "dataset.name NOT IN ('data0', 'data3')", "dataset.digest IN ('d0')",
             "dataset.context IN ('train')",
             "dataset.name = 'data0' AND dataset.digest = 'd0'", "datasets.context = 'train' AND metrics.loss > 1"]
NULLS = ["params.empty IS NULL", "params.empty IS NOT NULL", "params.`only odd` IS NULL",
         "params.`only odd` is not null", "tags.team IS NULL",
         "tags.`odd key/with.dots` IS NOT NULL", "params.nothing IS NULL", "params.nothing IS NOT NULL",
         "tags.nothing IS NULL AND metrics.loss > 1"]
JOINED = ["metrics.loss > 0.5 AND metrics.loss < 2", "metrics.loss > 0.5 and params.lr = '0.1'",
          "params.lr = '0.1' And tags.team = 'vision'",
          "metrics.loss > 0.5 AND", "AND metrics.loss > 0.5", "metrics.loss > 0.5 metrics.loss < 2",
          "metrics.loss > 0 AND metrics.same = 1 AND params.model LIKE 'C%' AND status = 'FAILED'", "",
          "params.model != 'CNN' AND params.model != 'cnn'", "params.lr LIKE '0.%' AND params.lr LIKE '%1'",
          "start_time > 1002 AND end_time < 2030",
          "metrics.loss = 1 AND metrics.loss = 2", "tags.team = 'vision' AND tags.team = 'NLP'"]
ALIKE = NUMBERS + WRITTEN + TEXTS + NAMES + TIMES + IDS + DATASETS + NULLS + JOINED

REFUSED = [
    # not a list of comparisons
    "NOT metrics.loss > 1.x", "metrics.loss", "metrics.loss >", "> 1",
    "metrics.loss > 1 AND AND metrics.loss < 2 x", "metrics.loss > 1; metrics.loss > 2", "-- comment",
    "metrics.loss BETWEEN 1 AND 2", "'x' = params.lr", "1 < metrics.loss",
    "metrics.loss > 1 -- more", "foo bar baz", "metrics.loss > 'unclosed", "params.lr = 'a' 'b'", "*",
    "select * from runs", "metrics.loss > 1,", "(", ")", "((",
    # entities and keys
    "foo.bar = 'x'", "METRICS.loss > 1", "Params.lr = '1'", "metricss.loss > 1", "unknown = 'x'",
    "attributes.unknown = 'x'", "attributes.lifecycle_stage = 'active'",
    "experiment_id = '0'", "dataset.profile = 'x'", "datasets.source = 'x'", "dataset.name > 'x'",
    "params.only odd = '7'", "params = 'x'", "RUN_ID = 'x'",
    # operators
    "metrics.loss LIKE 1", "metrics.loss ILIKE '1'", "metrics.loss <> 1", "metrics.loss == 1", "params.lr > '1'",
    "params.lr <> '1'", "tags.team < 'x'",
    "status > 'FAILED'", "start_time LIKE '1'",
    "params.lr == '1'", "params.lr ~ 'x'", "params.lr RLIKE 'x'", "params.lr NOT LIKE 'x'", "metrics.loss !> 1",
    # values
    "metrics.loss > '1'", "metrics.loss > x", "metrics.loss > 1.2.3", "start_time > '100'", "start_time > x",
    "params.lr = 0.1", "params.lr = x", "tags.team = vision", "tags.team = 5",
    "status = FAILED", "status = 3", "run_id IN ()", "run_id IN (1)", "run_id IN ('a', 1)", "run_id IN 'a'",
    "run_id IN ('a'", "dataset.name = 5", "dataset.name IN ()",
    "params.lr = NULL", "params.lr = ", "metrics.loss > NaN", "metrics.loss > 'NaN'", "params.lr = `x`",
    "metrics.loss > 1 + 1", "run_id = ('a')",
    # null tests
    "metrics.loss IS NULL", "metrics.loss IS NOT NULL", "status IS NULL", "start_time IS NOT NULL",
    "dataset.name IS NULL", "params.lr IS", "params.lr IS NOT", "params.lr IS 5",
]

# Faults for which Model DB has other words than MLflow.
OTHER_WORDS = {"NOT metrics.loss > 1.x", "unknown = 'x'", "metrics.loss > 1.2.3", "run_id IN ('a'",
               "metrics.loss > 1 + 1", "run_id = ('a')"}

# What MLflow refuses and Model DB understands, with filters of MLflow's that find the same runs between them.
BEYOND = [
    ("metrics.loss > 2 OR metrics.loss < 0.5", ["metrics.loss > 2", "metrics.loss < 0.5"]),
    ("params.lr = '0.1' OR params.lr = '0.01' AND status = 'FAILED'",
     ["params.lr = '0.1'", "params.lr = '0.01' AND status = 'FAILED'"]),
    ("(params.lr = '0.1' OR params.lr = '0.01') AND status = 'FAILED'",
     ["params.lr = '0.1' AND status = 'FAILED'", "params.lr = '0.01' AND status = 'FAILED'"]),
    ("NOT metrics.loss > 1", ["metrics.loss <= 1"]),
    ("NOT (metrics.loss > 1 OR params.lr = '0.1')", ["metrics.loss <= 1 AND params.lr != '0.1'"]),
    ("(metrics.loss > 1)", ["metrics.loss > 1"]),
    ("not params.empty IS NULL", ["params.empty IS NOT NULL"]),
    ("metrics.loss IN (0, 1.25, 2.5)", ["metrics.loss = 0", "metrics.loss = 1.25", "metrics.loss = 2.5"]),
    ("start_time IN (1001, 1005)", ["start_time = 1001", "start_time = 1005"]),
    ("params.lr IN ('0.1', '1e-3')", ["params.lr = '0.1'", "params.lr = '1e-3'"]),
    ("status IN ('FAILED', 'KILLED')", ["status = 'FAILED'", "status = 'KILLED'"]),
    ("tags.team NOT IN ('vision')", ["tags.team != 'vision'"]),
    ("metrics.loss > 1 or metrics.loss <= 1", ["metrics.same = 1"]),
    ("metrics.loss > +0.5", ["metrics.loss > 0.5"]),
    ("metrics.acc/val > 0.2", ["metrics.`acc/val` > 0.2"]),
    (" ", [""]),
]

ORDERS = [[f"{key}{way}"] for key in ("metrics.loss", "metrics.maybe", "metrics.big", "metrics.nothing", "params.lr",
                                      "params.model", "params.`only odd`", "params.empty",
                                      "tags.team", "tags.`odd key/with.dots`", "attributes.start_time",
                                      "attributes.end_time", "attributes.status", "attributes.user_id",
                                      "attributes.run_name", "start_time", "status", "created", "attribute.Created",
                                      "metric.loss", "parameter.lr", "metrics.`acc/val`")
          for way in ("", " DESC")]
ORDERS += [["metrics.loss ASC"], ["params.lr asc"], ["tags.team desc"], ["metrics.maybe Desc"],
           ["metrics.same", "metrics.loss DESC"], ["params.lr", "metrics.loss"],
           ["status DESC", "user_id", "metrics.maybe ASC"], ["tags.team ASC", "params.model DESC"],
           ["metrics.maybe", "metrics.big DESC"], ["attributes.end_time DESC", "metrics.loss"]]

REFUSED_ORDERS = [["foo"], ["foo.bar"], ["attributes.unknown"], ["metrics.loss sideways"], ["metrics.loss ASC DESC"],
                  ["metrics.loss, params.lr"], ["metrics.loss ASC NULLS FIRST"], [""], [" "],
                  ["dataset.name"], ["metrics"], ["experiment_id"], ["METRICS.loss"], ["'metrics.loss'"],
                  ["metrics.loss > 1"], ["params.only odd"], ["metrics.loss;"],
                  ["metrics.loss", "metrics.loss DESC"], ["start_time", "created"], ["params.lr", "parameter.lr"],
                  ["attributes.`run name`"], ["DESC"], ["metrics.loss", "foo"]]

"""Works on the SQLite database of MLflow's own server, beside it.

fill FILE   reads rows from standard input and writes them as MLflow would:
            R<tab>experiment<tab>id<tab>name<tab>start<tab>end      a finished run
            M<tab>run<tab>key<tab>value<tab>time<tab>step           a point
            L<tab>(the same)                                        the latest point of a key
            P<tab>run<tab>key<tab>value                             a parameter
            T<tab>run<tab>key<tab>value                             a tag
fill-and-analyze FILE
            does the same, and then lets SQLite look at the tables
about FILE  prints the versions, and how MLflow's own connections sync.
"""

import itertools
import sqlite3
import sys

STATEMENTS = {
    "R": "insert into runs (experiment_id, run_uuid, name, start_time, end_time, source_type, source_name,"
    " entry_point_name, user_id, status, source_version, lifecycle_stage, artifact_uri)"
    " values (?1, ?2, ?3, ?4, ?5, 'UNKNOWN', '', '', '', 'FINISHED', '', 'active',"
    " 'mlflow-artifacts:/' || ?1 || '/' || ?2 || '/artifacts')",
    "M": "insert into metrics (run_uuid, key, value, timestamp, step, is_nan) values (?, ?, ?, ?, ?, 0)",
    "L": "insert into latest_metrics (run_uuid, key, value, timestamp, step, is_nan) values (?, ?, ?, ?, ?, 0)",
    "P": "insert into params (run_uuid, key, value) values (?, ?, ?)",
    "T": "insert into tags (run_uuid, key, value) values (?, ?, ?)",
}


def fill(file):
    db = sqlite3.connect(file, timeout=60)
    db.execute("pragma cache_size = -200000")
    rows = (line.rstrip("\n").split("\t") for line in sys.stdin)
    while batch := list(itertools.islice(rows, 500_000)):
        batch.sort(key=lambda row: row[0])
        for kind, group in itertools.groupby(batch, lambda row: row[0]):
            db.executemany(STATEMENTS[kind], (row[1:] for row in group))
        db.commit()


def fill_and_analyze(file):
    fill(file)
    db = sqlite3.connect(file, timeout=60)
    db.execute("analyze")
    db.commit()


def about(file):
    import mlflow
    from mlflow.store.db.utils import create_sqlalchemy_engine_with_retry

    with create_sqlalchemy_engine_with_retry("sqlite:///" + file).connect() as c:
        journal, sync = (c.exec_driver_sql("pragma " + name).scalar() for name in ("journal_mode", "synchronous"))
    sync = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}[sync]
    print(
        f"{mlflow.__version__} (Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version};"
        f" journal_mode {journal.upper()}, synchronous {sync})"
    )


{"fill": fill, "fill-and-analyze": fill_and_analyze, "about": about}[sys.argv[1]](sys.argv[2])

-- Projects, models and what is interned are small and seldom written.

create table project (
  key         integer primary key, -- ordered by time; see record.ProjectID
  name        text    not null,
  description text,
  created     integer not null,    -- times are milliseconds, UTC
  deleted     integer
);
create unique index project_name on project (name) where deleted is null;

create table model (
  key         integer primary key, -- the public id in decimal
  project     integer not null references project,
  name        text    not null,
  full_name   text,                -- null once the model or its project is deleted: the name is free
  description text,
  created     integer not null,
  deleted     integer
);
create unique index model_full_name on model (full_name) where full_name is not null;
create index model_project on model (project, key);
create index model_name on model (name, key);

create table metric_key (
  key  integer primary key,
  name text not null unique
);

create table dataset (
  key         integer primary key,
  hash        blob not null unique, -- SHA-256 of the fields below
  name        text not null,
  digest      text not null,
  source_type text not null,
  source      text not null,
  schema      text not null,
  profile     text not null
);

create table event (
  key    integer primary key, -- ordered by time
  time   integer not null,
  actor  text    not null,
  kind   text    not null,
  object text    not null,
  id     integer not null,    -- key of the object
  before text    not null,
  after  text    not null
);
create index event_object on event (object, id, key);

-- The tables of runs: the run's key comes first in every primary key, and
-- nothing else is unique.

create table run (
  key       integer primary key, -- derived from id
  id        blob    not null,    -- 16 bytes
  model     integer not null,
  name      text    not null,
  status    integer not null,
  user_name text    not null,
  started   integer not null,
  ended     integer,
  created   integer not null,
  deleted   integer,
  given     integer not null,    -- record.Given
  packed    blob                  -- the lists of a run that is not being written: parameters, latest metrics,
                                  -- evaluations, artifacts, and again its datasets; null: they are in rows
);
create index run_model on run (model, key) where deleted is null;
create index run_name on run (name, key) where deleted is null;

create table param (
  run   integer not null,
  key   text    not null,
  value text    not null, -- JSON
  primary key (run, key)
) without rowid;

create table dataset_use (
  run     integer not null,
  dataset integer not null,
  context text    not null, -- the role in the client's words
  role    text    not null, -- the role as it was recognised
  primary key (run, dataset, context)
) without rowid;

create table latest_metric (
  run    integer not null,
  metric integer not null,
  step   integer not null,
  time   integer not null,
  value  real,              -- null: NaN
  primary key (run, metric)
) without rowid;

create table metric_tail (
  run  integer not null,
  seq  integer not null,
  n    integer not null, -- points in body
  body blob    not null,
  primary key (run, seq)
) without rowid;

create table evaluation (
  run   integer not null,
  key   text    not null,
  value text    not null, -- JSON
  primary key (run, key)
) without rowid;

create table artifact_ref (
  run   integer not null,
  key   text    not null,
  value text    not null, -- JSON
  primary key (run, key)
) without rowid;

create table run_event (
  run    integer not null,
  key    integer not null, -- ordered by time
  time   integer not null,
  actor  text    not null,
  kind   text    not null,
  before text    not null,
  after  text    not null,
  primary key (run, key)
) without rowid;

insert into project (key, name, created) values (0, 'Default', 0);
insert into model (key, project, name, full_name, created) values (0, 0, 'Default', 'Default', 0);

-- MLflow's door: what a request logs to a run is one row of run_tail until it
-- is folded into the run's own row and into chunks of histories.

alter table model add column location  text    not null default ''; -- root of the files; empty: the server's own
alter table model add column known_as  text    not null default ''; -- the full name, which stays when it is deleted
alter table model add column updated   integer not null default 0;
update model set
  updated = created,
  known_as = case when project = 0 then name else (select p.name || '/' || model.name from project p where p.key = model.project) end;
create index model_known_as on model (known_as, key);

create table model_tag (
  model integer not null,
  key   text    not null,
  value text    not null,
  primary key (model, key)
) without rowid;

alter table run add column version integer not null default 0; -- counts the changes of packed
alter table run add column changed integer not null default 0; -- ordered as the changes of this row were committed
alter table run add column active  integer not null default 0; -- when something was last written, as far as it is folded
update run set active = created;
create index run_changed on run (model, changed);
drop index run_model; -- it had live runs only
create index run_model on run (model, key);

create table run_tail (
  run   integer not null,
  seq   integer not null, -- ordered as the rows were committed
  model integer not null,
  n     integer not null, -- points in body
  body  blob    not null,
  primary key (run, seq)
) without rowid;
create index run_tail_model on run_tail (model, seq);

create table metric_chunk (
  run  integer not null,
  key  text    not null, -- empty: a block of several metrics with few points
  seq  integer not null,
  n    integer not null, -- points in body
  body blob    not null,
  primary key (run, key, seq)
) without rowid;

create table logged_model (
  key     integer primary key, -- derived from id
  id      text    not null,
  model   integer not null,
  name    text    not null,
  type    text    not null,
  run     text    not null,    -- id of the run that made it, as the client gave it
  status  integer not null,
  created integer not null,
  updated integer not null,
  deleted integer
);
create index logged_model_model on logged_model (model, key) where deleted is null;

create table logged_model_param (
  logged_model integer not null,
  key          text    not null,
  value        text    not null, -- JSON
  primary key (logged_model, key)
) without rowid;

create table logged_model_tag (
  logged_model integer not null,
  key          text    not null,
  value        text    not null,
  primary key (logged_model, key)
) without rowid;

create table logged_model_metric (
  logged_model   integer not null,
  hash           blob    not null, -- of all that follows: a point is kept once
  key            text    not null,
  run            blob    not null, -- 16 bytes
  dataset_name   text    not null,
  dataset_digest text    not null,
  step           integer not null,
  time           integer not null,
  bits           integer not null, -- of the value as a 64-bit float: NaN and the infinities too
  primary key (logged_model, hash)
) without rowid;

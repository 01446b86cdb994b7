-- MLflow's door: what a request logs to a run is one row of run_tail until it
-- is folded into the run's own row and into chunks of histories.

alter table model add column location  text    not null default ''; -- root of the files; empty: the server's own
alter table model add column known_as  text collate "C" not null default ''; -- the full name, which stays when it is deleted
alter table model add column updated   bigint not null default 0;
update model set
  updated = created,
  known_as = case when project = 0 then name else (select p.name || '/' || model.name from project p where p.key = model.project) end;
create index model_known_as on model (known_as, key);

create table model_tag (
  model bigint not null,
  key   text collate "C" not null,
  value text    not null,
  primary key (model, key)
);

alter table run add column version bigint not null default 0; -- counts the changes of packed
alter table run add column changed bigint not null default 0; -- ordered as the changes of this row were committed
alter table run add column active  bigint not null default 0; -- when something was last written, as far as it is folded
update run set active = created;
create index run_changed on run (model, changed);
drop index run_model; -- it had live runs only
create index run_model on run (model, key);

create table run_tail (
  run   bigint not null,
  seq   bigint not null, -- ordered as the rows were committed
  model bigint not null,
  n     bigint not null, -- points in body
  body  bytea not null,
  primary key (run, seq)
) /* by run */;
alter table run_tail alter column body set storage external;
create index run_tail_model on run_tail (model, seq, run);

create table metric_chunk (
  run  bigint not null,
  key  text collate "C" not null, -- empty: a block of several metrics with few points
  seq  bigint not null,
  n    bigint not null, -- points in body
  body bytea not null,
  primary key (run, key, seq)
) /* by run */;

alter table metric_chunk alter column body set storage external;

create table logged_model (
  key     bigint primary key, -- derived from id
  id      text collate "C" not null,
  model   bigint not null,
  name    text    not null,
  type    text    not null,
  run     text    not null,    -- id of the run that made it, as the client gave it
  status  bigint not null,
  created bigint not null,
  updated bigint not null,
  deleted bigint
) /* by key */;
create index logged_model_model on logged_model (model, key) where deleted is null;

create table logged_model_param (
  logged_model bigint not null,
  key          text collate "C" not null,
  value        text    not null, -- JSON
  primary key (logged_model, key)
) /* by logged_model */;

create table logged_model_tag (
  logged_model bigint not null,
  key          text collate "C" not null,
  value        text    not null,
  primary key (logged_model, key)
) /* by logged_model */;

create table logged_model_metric (
  logged_model   bigint not null,
  hash           bytea  not null, -- of all that follows: a point is kept once
  key            text   not null,
  run            bytea  not null, -- 16 bytes
  dataset_name   text   not null,
  dataset_digest text   not null,
  step           bigint not null,
  time           bigint not null,
  bits           bigint not null, -- of the value as a 64-bit float: NaN and the infinities too
  primary key (logged_model, hash)
) /* by logged_model */;

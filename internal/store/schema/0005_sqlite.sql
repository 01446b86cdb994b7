-- The registry: registered models, their versions, and what their aliases and
-- stages were at any time.

create table registered_model (
  key         integer primary key, -- ordered by time
  project     integer not null references project,
  name        text    not null,
  full_name   text,                -- null once it or its project is deleted: the name is free
  known_as    text    not null,    -- the full name, which stays
  description text    not null,
  versions    integer not null,    -- the highest number that a version ever had
  created     integer not null,
  updated     integer not null,
  deleted     integer
);
create unique index registered_model_full_name on registered_model (full_name) where full_name is not null;
create index registered_model_updated on registered_model (updated, full_name) where full_name is not null;
create index registered_model_project on registered_model (project);

create table registered_model_tag (
  model integer not null,
  key   text    not null,
  value text    not null,
  primary key (model, key)
) without rowid;

create table model_version (
  key          integer primary key, -- ordered by time
  model        integer not null,
  version      integer not null,
  source       text    not null,    -- a label
  origin       text    not null,    -- what the source comes down to
  run          text    not null,    -- ids as the client gave them; empty: none
  run_link     text    not null,
  logged_model text    not null,
  description  text,
  stage        integer not null,
  created      integer not null,
  updated      integer not null,
  deleted      integer
);
create unique index model_version_number on model_version (model, version);
create index model_version_stage on model_version (model, stage, version) where deleted is null;
create index model_version_of on model_version (model, updated, version) where deleted is null;
create index model_version_updated on model_version (updated) where deleted is null;
create index model_version_run on model_version (run) where deleted is null and run <> '';

create table model_version_tag (
  version integer not null, -- key of the version
  key     text    not null,
  value   text    not null,
  primary key (version, key)
) without rowid;

-- Intervals. The one without an end is what holds now.

create table model_alias (
  model   integer not null,
  alias   text    not null,
  key     integer not null, -- ordered by time
  version integer not null,
  since   integer not null,
  until   integer,
  actor   text    not null, -- who began it, and why
  reason  text    not null,
  primary key (model, alias, key)
) without rowid;
create unique index model_alias_now on model_alias (model, alias) where until is null;

create table model_stage (
  model   integer not null,
  version integer not null,
  key     integer not null, -- ordered by time
  stage   integer not null,
  since   integer not null,
  until   integer,
  actor   text    not null,
  reason  text    not null,
  primary key (model, version, key)
) without rowid;
create unique index model_stage_now on model_stage (model, version) where until is null;

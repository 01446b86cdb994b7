-- Files: what clients see at a path, and where its bytes are.

create table file (
  path    text collate "C" primary key, -- below the root of all files
  store   text    not null,    -- where the bytes are; empty: the folder
  object  text    not null,    -- the key that they have there
  size    bigint not null,
  sha256  bytea   not null,
  changed bigint not null     -- when it was written last
);

-- Bytes that no file has any more, until they are removed.
create table file_garbage (
  store   text collate "C" not null,
  object  text collate "C" not null,
  since   bigint not null,
  primary key (store, object)
);

-- Files: what clients see at a path, and where its bytes are.

create table file (
  path    text    primary key, -- below the root of all files
  store   text    not null,    -- where the bytes are; empty: the folder
  object  text    not null,    -- the key that they have there
  size    integer not null,
  sha256  blob    not null,
  changed integer not null     -- when it was written last
) without rowid;

-- Bytes that no file has any more, until they are removed.
create table file_garbage (
  store   text    not null,
  object  text    not null,
  since   integer not null,
  primary key (store, object)
) without rowid;

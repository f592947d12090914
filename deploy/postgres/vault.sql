-- The vault has a database of its own, so that it can have its own backups and its own short retention.
create database vault;

-- What the file system said of a file when its digest was last known to be right: device, inode,
-- size, times. Empty where it was never looked at, or was recorded by an earlier version.
ALTER TABLE strongroom_server.booking ADD COLUMN stamp text;
ALTER TABLE strongroom_server.intent ADD COLUMN stamp text;

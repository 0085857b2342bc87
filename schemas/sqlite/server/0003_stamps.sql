-- What the file system said of a file when its digest was last known to be right: device, inode,
-- size, times. Empty where it was never looked at, or was recorded by an earlier version.
ALTER TABLE booking ADD COLUMN stamp TEXT;
ALTER TABLE intent ADD COLUMN stamp TEXT;

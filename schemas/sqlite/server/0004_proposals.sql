-- By which token a proof was told. Empty where an earlier version recorded it.
ALTER TABLE proof ADD COLUMN token TEXT;

-- The purges that were proposed: which bookings, by whom, with which token. A proposal never changes;
-- its approval is a row of `purge` with the same id.
CREATE TABLE proposal (
    id             TEXT    NOT NULL PRIMARY KEY,
    proposed_by    TEXT    NOT NULL,
    token          TEXT    NOT NULL,
    token_name     TEXT    NOT NULL,
    proposed_at_us INTEGER NOT NULL,
    bookings       TEXT    NOT NULL -- their ids, a JSON list
) STRICT, WITHOUT ROWID;

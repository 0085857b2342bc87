-- By which token a proof was told. Empty where an earlier version recorded it.
ALTER TABLE strongroom_server.proof ADD COLUMN token text;

-- The purges that were proposed: which bookings, by whom, with which token. A proposal never changes;
-- its approval is a row of `purge` with the same id.
CREATE TABLE strongroom_server.proposal (
    id             text   NOT NULL PRIMARY KEY,
    proposed_by    text   NOT NULL,
    token          text   NOT NULL,
    token_name     text   NOT NULL,
    proposed_at_us bigint NOT NULL,
    bookings       text   NOT NULL -- their ids, a JSON list
);

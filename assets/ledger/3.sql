-- The ledger, version 3: an answer comes back with what was doubted about it and what the cache did.

-- The verdict on its stream's end, as JSON; empty where there was none.
ALTER TABLE requests ADD COLUMN verdict TEXT;
-- What the cache did, and why, in words.
ALTER TABLE requests ADD COLUMN cache_note TEXT;

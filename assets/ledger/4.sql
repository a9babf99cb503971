-- The ledger, version 4: what was said in private stays so, and what nobody was asked is no part of a
-- conversation that goes on.

-- The marks of a question, as a JSON array; empty where it has none.
ALTER TABLE messages ADD COLUMN tags TEXT;
-- A question that was refused before anybody was asked.
ALTER TABLE messages ADD COLUMN unheard INTEGER NOT NULL DEFAULT 0;
-- The conversation's instructions to the model were given in private.
ALTER TABLE sessions ADD COLUMN system_private INTEGER NOT NULL DEFAULT 0;

-- Marks were in the text alone until now. One too many keeps a message here that could have left.
UPDATE messages SET tags = '["private"]' WHERE role = 'user' AND text LIKE '%#private%';
UPDATE messages SET unheard = 1
WHERE role = 'user'
  AND EXISTS (SELECT 1 FROM requests r WHERE r.asked = messages.n)
  AND NOT EXISTS (
    SELECT 1 FROM requests r WHERE r.asked = messages.n
    AND (r.run IS NOT NULL OR r.cached IS NOT NULL OR r.finish IN ('interrupted', 'dismissed')
         OR EXISTS (SELECT 1 FROM attempts a WHERE a.request = r.n)))
  AND NOT EXISTS (SELECT 1 FROM messages c WHERE c.parent = messages.n AND c.role <> 'user');

-- Which answer a request was given, found without looking through all of them.
CREATE INDEX messages_request ON messages (request) WHERE request IS NOT NULL;

-- Conversations that were removed: whoever still has one open does not bring its words back.
CREATE TABLE removed (id BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;

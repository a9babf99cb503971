-- The ledger, version 4: what was said in private stays so, and what nobody was asked is no part of a
-- conversation that goes on.

-- The marks of a question, as a JSON array; not there where a program wrote it that knew of none.
ALTER TABLE messages ADD COLUMN tags TEXT;
-- A question that was refused before anybody was asked.
ALTER TABLE messages ADD COLUMN unheard INTEGER NOT NULL DEFAULT 0;
-- The conversation's instructions to the model were given in private.
ALTER TABLE sessions ADD COLUMN system_private INTEGER NOT NULL DEFAULT 0;

-- Marks were in the text, and of those given beside it only its decision knew. One too many keeps a
-- message here that could have left.
UPDATE messages SET tags = coalesce(
  (SELECT marks_of(d.packed) FROM requests r JOIN decisions d ON d.request = r.n
   WHERE r.asked = messages.n ORDER BY r.n DESC LIMIT 1), '[]')
WHERE role = 'user';
UPDATE messages SET tags = '["private"]'
WHERE role = 'user' AND text LIKE '%#private%' AND tags NOT LIKE '%"private"%';
-- Sent was whatever somebody was asked, and with it what it hung under: what was refused went along in
-- front of the next question.
WITH RECURSIVE sent (n) AS (
  SELECT m.n FROM messages m
  WHERE m.role <> 'user'
    OR NOT EXISTS (SELECT 1 FROM requests r WHERE r.asked = m.n)
    OR EXISTS (
      SELECT 1 FROM requests r WHERE r.asked = m.n
      AND (r.run IS NOT NULL OR r.cached IS NOT NULL OR r.finish IN ('interrupted', 'dismissed')
           OR EXISTS (SELECT 1 FROM attempts a WHERE a.request = r.n)))
  UNION
  SELECT m.parent FROM sent JOIN messages m ON m.n = sent.n WHERE m.parent IS NOT NULL
)
UPDATE messages SET unheard = 1 WHERE role = 'user' AND n NOT IN (SELECT n FROM sent);

-- Which answer a request was given, found without looking through all of them.
CREATE INDEX messages_request ON messages (request) WHERE request IS NOT NULL;

-- Conversations that were removed: whoever still has one open does not bring its words back.
CREATE TABLE removed (id BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;

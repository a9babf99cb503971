-- The ledger, version 1. Ids are the sixteen bytes of a UUID; `n` is a row's own small number.
-- Moments are milliseconds since 1970, days are local days since 1970-01-01, money is pico-dollars.

CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Conversations -------------------------------------------------------------------------------

CREATE TABLE sessions (
  n INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  title TEXT NOT NULL,
  system TEXT,
  origin TEXT NOT NULL,
  messages INTEGER NOT NULL DEFAULT 0,
  cost INTEGER NOT NULL DEFAULT 0,
  exact INTEGER NOT NULL DEFAULT 1,
  forked_from BLOB,
  forked_at BLOB
) STRICT;
CREATE INDEX sessions_updated ON sessions (updated);
CREATE INDEX sessions_cost ON sessions (cost);

-- A tree: an edited question and an answer given again are further children of the same parent.
CREATE TABLE messages (
  n INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  session INTEGER NOT NULL REFERENCES sessions (n) ON DELETE CASCADE,
  parent INTEGER REFERENCES messages (n) ON DELETE SET NULL,
  role TEXT NOT NULL,
  at INTEGER NOT NULL,
  text TEXT NOT NULL,
  parts TEXT,
  request BLOB,
  model TEXT,
  provider TEXT,
  finish TEXT,
  seams TEXT
) STRICT;
CREATE INDEX messages_session ON messages (session);
CREATE INDEX messages_parent ON messages (parent);

-- Any three letters in a row, in any script.
CREATE VIRTUAL TABLE message_words USING fts5 (
  text, content = 'messages', content_rowid = 'n', tokenize = 'trigram'
);
CREATE VIRTUAL TABLE title_words USING fts5 (
  title, content = 'sessions', content_rowid = 'n', tokenize = 'trigram'
);
-- Words of one or two letters in scripts that put no spaces between words: every pair of letters.
CREATE VIRTUAL TABLE message_pairs USING fts5 (
  pairs, content = '', contentless_delete = 1, detail = 'none', tokenize = 'unicode61 remove_diacritics 0'
);
-- What is removed is taken out of the index too.
INSERT INTO message_words (message_words, rank) VALUES ('secure-delete', 1);
INSERT INTO title_words (title_words, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER message_added AFTER INSERT ON messages BEGIN
  INSERT INTO message_words (rowid, text) VALUES (new.n, new.text);
END;
CREATE TRIGGER message_removed AFTER DELETE ON messages BEGIN
  INSERT INTO message_words (message_words, rowid, text) VALUES ('delete', old.n, old.text);
  DELETE FROM message_pairs WHERE rowid = old.n;
END;
CREATE TRIGGER session_added AFTER INSERT ON sessions BEGIN
  INSERT INTO title_words (rowid, title) VALUES (new.n, new.title);
END;
CREATE TRIGGER session_renamed AFTER UPDATE OF title ON sessions
WHEN old.title IS NOT new.title BEGIN
  INSERT INTO title_words (title_words, rowid, title) VALUES ('delete', old.n, old.title);
  INSERT INTO title_words (rowid, title) VALUES (new.n, new.title);
END;
CREATE TRIGGER session_removed AFTER DELETE ON sessions BEGIN
  INSERT INTO title_words (title_words, rowid, title) VALUES ('delete', old.n, old.title);
END;

-- Requests ------------------------------------------------------------------------------------

CREATE TABLE requests (
  n INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  session INTEGER REFERENCES sessions (n) ON DELETE SET NULL,
  asked INTEGER REFERENCES messages (n) ON DELETE SET NULL,
  -- The process it runs in; empty once it is over.
  run BLOB,
  -- What was kept of its text: 'all' or 'figures'.
  keep TEXT NOT NULL,
  origin TEXT NOT NULL,
  at INTEGER NOT NULL,
  day INTEGER NOT NULL,
  model TEXT,
  provider TEXT,
  model_id TEXT,
  finish TEXT,
  wait_ms INTEGER,
  ttft_ms INTEGER,
  total_ms INTEGER,
  cost INTEGER NOT NULL DEFAULT 0,
  exact INTEGER NOT NULL DEFAULT 1,
  cached TEXT,
  error_class TEXT,
  error TEXT
) STRICT;
CREATE INDEX requests_at ON requests (at);
CREATE INDEX requests_dear ON requests (day, cost);
CREATE INDEX requests_session ON requests (session);
CREATE INDEX requests_asked ON requests (asked);
CREATE INDEX requests_running ON requests (run) WHERE run IS NOT NULL;
CREATE INDEX requests_interrupted ON requests (at) WHERE finish = 'interrupted';

-- What a reader has been shown of an answer that is not over.
CREATE TABLE journal (
  n INTEGER PRIMARY KEY,
  request INTEGER NOT NULL REFERENCES requests (n) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE INDEX journal_request ON journal (request);

-- The whole input and the whole decision, so that deciding again can be compared to the last digit.
CREATE TABLE decisions (
  request INTEGER PRIMARY KEY REFERENCES requests (n) ON DELETE CASCADE,
  at INTEGER NOT NULL,
  version INTEGER NOT NULL,
  policy TEXT NOT NULL,
  chosen TEXT,
  cost INTEGER,
  ttft_ms INTEGER,
  decided_us INTEGER NOT NULL,
  packed BLOB NOT NULL
) STRICT;
CREATE INDEX decisions_at ON decisions (at);

CREATE TABLE attempts (
  n INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  request INTEGER NOT NULL REFERENCES requests (n) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  model TEXT NOT NULL,
  provider TEXT NOT NULL,
  kind TEXT NOT NULL,
  outcome TEXT,
  ms INTEGER NOT NULL,
  report TEXT NOT NULL
) STRICT;
CREATE INDEX attempts_request ON attempts (request);

-- Which answer a person preferred when several stood side by side.
CREATE TABLE preferences (
  n INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  session INTEGER REFERENCES sessions (n) ON DELETE SET NULL,
  task TEXT NOT NULL,
  winner TEXT NOT NULL,
  losers TEXT NOT NULL
) STRICT;
CREATE INDEX preferences_session ON preferences (session);

-- Money ---------------------------------------------------------------------------------------

CREATE TABLE spend (
  n INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  at INTEGER NOT NULL,
  day INTEGER NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  session INTEGER REFERENCES sessions (n) ON DELETE SET NULL,
  request BLOB,
  origin TEXT NOT NULL,
  kind TEXT NOT NULL,
  outcome TEXT,
  amount INTEGER NOT NULL,
  exact INTEGER NOT NULL,
  input INTEGER NOT NULL,
  cached_input INTEGER NOT NULL,
  cache_write INTEGER NOT NULL,
  output INTEGER NOT NULL,
  reasoning INTEGER NOT NULL,
  estimated INTEGER NOT NULL
) STRICT;
CREATE INDEX spend_day ON spend (day);
CREATE INDEX spend_session ON spend (session);
CREATE INDEX spend_request ON spend (request);

-- What every question about money is answered from: sums, kept in the same transaction as the lines.
CREATE TABLE daily (
  day INTEGER NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  origin TEXT NOT NULL,
  kind TEXT NOT NULL,
  -- 'ok', 'lost' (failed) or 'stopped' (by its reader).
  came TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  inexact INTEGER NOT NULL,
  input INTEGER NOT NULL,
  cached_input INTEGER NOT NULL,
  cache_write INTEGER NOT NULL,
  output INTEGER NOT NULL,
  reasoning INTEGER NOT NULL,
  -- What the provider's own prompt cache took off the price.
  prefix_saved INTEGER NOT NULL,
  PRIMARY KEY (day, provider, model, origin, kind, came)
) STRICT, WITHOUT ROWID;

CREATE TABLE hourly (
  hour INTEGER NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  inexact INTEGER NOT NULL,
  input INTEGER NOT NULL,
  output INTEGER NOT NULL,
  PRIMARY KEY (hour, provider, model)
) STRICT, WITHOUT ROWID;

CREATE TABLE session_days (
  day INTEGER NOT NULL,
  session INTEGER NOT NULL REFERENCES sessions (n) ON DELETE CASCADE,
  attempts INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  inexact INTEGER NOT NULL,
  input INTEGER NOT NULL,
  cached_input INTEGER NOT NULL,
  output INTEGER NOT NULL,
  PRIMARY KEY (day, session)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_days_session ON session_days (session);

-- Requests that are over, and what routing did about their price.
CREATE TABLE request_days (
  day INTEGER NOT NULL,
  origin TEXT NOT NULL,
  requests INTEGER NOT NULL,
  answered INTEGER NOT NULL,
  cached INTEGER NOT NULL,
  cache_saved INTEGER NOT NULL,
  -- Of answered requests with a priced choice: what they cost, and what the dearest that fit would have.
  compared INTEGER NOT NULL,
  spent INTEGER NOT NULL,
  dearest INTEGER NOT NULL,
  PRIMARY KEY (day, origin)
) STRICT, WITHOUT ROWID;

-- The same against each model that could have answered: what those requests would have cost there.
CREATE TABLE model_days (
  day INTEGER NOT NULL,
  model TEXT NOT NULL,
  compared INTEGER NOT NULL,
  would INTEGER NOT NULL,
  spent INTEGER NOT NULL,
  PRIMARY KEY (day, model)
) STRICT, WITHOUT ROWID;

-- Budgets that processes share -----------------------------------------------------------------

-- What each run has spent in each stretch of time a budget may be about: `day 2026-11-26`, …
CREATE TABLE bucket_spend (
  bucket TEXT NOT NULL,
  holder BLOB NOT NULL,
  amount INTEGER NOT NULL,
  exact INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (bucket, holder)
) STRICT, WITHOUT ROWID;
CREATE INDEX bucket_spend_at ON bucket_spend (at);

-- Attempts counted there lately: one told twice counts once.
CREATE TABLE settled (
  attempt BLOB PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX settled_at ON settled (at);

-- What attempts that run may cost, until they are settled or their process is taken for dead.
CREATE TABLE leases (
  attempt BLOB NOT NULL,
  bucket TEXT NOT NULL,
  holder BLOB NOT NULL,
  amount INTEGER NOT NULL,
  lapses INTEGER NOT NULL,
  PRIMARY KEY (attempt, bucket)
) STRICT, WITHOUT ROWID;
CREATE INDEX leases_bucket ON leases (bucket);
CREATE INDEX leases_holder ON leases (holder);

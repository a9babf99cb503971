-- The ledger, version 2: what was learned of each model's tokens outlives a run.

CREATE TABLE token_factors (
  model TEXT NOT NULL,
  -- What reported tokens were held against: 'estimate' or 'count'.
  against TEXT NOT NULL,
  script TEXT NOT NULL,
  -- The vocabulary it was reckoned with; with another one it says nothing. Empty where there was none.
  vocabulary TEXT NOT NULL,
  -- The natural logarithm of the factor.
  log REAL NOT NULL,
  -- Prompts it was learned from, those of several scripts in part.
  taught REAL NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (model, against, script)
) STRICT, WITHOUT ROWID;

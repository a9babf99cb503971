//! Every field there is: its name, what it takes and what it does.
//!
//! Owns: the tables that the reader checks names against and that documentation is printed from.
//! Must not know how a field is read. Invariant: a field that is read is listed here, and a field
//! that is listed is read (a test walks both).

/// One field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its key.
    pub name: &'static str,
    /// What it takes, by example where that is shorter.
    pub expects: &'static str,
    /// What it does.
    pub doc: &'static str,
}

/// A table of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// Where it stands, `<name>` for a name of the user's: `providers.<name>.limits`.
    pub path: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
}

const fn field(name: &'static str, expects: &'static str, doc: &'static str) -> Field {
    Field { name, expects, doc }
}

/// Every section, in the order of a configuration file.
pub const SECTIONS: &[&Section] = &[
    &ROOT,
    &PROVIDER,
    &QUIRKS,
    &LIMITS,
    &MODEL,
    &PRICE,
    &SCHEDULE,
    &QUALITY,
    &LATENCY,
    &CAPABILITIES,
    &ROUTING,
    &RULE,
    &RULE_WHEN,
    &RULE_THEN,
    &POLICY,
    &FEEDBACK,
    &HEDGE,
    &CACHE,
    &REDIS,
    &BUDGET,
    &BUDGET_LIMIT,
    &CURRENCY,
    &CONSOLE,
    &CAPTURE,
    &LEDGER,
];

/// The top level.
pub const ROOT: Section = Section {
    path: "",
    fields: &[
        field("providers", "tables by name", "endpoints and where their keys come from"),
        field("models", "tables by name", "registry entries"),
        field("routing", "a table", "which policy, and the rules that come before it"),
        field("policies", "tables by name", "named weights"),
        field("limits", "a table", "time limits of every request"),
        field("feedback", "a table", "when slowness moves traffic away"),
        field("hedge", "a table", "when a second model is asked beside a slow first"),
        field("cache", "a table", "which answers are kept and for how long"),
        field("budget", "a table", "how much may be spent"),
        field("currency", "a table", "what amounts are shown in"),
        field("console", "a table", "how the console looks and listens"),
        field("capture", "a table", "what is kept of traffic"),
        field("ledger", "a table", "what is kept of requests, and for how long"),
    ],
};

/// `providers.<name>`
pub const PROVIDER: Section = Section {
    path: "providers.<name>",
    fields: &[
        field("preset", "a preset's name", "start from another provider's settings"),
        field("label", "text", "its name for people"),
        field("dialect", "\"openai\" or \"anthropic\"", "what it speaks"),
        field("base_url", "\"https://host/v1\"", "its address, up to what a call appends"),
        field("api_key", "\"env:NAME\", \"cmd:COMMAND\", or a list", "where its key comes from"),
        field("needs_key", "true or false", "whether nothing works without a key"),
        field("headers", "a table of text", "headers sent with every call; never a key"),
        field("tags", "a list of words", "names that rules can use"),
        field("failure_domain", "a word", "endpoints that fail together share one"),
        field("maintenance", "[\"Tue 02:00-03:00 UTC\"]", "weekly windows in which it is not used"),
        field("passthrough", "true or false", "any model id is accepted and passed on"),
        field("local", "true or false", "it runs on this machine: free unless priced"),
        field(
            "balance",
            "\"deepseek\", \"openrouter\", \"moonshot\" or \"siliconflow\"",
            "how it tells what the account has left",
        ),
        field(
            "service_tier",
            "\"default\", \"flex\", \"priority\" or \"ultrafast\"",
            "the tier calls ask for, of models that take one",
        ),
        field("discover", "true or false", "ask it for its models; yes where it has none here"),
        field("quirks", "a table", "how it differs from its dialect"),
        field("limits", "a table", "time limits of its own"),
        field("simulated", "true or false", "it is not real, which is said wherever it shows"),
    ],
};

/// `providers.<name>.quirks`, `models.<name>.quirks`
pub const QUIRKS: Section = Section {
    path: "providers.<name>.quirks",
    fields: &[
        field("cap_field", "\"max_tokens\" or \"max_completion_tokens\"", "what caps the answer"),
        field("seed_field", "\"seed\" or \"random_seed\"", "what takes a seed"),
        field("stream_usage", "\"ask\" or \"always\"", "whether usage must be asked for"),
        field("system_role", "\"system\" or \"developer\"", "the role of system prompts"),
        field("tool_required", "a word", "what `tool_choice = required` is called"),
        field(
            "effort",
            "\"unsupported\", \"reasoning_effort\", \"thinking_type\", \"enable_thinking\", \
             \"reasoning_object\", \"adaptive_thinking\" or \"thinking_budget\"",
            "how the wish to think is written",
        ),
        field("temperature_max", "a number", "the greatest temperature taken"),
        field("prefix_base_url", "\"https://host/beta\"", "where prefix continuation is served"),
        field(
            "prefix_repeats",
            "true or false",
            "whether a continued answer gives its prefix again",
        ),
        field("end_marker", "true or false", "whether the end of a stream is marked"),
        field("auth_header", "a header's name", "where the key goes, if not where it usually does"),
        field(
            "service_tiers",
            "[\"flex\", \"priority\"]",
            "the tiers of service it can be asked for",
        ),
    ],
};

/// `limits`, `providers.<name>.limits`, `models.<name>.limits`
pub const LIMITS: Section = Section {
    path: "limits",
    fields: &[
        field("connect", "\"5s\"", "to connect"),
        field("first_token", "\"10s\"", "from sent to the first token"),
        field("between_tokens", "\"30s\"", "between tokens"),
        field("total", "\"5m\"", "the whole request, all attempts"),
    ],
};

/// `models.<name>`
pub const MODEL: Section = Section {
    path: "models.<name>",
    fields: &[
        field("provider", "a provider's name", "who serves it"),
        field("id", "text", "the provider's name for it; its own name if not given"),
        field("family", "a family's name", "whose figures to start from"),
        field("context", "a number of tokens", "its window"),
        field("max_output", "a number of tokens", "its greatest answer"),
        field("price", "{ input = 0.14, output = 0.42 }", "US dollars per million tokens"),
        field("prices", "a list of tables", "prices at times, above a size, in a tier of service"),
        field("quality", "{ code = 0.7, default = 0.6 }", "how good it is, 0 to 1"),
        field("latency", "{ ttft_ms = 600, tokens_per_s = 60 }", "how fast, before measuring"),
        field("languages", "[\"en\", \"zh\"]", "languages it is good in"),
        field("capabilities", "a table", "what it can do and which parameters it takes"),
        field(
            "tokenizer",
            "\"o200k_base\"; ~ before a stand-in",
            "what its tokens are counted with",
        ),
        field("thinks_silently", "true or false", "it sends nothing while it thinks"),
        field("params", "a table", "parameters sent as they are"),
        field("quirks", "a table", "how it differs from its provider"),
        field(
            "service_tier",
            "\"default\", \"flex\", \"priority\" or \"ultrafast\"",
            "the tier its calls ask for; flex may take minutes, so give it longer limits",
        ),
        field("keep_warm", "\"free\", \"infer\" or \"off\"", "how it is kept warm"),
        field("limits", "a table", "time limits of its own"),
        field("retired", "text", "since when its provider no longer serves it; used when named"),
        field("note", "text", "a line about it"),
    ],
};

/// `models.<name>.price`
pub const PRICE: Section = Section {
    path: "models.<name>.price",
    fields: &[
        field("input", "dollars per million tokens", "a prompt token"),
        field(
            "cached_input",
            "dollars per million tokens",
            "one the provider had cached; not given, it is counted as any other and not exact",
        ),
        field("cache_write", "dollars per million tokens", "one the provider cached now"),
        field("cache_write_1h", "dollars per million tokens", "one cached for an hour"),
        field("output", "dollars per million tokens", "an answer token, thinking included"),
        field("as_of", "\"2026-11-15\"", "the day the figures were read"),
        field("source", "text", "where; \"unconfirmed\" when unsure"),
    ],
};

/// `[[models.<name>.prices]]`
pub const SCHEDULE: Section = Section {
    path: "models.<name>.prices[]",
    fields: &[
        field("window", "\"Mon-Fri 01:00-04:00 UTC\", or a list", "when in the week it holds"),
        field("except", "[\"2026-10-01\"]", "days on which the window does not hold"),
        field("from", "\"2026-12-01\"", "from this moment on (a day begins at 00:00 UTC)"),
        field("until", "\"2027-01-01\"", "until this moment"),
        field("over_input_tokens", "a number of tokens", "for prompts longer than this"),
        field("tier", "\"flex\", \"priority\", …", "for answers served in this tier of service"),
        field("input", "dollars per million tokens", "a prompt token"),
        field("cached_input", "dollars per million tokens", "one the provider had cached"),
        field("cache_write", "dollars per million tokens", "one the provider cached now"),
        field("cache_write_1h", "dollars per million tokens", "one cached for an hour"),
        field("output", "dollars per million tokens", "an answer token, thinking included"),
    ],
};

/// `models.<name>.quality`
pub const QUALITY: Section = Section {
    path: "models.<name>.quality",
    fields: &[
        field("code", "0 to 1", "programs"),
        field("structured", "0 to 1", "answers in a fixed form"),
        field("extraction", "0 to 1", "facts out of a text"),
        field("summary", "0 to 1", "making a text shorter"),
        field("prose", "0 to 1", "stories, letters, copy"),
        field("reasoning", "0 to 1", "several steps that must all be right"),
        field("translation", "0 to 1", "from one language to another"),
        field("chat", "0 to 1", "everything else"),
        field("default", "0 to 1", "whatever is not listed"),
    ],
};

/// `models.<name>.latency`
pub const LATENCY: Section = Section {
    path: "models.<name>.latency",
    fields: &[
        field("ttft_ms", "milliseconds", "to the first token, warm"),
        field("cold_extra_ms", "milliseconds", "more when it was idle"),
        field("tokens_per_s", "a number", "speed after the first token"),
    ],
};

/// `models.<name>.capabilities`
pub const CAPABILITIES: Section = Section {
    path: "models.<name>.capabilities",
    fields: &[
        field("tools", "true or false", "it can call tools"),
        field("vision", "true or false", "it reads images"),
        field("json", "true or false", "it has a JSON mode"),
        field("structured", "true or false", "it can hold to a JSON Schema"),
        field("reasoning", "true or false", "it can think before answering"),
        field("temperature", "true or false", "it takes a temperature"),
        field("seed", "true or false", "it takes a seed"),
        field(
            "continuation",
            "\"prefix\", \"prefill\", \"partial\", \"instruct\" or \"none\"",
            "how a broken answer is continued",
        ),
    ],
};

/// `routing`
pub const ROUTING: Section = Section {
    path: "routing",
    fields: &[
        field("policy", "a policy's name", "the weights in force"),
        field("on_refusal", "\"report\" or \"next\"", "what a content filter's refusal does"),
        field("rules", "a list of tables", "the first that holds decides"),
    ],
};

/// `[[routing.rules]]`
pub const RULE: Section = Section {
    path: "routing.rules[]",
    fields: &[
        field("when", "a table", "when it holds; always if left out"),
        field("then", "a table", "what it does"),
    ],
};

/// `routing.rules[].when`
pub const RULE_WHEN: Section = Section {
    path: "routing.rules[].when",
    fields: &[
        field(
            "task",
            "\"code\", \"structured\", \"extraction\", \"summary\", \"prose\", \"reasoning\", \
             \"translation\" or \"chat\"",
            "the kind of work",
        ),
        field("min_context", "a number of tokens", "at least so long a prompt"),
        field("tag", "a word", "the message carries this tag"),
        field("lang", "\"en\"", "the language of the text"),
    ],
};

/// `routing.rules[].then`
pub const RULE_THEN: Section = Section {
    path: "routing.rules[].then",
    fields: &[
        field("prefer", "a list of names", "these models, providers or tags before others"),
        field("only", "a list of names", "only these"),
        field("avoid", "a list of names", "all but these"),
        field("policy", "a policy's name", "this policy"),
    ],
};

/// `policies.<name>`
pub const POLICY: Section = Section {
    path: "policies.<name>",
    fields: &[
        field("quality", "a number from 0", "how much quality counts"),
        field("cost", "a number from 0", "how much cost counts"),
        field("speed", "a number from 0", "how much speed counts"),
    ],
};

/// `feedback`
pub const FEEDBACK: Section = Section {
    path: "feedback",
    fields: &[
        field(
            "metric",
            "\"ttft\" or \"total\"",
            "the time that is judged: to the first token or the last",
        ),
        field("p95_limit", "\"3s\"", "the p95 of it above which traffic moves"),
        field("shift_for", "\"5m\"", "for how long"),
        field("min_samples", "a whole number", "answers needed before it can"),
    ],
};

/// `hedge`
pub const HEDGE: Section = Section {
    path: "hedge",
    fields: &[
        field("when", "\"never\" or \"slow\"", "whether a slow first token starts a second model"),
        field("max_share", "a number", "the greatest share of requests, 0 to 1"),
        field("max_per_hour", "dollars", "the most the second models may cost in an hour"),
    ],
};

/// `cache`
pub const CACHE: Section = Section {
    path: "cache",
    fields: &[
        field("when", "\"deterministic\", \"always\" or \"never\"", "which answers are kept"),
        field("max_bytes", "\"64MB\"", "the size of the memory tier"),
        field("max_entries", "a whole number", "the number of entries in memory"),
        field("ttl", "\"1h\"", "how long entries live in memory"),
        field("redis", "a table", "the shared tier"),
    ],
};

/// `cache.redis`
pub const REDIS: Section = Section {
    path: "cache.redis",
    fields: &[
        field("url", "\"redis://127.0.0.1:6379\"", "its address"),
        field("ttl", "\"1h\"", "how long entries live"),
    ],
};

/// `budget`
pub const BUDGET: Section = Section {
    path: "budget",
    fields: &[
        field("day", "{ limit = 2.00, at_limit = \"ask\" }", "per local day"),
        field("month", "{ limit = 20.00 }", "per month"),
        field("session", "{ limit = 0.50 }", "per conversation"),
        field("providers", "tables by name", "per provider and day"),
        field("models", "tables by name", "per model and day"),
        field("balances", "true or false", "ask providers that tell what the account has left"),
    ],
};

/// `budget.day`, `budget.providers.<name>` and the like
pub const BUDGET_LIMIT: Section = Section {
    path: "budget.day",
    fields: &[
        field("limit", "US dollars", "the amount"),
        field("at_limit", "\"warn\", \"ask\" or \"stop\"", "what happens there"),
    ],
};

/// `currency`
pub const CURRENCY: Section = Section {
    path: "currency",
    fields: &[
        field("show", "\"USD\", or a currency with a rate", "what costs are shown in at first"),
        field("rates", "{ CNY = 7.12 }", "what a US dollar is in other currencies"),
        field("as_of", "\"2026-11-20\"", "the day the rates were read"),
    ],
};

/// `console`
pub const CONSOLE: Section = Section {
    path: "console",
    fields: &[
        field("theme", "a theme's name or file", "colours"),
        field("keys", "tables by context", "key bindings: action = key or list of keys"),
        field("send", "\"enter\" or \"alt-enter\"", "what sends a message"),
        field("mouse", "\"off\", \"wheel\" or \"full\"", "what the mouse does"),
        field("ascii", "true or false", "plain characters only"),
        field("accessible", "true or false", "words for a screen reader instead of a screen"),
        field("language", "\"auto\", \"en\" or \"zh\"", "what goes wrong is told in it"),
        field("baseline", "a model's name", "what savings are counted against"),
    ],
};

/// `capture`
pub const CAPTURE: Section = Section {
    path: "capture",
    fields: &[
        field("bodies", "true or false", "keep request and answer bodies"),
        field("unknown_errors", "true or false", "keep unknown error texts, redacted"),
    ],
};

/// `ledger`
pub const LEDGER: Section = Section {
    path: "ledger",
    fields: &[
        field(
            "keep",
            "\"all\", \"figures\" or \"nothing\"",
            "whether text is kept, or only decisions, attempts and money",
        ),
        field(
            "keep_days",
            "a whole number of days",
            "chats nothing was said in for longer are removed; for ever where not set",
        ),
        field(
            "record_days",
            "a whole number of days",
            "decisions, attempts and lines of spending that are older are; sums stay",
        ),
    ],
};

/// `families.<name>`: shipped data only, not part of a user's file.
pub(super) const FAMILY: Section = Section {
    path: "families.<name>",
    fields: &[
        field("like", "a family's name", "start from its figures"),
        field("ids", "a list of texts", "model ids that contain one of these belong to it"),
        field("quality", "a table", "priors, 0 to 1"),
        field("adjust", "a table", "added to the priors"),
        field("latency", "a table", "speeds"),
        field("languages", "a list", "languages it is good in"),
        field("upto_billions", "a number", "local models of unknown family up to this size"),
    ],
};

//! Routing, policies, limits, feedback, cache, budgets, console, capture, ledger.
//!
//! Owns: everything that is neither an endpoint nor a model. Must not know how it is acted on.
//! Invariant: a name that a rule, a budget or a baseline uses exists.

use std::collections::BTreeMap;

use crate::config::reader::Fields;
use crate::config::schema::{
    BUDGET, BUDGET_LIMIT, CACHE, CAPTURE, CONSOLE, FEEDBACK, HEDGE, LEDGER, LIMITS, POLICY, REDIS,
    ROUTING, RULE, RULE_THEN, RULE_WHEN,
};
use crate::config::settings::{
    CacheSettings, CacheWhen, Capture, ConsoleSettings, Feedback, FeedbackMetric, Hedge, HedgeWhen,
    KeepWhat, LedgerSettings, Limits, OnRefusal, PolicyWeights, RedisSettings, Routing, Rule,
    RuleThen, RuleWhen,
};
use crate::config::source::{At, join_path};
use crate::config::tree::{Node, Value};
use crate::domain::{AtLimit, Budget, BudgetLimit, Lang, Money, TaskKind, nearest};

/// `limits`
pub(in crate::config) fn limits(root: &Fields<'_>) -> Limits {
    let fields = root.section("limits", &LIMITS);
    let base = Limits::default();
    Limits {
        connect: fields.span("connect").unwrap_or(base.connect),
        first_token: fields.span("first_token").unwrap_or(base.first_token),
        between_tokens: fields.span("between_tokens").unwrap_or(base.between_tokens),
        total: fields.span("total").unwrap_or(base.total),
    }
}

/// `feedback`
pub(in crate::config) fn feedback(root: &Fields<'_>) -> Feedback {
    use std::time::Duration;
    let fields = root.section("feedback", &FEEDBACK);
    let samples = fields.count("min_samples").unwrap_or(20);
    let metrics = [("ttft", FeedbackMetric::Ttft), ("total", FeedbackMetric::Total)];
    Feedback {
        metric: fields.choice("metric", &metrics).unwrap_or_default(),
        p95_limit: fields.span("p95_limit").unwrap_or(Duration::from_secs(3)),
        shift_for: fields.span("shift_for").unwrap_or(Duration::from_mins(5)),
        min_samples: u32::try_from(samples).unwrap_or(u32::MAX),
    }
}

/// `hedge`
pub(in crate::config) fn hedge(root: &Fields<'_>) -> Hedge {
    let fields = root.section("hedge", &HEDGE);
    let words = [("never", HedgeWhen::Never), ("slow", HedgeWhen::Slow)];
    Hedge {
        when: fields.choice("when", &words).unwrap_or_default(),
        max_share: fields.number("max_share", 0.0, 1.0).unwrap_or(0.1),
        max_per_hour: fields.money("max_per_hour").unwrap_or(Money::from_pico(50_000_000_000)),
    }
}

/// `policies`, normalised so that their weights sum to 1.
pub(in crate::config) fn policies(root: &Fields<'_>) -> BTreeMap<String, PolicyWeights> {
    let mut out = BTreeMap::new();
    for (name, fields) in root.named("policies", &POLICY) {
        let weight = |name: &str| fields.number(name, 0.0, f64::INFINITY);
        let weights = [weight("quality"), weight("cost"), weight("speed")];
        let [quality, cost, speed] = weights.map(Option::unwrap_or_default);
        let sum = quality + cost + speed;
        if sum > 0.0 && sum.is_finite() {
            let policy =
                PolicyWeights { quality: quality / sum, cost: cost / sum, speed: speed / sum };
            out.insert(name.to_owned(), policy);
        } else if ["quality", "cost", "speed"]
            .iter()
            .zip(weights)
            .all(|(name, weight)| fields.node(name).is_none() || weight.is_some())
        {
            let message = "expected at least one of quality, cost and speed above 0";
            fields.ctx.error(fields.at, &fields.path, message);
        }
    }
    out
}

/// `routing`
pub(in crate::config) fn routing(root: &Fields<'_>) -> Routing {
    let fields = root.section("routing", &ROUTING);
    let words = [("report", OnRefusal::Report), ("next", OnRefusal::Next)];
    let typed = fields.text("policy").unwrap_or("balanced");
    let policy = whole_policy(&fields, typed);
    check_policy(&fields, policy);
    Routing {
        policy: policy.to_owned(),
        on_refusal: fields.choice("on_refusal", &words).unwrap_or_default(),
        rules: fields.list("rules", &RULE).iter().filter_map(rule).collect(),
    }
}

/// A policy by its name, or by the beginning of one where only one begins so.
fn whole_policy<'a>(fields: &'a Fields<'_>, typed: &'a str) -> &'a str {
    let names = &fields.ctx.names.policies;
    let mut begin = names.iter().filter(|name| name.starts_with(typed));
    match (names.contains(typed), begin.next(), begin.next()) {
        (false, Some(one), None) if !typed.is_empty() => one,
        _ => typed,
    }
}

fn check_policy(fields: &Fields<'_>, name: &str) {
    let names = &fields.ctx.names;
    if names.complete && !names.policies.contains(name) {
        let known = names.policies.iter().map(String::as_str);
        let mut message = format!("there is no policy {name:?}");
        if nearest(name, known.clone()).is_none() {
            let all: Vec<&str> = known.clone().collect();
            message = format!("{message}; there are {}", all.join(", "));
        }
        fields.unknown_name("policy", fields.place("policy"), message, name, known);
    }
}

fn rule(fields: &Fields<'_>) -> Option<Rule> {
    let when = fields.section("when", &RULE_WHEN);
    let filled = |name| when.text(name).filter(|text| !text.is_empty());
    let task = filled("task").and_then(|text| {
        let kind: Option<TaskKind> = text.parse().ok();
        if kind.is_none() {
            let known = TaskKind::ALL.iter().map(|kind| kind.name());
            let message = format!("{text:?} is not a kind of work");
            when.unknown_name("task", when.place("task"), message, text, known);
        }
        kind
    });
    let lang = filled("lang").and_then(|code| {
        let lang = Lang::new(code);
        if lang.is_none() {
            when.wrong("lang", format!("expected a two-letter language code, found {code:?}"));
        }
        lang
    });
    let when = RuleWhen {
        task,
        min_context: when.whole("min_context").filter(|least| *least > 0),
        tag: filled("tag").map(|tag| tag.trim_start_matches('#').to_owned()),
        lang,
    };
    let then = fields.section("then", &RULE_THEN);
    let given: Vec<&str> = ["prefer", "only", "avoid", "policy"]
        .into_iter()
        .filter(|name| then.node(name).is_some())
        .collect();
    let [one] = given.as_slice() else {
        let message = "expected exactly one of prefer, only, avoid and policy";
        fields.ctx.error(then.at, &then.path, message);
        return None;
    };
    let then = match *one {
        "policy" => {
            let name = then.text("policy")?;
            check_policy(&then, name);
            RuleThen::Policy(name.to_owned())
        }
        kind => {
            let names = targets(&then, kind)?;
            match kind {
                "prefer" => RuleThen::Prefer(names),
                "only" => RuleThen::Only(names),
                _ => RuleThen::Avoid(names),
            }
        }
    };
    Some(Rule { when, then })
}

fn targets(then: &Fields<'_>, field: &str) -> Option<Vec<String>> {
    let texts = then.texts(field)?;
    if texts.is_empty() {
        then.wrong(field, "expected at least one name");
    }
    let names = &then.ctx.names;
    for (text, at) in &texts {
        if names.complete
            && !is_model(then, text)
            && !names.providers.contains(*text)
            && !names.tags.contains(*text)
        {
            let known = names.models.iter().chain(&names.providers).chain(&names.tags);
            let message = format!("there is no model, provider or tag {text:?}");
            then.unknown_name(field, *at, message, text, known.map(String::as_str));
        }
    }
    Some(texts.into_iter().map(|(text, _)| text.to_owned()).collect())
}

/// A model's name, or `provider/id`, which may only be known once the provider was asked.
fn is_model(fields: &Fields<'_>, text: &str) -> bool {
    let names = &fields.ctx.names;
    names.models.contains(text)
        || text.split_once('/').is_some_and(|(provider, _)| names.providers.contains(provider))
}

/// `cache`
pub(in crate::config) fn cache(root: &Fields<'_>) -> CacheSettings {
    use std::time::Duration;
    const HOUR: Duration = Duration::from_hours(1);
    let fields = root.section("cache", &CACHE);
    let words = [
        ("deterministic", CacheWhen::Deterministic),
        ("always", CacheWhen::Always),
        ("never", CacheWhen::Never),
    ];
    let redis = fields.opened("redis", &REDIS).and_then(|redis| {
        let ttl = redis.span("ttl").unwrap_or(HOUR);
        if redis.node("url").is_none() {
            redis.ctx.error(redis.at, &redis.path, "no url, such as \"redis://127.0.0.1:6379\"");
        }
        let url = redis.text("url")?;
        if !["redis://", "rediss://", "unix://", "redis+unix://"].iter().any(|s| url.starts_with(s))
        {
            // An address may hold a password: it is not repeated.
            redis.wrong("url", "expected an address that begins with redis:// or rediss://");
            return None;
        }
        Some(RedisSettings { url: url.to_owned(), ttl })
    });
    CacheSettings {
        when: fields.choice("when", &words).unwrap_or_default(),
        max_bytes: fields.size("max_bytes").unwrap_or(64_000_000),
        max_entries: fields
            .count("max_entries")
            .map_or(4_096, |n| usize::try_from(n).unwrap_or(usize::MAX)),
        ttl: fields.span("ttl").unwrap_or(HOUR),
        redis,
    }
}

/// `budget`
pub(in crate::config) fn budget(root: &Fields<'_>) -> Budget {
    let fields = root.section("budget", &BUDGET);
    let one = |name: &str| limit(&fields.opened(name, &BUDGET_LIMIT)?);
    let mut budget = Budget {
        day: one("day"),
        month: one("month"),
        session: one("session"),
        ..Budget::default()
    };
    let names = &fields.ctx.names;
    for (name, fields) in fields.named("providers", &BUDGET_LIMIT) {
        if names.complete && !names.providers.contains(name) {
            let known = names.providers.iter().map(String::as_str);
            let near = nearest(name, known).map(str::to_owned);
            let message = format!("there is no provider {name:?}");
            fields.ctx.error_near(fields.at, &fields.path, message, near);
        }
        budget.providers.extend(limit(&fields).map(|limit| (name.into(), limit)));
    }
    for (name, fields) in fields.named("models", &BUDGET_LIMIT) {
        if names.complete && !is_model(&fields, name) {
            let known = names.models.iter().map(String::as_str);
            let near = nearest(name, known).map(str::to_owned);
            let message = format!("there is no model {name:?}");
            fields.ctx.error_near(fields.at, &fields.path, message, near);
        }
        budget.models.extend(limit(&fields).map(|limit| (name.into(), limit)));
    }
    budget
}

/// `budget.balances`
pub(in crate::config) fn poll_balances(root: &Fields<'_>) -> bool {
    root.section("budget", &BUDGET).flag("balances").unwrap_or(true)
}

fn limit(fields: &Fields<'_>) -> Option<BudgetLimit> {
    let words = [("warn", AtLimit::Warn), ("ask", AtLimit::Ask), ("stop", AtLimit::Stop)];
    let at_limit = fields.choice("at_limit", &words).unwrap_or_default();
    if fields.node("limit").is_none() {
        fields.ctx.error(fields.at, &fields.path, "no limit, such as limit = 2.00");
    }
    Some(BudgetLimit { limit: fields.money("limit")?, at_limit })
}

/// `console`
pub(in crate::config) fn console(root: &Fields<'_>) -> ConsoleSettings {
    let fields = root.section("console", &CONSOLE);
    let send = [("enter", "enter"), ("alt-enter", "alt-enter")];
    let language = [("auto", "auto"), ("en", "en"), ("zh", "zh")];
    let mouse = [("off", "off"), ("wheel", "wheel"), ("full", "full")];
    let baseline = fields.text("baseline").filter(|name| !name.is_empty());
    if let Some(name) = baseline
        && fields.ctx.names.complete
        && !is_model(&fields, name)
    {
        let known = fields.ctx.names.models.iter().map(String::as_str);
        let message = format!("there is no model {name:?}");
        fields.unknown_name("baseline", fields.place("baseline"), message, name, known);
    }
    ConsoleSettings {
        theme: fields.string("theme").unwrap_or_else(|| "terminal".to_owned()),
        keys: keys(&fields),
        send: fields.choice("send", &send).unwrap_or("enter").to_owned(),
        mouse: fields.choice("mouse", &mouse).unwrap_or("off").to_owned(),
        ascii: fields.flag("ascii").unwrap_or(false),
        accessible: fields.flag("accessible").unwrap_or(false),
        language: fields.choice("language", &language).unwrap_or("auto").to_owned(),
        baseline: baseline.map(str::to_owned),
    }
}

/// Bindings, written as `composer.submit = "enter"` or as tables by context; an empty list unbinds.
fn keys(fields: &Fields<'_>) -> BTreeMap<String, Vec<String>> {
    let mut out = BTreeMap::new();
    let Some(node) = fields.node("keys") else { return out };
    let Value::Table(table) = &node.value else {
        fields.wrong("keys", format!("expected a table, found {}", node.value.what()));
        return out;
    };
    let mut open: Vec<(String, At, &Node)> =
        table.entries.iter().map(|(key, entry)| (key.clone(), entry.key_at, &entry.node)).collect();
    while let Some((name, key_at, node)) = open.pop() {
        let path = join_path(&fields.path_of("keys"), &name);
        let bound = match &node.value {
            Value::Table(inner) => {
                open.extend(
                    inner
                        .entries
                        .iter()
                        .map(|(key, entry)| (format!("{name}.{key}"), entry.key_at, &entry.node)),
                );
                continue;
            }
            Value::Text(key) => Some(vec![key.clone()]),
            Value::List(items) => items
                .iter()
                .map(|item| match &item.value {
                    Value::Text(key) => Some(key.clone()),
                    _ => None,
                })
                .collect(),
            _ => None,
        };
        match bound {
            None => {
                fields.ctx.error(node.at, &path, "expected a key such as \"ctrl+p\", or a list");
            }
            Some(_) if !name.contains('.') => {
                fields.ctx.error(key_at, &path, "expected context.action, such as global.palette");
            }
            Some(keys) => {
                out.insert(name, keys);
            }
        }
    }
    out
}

/// `capture`
pub(in crate::config) fn capture(root: &Fields<'_>) -> Capture {
    let fields = root.section("capture", &CAPTURE);
    Capture {
        bodies: fields.flag("bodies").unwrap_or(false),
        unknown_errors: fields.flag("unknown_errors").unwrap_or(true),
    }
}

/// The longest anything is kept by a number of days: a hundred years.
const MOST_DAYS: u64 = 36_500;

/// `ledger`
pub(in crate::config) fn ledger(root: &Fields<'_>) -> LedgerSettings {
    let fields = root.section("ledger", &LEDGER);
    let words =
        [("all", KeepWhat::All), ("figures", KeepWhat::Figures), ("nothing", KeepWhat::Nothing)];
    let days = |name: &str, instead: &str| {
        let days = fields.whole(name)?;
        if days == 0 || days > MOST_DAYS {
            let message = format!(
                "expected 1 to {MOST_DAYS} days, found {days}; {instead}, leave it out for ever"
            );
            fields.wrong(name, message);
            return None;
        }
        u32::try_from(days).ok()
    };
    LedgerSettings {
        keep: fields.choice("keep", &words).unwrap_or_default(),
        keep_days: days("keep_days", "keep = \"figures\" keeps no text at all"),
        record_days: days("record_days", "keep = \"nothing\" keeps no records at all"),
    }
}

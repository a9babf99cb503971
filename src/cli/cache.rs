//! `wheelhouse cache`: what the shared tier holds and gave, forgetting answers, and why a prompt would
//! hit or miss. What other processes keep in memory is theirs alone, and the output says so.

use serde_json::json;

use crate::cache::{RedisTier, Survey, Trouble, Why};
use crate::config::{CacheWhen, Config, RedisSettings};
use crate::domain::{ReaderKind, counted, format_size};
use crate::engine::Recall;

use super::args::AskArgs;
use super::args::cache::{CacheClearArgs, CacheCommand, CacheStatsArgs};
use super::ask::Asking;
use super::compose::{self, Setup};
use super::{Exit, Io, Stop, kept};

/// The shortest beginning of a key that is taken for one: less could name what nobody meant.
const KEY: usize = 6;

/// Does it.
pub fn run(what: &CacheCommand, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    match what {
        CacheCommand::Stats(args) => stats(args, setup, io),
        CacheCommand::Clear(args) => clear(args, setup, io),
        CacheCommand::Why(args) => why(args, setup, io),
    }
}

/// The configuration, as a demo has it where one is wished for.
fn config(setup: &Setup) -> Result<Config, Stop> {
    let loaded = setup.load_in_force()?;
    Ok(loaded.config)
}

fn stats(args: &CacheStatsArgs, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    let config = config(setup)?;
    let survey = match &config.cache.redis {
        None => None,
        Some(redis) => {
            let runtime = compose::runtime()?;
            Some(runtime.block_on(async { RedisTier::open(&redis.url, redis.ttl)?.survey().await }))
        }
    };
    if args.json {
        writeln!(io.out, "{}", machine(&config, survey.as_ref()))?;
    } else {
        for line in people(&config, survey.as_ref()) {
            io.line(&line)?;
        }
    }
    match (survey, &config.cache.redis) {
        (Some(Err(trouble)), Some(redis)) => Err(gone(redis, &trouble)),
        (Some(_) | None, _) => Ok(Exit::Done),
    }
}

fn machine(config: &Config, survey: Option<&Result<Survey, Trouble>>) -> serde_json::Value {
    let redis = survey.map(|survey| match survey {
        Ok(survey) => json!({
            "entries": survey.entries,
            "bytes": survey.bytes,
            "more": survey.more,
            "hits": survey.count.hits,
            "saved_usd": survey.count.saved.to_string(),
        }),
        Err(trouble) => json!({ "error": trouble.to_string(), "hint": trouble.hint() }),
    });
    json!({
        "schema": super::json::SCHEMA,
        "when": kept_when(config),
        "redis": redis,
        "memory": {
            "max_bytes": config.cache.max_bytes,
            "max_entries": config.cache.max_entries,
        },
    })
}

fn people(config: &Config, survey: Option<&Result<Survey, Trouble>>) -> Vec<String> {
    let mut lines = vec![format!("kept     {}", kept_when(config))];
    match survey {
        None => lines.push(
            "redis    none: set cache.redis.url to share answers between processes".to_owned(),
        ),
        Some(Ok(survey)) => {
            let least = if survey.more { "at least " } else { "" };
            lines.push(format!(
                "redis    {least}{}, {}",
                counted(survey.entries, "answer"),
                format_size(survey.bytes)
            ));
            lines.push(format!(
                "saved    {}, {}, by every wheelhouse on this Redis since it was cleared",
                counted(survey.count.hits, "call"),
                survey.count.saved.in_full()
            ));
        }
        Some(Err(_)) => {}
    }
    lines.push(format!(
        "memory   at most {} and {} in each wheelhouse that runs: /cache there tells what it keeps",
        format_size(config.cache.max_bytes),
        counted(config.cache.max_entries as u64, "answer")
    ));
    lines
}

const fn kept_when(config: &Config) -> &'static str {
    match config.cache.when {
        CacheWhen::Deterministic => "repeatable requests: temperature 0, and a seed where taken",
        CacheWhen::Always => "every whole answer",
        CacheWhen::Never => "nothing: cache.when is \"never\"",
    }
}

fn gone(redis: &RedisSettings, trouble: &Trouble) -> Stop {
    Stop::Say(Exit::Error, without(redis, trouble).join("\n"))
}

/// What is wrong with the shared tier, where it is, and what may help.
fn without(redis: &RedisSettings, trouble: &Trouble) -> [String; 2] {
    [
        format!("the Redis cache at {}: {trouble}", redis.address()),
        format!("  try: {}", trouble.hint()),
    ]
}

fn clear(args: &CacheClearArgs, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    if args.key.is_none() && !args.all {
        return Err(Stop::usage(
            "say what to forget: wheelhouse cache clear KEY, as `cache why` prints it, or all of \
             it: wheelhouse cache clear --all",
        ));
    }
    let config = config(setup)?;
    let Some(redis) = &config.cache.redis else {
        return Err(Stop::usage(
            "there is no Redis cache to clear: cache.redis.url is not set\n  \
             what a running wheelhouse keeps in memory goes when it ends",
        ));
    };
    let prefix = args.key.as_deref().unwrap_or_default().to_ascii_lowercase();
    if !args.all && (prefix.len() < KEY || !prefix.chars().all(|c| c.is_ascii_hexdigit())) {
        return Err(Stop::usage(format!(
            "{prefix:?} is no key: give {KEY} or more of its hex digits, as `cache why` prints them"
        )));
    }
    let runtime = compose::runtime()?;
    let gone_now = runtime.block_on(async {
        let tier = RedisTier::open(&redis.url, redis.ttl)?;
        if args.all {
            return tier.clear().await;
        }
        let mut count = 0;
        for key in tier.keys_like(&prefix).await? {
            count += u64::from(tier.remove(&key).await?);
        }
        Ok(count)
    });
    let count = gone_now.map_err(|trouble| gone(redis, &trouble))?;
    if count == 0 && !args.all {
        return Err(Stop::Say(Exit::Error, format!("no kept answer has a key like {prefix}")));
    }
    io.line(&format!(
        "{} forgotten in Redis; a running wheelhouse may hold its own for {}",
        counted(count, "answer"),
        crate::domain::format_span(config.cache.ttl)
    ))?;
    Ok(Exit::Done)
}

fn why(args: &AskArgs, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    let mut asking = super::ask::asking(args, "cache why", ReaderKind::Replaceable, io)?;
    let went_on = kept::go_on(&mut asking.request, &kept::Continue::of(args), setup)?;
    asking.say(&went_on.said, setup, io);
    let _log = setup.log()?;
    setup.know();
    let runtime = compose::runtime()?;
    let recalled = runtime.block_on(recall(&mut asking, setup));
    runtime.shutdown_background();
    asking.say(&[], setup, io);
    let (recall, redis) = recalled?;
    if args.json {
        writeln!(io.out, "{}", told(&recall))?;
    } else {
        for line in lines(&recall, redis.as_ref()) {
            io.line(&line)?;
        }
    }
    Ok(Exit::Done)
}

/// What the cache would do, and with which tier that this process shares with others.
async fn recall(
    asking: &mut Asking,
    setup: &Setup,
) -> Result<(Recall, Option<RedisSettings>), Stop> {
    let running = setup.start().await?;
    let snapshot = running.settled().await;
    asking.resolve(&snapshot.config)?;
    Ok((running.engine.recall(&asking.request).await, snapshot.config.cache.redis.clone()))
}

fn told(recall: &Recall) -> serde_json::Value {
    let (nearest, differs) = match &recall.why {
        Why::Miss { nearest: Some(near), .. } => (
            Some(near.key.hex()),
            Some(near.differs.iter().map(|field| field.words()).collect::<Vec<_>>()),
        ),
        Why::Miss { nearest: None, .. }
        | Why::Hit(..)
        | Why::Shared(_)
        | Why::Refreshed
        | Why::Refused(_) => (None, None),
    };
    let (model, key) = place(recall);
    json!({
        "schema": super::json::SCHEMA,
        "hit": recall.answer.is_some(),
        "why": recall.why.words(),
        "model": model,
        "key": key,
        "nearest": nearest,
        "differs": differs,
        "saves_usd": recall.answer.as_ref().map(|answer| answer.cost.amount.to_string()),
        "not_kept": recall.unkept.as_ref().map(|(model, why)| json!({
            "model": model.to_string(), "why": why.words(),
        })),
        "redis_error": recall.trouble.as_ref().map(ToString::to_string),
    })
}

/// Whose answer it is or would be, and its key.
fn place(recall: &Recall) -> (Option<String>, Option<String>) {
    let wanted = recall.wanted.as_ref();
    let key = match &recall.why {
        Why::Hit(_, key) | Why::Shared(key) => Some(*key),
        Why::Miss { .. } | Why::Refreshed | Why::Refused(_) => wanted.map(|(_, key)| *key),
    };
    let model = match &recall.answer {
        Some(answer) => Some(answer.model.to_string()),
        None => wanted.map(|(model, _)| model.to_string()),
    };
    (model, key.map(|key| key.hex()))
}

fn lines(recall: &Recall, redis: Option<&RedisSettings>) -> Vec<String> {
    let mut lines = vec![recall.why.words()];
    let (model, key) = place(recall);
    if let (Some(model), Some(key)) = (model, key) {
        lines.push(format!("  {model} under {key}"));
    }
    if let (Some((model, why)), None) = (&recall.unkept, &recall.answer) {
        lines.push(format!("  {model} would answer first, and that is not kept: {}", why.words()));
    }
    if let Some(answer) = &recall.answer {
        lines.push(format!("  saves {}", answer.cost.in_full()));
    }
    match (redis, &recall.trouble) {
        (Some(redis), Some(trouble)) => {
            lines.extend(without(redis, trouble).map(|line| format!("  {line}")));
        }
        (None, _) if matches!(recall.why, Why::Miss { .. }) => lines.push(
            "  cache.redis.url is not set: each wheelhouse knows only its own memory, and this one \
             has just begun"
                .to_owned(),
        ),
        (Some(_) | None, _) => {}
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::args::Global;
    use super::*;
    use crate::cache::Count;
    use crate::domain::Money;

    #[test]
    fn little_is_told_as_little_and_one_as_one() {
        let config = crate::config::sample::config([], []);
        let count = Count { hits: 1, saved: Money::from_pico(22_400_000) };
        let survey = Survey { entries: 1, bytes: 1_919, more: false, count };
        let told = people(&config, Some(&Ok(survey)));
        assert_eq!(told[1], "redis    1 answer, 1.9 kB");
        assert!(told[2].starts_with("saved    1 call, $0.0000224, by every"), "{}", told[2]);
    }

    #[test]
    fn what_to_forget_has_to_be_said_and_the_error_says_how() {
        let setup = Setup::new(&Global::default());
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut io = Io {
            out: &mut out,
            err: &mut err,
            in_kind: Kind::Pipe,
            out_kind: Kind::Pipe,
            err_kind: Kind::Pipe,
        };
        let stop = clear(&CacheClearArgs::default(), &setup, &mut io).unwrap_err();
        let (exit, words) = stop.story();
        assert_eq!(exit, Exit::Usage);
        assert!(words.unwrap().contains("wheelhouse cache clear --all"));
    }
}

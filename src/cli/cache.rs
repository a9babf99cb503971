//! `wheelhouse cache`: what the shared tier holds and gave, forgetting answers, and why a prompt would
//! hit or miss. What other processes keep in memory is theirs alone, and the output says so.

use serde_json::json;

use crate::cache::{RedisTier, Survey, Trouble, Why};
use crate::config::{CacheWhen, Config};
use crate::domain::ReaderKind;
use crate::engine::Recall;

use super::args::AskArgs;
use super::args::cache::{CacheClearArgs, CacheCommand, CacheStatsArgs};
use super::ask::Asking;
use super::compose::{self, Setup};
use super::story::counted;
use super::{Exit, Io, Stop};

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
    match survey {
        Some(Err(trouble)) => Err(gone(&trouble)),
        Some(Ok(_)) | None => Ok(Exit::Done),
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
        Err(trouble) => json!({ "error": trouble.to_string() }),
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
                "redis    {least}{}, {:.1} MB",
                counted(survey.entries, "answer"),
                survey.bytes as f64 / 1e6
            ));
            lines.push(format!(
                "saved    {}, {}, by every wheelhouse on this Redis since it was cleared",
                counted(survey.count.hits, "call"),
                survey.count.saved.short()
            ));
        }
        Some(Err(_)) => {}
    }
    lines.push(format!(
        "memory   at most {} MB and {} answers in each wheelhouse that runs; see its cost panel",
        config.cache.max_bytes / 1_000_000,
        config.cache.max_entries
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

fn gone(trouble: &Trouble) -> Stop {
    Stop::Say(Exit::Error, format!("the Redis cache: {trouble}"))
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
    let count = gone_now.map_err(|trouble| gone(&trouble))?;
    if count == 0 && !args.all {
        return Err(Stop::Say(Exit::Error, format!("no kept answer has a key like {prefix}")));
    }
    let answers = if count == 1 { "answer" } else { "answers" };
    io.line(&format!(
        "{count} {answers} forgotten in Redis; a running wheelhouse may hold its own for {}",
        crate::domain::format_span(config.cache.ttl)
    ))?;
    Ok(Exit::Done)
}

fn why(args: &AskArgs, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    let mut asking = super::ask::asking(args, "cache why", ReaderKind::Replaceable, io)?;
    let _log = setup.log()?;
    let runtime = compose::runtime()?;
    let recalled = runtime.block_on(recall(&mut asking, setup));
    runtime.shutdown_background();
    asking.say(&[], setup, io);
    let (recall, shared) = recalled?;
    if args.json {
        writeln!(io.out, "{}", told(&recall))?;
    } else {
        for line in lines(&recall, shared) {
            io.line(&line)?;
        }
    }
    Ok(Exit::Done)
}

/// Is there a tier that this process shares with others?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Redis,
    Nothing,
}

async fn recall(asking: &mut Asking, setup: &Setup) -> Result<(Recall, Sharing), Stop> {
    let running = setup.start().await?;
    let snapshot = running.settled().await;
    asking.resolve(&snapshot.config)?;
    let sharing =
        if snapshot.config.cache.redis.is_some() { Sharing::Redis } else { Sharing::Nothing };
    Ok((running.engine.recall(&asking.request).await, sharing))
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

fn lines(recall: &Recall, sharing: Sharing) -> Vec<String> {
    let mut lines = vec![recall.why.words()];
    let (model, key) = place(recall);
    if let (Some(model), Some(key)) = (model, key) {
        lines.push(format!("  {model} under {key}"));
    }
    if let (Some((model, why)), None) = (&recall.unkept, &recall.answer) {
        lines.push(format!("  {model} would answer first, and that is not kept: {}", why.words()));
    }
    if let Some(answer) = &recall.answer {
        lines.push(format!("  saves {}", super::story::cost(answer.cost)));
    }
    if let Some(trouble) = &recall.trouble {
        lines.push(format!("  Redis was not asked: {trouble}"));
    }
    if sharing == Sharing::Nothing && matches!(recall.why, Why::Miss { .. }) {
        lines.push(
            "  cache.redis.url is not set: each wheelhouse knows only its own memory, and this one \
             has just begun"
                .to_owned(),
        );
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::args::Global;
    use super::*;

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

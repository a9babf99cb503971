//! What routing and caches did about the cost, for people.
//!
//! Invariant: every request that is not in a comparison is counted, with what may have kept it out.

use crate::domain::{Denomination, ModelName, Money, counted};
use crate::ledger::Routing;

/// The lines; none where nothing was asked. A baseline that was named is spoken of in any case.
pub(super) fn lines(
    routing: &Routing,
    baseline: Option<&ModelName>,
    shown: Denomination,
) -> Vec<String> {
    let mut out = Vec::new();
    if routing.requests > 0 {
        out.push(answered(routing));
        out.extend(compared(routing, shown));
    }
    if let Some(model) = baseline {
        out.push(against(model, routing, shown));
    }
    out.extend(caches(routing, shown));
    out
}

fn answered(routing: &Routing) -> String {
    let Routing { requests, answered, .. } = *routing;
    let line = format!("routing   {answered} of {} answered", counted(requests, "request"));
    let were = match requests.saturating_sub(answered) {
        0 => return line,
        1 => "1 failed, was refused".to_owned(),
        n => format!("{n} failed, were refused"),
    };
    format!("{line}; {were} or stopped, or only the cache was to answer")
}

/// What those that can be compared would have cost, and why others cannot.
fn compared(routing: &Routing, shown: Denomination) -> Vec<String> {
    let Routing { answered, cached, compared, spent, dearest, .. } = *routing;
    if answered == 0 {
        return Vec::new();
    }
    let mut out = vec![if compared == 0 {
        "compared  none of them can be compared with other models".to_owned()
    } else {
        let [dearest, spent, saved] = summed(dearest, spent, shown);
        format!(
            "compared  {compared} of the {answered} answered: {dearest} at the dearest model \
             that fit each, {spent} spent, {saved} saved"
        )
    }];
    if cached > 0 {
        out.push(format!("          left out: {cached} from the cache"));
    }
    match answered.saturating_sub(cached).saturating_sub(compared) {
        0 => {}
        1 => out.push(
            "          left out: 1 that was pinned to one model, or whose exact cost is not known"
                .to_owned(),
        ),
        n => out.push(format!(
            "          left out: {n} that were pinned to one model, as `compare` asks, or whose \
             exact cost is not known"
        )),
    }
    out
}

fn against(model: &ModelName, routing: &Routing, shown: Denomination) -> String {
    let Some((requests, spent, would)) = routing.baseline else {
        return format!("baseline  no request that can be compared could have gone to {model}");
    };
    let [would, spent, saved] = summed(would, spent, shown);
    format!(
        "baseline  {} that {model} could have answered for {would}, {spent} spent: {saved} saved",
        counted(requests, "request")
    )
}

/// What was saved; nothing is said of a cache that saved nothing.
fn caches(routing: &Routing, shown: Denomination) -> Option<String> {
    let answers = (routing.cached > 0).then(|| {
        let answers = counted(routing.cached, "answer");
        format!("{answers} from the cache saved {}", shown.in_full(routing.cache_saved))
    });
    let prompts = (routing.prefix_saved > Money::ZERO)
        .then(|| format!("prompt caches took off {}", shown.brief(routing.prefix_saved)));
    let said: Vec<String> = answers.into_iter().chain(prompts).collect();
    (!said.is_empty()).then(|| format!("caches    {}", said.join("; ")))
}

/// What it would have been, what it was and what that saved, in figures that add up.
fn summed(would: Money, spent: Money, shown: Denomination) -> [String; 3] {
    let saved = would - spent;
    let decimals = shown.decimals(would, &[spent, saved]);
    [would, spent, saved].map(|amount| shown.fixed(amount, decimals))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    fn told(routing: &Routing, baseline: Option<&str>) -> Vec<String> {
        lines(routing, baseline.map(ModelName::from).as_ref(), Denomination::Dollars)
    }

    #[test]
    fn every_request_that_is_not_compared_is_accounted_for() {
        let routing = Routing {
            requests: 19,
            answered: 18,
            cached: 2,
            compared: 13,
            spent: money("0.0026"),
            dearest: money("0.0054"),
            cache_saved: money("0.001"),
            ..Routing::default()
        };
        assert_eq!(
            told(&routing, None),
            [
                "routing   18 of 19 requests answered; 1 failed, was refused or stopped, or only \
                 the cache was to answer",
                "compared  13 of the 18 answered: $0.005400 at the dearest model that fit each, \
                 $0.002600 spent, $0.002800 saved",
                "          left out: 2 from the cache",
                "          left out: 3 that were pinned to one model, as `compare` asks, or \
                 whose exact cost is not known",
                "caches    2 answers from the cache saved $0.001",
            ]
        );
        let one = Routing { requests: 1, answered: 1, ..Routing::default() };
        assert_eq!(
            told(&one, None),
            [
                "routing   1 of 1 request answered",
                "compared  none of them can be compared with other models",
                "          left out: 1 that was pinned to one model, or whose exact cost is \
                 not known",
            ]
        );
        assert!(told(&Routing::default(), None).is_empty());
    }

    #[test]
    fn a_baseline_that_was_named_is_spoken_of_though_nothing_can_be_compared_with_it() {
        assert_eq!(
            told(&Routing::default(), Some("opus")),
            ["baseline  no request that can be compared could have gone to opus"]
        );
        let baseline = Some((1, money("0.01"), money("0.04")));
        let routing = Routing { baseline, ..Routing::default() };
        assert_eq!(
            told(&routing, Some("opus")),
            ["baseline  1 request that opus could have answered for $0.0400, $0.0100 spent: \
              $0.0300 saved"]
        );
    }

    #[test]
    fn of_a_cache_that_saved_nothing_nothing_is_said() {
        let caches = |cached, prefix| {
            let routing = Routing { cached, prefix_saved: money(prefix), ..Routing::default() };
            super::caches(&routing, Denomination::Dollars)
        };
        assert_eq!(caches(0, "0"), None);
        assert_eq!(caches(0, "0.02").as_deref(), Some("caches    prompt caches took off $0.020"));
        assert_eq!(
            caches(1, "0").as_deref(),
            Some("caches    1 answer from the cache saved $0.00")
        );
    }
}

//! `wheelhouse replay`: decides everything again that was decided, under another policy, and says
//! what would have changed in cost and time.
//!
//! Invariants: nobody is asked; decisions are compared only where they were made from the same kind
//! of input; under the recorded policy each must come out as it was, in every field, and if one does
//! not that is said first and is an error.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde_json::{Value, json};

use crate::config::Config;
use crate::domain::{Cost, Decision, Money, UnixMs, nearest};
use crate::engine;
use crate::ledger::KeptDecision;
use crate::route::{self, INPUT_VERSION};

use super::args::ReplayArgs;
use super::compose::Setup;
use super::kept;
use super::report::Shown;
use super::table::{Align, Table};
use super::{Exit, Io, Stop};

/// The version of the object, printed as `schema`. In the first, differences and sums had the names of
/// plain figures.
const SCHEMA: u32 = 2;

/// Moves that are listed.
const MOVES: usize = 12;

/// Decides again and prints.
pub fn run(args: &ReplayArgs, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    let config = setup.load_in_force()?.config;
    // As the configuration has it: of a policy that was named by its beginning the whole name.
    let named = setup.global.policy.as_ref().map(|_| config.routing.policy.as_str());
    let policy = named.map(|name| weights(name, &config)).transpose()?;
    let from = args.since.start(engine::now(), &super::kept::zone(setup));
    let mut replay = Replay { policy, shown: Shown::first(&config.currency), ..Replay::default() };
    if let Some(doubt) = replay.shown.doubt(kept::today(setup)) {
        io.talk(&doubt);
    }
    match kept::reader(setup)? {
        Some(reader) => {
            replay.unread = reader.decisions(from, UnixMs(i64::MAX), |kept| {
                replay.take(&kept);
                ControlFlow::Continue(())
            })?;
        }
        None => io.talk(kept::nothing(setup)),
    }
    if args.json {
        writeln!(io.out, "{}", replay.json())?;
    } else {
        for line in replay.lines() {
            io.line(&line)?;
        }
    }
    Ok(if replay.differ.is_empty() { Exit::Done } else { Exit::Error })
}

/// The report of one policy over the decisions that `each` hands out, in lines; `each` says how many
/// could not be read.
pub fn told<E>(
    policy: &str,
    config: &Config,
    each: impl FnOnce(&mut dyn FnMut(&KeptDecision)) -> Result<u64, E>,
) -> Result<Vec<String>, E> {
    // The console names a policy that is there.
    let shown = Shown::first(&config.currency);
    let mut replay = Replay { policy: weights(policy, config).ok(), shown, ..Replay::default() };
    replay.unread = each(&mut |kept| replay.take(kept))?;
    Ok(replay.lines())
}

fn weights(name: &str, config: &Config) -> Result<Policy, Stop> {
    if let Some(found) = config.policies.get(name) {
        let weights = [found.quality, found.cost, found.speed];
        return Ok(Policy { name: name.to_owned(), weights });
    }
    let known = || config.policies.keys().map(String::as_str);
    let near = nearest(name, known()).map_or_else(
        || format!("; there are {}", known().collect::<Vec<_>>().join(", ")),
        |near| format!("; did you mean {near}?"),
    );
    Err(Stop::usage(format!("there is no policy {name:?}{near}")))
}

#[derive(Debug, Clone)]
struct Policy {
    name: String,
    weights: [f64; 3],
}

/// Sums of one side.
#[derive(Debug, Clone, Copy, Default)]
struct Side {
    cost: i128,
    ttft_ms: u128,
    total_ms: u128,
    unpriced: u64,
    nobody: u64,
}

impl Side {
    fn add(&mut self, decision: &Decision) {
        let Some(chosen) = decision.chosen() else {
            self.nobody += 1;
            return;
        };
        match chosen.estimate.cost {
            Some(cost) => self.cost += i128::from(cost.pico()),
            None => self.unpriced += 1,
        }
        self.ttft_ms += u128::from(chosen.estimate.ttft_ms);
        self.total_ms += u128::from(chosen.estimate.total_ms);
    }

    fn money(self) -> Money {
        Money::from_pico(i64::try_from(self.cost).unwrap_or(i64::MAX))
    }
}

/// One model in another's place: how much more all of it would have cost and taken.
#[derive(Debug, Clone, Copy, Default)]
struct Move {
    requests: u64,
    cost: i128,
    ttft_ms: i128,
}

impl Move {
    /// How much later the first token would have come, on average.
    fn mean_ttft_ms(self) -> i128 {
        self.ttft_ms / i128::from(self.requests.max(1))
    }
}

#[derive(Debug, Default)]
struct Replay {
    policy: Option<Policy>,
    /// What amounts are shown to people in.
    shown: Shown,
    /// Decisions compared.
    compared: u64,
    /// Made from another kind of input.
    other_revision: u64,
    /// Could not be read.
    unread: u64,
    /// Did not come out as they were.
    differ: Vec<String>,
    changed: u64,
    was: Side,
    would: Side,
    real: i128,
    real_exact: bool,
    moves: BTreeMap<(String, String), Move>,
}

fn name(decision: &Decision) -> String {
    decision.chosen().map_or_else(|| "nobody".to_owned(), |one| one.model.to_string())
}

impl Replay {
    fn take(&mut self, kept: &KeptDecision) {
        if kept.input.version != INPUT_VERSION {
            self.other_revision += 1;
            return;
        }
        if self.compared == 0 {
            self.real_exact = true;
        }
        self.compared += 1;
        if route::decide(&kept.input) != kept.decision {
            self.differ.push(kept.decision.id.to_string());
        }
        self.real += i128::from(kept.cost.amount.pico());
        self.real_exact &= kept.cost.exact;
        self.was.add(&kept.decision);
        let Some(policy) = &self.policy else { return };
        let input = route::with_policy(&kept.input, &policy.name, policy.weights);
        let again = route::decide(&input);
        self.would.add(&again);
        let (from, to) = (name(&kept.decision), name(&again));
        if from != to {
            self.changed += 1;
            let figures = |decision: &Decision| {
                decision.chosen().map_or((0, 0), |one| {
                    let cost = one.estimate.cost.map_or(0, Money::pico);
                    (i128::from(cost), i128::from(one.estimate.ttft_ms))
                })
            };
            let (before, after) = (figures(&kept.decision), figures(&again));
            let one = self.moves.entry((from, to)).or_default();
            one.requests += 1;
            one.cost += after.0 - before.0;
            one.ttft_ms += after.1 - before.1;
        }
    }

    fn identity(&self) -> String {
        let same = self.compared - self.differ.len() as u64;
        format!(
            "identity  {same} of {} decisions come out as they were, in every field",
            self.compared
        )
    }

    fn lines(&self) -> Vec<String> {
        let mut out = match self.compared + self.other_revision + self.unread {
            0 => vec![
                "no decision of that time is kept: there is nothing to decide again".to_owned(),
            ],
            _ => vec![self.identity()],
        };
        for id in self.differ.iter().take(MOVES) {
            out.push(format!("  another outcome: decision {id}"));
        }
        if self.other_revision > 0 {
            out.push(format!(
                "  {} more were made from another kind of input and are not compared",
                self.other_revision
            ));
        }
        if self.unread > 0 {
            out.push(format!("  {} more cannot be read", self.unread));
        }
        let (Some(policy), true) = (&self.policy, self.compared > 0) else { return out };
        out.push(String::new());
        out.push(format!(
            "{}: {} of {} would have gone to another model",
            policy.name, self.changed, self.compared
        ));
        out.push(String::new());
        out.extend(self.sides());
        if !self.moves.is_empty() {
            out.push(String::new());
            out.extend(self.move_lines());
        }
        if let Some(rate) = self.shown.words() {
            out.extend([String::new(), rate]);
        }
        out
    }

    /// Of those that somebody was chosen for.
    fn mean(&self, sum: u128, side: Side) -> u64 {
        let count = u128::from(self.compared - side.nobody).max(1);
        u64::try_from(sum / count).unwrap_or(u64::MAX)
    }

    fn sides(&self) -> Vec<String> {
        let mut table = Table::new(&[
            ("", Align::Left),
            ("est. cost", Align::Right),
            ("first token", Align::Right),
            ("whole", Align::Right),
            ("nobody", Align::Right),
        ]);
        let mean = |sum: u128, side: Side| super::story::seconds(self.mean(sum, side));
        let mut row = |label: String, side: Side| {
            let unpriced = if side.unpriced > 0 { "≥" } else { "" };
            table.row([
                label,
                format!("{unpriced}{}", self.shown.money.short(side.money())),
                mean(side.ttft_ms, side),
                mean(side.total_ms, side),
                side.nobody.to_string(),
            ]);
        };
        row("as it was".to_owned(), self.was);
        if let Some(policy) = &self.policy {
            row(policy.name.clone(), self.would);
        }
        let mut lines = table.lines();
        let real = Money::from_pico(i64::try_from(self.real).unwrap_or(i64::MAX));
        let real = Cost { amount: real, exact: self.real_exact };
        lines.push(format!("really spent: {}", self.shown.money.cost_short(real)));
        lines
    }

    fn move_lines(&self) -> Vec<String> {
        let mut moves: Vec<_> = self.moves.iter().collect();
        moves.sort_by_key(|((from, to), one)| (std::cmp::Reverse(one.requests), from, to));
        let mut table = Table::new(&[
            ("from", Align::Left),
            ("to", Align::Left),
            ("requests", Align::Right),
            ("est. cost", Align::Right),
            ("first token", Align::Right),
        ]);
        for ((from, to), one) in moves.iter().take(MOVES) {
            let cost = Money::from_pico(i64::try_from(one.cost).unwrap_or(0));
            let ms = one.mean_ttft_ms();
            let sign = if ms < 0 { "-" } else { "+" };
            let ms = u64::try_from(ms.unsigned_abs()).unwrap_or(u64::MAX);
            table.row([
                from.clone(),
                to.clone(),
                one.requests.to_string(),
                format!(
                    "{}{}",
                    if cost > Money::ZERO { "+" } else { "" },
                    self.shown.money.short(cost)
                ),
                format!("{sign}{}", super::story::seconds(ms)),
            ]);
        }
        let mut lines = table.lines();
        if moves.len() > MOVES {
            lines.push(format!("{} more; --json lists all", moves.len() - MOVES));
        }
        lines
    }

    fn json(&self) -> Value {
        let side = |side: Side| {
            json!({
                "est_cost_usd": side.money().to_string(),
                "est_ttft_mean_ms": self.mean(side.ttft_ms, side),
                "est_total_mean_ms": self.mean(side.total_ms, side),
                "unpriced": side.unpriced,
                "nobody": side.nobody,
            })
        };
        let real = Money::from_pico(i64::try_from(self.real).unwrap_or(i64::MAX));
        json!({
            "schema": SCHEMA,
            "policy": self.policy.as_ref().map(|policy| policy.name.clone()),
            "compared": self.compared,
            "identical": self.compared - self.differ.len() as u64,
            "differ": self.differ,
            "other_revision": self.other_revision,
            "unread": self.unread,
            "changed": self.policy.as_ref().map(|_| self.changed),
            "recorded": side(self.was),
            "replayed": self.policy.as_ref().map(|_| side(self.would)),
            "spent_usd": real.to_string(),
            "spent_exact": self.real_exact,
            "moves": self.moves.iter().map(|((from, to), one)| json!({
                "from": from,
                "to": to,
                "requests": one.requests,
                "est_cost_delta_usd":
                    Money::from_pico(i64::try_from(one.cost).unwrap_or(0)).to_string(),
                "est_ttft_mean_delta_ms": one.mean_ttft_ms() as i64,
            })).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Denomination;

    #[test]
    fn where_there_is_nothing_to_decide_again_that_is_said() {
        let lines = Replay::default().lines();
        assert_eq!(lines, ["no decision of that time is kept: there is nothing to decide again"]);
        let lines = Replay { unread: 2, ..Replay::default() }.lines();
        assert_eq!(lines[1], "  2 more cannot be read");
    }

    #[test]
    fn differences_and_means_are_called_so_where_programs_read_them() {
        let one = Move { requests: 2, cost: -3_000_000_000, ttft_ms: -500 };
        let replay = Replay {
            compared: 3,
            was: Side { ttft_ms: 900, total_ms: 3_000, nobody: 1, ..Side::default() },
            moves: BTreeMap::from([(("a".to_owned(), "b".to_owned()), one)]),
            ..Replay::default()
        };
        let told = replay.json();
        let one = &told["moves"][0];
        assert_eq!(one["est_cost_delta_usd"], "-0.003");
        assert_eq!(one["est_ttft_mean_delta_ms"], -250);
        assert_eq!(told["recorded"]["est_ttft_mean_ms"], 450);
        assert_eq!(told["recorded"]["est_total_mean_ms"], 1_500);
    }

    #[test]
    fn amounts_are_in_the_user_s_currency_and_say_at_which_rate() {
        let yuan = Denomination::At("CNY".parse().unwrap(), "7.12".parse().unwrap());
        let replay = |money| Replay {
            policy: Some(Policy { name: "cheapest".to_owned(), weights: [0.0, 1.0, 0.0] }),
            shown: Shown { money, as_of: None },
            compared: 1,
            real: 24_000_000_000,
            real_exact: false,
            ..Replay::default()
        };
        let lines = replay(yuan).lines();
        // Marked as in `usage`.
        assert!(lines.contains(&"really spent: ≥~¥0.1708".to_owned()), "{lines:#?}");
        assert_eq!(lines.last().unwrap(), "~ is converted: a dollar is 7.12 CNY");
        let lines = replay(Denomination::Dollars).lines();
        assert_eq!(lines.last().unwrap(), "really spent: ≥$0.0240");
    }
}

//! Budgets over the simulated fleet: nothing is overspent, nothing stays reserved, refusals say why.

use std::sync::Arc;

use tokio::task::JoinSet;
use uuid::Uuid;
use wheelhouse::config::{BalanceApi, Config, KeepWarm};
use wheelhouse::domain::{
    AtLimit, BudgetLimit, BudgetScope, Cost, Finish, Money, OverBudget, Reply, Request, SessionId,
};
use wheelhouse::engine::{self, Command, Options};
use wheelhouse::route::{Bucket, MemoryStore, SpendStore};
use wheelhouse::sim::{Cut, Fault};

use crate::rig::{LIMIT, PROMPT, Rig, answered_by, finish, only, request};

const MODEL: &str = "sim-gpt-4o";

fn limit(amount: Money, at_limit: AtLimit) -> BudgetLimit {
    BudgetLimit { limit: amount, at_limit }
}

fn hard(amount: Money) -> impl FnOnce(&mut Config) {
    move |config: &mut Config| {
        config.budget.day = Some(limit(amount, AtLimit::Stop));
    }
}

fn short(model: &str) -> Request {
    let mut request = only(model, PROMPT);
    request.params.max_tokens = Some(20);
    request.cache = wheelhouse::domain::CacheMode::Off;
    request
}

fn code(reply: &Reply) -> &str {
    reply.outcome.as_ref().unwrap().error.as_ref().map_or("", |error| error.code.as_str())
}

fn cost(reply: &Reply) -> Money {
    reply.outcome.as_ref().unwrap().cost.amount
}

/// What one short answer costs.
async fn price() -> Money {
    let rig = Rig::new().await;
    let (reply, ..) = rig.ask(short(MODEL)).await;
    assert_eq!(finish(&reply), Finish::Length);
    cost(&reply)
}

async fn spent(rig: &Rig, scope: BudgetScope) -> Cost {
    rig.until(|snapshot| snapshot.budget.reserved() == Money::ZERO).await;
    let snapshot = rig.engine.snapshot();
    snapshot.budget.line(scope, &snapshot.calendar).spent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_never_overspend_a_hard_budget_and_nothing_stays_reserved() {
    let one = price().await;
    // The eleventh costs as much as is left by then, but could cost more.
    let budget = Money::from_pico(one.pico() * 11);
    let rig = Arc::new(Rig::with(hard(budget)).await);
    let mut all = JoinSet::new();
    for _ in 0..64 {
        let rig = Arc::clone(&rig);
        all.spawn(async move { rig.ask(short(MODEL)).await.0 });
    }
    let replies = all.join_all().await;
    let paid: Money = replies.iter().map(cost).sum();
    assert!(paid <= budget, "{paid} of {budget}");
    assert_eq!(spent(&rig, BudgetScope::Day).await, Cost { amount: paid, exact: true });
    for reply in &replies {
        match finish(reply) {
            Finish::Length => {}
            other => assert_eq!((other, code(reply)), (Finish::Error, engine::OVER_BUDGET)),
        }
    }
    let answered = replies.iter().filter(|reply| finish(reply) == Finish::Length).count();
    assert_eq!(answered, 10);
}

#[tokio::test]
async fn two_engines_that_share_a_store_do_not_overspend_together() {
    let one = price().await;
    let budget = Money::from_pico(one.pico() * 11);
    let store = Arc::new(MemoryStore::default());
    let shared = || Options {
        spending: Some(Arc::clone(&store) as Arc<dyn SpendStore>),
        ..Options::default()
    };
    let rigs = [
        Arc::new(Rig::paced(0.0, shared(), hard(budget)).await),
        Arc::new(Rig::paced(0.0, shared(), hard(budget)).await),
    ];
    let mut all = JoinSet::new();
    for n in 0..40 {
        let rig = Arc::clone(&rigs[n % 2]);
        all.spawn(async move { rig.ask(short(MODEL)).await.0 });
    }
    let replies = all.join_all().await;
    let paid: Money = replies.iter().map(cost).sum();
    assert!(paid <= budget, "{paid} of {budget}");
    let answered = replies.iter().filter(|reply| finish(reply) == Finish::Length).count();
    assert_eq!(answered, 10);
    let snapshot = rigs[0].engine.snapshot();
    let day = Bucket::at(BudgetScope::Day, &snapshot.calendar);
    let everything = store.everything(&day);
    assert_eq!((everything.spent.amount, everything.reserved), (paid, Money::ZERO));
    // Each has seen what the other spent.
    for rig in &rigs {
        rig.until(|snapshot| {
            let line = snapshot.budget.line(BudgetScope::Day, &snapshot.calendar);
            line.spent.amount <= paid && snapshot.budget.reserved() == Money::ZERO
        })
        .await;
    }
}

#[tokio::test]
async fn the_first_request_of_an_engine_is_decided_on_what_others_spent_of_every_budget() {
    let store = Arc::new(MemoryStore::default());
    let one = price().await;
    let limited = |config: &mut Config| {
        config.budget.session = Some(limit(one, AtLimit::Stop));
    };
    let shared = || Options {
        spending: Some(Arc::clone(&store) as Arc<dyn SpendStore>),
        ..Options::default()
    };
    let session = Some(SessionId(Uuid::now_v7()));
    let asked = Request { session, ..short(MODEL) };
    let (before, unlimited) =
        (Rig::paced(0.0, shared(), limited).await, Rig::paced(0.0, shared(), |_| {}).await);
    unlimited.ask(asked.clone()).await;
    spent(&unlimited, BudgetScope::Day).await;
    for rig in [before, Rig::paced(0.0, shared(), limited).await] {
        let (reply, ..) = rig.ask(asked.clone()).await;
        let error = reply.outcome.as_ref().unwrap().error.as_ref().unwrap();
        assert_eq!(error.code, engine::OVER_BUDGET);
        assert!(error.message.contains("$0.00 of"), "{}", error.message);
        let decision = reply.decision.as_ref().unwrap();
        assert!(decision.chosen().is_none(), "it was decided as if nothing had been spent");
    }
}

#[tokio::test]
async fn a_chat_that_others_talked_in_is_known_as_soon_as_it_is_opened_or_a_draft_is_decided() {
    let store = Arc::new(MemoryStore::default());
    let one = price().await;
    let limited = |config: &mut Config| {
        config.budget.session = Some(limit(one, AtLimit::Stop));
    };
    let shared = || Options {
        spending: Some(Arc::clone(&store) as Arc<dyn SpendStore>),
        ..Options::default()
    };
    let session = SessionId(Uuid::now_v7());
    let asked = Request { session: Some(session), ..short(MODEL) };
    let elsewhere = Rig::paced(0.0, shared(), |_| {}).await;
    elsewhere.ask(asked.clone()).await;
    spent(&elsewhere, BudgetScope::Day).await;
    let known = |snapshot: &engine::Snapshot| {
        let line = snapshot.budget.line(BudgetScope::Session(session), &snapshot.calendar);
        line.spent.amount == one
    };
    let opens = Rig::paced(0.0, shared(), limited).await;
    opens.engine.send(Command::Opened(session));
    opens.until(known).await;
    let previews = Rig::paced(0.0, shared(), limited).await;
    let engine = previews.engine.clone();
    let decided = tokio::task::spawn_blocking(move || {
        wheelhouse::route::decide(&engine.decision_input(&asked, engine.now(), 0))
    });
    assert!(decided.await.unwrap().chosen().is_none(), "as if nothing had been spent");
    previews.until(known).await;
}

#[tokio::test]
async fn the_total_of_the_day_counts_other_engines_where_they_share_a_store() {
    let alone = Rig::paced(0.0, Options::default(), |_| {}).await;
    alone.ask(short(MODEL)).await;
    let snapshot = alone.until(|snapshot| snapshot.spend.cost.amount > Money::ZERO).await;
    assert_eq!(snapshot.today, None, "nobody knows of earlier runs");
    let store = Arc::new(MemoryStore::default());
    let shared = || Options {
        spending: Some(Arc::clone(&store) as Arc<dyn SpendStore>),
        ..Options::default()
    };
    let earlier = Rig::paced(0.0, shared(), |_| {}).await;
    let first = cost(&earlier.ask(short(MODEL)).await.0);
    let later = Rig::paced(0.0, shared(), |_| {}).await;
    let told = |snapshot: &engine::Snapshot, amount| {
        snapshot.today.is_some_and(|today| today.amount == amount)
    };
    let snapshot = later.until(|snapshot| told(snapshot, first)).await;
    assert_eq!(snapshot.spend.cost.amount, Money::ZERO);
    let second = cost(&later.ask(short(MODEL)).await.0);
    later.until(|snapshot| told(snapshot, first + second)).await;
}

#[tokio::test]
async fn a_hard_budget_refuses_before_anything_is_sent_and_says_what_is_left() {
    let rig = Rig::with(hard("0.00001".parse().unwrap())).await;
    let (reply, ..) = rig.ask(short(MODEL)).await;
    assert_eq!(code(&reply), engine::OVER_BUDGET);
    let error = reply.outcome.as_ref().unwrap().error.clone().unwrap();
    for part in ["the day's budget", "could cost up to", "left", "new in"] {
        assert!(error.message.contains(part), "{part}: {}", error.message);
    }
    assert_eq!(cost(&reply), Money::ZERO);
    assert!(reply.attempts.is_empty());
    assert_eq!(rig.fleet.control().stats("sim-openai").unwrap().calls, 0);
}

#[tokio::test]
async fn a_cheaper_model_that_fits_takes_over_from_one_that_does_not() {
    let rig = Rig::with(|config| {
        config.budget.day = Some(limit("0.0006".parse().unwrap(), AtLimit::Stop));
        "best".clone_into(&mut config.routing.policy);
    })
    .await;
    let mut asked = request(PROMPT);
    asked.params.max_tokens = Some(400);
    let (reply, ..) = rig.ask(asked.clone()).await;
    assert!(matches!(finish(&reply), Finish::Stop | Finish::Length));
    let decision = reply.decision.as_ref().unwrap();
    let kept_out = decision
        .candidates
        .iter()
        .find(|candidate| candidate.filtered.iter().any(|reason| reason.code.name() == "budget"));
    let reason = &kept_out.expect("nobody was too dear").filtered;
    assert!(reason.iter().any(|r| r.detail.contains("left in the day's budget")), "{reason:?}");
    // Without the budget the best one answers.
    rig.engine.send(Command::Budget { scope: BudgetScope::Day, limit: None });
    rig.until(|snapshot| snapshot.budget.budget().is_empty()).await;
    let (free, ..) = rig.ask(asked).await;
    assert_ne!(answered_by(&free), answered_by(&reply));
}

#[tokio::test]
async fn a_budget_that_asks_lets_a_message_through_once_it_is_allowed() {
    let rig = Rig::with(|config| {
        config.budget.session = Some(limit("0.00001".parse().unwrap(), AtLimit::Ask));
    })
    .await;
    let session = Some(SessionId(Uuid::now_v7()));
    let asked = Request { session, ..short(MODEL) };
    let (reply, ..) = rig.ask(asked.clone()).await;
    assert_eq!(code(&reply), engine::ASKS_FIRST);
    let again = Request { over_budget: OverBudget::Allowed, ..asked.clone() };
    let (reply, ..) = rig.ask(again).await;
    assert_eq!(finish(&reply), Finish::Length);
    let (reply, ..) = rig.ask(asked.clone()).await;
    assert_eq!(code(&reply), engine::ASKS_FIRST, "it was allowed for one message only");
    // Somebody is there: the question names who it is about, and leaves nothing behind.
    rig.until(|snapshot| snapshot.log.len() == 3).await;
    let (reply, ..) = rig.ask(Request { over_budget: OverBudget::Ask, ..asked }).await;
    assert_eq!(code(&reply), engine::ASKS_FIRST);
    let error = reply.outcome.as_ref().unwrap().error.as_ref().unwrap();
    assert!(error.message.starts_with(MODEL), "{}", error.message);
    assert_eq!(rig.engine.snapshot().log.len(), 3);
}

#[tokio::test]
async fn a_budget_that_asks_does_so_before_somebody_else_answers_for_less() {
    let rig = Rig::new().await;
    let free = Request { cache: wheelhouse::domain::CacheMode::Off, ..request(PROMPT) };
    let (reply, ..) = rig.ask(free.clone()).await;
    let choice = answered_by(&reply);
    let paid = cost(&reply);
    assert!(paid > Money::ZERO, "{choice} is free");
    // So little that the choice does not fit, and what costs nothing does.
    let budget = Some(limit(Money::from_pico(1), AtLimit::Ask));
    rig.engine.send(Command::Budget { scope: BudgetScope::Day, limit: budget });
    rig.until(|snapshot| !snapshot.budget.budget().is_empty()).await;
    let asked = Request { over_budget: OverBudget::Ask, ..free.clone() };
    let (reply, ..) = rig.ask(asked).await;
    assert_eq!(code(&reply), engine::ASKS_FIRST);
    assert!(reply.attempts.is_empty(), "nobody was asked");
    // A question is no request that failed: asked anew with a yes, it would stand there twice.
    assert_eq!(rig.engine.snapshot().log.len(), 1);
    let fits = reply.decision.as_ref().unwrap().chosen().unwrap().model.to_string();
    // A program cannot be asked: who fits answers, and the reason says why it was not the other.
    let (reply, ..) = rig.ask(free).await;
    assert_eq!((finish(&reply), answered_by(&reply)), (Finish::Stop, fits));
    let reason = &reply.decision.as_ref().unwrap().reason;
    assert!(reason.contains("is over budget"), "{reason}");
}

#[tokio::test]
async fn what_is_kept_in_the_cache_is_given_though_the_budget_is_used_up() {
    let rig = Rig::new().await;
    let mut asked = only(MODEL, PROMPT);
    asked.params.temperature = Some(0.0);
    asked.params.seed = Some(7);
    let (first, ..) = rig.ask(asked.clone()).await;
    assert_eq!(finish(&first), Finish::Stop);
    for at_limit in [AtLimit::Stop, AtLimit::Ask] {
        let budget = Some(limit(Money::from_pico(1), at_limit));
        rig.engine.send(Command::Budget { scope: BudgetScope::Day, limit: budget });
        let asked = Request { over_budget: OverBudget::Ask, ..asked.clone() };
        let (again, ..) = rig.ask(asked.clone()).await;
        assert_eq!((cost(&again), again.text), (Money::ZERO, first.text.clone()), "{at_limit:?}");
        let mut other = asked;
        other.params.seed = Some(8);
        let (refused, ..) = rig.ask(other).await;
        assert!(!code(&refused).is_empty(), "{at_limit:?}: it was paid for");
    }
}

#[tokio::test]
async fn a_warning_comes_once_per_share_and_refuses_nobody() {
    let one = price().await;
    let rig = Rig::with(|config| {
        config.budget.day = Some(limit(Money::from_pico(one.pico() * 2), AtLimit::Warn));
    })
    .await;
    for _ in 0..4 {
        assert_eq!(finish(&rig.ask(short(MODEL)).await.0), Finish::Length);
    }
    rig.until(|snapshot| snapshot.budget.reserved() == Money::ZERO).await;
    let said = |part: &str| {
        let snapshot = rig.engine.snapshot();
        snapshot.notices.iter().filter(|notice| notice.text.contains(part)).count()
    };
    assert_eq!(said("the day's budget is used up"), 1);
    assert_eq!(said("50% of the day's budget is used"), 0, "the greater share says the smaller");
    // It holds of this budget, and of no other.
    let larger = Some(limit(Money::from_pico(one.pico() * 20), AtLimit::Warn));
    rig.engine.send(Command::Budget { scope: BudgetScope::Day, limit: larger });
    rig.until(|snapshot| snapshot.notices.iter().all(|n| !n.text.contains("day's budget"))).await;
}

#[tokio::test]
async fn what_was_said_of_a_budget_goes_with_it() {
    let one = price().await;
    let rig = Rig::with(|config| {
        config.budget.day = Some(limit(Money::from_pico(one.pico() * 2), AtLimit::Warn));
    })
    .await;
    rig.ask(short(MODEL)).await;
    let said = |snapshot: &engine::Snapshot| {
        snapshot.notices.iter().any(|n| n.text.contains("50% of the day's budget is used"))
    };
    rig.until(said).await;
    rig.engine.send(Command::Budget { scope: BudgetScope::Day, limit: None });
    rig.until(|snapshot| !said(snapshot)).await;
}

#[tokio::test]
async fn what_was_stopped_or_failed_holds_nothing_and_costs_what_came() {
    let rig = Rig::with(hard("5".parse().unwrap())).await;
    rig.break_it("sim-openai", &Fault::Status { status: 500 });
    let (reply, ..) = rig.ask(only(MODEL, PROMPT)).await;
    assert_eq!(finish(&reply), Finish::Error);
    assert_eq!(spent(&rig, BudgetScope::Day).await, Cost::ZERO);
    rig.fleet.control().clear("sim-openai").unwrap();
    let stream = rig.stalled().await;
    rig.until(|snapshot| snapshot.budget.reserved() > Money::ZERO).await;
    drop(stream);
    let spent = spent(&rig, BudgetScope::Provider("sim-openai".into())).await;
    assert!(spent.amount > Money::ZERO && !spent.exact, "{spent:?}");
}

#[tokio::test]
async fn an_answer_of_several_attempts_is_charged_for_all_of_them() {
    let rig = Rig::with(hard("5".parse().unwrap())).await;
    rig.break_once("sim-openai", &Fault::Cut { after: 30, how: Cut::Reset });
    let (reply, ..) = rig.ask(only(MODEL, PROMPT)).await;
    assert!(reply.attempts.len() > 1, "{:?}", reply.attempts);
    let each: Money = reply.attempts.iter().map(|attempt| attempt.cost.amount).sum();
    assert_eq!(each, cost(&reply));
    assert_eq!(spent(&rig, BudgetScope::Day).await.amount, each);
    assert_eq!(spent(&rig, BudgetScope::Model(MODEL.into())).await.amount, each);
}

#[tokio::test]
async fn a_token_that_keeps_warm_is_charged_to_the_budget_and_not_made_without_room() {
    let warm = |amount: &'static str| {
        move |config: &mut Config| {
            config.budget.day = Some(limit(amount.parse().unwrap(), AtLimit::Stop));
            config.models.get_mut(MODEL).unwrap().keep_warm = KeepWarm::Infer;
        }
    };
    let options =
        || Options { warm_every: std::time::Duration::from_millis(60), ..Options::default() };
    let rig = Rig::paced(0.0, options(), warm("5")).await;
    rig.engine.presence();
    let snapshot = rig.until(|snapshot| snapshot.warm_cost.amount > Money::ZERO).await;
    let day = snapshot.budget.line(BudgetScope::Day, &snapshot.calendar);
    assert!(day.spent.amount >= snapshot.warm_cost.amount);
    // Ten tokens of a prompt do not fit here.
    let rig = Rig::paced(0.0, options(), warm("0.000001")).await;
    rig.engine.presence();
    let control = rig.fleet.control();
    let called = control.until("sim-openai", |stats| stats.lists > 2);
    tokio::time::timeout(LIMIT, called).await.unwrap().unwrap();
    assert_eq!(control.stats("sim-openai").unwrap().calls, 0);
}

#[tokio::test]
async fn a_balance_is_read_and_compared_with_what_this_run_spent_there() {
    let rig = Rig::with(|config| {
        config.providers.get_mut("sim-deepseek").unwrap().balance = Some(BalanceApi::DeepSeek);
        // An account that is asked and does not tell changes nothing.
        config.providers.get_mut("sim-openai").unwrap().balance = Some(BalanceApi::DeepSeek);
    })
    .await;
    let control = rig.fleet.control();
    rig.engine.read_balances().await;
    let told = |snapshot: &wheelhouse::engine::Snapshot| {
        let reading = snapshot.balances.get("sim-deepseek");
        reading.map(|reading| reading.left[0].to_string()).unwrap_or_default()
    };
    let snapshot = rig.until(|snapshot| told(snapshot) == "$20.00").await;
    assert_eq!(snapshot.balances.len(), 1);
    // A short answer costs less than a cent: nothing to say.
    rig.ask(short("sim-deepseek-flash")).await;
    control.set_balance("sim-deepseek", "19.99").unwrap();
    rig.engine.read_balances().await;
    let snapshot = rig.until(|snapshot| told(snapshot) == "$19.99").await;
    assert!(!snapshot.notices.iter().any(|notice| notice.text.contains("balance")));
    control.set_balance("sim-deepseek", "0.99").unwrap();
    rig.engine.read_balances().await;
    let snapshot = rig.until(|snapshot| told(snapshot) == "$0.99").await;
    let said = |part: &str| snapshot.notices.iter().any(|notice| notice.text.contains(part));
    assert!(said("sim-deepseek has $0.99 left"), "{:?}", snapshot.notices);
    assert!(said("balance fell by $19.00"), "{:?}", snapshot.notices);
}

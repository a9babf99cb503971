//! Tests of the purse: what is held comes back on every path; the day is the user's.

use std::sync::atomic::Ordering;

use super::*;
use crate::domain::{AtLimit, SessionId};
use crate::route::{Bucket, Totals};

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn purse(limit: &str) -> Arc<Purse> {
    let limit = BudgetLimit { limit: money(limit), at_limit: AtLimit::Stop };
    let budget = Budget { day: Some(limit), ..Budget::default() };
    Arc::new(Purse::new(budget, None, super::super::clock::now()))
}

fn wanted(most: &str) -> Wanted {
    Wanted {
        payer: Payer {
            session: Some(SessionId(Uuid::from_u128(1))),
            provider: "lab".into(),
            model: "small".into(),
        },
        most: Some(money(most)),
        prompt: money("0.01"),
        allowance: OverBudget::Ask,
    }
}

fn id() -> AttemptId {
    AttemptId(Uuid::now_v7())
}

fn day(purse: &Purse) -> (Cost, Money) {
    let (book, calendar) = purse.look(super::super::clock::now());
    let line = book.line(BudgetScope::Day, &calendar);
    (line.spent, line.reserved)
}

#[tokio::test]
async fn what_is_held_comes_back_when_a_task_is_dropped_cancelled_or_panics() {
    let purse = purse("1");
    let held = purse.reserve(id(), &wanted("0.4"), UnixMs(0)).await.unwrap();
    drop(held);
    let held = purse.reserve_in_turn(id(), &wanted("0.4"), |_, _| {}).await.unwrap();
    let waiting = tokio::spawn(async move {
        let _held = held;
        std::future::pending::<()>().await;
    });
    assert_eq!(day(&purse).1, money("0.4"));
    waiting.abort();
    assert!(waiting.await.is_err());
    let held = purse.reserve_in_turn(id(), &wanted("0.4"), |_, _| {}).await.unwrap();
    let broken = tokio::spawn(async move {
        let _held = held;
        panic!("a bug");
    });
    assert!(broken.await.is_err());
    assert_eq!(day(&purse), (Cost::ZERO, Money::ZERO));
}

#[tokio::test]
async fn what_was_begun_and_never_accounted_for_is_charged_its_prompt_and_marked() {
    let purse = purse("1");
    let mut held = purse.reserve_in_turn(id(), &wanted("0.4"), |_, _| {}).await.unwrap();
    held.began();
    drop(held);
    let spent = Cost { amount: money("0.01"), exact: false };
    assert_eq!(day(&purse), (spent, Money::ZERO));
}

#[tokio::test]
async fn a_settlement_counts_once_and_the_drop_after_it_changes_nothing() {
    let purse = purse("1");
    let attempt = id();
    let mut held = purse.reserve_in_turn(attempt, &wanted("0.4"), |_, _| {}).await.unwrap();
    held.began();
    let cost = Cost { amount: money("0.2"), exact: true };
    purse.settle(attempt, cost);
    purse.settle(attempt, cost);
    drop(held);
    assert_eq!(day(&purse), (cost, Money::ZERO));
}

#[tokio::test]
async fn who_waits_for_money_gets_it_when_it_is_free_or_is_told_that_it_is_gone() {
    let purse = purse("1");
    let first = id();
    let held = purse.reserve_in_turn(first, &wanted("0.7"), |_, _| {}).await.unwrap();
    let turn = |most: &'static str| {
        let purse = Arc::clone(&purse);
        tokio::spawn(async move { purse.reserve_in_turn(id(), &wanted(most), |_, _| {}).await })
    };
    let (small, large) = (turn("0.5"), turn("0.9"));
    tokio::task::yield_now().await;
    purse.settle(first, Cost { amount: money("0.2"), exact: true });
    drop(held);
    assert!(small.await.unwrap().is_ok());
    let refusal = large.await.unwrap().unwrap_err();
    assert_eq!((refusal.hindrance, refusal.left), (Hindrance::Stop, money("0.8")));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_money_is_told_once_what_holds_it_and_who() {
    let now = super::super::clock::now();
    let store: Arc<dyn SpendStore> = Arc::new(crate::route::MemoryStore::default());
    let limit = BudgetLimit { limit: money("1"), at_limit: AtLimit::Stop };
    let budget = || Budget { day: Some(limit), ..Budget::default() };
    let open = || Arc::new(Purse::new(budget(), Some(Arc::clone(&store)), now));
    let (first, second) = (open(), open());
    let held = first.reserve(id(), &wanted("0.7"), now).await.unwrap();
    let (told, tells) = std::sync::mpsc::channel();
    let turn = tokio::spawn(async move {
        let told = move |wait, refusal: &Refusal| told.send((wait, refusal.clone())).unwrap();
        second.reserve_in_turn(id(), &wanted("0.5"), told).await
    });
    let begun = Instant::now();
    // The clock stands while somebody is busy.
    let begins = loop {
        match tells.try_recv() {
            Ok((wait, _)) => break wait,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    assert_eq!((begins, begun.elapsed()), (Wait::Begins, Duration::ZERO));
    let (lasts, refusal) = loop {
        match tells.try_recv() {
            Ok(told) => break told,
            Err(_) => tokio::time::advance(Duration::from_millis(50)).await,
        }
    };
    assert_eq!(lasts, Wait::Lasts);
    assert!(begun.elapsed() >= SAY_AFTER);
    assert_eq!((refusal.held, refusal.elsewhere), (money("0.7"), money("0.7")));
    drop(held);
    assert!(turn.await.unwrap().is_ok());
    assert!(tells.try_recv().is_err(), "it was said twice");
}

#[tokio::test]
async fn a_budget_that_asks_is_one_for_all_programs_too_and_a_yes_is_seen_by_them() {
    let now = super::super::clock::now();
    let store: Arc<dyn SpendStore> = Arc::new(crate::route::MemoryStore::default());
    let limit = BudgetLimit { limit: money("1"), at_limit: AtLimit::Ask };
    let budget = || Budget { day: Some(limit), ..Budget::default() };
    let open = || Arc::new(Purse::new(budget(), Some(Arc::clone(&store)), now));
    let (first, second) = (open(), open());
    let held = first.reserve(id(), &wanted("0.7"), now).await.unwrap();
    let refusal = second.reserve(id(), &wanted("0.5"), now).await.unwrap_err();
    assert_eq!((refusal.hindrance, refusal.elsewhere), (Hindrance::Busy, money("0.7")));
    // Whoever was asked and said yes does not wait, and is waited for.
    let allowed = Wanted { allowance: OverBudget::Allowed, ..wanted("0.6") };
    let over = second.reserve(id(), &allowed, now).await.unwrap();
    drop(held);
    let refusal = first.reserve(id(), &wanted("0.5"), now).await.unwrap_err();
    assert_eq!((refusal.hindrance, refusal.elsewhere), (Hindrance::Busy, money("0.6")));
    drop(over);
    assert!(first.reserve_in_turn(id(), &wanted("0.5"), |_, _| {}).await.is_ok());
}

#[test]
fn a_day_is_the_users_own_even_when_its_clocks_are_set() {
    // New York, without a database: summer time ends on 2026-11-01 at 02:00.
    let zone = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
    // 2026-11-01T05:30Z is 01:30 there.
    let calendar = local(UnixMs(1_793_511_000_000), &zone).unwrap();
    assert_eq!(calendar.day.to_string(), "2026-11-01");
    let hours = calendar.today.begins.until(calendar.today.ends).as_secs() / 3_600;
    assert_eq!(hours, 25);
    assert_eq!(calendar.month.begins, calendar.today.begins);
    // An hour and a half before midnight UTC is still the day before there.
    let late = local(UnixMs(1_793_489_400_000), &zone).unwrap();
    assert_eq!(late.day.to_string(), "2026-10-31");
}

#[test]
fn without_a_zone_the_day_is_that_of_utc() {
    // 2026-12-31T12:00Z
    let calendar = in_utc(UnixMs(1_798_718_400_000));
    assert_eq!(calendar.day.to_string(), "2026-12-31");
    assert_eq!(calendar.month.ends, calendar.today.ends);
    let same = local(UnixMs(1_798_718_400_000), &TimeZone::UTC).unwrap();
    assert_eq!(calendar, same);
}

#[tokio::test]
async fn a_conversation_the_book_forgot_is_read_no_more() {
    const TALKS: u128 = 4_700;
    let now = super::super::clock::now();
    let store: Arc<dyn SpendStore> = Arc::new(crate::route::MemoryStore::default());
    let purse = Arc::new(Purse::new(Budget::default(), Some(store), now));
    for n in 1..=TALKS {
        let mut wanted = wanted("0.01");
        wanted.payer.session = Some(SessionId(Uuid::from_u128(n)));
        drop(purse.reserve(id(), &wanted, now).await.unwrap());
    }
    purse.refresh(now).await;
    let known = purse.inside().others.known();
    assert!((1_000..4_400).contains(&known), "{known}");
}

#[tokio::test]
async fn today_is_told_once_others_were_heard_of_and_counts_them() {
    let now = super::super::clock::now();
    let told = |purse: &Purse| {
        let (book, calendar) = purse.look(now);
        purse.today(&book, &calendar).map(|cost| cost.amount)
    };
    let alone = purse("9");
    alone.refresh(now).await;
    assert_eq!(told(&alone), None, "this run alone counts");
    let store: Arc<dyn SpendStore> = Arc::new(crate::route::MemoryStore::default());
    let open = || Arc::new(Purse::new(Budget::default(), Some(Arc::clone(&store)), now));
    let spend = async |purse: &Arc<Purse>, dollars: &str| {
        let attempt = id();
        let _held = purse.reserve(attempt, &wanted(dollars), now).await.unwrap();
        purse.settle(attempt, Cost { amount: money(dollars), exact: true });
    };
    let earlier = open();
    assert_eq!(told(&earlier), None, "not heard of yet");
    spend(&earlier, "0.3").await;
    let later = open();
    later.refresh(now).await;
    assert_eq!(told(&later), Some(money("0.3")));
    spend(&later, "0.1").await;
    assert_eq!(told(&later), Some(money("0.4")));
}

/// A store that counts how often it is asked, and may fail.
#[derive(Debug, Default)]
struct Watched {
    store: crate::route::MemoryStore,
    asked: std::sync::atomic::AtomicUsize,
    fails: std::sync::atomic::AtomicBool,
}

impl SpendStore for Watched {
    fn totals(
        &self,
        holder: Holder,
        buckets: &[Bucket],
        now: UnixMs,
    ) -> Result<Vec<Totals>, StoreTrouble> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.fails.load(Ordering::SeqCst) {
            return Err(StoreTrouble("locked".to_owned()));
        }
        self.store.totals(holder, buckets, now)
    }

    fn reserve(&self, claim: &SharedClaim) -> Result<SharedVerdict, StoreTrouble> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(StoreTrouble("locked".to_owned()));
        }
        self.store.reserve(claim)
    }

    fn settle(&self, line: SpendLine) {
        self.store.settle(line);
    }

    fn release(&self, holder: Holder, attempt: AttemptId) {
        self.store.release(holder, attempt);
    }

    fn renew(&self, holder: Holder, lapses: UnixMs) -> Result<(), StoreTrouble> {
        self.store.renew(holder, lapses)
    }
}

/// Two programs under the same budget of the day, and what they share.
fn two_of(at_limit: AtLimit) -> (Arc<Watched>, Arc<Purse>, Arc<Purse>) {
    let store = Arc::new(Watched::default());
    let limit = BudgetLimit { limit: money("9"), at_limit };
    let budget = || Budget { day: Some(limit), ..Budget::default() };
    let shared = || Some(Arc::clone(&store) as Arc<dyn SpendStore>);
    let open = || Arc::new(Purse::new(budget(), shared(), super::super::clock::now()));
    let (one, other) = (open(), open());
    (store, one, other)
}

async fn spend(purse: &Arc<Purse>, dollars: &str) {
    let attempt = id();
    let _held = purse.reserve(attempt, &wanted(dollars), super::super::clock::now()).await.unwrap();
    purse.settle(attempt, Cost { amount: money(dollars), exact: true });
}

fn day_and_month(purse: &Purse) -> (Money, Money) {
    let (book, calendar) = purse.look(super::super::clock::now());
    let spent = |scope| book.line(scope, &calendar).spent.amount;
    (spent(BudgetScope::Day), spent(BudgetScope::Month))
}

#[tokio::test(start_paused = true)]
async fn what_others_spent_is_read_again_before_a_decision_once_it_is_seconds_old() {
    let (store, mine, theirs) = two_of(AtLimit::Ask);
    let now = super::super::clock::now();
    mine.informed(None, now).await.unwrap();
    spend(&theirs, "0.3").await;
    let asked = || store.asked.load(Ordering::SeqCst);
    let before = asked();
    assert!(!mine.informed(None, now).await.unwrap().news, "it was read a moment ago");
    assert_eq!(asked(), before);
    tokio::time::advance(FRESH).await;
    assert!(mine.informed(None, now).await.unwrap().news);
    assert_eq!(day_and_month(&mine), (money("0.3"), money("0.3")));
    // And where nothing has changed, that is no news.
    tokio::time::advance(FRESH).await;
    assert!(!mine.informed(None, now).await.unwrap().news);
}

#[tokio::test(start_paused = true)]
async fn a_month_is_never_said_to_be_less_than_its_day() {
    let (_, mine, theirs) = two_of(AtLimit::Stop);
    let now = super::super::clock::now();
    mine.refresh(now).await;
    spend(&theirs, "0.3").await;
    // Holding money under a hard budget tells what others spent of it, and of nothing else.
    let held = mine.reserve(id(), &wanted("0.1"), now).await.unwrap();
    assert_eq!(day_and_month(&mine), (money("0.3"), money("0.3")));
    drop(held);
    spend(&theirs, "0.2").await;
    tokio::time::advance(FRESH).await;
    mine.informed(None, now).await.unwrap();
    assert_eq!(day_and_month(&mine), (money("0.5"), money("0.5")));
    spend(&theirs, "0.2").await;
    assert!(mine.keep_up(now).await);
    assert_eq!(day_and_month(&mine), (money("0.7"), money("0.7")));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_not_waited_for_by_every_request() {
    let (store, mine, _) = two_of(AtLimit::Ask);
    let now = super::super::clock::now();
    store.fails.store(true, Ordering::SeqCst);
    for _ in 0..20 {
        mine.informed(None, now).await.unwrap();
    }
    assert_eq!(store.asked.load(Ordering::SeqCst), 1);
    assert!(matches!(mine.take_news()[..], [News::Trouble(_)]));
    store.fails.store(false, Ordering::SeqCst);
    tokio::time::advance(FRESH).await;
    mine.informed(None, now).await.unwrap();
    assert_eq!(store.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn requests_that_come_at_once_have_it_read_once() {
    let (store, mine, theirs) = two_of(AtLimit::Ask);
    spend(&theirs, "0.3").await;
    let now = super::super::clock::now();
    let before = store.asked.load(Ordering::SeqCst);
    let all = (0..20).map(|_| mine.informed(None, now));
    for known in futures_util::future::join_all(all).await {
        let known = known.unwrap();
        let line = known.book.line(BudgetScope::Day, &known.calendar);
        assert_eq!(line.spent.amount, money("0.3"));
    }
    assert_eq!(store.asked.load(Ordering::SeqCst), before + 1);
}

#[tokio::test]
async fn a_conversation_on_the_screen_is_known_whether_a_budget_is_set_or_not() {
    let (_, mine, theirs) = two_of(AtLimit::Ask);
    spend(&theirs, "0.3").await;
    let session = wanted("0").payer.session.unwrap();
    let now = super::super::clock::now();
    mine.opened(session, now).await;
    let limit = BudgetLimit { limit: money("1"), at_limit: AtLimit::Stop };
    mine.set(BudgetScope::Session(session), Some(limit));
    let spent = || {
        let (book, calendar) = mine.look(now);
        book.line(BudgetScope::Session(session), &calendar).spent.amount
    };
    assert_eq!(spent(), money("0.3"));
    // It is among what is kept up with as long as it is on the screen.
    spend(&theirs, "0.1").await;
    mine.keep_up(now).await;
    assert_eq!(spent(), money("0.4"));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ends_with_its_answer_does_not_go_on_a_budget_that_stops_and_cannot_be_kept() {
    let now = super::super::clock::now();
    let of = |at_limit, brief| {
        let store = Arc::new(Watched::default());
        store.fails.store(true, Ordering::SeqCst);
        let limit = BudgetLimit { limit: money("9"), at_limit };
        let budget = Budget { day: Some(limit), ..Budget::default() };
        Arc::new(Purse::new(budget, Some(store), now).brief(brief))
    };
    let refusal = of(AtLimit::Stop, true).reserve(id(), &wanted("0.1"), now).await.unwrap_err();
    assert_eq!((refusal.hindrance, refusal.scope), (Hindrance::Stop, BudgetScope::Day));
    assert_eq!(refusal.unkept.as_deref(), Some("locked"));
    // What is free needs no budget; one that asks, and a run that counts on, go on.
    let free = of(AtLimit::Stop, true);
    assert!(free.reserve(id(), &wanted("0"), now).await.is_ok());
    assert!(of(AtLimit::Ask, true).reserve(id(), &wanted("0.1"), now).await.is_ok());
    assert!(of(AtLimit::Stop, false).reserve(id(), &wanted("0.1"), now).await.is_ok());
}

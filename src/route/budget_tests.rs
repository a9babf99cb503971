//! Tests of budgets: what fits, what is told, and that no interleaving passes a hard limit.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const HOUR: i64 = 3_600_000;

/// 2026-11-26 in UTC.
fn calendar() -> Calendar {
    let begins = UnixMs(20_783 * 24 * HOUR);
    let month = UnixMs(begins.0 - 25 * 24 * HOUR);
    Calendar {
        day: LocalDay(20_783),
        today: Period { begins, ends: UnixMs(begins.0 + 24 * HOUR) },
        month: Period { begins: month, ends: UnixMs(month.0 + 30 * 24 * HOUR) },
    }
}

fn tomorrow() -> Calendar {
    let today = calendar();
    let next = Period { begins: today.today.ends, ends: UnixMs(today.today.ends.0 + 24 * HOUR) };
    Calendar { day: LocalDay(20_784), today: next, ..today }
}

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn cost(text: &str) -> Cost {
    Cost { amount: money(text), exact: true }
}

fn limit(text: &str, at_limit: AtLimit) -> BudgetLimit {
    BudgetLimit { limit: money(text), at_limit }
}

fn daily(text: &str, at_limit: AtLimit) -> Book {
    Book::new(Budget { day: Some(limit(text, at_limit)), ..Budget::default() })
}

fn payer() -> Payer {
    Payer {
        session: Some(SessionId(Uuid::from_u128(9))),
        provider: "lab".into(),
        model: "small".into(),
    }
}

fn attempt(n: u128) -> AttemptId {
    AttemptId(Uuid::from_u128(n))
}

fn reserve(book: &mut Book, n: u128, amount: &str) -> Result<(), Refusal> {
    book.reserve(attempt(n), &payer(), Some(money(amount)), OverBudget::Ask, &calendar())
}

fn spend(book: &mut Book, n: u128, amount: &str) -> Vec<Crossing> {
    reserve(book, n, "0").unwrap();
    book.settle(attempt(n), cost(amount))
}

#[test]
fn what_is_not_known_of_a_day_is_not_known_of_its_month() {
    let mut book = daily("2", AtLimit::Stop);
    let day = Bucket::at(BudgetScope::Day, &calendar());
    let spent = Cost { amount: money("0.5"), exact: false };
    book.tell_others(&day, Totals { spent, ..Totals::default() });
    assert!(!book.line(BudgetScope::Month, &calendar()).spent.exact);
    assert!(book.line(BudgetScope::Model("small".into()), &calendar()).spent.exact);
}

#[test]
fn a_hard_budget_says_what_is_left_and_when_it_begins_anew() {
    let mut book = daily("2", AtLimit::Stop);
    spend(&mut book, 1, "1.90");
    let refusal = reserve(&mut book, 2, "0.25").unwrap_err();
    assert_eq!(refusal.scope, BudgetScope::Day);
    assert_eq!(refusal.hindrance, Hindrance::Stop);
    assert_eq!((refusal.limit, refusal.left), (money("2"), money("0.10")));
    assert_eq!(refusal.need, Some(money("0.25")));
    assert_eq!(refusal.resets, Some(calendar().today.ends));
    assert_eq!(reserve(&mut book, 3, "0.10"), Ok(()), "what is left may be spent to the last");
}

#[test]
fn what_requests_under_way_hold_only_makes_one_wait() {
    let mut book = daily("1", AtLimit::Stop);
    reserve(&mut book, 1, "0.70").unwrap();
    let refusal = reserve(&mut book, 2, "0.70").unwrap_err();
    assert_eq!(refusal.hindrance, Hindrance::Busy);
    book.settle(attempt(1), cost("0.10"));
    assert_eq!(reserve(&mut book, 2, "0.70"), Ok(()));
}

#[test]
fn what_costs_nothing_fits_a_budget_that_is_used_up() {
    let mut book = daily("1", AtLimit::Stop);
    spend(&mut book, 1, "1.50");
    assert_eq!(reserve(&mut book, 2, "0"), Ok(()));
}

#[test]
fn an_unknown_price_is_not_let_through_a_budget_that_is_kept() {
    let (payer, calendar) = (payer(), calendar());
    let hard = daily("1", AtLimit::Stop);
    let refusal = hard.refusal(&payer, None, OverBudget::Allowed, &calendar).unwrap();
    assert_eq!((refusal.need, refusal.hindrance), (None, Hindrance::Stop));
    let soft = daily("1", AtLimit::Ask);
    assert!(soft.refusal(&payer, None, OverBudget::Ask, &calendar).is_some());
    assert!(soft.refusal(&payer, None, OverBudget::Allowed, &calendar).is_none());
    assert!(Book::default().refusal(&payer, None, OverBudget::Ask, &calendar).is_none());
}

#[test]
fn a_yes_goes_over_a_budget_that_asks_and_never_over_one_that_stops() {
    let (payer, calendar, need) = (payer(), calendar(), Some(money("2")));
    let soft = daily("1", AtLimit::Ask);
    let asked = soft.refusal(&payer, need, OverBudget::Ask, &calendar).unwrap();
    assert_eq!(asked.hindrance, Hindrance::Ask);
    assert!(soft.refusal(&payer, need, OverBudget::Allowed, &calendar).is_none());
    let hard = daily("1", AtLimit::Stop);
    assert!(hard.refusal(&payer, need, OverBudget::Allowed, &calendar).is_some());
    let warned = daily("1", AtLimit::Warn);
    assert!(warned.refusal(&payer, need, OverBudget::Ask, &calendar).is_none());
}

#[test]
fn the_gravest_of_several_budgets_is_named() {
    let mut book = daily("1", AtLimit::Ask);
    book.set(BudgetScope::Model("small".into()), Some(limit("0.5", AtLimit::Stop)));
    let refusal = reserve(&mut book, 1, "2").unwrap_err();
    assert_eq!(refusal.scope, BudgetScope::Model("small".into()));
    let other = Payer { model: "large".into(), ..payer() };
    let refusal = book.refusal(&other, Some(money("2")), OverBudget::Ask, &calendar()).unwrap();
    assert_eq!(refusal.scope, BudgetScope::Day);
}

#[test]
fn each_share_is_told_once_and_only_the_greatest_of_a_leap() {
    let mut book = daily("1", AtLimit::Warn);
    let said = |crossings: Vec<Crossing>| crossings.iter().map(|c| c.percent).collect::<Vec<_>>();
    assert_eq!(said(spend(&mut book, 1, "0.49")), [] as [u32; 0]);
    assert_eq!(said(spend(&mut book, 2, "0.01")), [50]);
    assert_eq!(said(spend(&mut book, 3, "0.01")), [] as [u32; 0]);
    assert_eq!(said(spend(&mut book, 4, "0.60")), [100]);
    assert_eq!(said(spend(&mut book, 5, "0.60")), [] as [u32; 0]);
}

#[test]
fn what_others_spent_before_counts_and_is_no_news() {
    let mut book = daily("1", AtLimit::Stop);
    let others = Totals { spent: cost("0.85"), reserved: Money::ZERO };
    book.tell_others(&Bucket::at(BudgetScope::Day, &calendar()), others);
    assert!(spend(&mut book, 1, "0.01").is_empty(), "80% was past before this run");
    assert_eq!(reserve(&mut book, 2, "0.15").unwrap_err().left, money("0.14"));
}

#[test]
fn a_claim_is_charged_to_the_day_it_was_made_on() {
    let mut book = daily("1", AtLimit::Stop);
    reserve(&mut book, 1, "0.9").unwrap();
    // Midnight passes, and another claim is made.
    let late = book.reserve(attempt(2), &payer(), Some(money("0.9")), OverBudget::Ask, &tomorrow());
    assert_eq!(late, Ok(()), "a new day has a whole budget");
    book.settle(attempt(1), cost("0.8"));
    assert_eq!(book.line(BudgetScope::Day, &tomorrow()).spent, Cost::ZERO);
    assert_eq!(book.line(BudgetScope::Month, &tomorrow()).spent, cost("0.8"));
}

#[test]
fn pace_is_the_share_spent_over_the_share_of_the_day_gone() {
    let mut book = daily("2", AtLimit::Ask);
    let at = |hour: i64| UnixMs(calendar().today.begins.0 + hour * HOUR);
    spend(&mut book, 1, "0.10");
    assert!((book.pace(&calendar(), at(1)) - 1.0).abs() < 1e-9, "5% is too little to tell");
    spend(&mut book, 2, "0.90");
    // Half of the budget in a quarter of the day.
    assert!((book.pace(&calendar(), at(6)) - 2.0).abs() < 1e-9);
    assert!((book.pace(&calendar(), at(18)) - 1.0).abs() < 1e-9, "behind is no reason to splurge");
    book.set(BudgetScope::Month, Some(limit("1", AtLimit::Ask)));
    // All of the month's budget, 25.25 of 30 days gone.
    book.set(BudgetScope::Day, None);
    assert!((book.pace(&calendar(), at(6)) - 30.0 / 25.25).abs() < 1e-9);
}

#[test]
fn a_budget_set_by_hand_outlives_a_changed_configuration() {
    let mut book = daily("2", AtLimit::Ask);
    book.set(BudgetScope::Day, Some(limit("5", AtLimit::Stop)));
    book.configure(Budget { month: Some(limit("9", AtLimit::Warn)), ..Budget::default() });
    assert_eq!(book.budget().day, Some(limit("5", AtLimit::Stop)));
    assert_eq!(book.budget().month, Some(limit("9", AtLimit::Warn)));
}

#[test]
fn a_part_that_is_not_known_marks_the_sum() {
    let mut book = daily("2", AtLimit::Warn);
    reserve(&mut book, 1, "0.5").unwrap();
    book.settle(attempt(1), Cost { amount: money("0.1"), exact: false });
    spend(&mut book, 2, "0.1");
    let line = book.line(BudgetScope::Day, &calendar());
    assert_eq!(line.spent, Cost { amount: money("0.2"), exact: false });
}

#[test]
fn a_process_that_died_gives_its_claim_back_and_leaves_a_doubt() {
    let store = MemoryStore::default();
    let bucket = Bucket::at(BudgetScope::Day, &calendar());
    let claim = |holder: u128, n: u128, now: i64| SharedClaim {
        attempt: attempt(n),
        holder: Holder(Uuid::from_u128(holder)),
        amount: money("0.6"),
        limits: vec![(bucket.clone(), money("1"))],
        now: UnixMs(now),
        lapses: UnixMs(now + 1_000),
    };
    assert!(matches!(store.reserve(&claim(1, 1, 0)), Ok(SharedVerdict::Held(_))));
    let Ok(SharedVerdict::Refused(others)) = store.reserve(&claim(2, 2, 500)) else { panic!() };
    assert_eq!(others[0].reserved, money("0.6"));
    // Renewed once, then its process dies.
    store.renew(Holder(Uuid::from_u128(1)), UnixMs(3_000)).unwrap();
    assert!(matches!(store.reserve(&claim(2, 2, 2_999)), Ok(SharedVerdict::Refused(_))));
    assert!(matches!(store.reserve(&claim(2, 2, 3_000)), Ok(SharedVerdict::Held(_))));
    assert!(!store.everything(&bucket).spent.exact);
}

#[test]
fn the_words_of_a_bucket_are_stable() {
    let words = |scope| Bucket::at(scope, &calendar()).to_string();
    assert_eq!(words(BudgetScope::Day), "day 2026-11-26");
    assert_eq!(words(BudgetScope::Month), "month 2026-11");
    assert_eq!(words(BudgetScope::Model("small".into())), "model small 2026-11-26");
}

/// A step of one of several requests.
#[derive(Debug, Clone)]
enum Step {
    Reserve(u128, i64),
    /// Costs this share, in percent, of what was reserved.
    Settle(u128, i64),
    Release(u128),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0u128..8, 1i64..400).prop_map(|(n, amount)| Step::Reserve(n, amount)),
        2 => (0u128..8, 0i64..=100).prop_map(|(n, share)| Step::Settle(n, share)),
        1 => (0u128..8).prop_map(Step::Release),
    ]
}

proptest! {
    #[test]
    fn spent_and_reserved_never_pass_a_hard_limit(
        steps in prop::collection::vec(any_step(), 0..120),
        limits in (1i64..1_000, 1i64..1_000, 1i64..1_000),
    ) {
        let hard = |pico| Some(BudgetLimit { limit: Money::from_pico(pico), at_limit: AtLimit::Stop });
        let mut book = Book::new(Budget {
            day: hard(limits.0),
            month: hard(limits.1),
            session: hard(limits.2),
            ..Budget::default()
        });
        let (payer, calendar) = (payer(), calendar());
        for step in steps {
            match step {
                Step::Reserve(n, amount) => {
                    let _ = book.reserve(
                        attempt(n),
                        &payer,
                        Some(Money::from_pico(amount)),
                        OverBudget::Allowed,
                        &calendar,
                    );
                }
                Step::Settle(n, share) => {
                    let amount = book.claimed(attempt(n)).map_or(0, |(amount, _)| amount.pico());
                    let cost = Money::from_pico(amount * share / 100);
                    book.settle(attempt(n), Cost { amount: cost, exact: true });
                }
                Step::Release(n) => book.release(attempt(n)),
            }
            for line in book.lines(payer.session, &calendar) {
                let limit = line.budget.unwrap().limit;
                prop_assert!(line.spent.amount + line.reserved <= limit, "{line:?}");
                prop_assert!(line.reserved == book.reserved());
            }
        }
        for n in 0..8 {
            book.release(attempt(n));
        }
        prop_assert_eq!(book.reserved(), Money::ZERO);
        for line in book.lines(payer.session, &calendar) {
            prop_assert_eq!(line.reserved, Money::ZERO);
        }
    }

    #[test]
    fn a_shared_limit_holds_for_any_interleaving_of_processes(
        steps in prop::collection::vec((0u128..3, any_step()), 0..120),
        limit in 1i64..1_000,
    ) {
        let store = MemoryStore::default();
        let bucket = Bucket::at(BudgetScope::Day, &calendar());
        let mut held: BTreeMap<(u128, u128), i64> = BTreeMap::new();
        for (holder, step) in steps {
            let id = |n: u128| attempt(holder * 100 + n);
            let who = Holder(Uuid::from_u128(holder));
            match step {
                Step::Reserve(n, amount) if !held.contains_key(&(holder, n)) => {
                    let claim = SharedClaim {
                        attempt: id(n),
                        holder: who,
                        amount: Money::from_pico(amount),
                        limits: vec![(bucket.clone(), Money::from_pico(limit))],
                        now: UnixMs(0),
                        lapses: UnixMs(1),
                    };
                    if let Ok(SharedVerdict::Held(_)) = store.reserve(&claim) {
                        held.insert((holder, n), amount);
                    }
                }
                Step::Reserve(..) => {}
                Step::Settle(n, share) => {
                    if let Some(amount) = held.remove(&(holder, n)) {
                        store.settle(SpendLine {
                            attempt: id(n),
                            holder: who,
                            buckets: vec![bucket.clone()],
                            cost: Cost { amount: Money::from_pico(amount * share / 100), exact: true },
                            at: UnixMs(0),
                        });
                    }
                }
                Step::Release(n) => {
                    held.remove(&(holder, n));
                    store.release(who, id(n));
                }
            }
            let all = store.everything(&bucket);
            prop_assert!(all.spent.amount + all.reserved <= Money::from_pico(limit));
        }
    }
}

#[test]
fn of_very_many_conversations_the_oldest_are_forgotten_and_what_they_spent_is_not() {
    let mut book = daily("1000", AtLimit::Stop);
    let of = |n: u128| Bucket::at(BudgetScope::Session(SessionId(Uuid::from_u128(n))), &calendar());
    let talks = (SESSIONS + 2 * SLACK) as u128;
    for n in 1..=talks {
        let payer = Payer { session: Some(SessionId(Uuid::from_u128(n))), ..payer() };
        book.reserve(attempt(n), &payer, Some(money("0.01")), OverBudget::Ask, &calendar())
            .unwrap();
        book.settle(attempt(n), cost("0.01"));
    }
    assert!(!book.holds(&of(1)) && book.holds(&of(talks)));
    let held = (1..=talks).filter(|n| book.holds(&of(*n))).count();
    assert!((SESSIONS - SLACK..=SESSIONS + SLACK).contains(&held), "{held}");
    let spent = book.line(BudgetScope::Day, &calendar()).spent;
    assert_eq!(spent, cost("46.08"));
}

#[test]
fn a_copy_of_the_book_stays_as_it_was() {
    let mut book = daily("1", AtLimit::Stop);
    spend(&mut book, 1, "0.2");
    let before = book.clone();
    reserve(&mut book, 2, "0.3").unwrap();
    let line = |book: &Book| book.line(BudgetScope::Day, &calendar());
    assert_eq!((line(&before).reserved, line(&before).spent), (Money::ZERO, cost("0.2")));
    assert_eq!(line(&book).reserved, money("0.3"));
}

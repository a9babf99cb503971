//! What a ledger would tell of that afternoon.

use super::{NOW, world::dollars, world::exact};
use crate::console::app::{
    Alternative, CostPoint, CostReport, CostRow, DearRequest, RoutingDid, SessionLine,
};
use crate::domain::{Cost, RequestId, SessionId, UnixMs};

const HOUR_MS: i64 = 3_600_000;

fn row(name: &str, calls: u64, tokens: (u64, u64, u64), cost: &str) -> CostRow {
    let (input, output, cached_input) = tokens;
    let session = None;
    CostRow {
        name: name.to_owned(),
        session,
        calls,
        input,
        output,
        cached_input,
        cost: exact(cost),
    }
}

/// The costs of the day, by model.
pub(super) fn costs() -> CostReport {
    let hours = ["0", "0", "0.02", "0", "0.01", "0.05", "0", "0.03", "0", "0.06", "0.1", "0.15"];
    let dear = |n: u128, cost: &str, model: &str, prompt: &str, tokens: (u64, u64)| DearRequest {
        request: RequestId(uuid::Uuid::from_u128(n)),
        session: Some(SessionId(uuid::Uuid::from_u128(n))),
        at: UnixMs(NOW.0 - HOUR_MS / 2 * n as i64),
        cost: exact(cost),
        model: model.into(),
        prompt: prompt.to_owned(),
        input: tokens.0,
        output: tokens.1,
        estimated: n == 2,
    };
    CostReport {
        today: exact("0.42"),
        month: exact("9.31"),
        rows: vec![
            row("sonnet", 7, (51_000, 9_000, 31_600), "0.21"),
            row("opus", 3, (10_000, 1_000, 0), "0.14"),
            row("mini", 12, (90_000, 18_000, 36_900), "0.05"),
            CostRow {
                cost: Cost { amount: dollars("0.02"), exact: false },
                ..row("flash", 4, (70_000, 11_000, 38_500), "0")
            },
            row("qwen", 2, (22_000, 6_000, 0), "0"),
        ],
        lost: row("lost", 2, (0, 0, 0), "0.0012"),
        stopped: CostRow {
            cost: Cost { amount: dollars("0.01"), exact: false },
            ..row("stopped", 1, (8_000, 400, 0), "0")
        },
        cut: false,
        total: row("total", 28, (243_000, 45_000, 107_000), "0.42"),
        series: hours
            .iter()
            .enumerate()
            .map(|(n, amount)| CostPoint { label: format!("{:02}", n + 3), cost: exact(amount) })
            .collect(),
        dearest: vec![
            dear(1, "0.052", "opus", "redline clause 7 against our template", (9_000, 610)),
            dear(2, "0.048", "opus", "合同第七条第二遍审阅", (9_000, 540)),
        ],
        routing: RoutingDid {
            requests: 28,
            answered: 27,
            compared: 24,
            spent: dollars("0.40"),
            alternatives: vec![
                Alternative {
                    model: "opus".into(),
                    would: dollars("2.70"),
                    did: dollars("0.40"),
                    requests: 24,
                },
                Alternative {
                    model: "sonnet".into(),
                    would: dollars("0.98"),
                    did: dollars("0.36"),
                    requests: 19,
                },
            ],
            cached: 3,
            cache_saved: dollars("0.031"),
            prefix_saved: dollars("0.09"),
        },
    }
}

/// Chats, the newest first.
pub(super) fn sessions(open: SessionId) -> Vec<SessionLine> {
    let line = |n: u128, title: &str, hours: i64, messages: u64, cost: &str| SessionLine {
        id: if n == 0 { open } else { SessionId(uuid::Uuid::from_u128(n)) },
        title: title.to_owned(),
        updated: UnixMs(NOW.0 - hours * HOUR_MS),
        messages,
        cost: exact(cost),
        forked_from: None,
        hit: None,
        interrupted: false,
    };
    vec![
        line(0, "rust borrow question", 0, 6, "0.061"),
        line(1, "postgres index advice", 2, 4, "0.11"),
        SessionLine {
            forked_from: Some(SessionId(uuid::Uuid::from_u128(1))),
            ..line(2, "fork: with opus", 3, 8, "0.08")
        },
        SessionLine {
            interrupted: true,
            ..line(3, "婚礼致辞的俳句 for a wedding", 20, 2, "0.0004")
        },
        line(4, "travel plan Lisbon", 27, 12, "0.03"),
        line(5, "contract clause 7", 80, 9, "0.22"),
    ]
}

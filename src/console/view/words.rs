//! Figures in words: times, money, tokens, in the few cells a meter has.
//!
//! Invariant: estimates carry `~`; nothing here reads a clock.

use crate::domain::{Cost, Money, UnixMs};

/// Local time of day, `14:33`.
pub(super) fn clock(at: UnixMs, utc_offset_s: i32) -> String {
    let minute = (at.0.div_euclid(1000) + i64::from(utc_offset_s)).rem_euclid(86_400) / 60;
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// Local time of day with seconds, `14:33:07`.
pub(super) fn clock_s(at: UnixMs, utc_offset_s: i32) -> String {
    let second = (at.0.div_euclid(1000) + i64::from(utc_offset_s)).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// Seconds with two decimals, `4.39s`; whole ones from a hundred on.
pub(super) fn seconds(ms: u64) -> String {
    if ms >= 100_000 { format!("{}s", ms / 1000) } else { format!("{}s", bare_seconds(ms)) }
}

/// The same without its unit, for columns that name it.
pub(super) fn bare_seconds(ms: u64) -> String {
    format!("{}.{:02}", ms / 1000, ms % 1000 / 10)
}

/// Seconds with one decimal, `1.9s`; minutes from a hundred on.
pub(super) fn short_seconds(ms: u64) -> String {
    match ms {
        0..100_000 => format!("{}.{}s", ms / 1000, ms % 1000 / 100),
        _ => format!("{}m{:02}s", ms / 60_000, ms / 1000 % 60),
    }
}

/// A time to the first token: `412ms`, `4.39s`.
pub(super) fn ttft(ms: u64) -> String {
    if ms < 1000 { format!("{ms}ms") } else { seconds(ms) }
}

/// How long from now, `41s`, `2m`, `3h`.
pub(super) fn span(ms: u64) -> String {
    match ms / 1000 {
        s @ 0..100 => format!("{s}s"),
        s @ 100..6000 => format!("{}m", s / 60),
        s => format!("{}h", s / 3600),
    }
}

/// Tokens: `356`, `4.1k`, `128k`, `1.0M`.
pub(super) fn tokens(n: u64) -> String {
    match n {
        0..1000 => n.to_string(),
        1000..10_000 if n % 1000 >= 100 => format!("{}.{}k", n / 1000, n % 1000 / 100),
        1000..10_000 => format!("{}k", n / 1000),
        10_000..1_000_000 => format!("{}k", n / 1000),
        _ => format!("{}.{}M", n / 1_000_000, n % 1_000_000 / 100_000),
    }
}

/// Whole numbers with thousands apart, `4,124`.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Money with the digits that matter: `$0.0041`, `$0.061`, `$0.42`.
pub(super) fn money(amount: Money) -> String {
    match amount.dollars().abs() {
        d if d >= 0.1 => format!("${:.2}", amount.dollars()),
        d if d >= 0.01 => format!("${:.3}", amount.dollars()),
        _ => amount.short(),
    }
}

/// Money and whether it is all of it: `$0.0041`, `~$0.0007`.
pub(super) fn cost(cost: Cost) -> String {
    let short = money(cost.amount);
    if cost.exact { short } else { format!("~{short}") }
}

/// Money in five cells, as in tables: `$.0041`, `$1.25`.
pub(super) fn tight(amount: Money) -> String {
    let short = amount.short();
    match short.strip_prefix("$0.") {
        Some(rest) => format!("$.{rest}"),
        None => short,
    }
}

/// A share, `82%`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

/// A figure between 0 and 1 without its zero, `.62`.
pub(super) fn fraction(value: f64) -> String {
    let text = format!("{value:.2}");
    text.strip_prefix('0').map_or(text.clone(), str::to_owned)
}

/// `sonnet · anthropic`. Where both names say that they are simulated, once is enough.
pub(super) fn who(model: &str, provider: &str) -> String {
    format!("{model} · {}", beside(model, provider))
}

/// A provider's name beside a model's: what the model's name already says is not said again.
pub(super) fn beside<'a>(model: &str, provider: &'a str) -> &'a str {
    const MARK: &str = "sim-";
    match provider.strip_prefix(MARK) {
        Some(bare) if model.starts_with(MARK) => bare,
        _ => provider,
    }
}

/// A name in so many cells of a meter or list. That it is simulated is said on the top line, and not
/// again in every row.
pub(super) fn brief(name: &str, cells: usize) -> String {
    crate::text::ellipsis(name.strip_prefix("sim-").unwrap_or(name), cells).into_owned()
}

/// `1 message`, `6 messages`.
pub(super) fn count(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_are_local() {
        let at = UnixMs(1_700_000_000_000);
        assert_eq!(clock_s(at, 0), "22:13:20");
        assert_eq!(clock(at, -8 * 3600), "14:13");
    }

    #[test]
    fn figures_stay_short() {
        assert_eq!(ttft(412), "412ms");
        assert_eq!(ttft(4394), "4.39s");
        assert_eq!(short_seconds(1_950), "1.9s");
        assert_eq!(tokens(4_124), "4.1k");
        assert_eq!(tokens(200_000), "200k");
        assert_eq!(grouped(200_000), "200,000");
        assert_eq!(tight("0.0041".parse().unwrap()), "$.0041");
        assert_eq!(fraction(0.62), ".62");
        assert_eq!(fraction(1.0), "1.00");
    }
}

//! Figures in words: times, money, tokens, in the few cells a meter has.
//!
//! Invariant: forecasts and what is converted carry `~`, what was spent and is not exact `≥`; nothing
//! here reads a clock.

use crate::console::app::{AppState, Glyphs};
use crate::domain::{Cost, Denomination, Money, UnixMs};
use crate::engine::{Countdown, Pending};

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
    // To the nearest hundredth, so that 519 ms is the same 0.52 wherever it stands.
    let hundredths = ms.saturating_add(5) / 10;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
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

/// How long a countdown still runs, `41s`, `4m12s`, `2h05m`; rounded up, so that it ends at zero.
pub(super) fn countdown(ms: u64) -> String {
    match ms.div_ceil(1000) {
        s @ 0..60 => format!("{s}s"),
        s @ 60..3600 => format!("{}m{:02}s", s / 60, s % 60),
        s => format!("{}h{:02}m", s / 3600, s / 60 % 60),
    }
}

/// What a provider's countdown says at this moment, in ever fewer words; nothing once it is over.
pub(super) fn counting(countdown: Option<Countdown>, now: UnixMs) -> Vec<String> {
    let Some(Countdown { pending, until }) = countdown.filter(|count| count.until > now) else {
        return Vec::new();
    };
    let left = self::countdown(u64::try_from(now.until(until).as_millis()).unwrap_or(u64::MAX));
    let mut forms = match pending {
        Pending::Retry => vec![format!("down, retry in {left}"), format!("down {left}")],
        Pending::Maintenance => {
            vec![format!("maintenance · back in {left}"), format!("maint. {left}")]
        }
        Pending::Shifted => vec![
            format!("slow · back in {left}"),
            format!("slow, back {left}"),
            format!("back {left}"),
            format!("slow {left}"),
        ],
        Pending::Limited => vec![format!("limited · back in {left}"), format!("limit, {left}")],
        Pending::RunsOut => vec![format!("429 in about {left}"), format!("429 in ~{left}")],
    };
    forms.push(left);
    forms
}

/// Tokens, rounded: `356`, `4.1k`, `128k`, `1.0M`.
pub(super) fn tokens(n: u64) -> String {
    let tenths = |unit: u64| (n.saturating_add(unit / 20) / (unit / 10)) as f64 / 10.0;
    match n {
        0..1000 => n.to_string(),
        1000..9_950 if tenths(1000).fract() > 0.0 => format!("{:.1}k", tenths(1000)),
        1000..999_500 => format!("{}k", (n + 500) / 1000),
        _ => format!("{:.1}M", tenths(1_000_000)),
    }
}

/// When something was, as one would say it: `14:33` today, `yesterday`, `3d ago`, `8w ago`.
pub(super) fn ago(now: UnixMs, at: UnixMs, utc_offset_s: i32) -> String {
    match days_ago(now, at, utc_offset_s) {
        ..=0 => clock(at, utc_offset_s),
        1 => "yesterday".to_owned(),
        days @ 2..=13 => format!("{days}d ago"),
        days @ 14..=364 => format!("{}w ago", days / 7),
        days => format!("{}y ago", days / 365),
    }
}

/// How many local days ago; 0 is today.
pub(super) fn days_ago(now: UnixMs, at: UnixMs, utc_offset_s: i32) -> i64 {
    let day =
        |moment: UnixMs| (moment.0.div_euclid(1000) + i64::from(utc_offset_s)).div_euclid(86_400);
    day(now) - day(at)
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
    amount.brief()
}

/// What was spent, and whether that is all of it: `$0.0041`, `≥$0.0007`.
pub(super) fn cost(cost: Cost, glyphs: Glyphs) -> String {
    at_least(Denomination::Dollars.cost(cost), glyphs)
}

/// The same to the last digit: `$0.0000224`.
pub(super) fn cost_in_full(cost: Cost, glyphs: Glyphs) -> String {
    at_least(cost.in_full(), glyphs)
}

/// A figure that may be "at least", in these glyphs: `>=` where there are only plain characters.
fn at_least(figure: String, glyphs: Glyphs) -> String {
    match glyphs {
        Glyphs::Ascii => figure.replace('≥', ">="),
        Glyphs::Unicode => figure,
    }
}

/// The mark of "at least" by itself.
pub(super) fn at_least_mark(glyphs: Glyphs) -> String {
    at_least("≥".to_owned(), glyphs)
}

/// An estimate, marked once; what is only bounded says so already.
pub(super) fn about(figure: &str) -> String {
    if figure.starts_with(['<', '~']) { figure.to_owned() } else { format!("~{figure}") }
}

/// Amounts in the currency of the Costs view.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amounts {
    money: Denomination,
    glyphs: Glyphs,
}

impl Amounts {
    pub(super) fn of(state: &AppState) -> Self {
        Self { money: state.denomination(), glyphs: state.looks.glyphs }
    }

    /// As [`money`].
    pub(super) fn brief(self, amount: Money) -> String {
        self.plain(self.money.brief(amount))
    }

    /// To the last digit, where it has one.
    pub(super) fn in_full(self, amount: Money) -> String {
        self.plain(self.money.in_full(amount))
    }

    /// As [`cost`].
    pub(super) fn cost(self, cost: Cost) -> String {
        self.plain(self.money.cost(cost))
    }

    /// Where there are only plain characters a sign that is none of them gives way to letters.
    fn plain(self, figure: String) -> String {
        let figure = at_least(figure, self.glyphs);
        match self.glyphs {
            Glyphs::Ascii if !figure.is_ascii() => {
                let figure: String = figure.chars().filter(char::is_ascii).collect();
                format!("{figure} {}", self.money.currency())
            }
            Glyphs::Ascii | Glyphs::Unicode => figure,
        }
    }
}

/// Money in five cells, as in tables: `$.0041`, `$1.25`.
pub(super) fn tight(amount: Money) -> String {
    let short = amount.short();
    short.replacen("$0.", "$.", 1)
}

/// What was spent in so few cells, and whether that is all of it: `≥$.0041`.
pub(super) fn tight_cost(cost: Cost, glyphs: Glyphs) -> String {
    at_least(cost.short().replacen("$0.", "$.", 1), glyphs)
}

/// A very small price to two figures: `$0.000034`.
pub(super) fn fine(amount: Money) -> String {
    let dollars = amount.dollars();
    if dollars <= 0.0 {
        return "$0".to_owned();
    }
    let decimals = (1.0 - dollars.log10().floor()).clamp(2.0, 9.0) as usize;
    format!("${dollars:.decimals$}")
}

/// A share, `82%`; past ten times the whole only that it is, `>999%`.
pub(super) fn percent(share: f64) -> String {
    if share >= 9.995 { ">999%".to_owned() } else { format!("{:.0}%", share * 100.0) }
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

/// The same in so many cells of a table: without what every name there says, and without the
/// provider where the model's name tells it or there is no room.
pub(super) fn who_in(model: &str, provider: &str, cells: usize) -> String {
    let (model, provider) = (brief(model, cells), brief(provider, cells));
    let whole = format!("{model} · {provider}");
    if model.contains(&provider) || crate::text::width(&whole) > cells { model } else { whole }
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

/// A decision's reason in so many cells: whole words before less important ones.
pub(super) fn reason_in(reason: &str, cells: usize) -> String {
    let short = reason.trim_end_matches(" that fit");
    let shorter =
        || short.split_once(" of ").map(|(lead, _)| lead).filter(|lead| lead.contains(", "));
    let first = || short.split_once(", ").map(|(first, _)| first);
    [Some(reason), Some(short), shorter(), first()]
        .into_iter()
        .flatten()
        .find(|text| crate::text::width(text) <= cells)
        .map_or_else(|| crate::text::ellipsis(short, cells).into_owned(), str::to_owned)
}

/// `1 message`, `6 messages`.
pub(super) fn count(n: usize, one: &str) -> String {
    crate::domain::counted(n as u64, one)
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
    fn a_reason_gives_up_whole_words() {
        let reason = "code 0.86, best balance of 10 that fit";
        assert_eq!(reason_in(reason, 38), reason);
        assert_eq!(reason_in(reason, 30), "code 0.86, best balance of 10");
        assert_eq!(reason_in(reason, 28), "code 0.86, best balance");
        assert_eq!(reason_in(reason, 12), "code 0.86");
        assert_eq!(reason_in(reason, 5), "code…");
    }

    #[test]
    fn a_table_names_the_provider_where_it_adds_something_and_fits() {
        assert_eq!(who_in("sim-haiku", "sim-anthropic", 20), "haiku · anthropic");
        assert_eq!(who_in("sim-haiku", "sim-anthropic", 12), "haiku");
        assert_eq!(who_in("deepseek-flash", "deepseek", 40), "deepseek-flash");
    }

    #[test]
    fn a_countdown_says_what_ends_when_and_then_nothing() {
        let now = UnixMs(1_000_000);
        let counts = |pending, ms: i64| {
            counting(Some(Countdown { pending, until: UnixMs(now.0 + ms) }), now)
        };
        assert_eq!(counts(Pending::Shifted, 252_000)[0], "slow · back in 4m12s");
        assert_eq!(counts(Pending::Retry, 40_200)[1], "down 41s");
        assert_eq!(counts(Pending::RunsOut, 7_100)[0], "429 in about 8s");
        assert_eq!(counts(Pending::Limited, 7_500_000)[0], "limited · back in 2h05m");
        assert!(counts(Pending::Shifted, 0).is_empty() && counting(None, now).is_empty());
    }

    #[test]
    fn figures_stay_short() {
        assert_eq!(ttft(412), "412ms");
        assert_eq!(ttft(4394), "4.39s");
        assert_eq!(short_seconds(1_950), "1.9s");
        assert_eq!(tokens(4_124), "4.1k");
        assert_eq!(tokens(1_791), "1.8k");
        assert_eq!(tokens(1_980), "2k");
        assert_eq!(tokens(9_960), "10k");
        assert_eq!(tokens(200_000), "200k");
        assert_eq!(tokens(999_700), "1.0M");
        assert_eq!(grouped(200_000), "200,000");
        assert_eq!(tight("0.0041".parse().unwrap()), "$.0041");
        let cost = |text: &str| Cost { amount: text.parse().unwrap(), exact: false };
        assert_eq!(super::cost(cost("0.0041"), Glyphs::Unicode), "≥$0.0041");
        assert_eq!(super::cost(cost("0.0041"), Glyphs::Ascii), ">=$0.0041");
        assert_eq!(super::cost(cost("0.00001"), Glyphs::Unicode), "≥$0.00001");
        assert_eq!(super::cost(cost("0.0000001"), Glyphs::Unicode), "≥$0.00");
        assert_eq!(tight_cost(cost("0.0041"), Glyphs::Unicode), "≥$.0041");
        assert_eq!(fraction(0.62), ".62");
        assert_eq!(fraction(1.0), "1.00");
    }
}

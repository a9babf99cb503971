//! Other currencies than the dollar that money is counted in: their codes, the rates a person set, and
//! amounts shown in them.
//!
//! Must not know: where a rate came from, or how old it is. Invariant: money is counted in dollars
//! and only shown in another currency; what is converted carries `~`, for a rate is never the bank's.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Cost, Money};

/// Rates are kept to six decimals.
const RATE_SCALE: i64 = 1_000_000;

/// The greatest rate there is use for: three zeros more than the weakest currency of today.
const RATE_MOST: i64 = 100_000_000 * RATE_SCALE;

/// Decimals of the figures of a column at most: as many as a price of cheap models has by the token.
const MOST_DECIMALS: u32 = 8;

/// A currency, by its three letters (ISO 4217): `USD`, `CNY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The currency money is counted in.
    pub const USD: Self = Self(*b"USD");

    /// Its letters.
    pub fn code(&self) -> &str {
        // Only letters are ever let in.
        std::str::from_utf8(&self.0).unwrap_or("???")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl FromStr for Currency {
    type Err = String;
    /// Reads three letters, large or small.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("expected a currency's three letters such as CNY, found {text:?}");
        let letters: [u8; 3] = text.as_bytes().try_into().map_err(|_| wrong())?;
        if !letters.iter().all(u8::is_ascii_alphabetic) {
            return Err(wrong());
        }
        Ok(Self(letters.map(|letter| letter.to_ascii_uppercase())))
    }
}

impl TryFrom<String> for Currency {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

/// How many units of a currency a dollar is, to six decimals; above 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeRate(i64);

impl FromStr for ExchangeRate {
    type Err = String;
    /// Reads a decimal number of units per dollar, exactly.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        use super::ParseMoneyError::{NotADecimal, TooFine, TooLarge};
        let millionths = super::money::parse_scaled(text, 6).map_err(|error| match error {
            NotADecimal => "expected a number of units per US dollar, such as 7.12".to_owned(),
            TooFine => "a rate has six decimals at most".to_owned(),
            TooLarge => "too large".to_owned(),
        })?;
        if millionths <= 0 {
            return Err("expected a number of units per US dollar above 0".to_owned());
        }
        if millionths > RATE_MOST {
            return Err("too large".to_owned());
        }
        Ok(Self(millionths))
    }
}

impl fmt::Display for ExchangeRate {
    /// The exact decimal number of units per dollar.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&super::money::write_scaled(self.0, 6, 0))
    }
}

/// `amount × by ÷ over`, rounded half away from zero. All rounding of converted amounts is here: once,
/// to the twelfth decimal. Beyond the range of an amount it stays at its end.
fn scaled(amount: Money, by: i64, over: i64) -> Money {
    let (product, over) = (i128::from(amount.pico()) * i128::from(by), i128::from(over));
    let half = if product < 0 { -over / 2 } else { over / 2 };
    let pico = (product + half) / over;
    let end = if pico < 0 { i64::MIN } else { i64::MAX };
    Money::from_pico(i64::try_from(pico).unwrap_or(end))
}

impl ExchangeRate {
    /// An amount of dollars in this currency: pico-units of it in place of pico-dollars.
    pub fn from_dollars(self, dollars: Money) -> Money {
        scaled(dollars, self.0, RATE_SCALE)
    }

    /// An amount in this currency (as pico-units) in dollars.
    pub fn to_dollars(self, amount: Money) -> Money {
        scaled(amount, RATE_SCALE, self.0)
    }
}

/// What amounts are shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Denomination {
    /// Dollars, as they are counted.
    #[default]
    Dollars,
    /// Another currency, at a rate the user set.
    At(Currency, ExchangeRate),
}

impl Denomination {
    /// Its currency.
    pub const fn currency(self) -> Currency {
        match self {
            Self::Dollars => Currency::USD,
            Self::At(currency, _) => currency,
        }
    }

    /// An amount in it, in pico-units.
    pub fn convert(self, dollars: Money) -> Money {
        match self {
            Self::Dollars => dollars,
            Self::At(_, rate) => rate.from_dollars(dollars),
        }
    }

    /// In it, with the digits that matter, as [`Money::brief`]: `$0.42`; converted `~¥2.99`,
    /// `~0.36 EUR`, `<~¥0.000001`.
    pub fn brief(self, dollars: Money) -> String {
        self.written(&self.convert(dollars).brief())
    }

    /// The same to a fixed number of digits, as [`Money::short`].
    pub fn short(self, dollars: Money) -> String {
        self.written(&self.convert(dollars).short())
    }

    /// To the last digit, as [`Money::in_full`]; converted as [`Self::brief`], since what is about right
    /// has no last digit.
    pub fn in_full(self, dollars: Money) -> String {
        match self {
            Self::Dollars => dollars.in_full(),
            Self::At(..) => self.brief(dollars),
        }
    }

    /// What was spent, in it: `$0.42`, and `≥$0.42` where it is not exact; converted `≥~¥2.99`.
    pub fn cost(self, cost: Cost) -> String {
        self.marked(cost, Money::brief)
    }

    /// The same to a fixed number of digits, as [`Self::short`].
    pub fn cost_short(self, cost: Cost) -> String {
        self.marked(cost, Money::short)
    }

    /// To so many decimals, as [`Money::fixed`]: the figures of a column.
    pub fn fixed(self, dollars: Money, decimals: u32) -> String {
        self.written(&self.convert(dollars).fixed(decimals))
    }

    /// The same of what was spent, marked where it is not exact.
    pub fn cost_fixed(self, cost: Cost, decimals: u32) -> String {
        self.marked(cost, |amount| amount.fixed(decimals))
    }

    /// Marked where it is not exact; what is "at least" is rounded down after it was converted.
    fn marked(self, cost: Cost, write: impl Fn(Money) -> String) -> String {
        self.written(&Cost { amount: self.convert(cost.amount), ..cost }.written(write))
    }

    /// The decimals with which parts of a sum are written, so that they add up as they are read and
    /// none looks like nothing: the fewest from those the sum asks for on. Where there are so many
    /// parts that rounding shows however they are written, two more than it asks for.
    pub fn decimals(self, sum: Money, parts: &[Money]) -> u32 {
        let asked = match self.convert(sum).pico().unsigned_abs() {
            0 => 2,
            1..10_000_000_000 => 6,
            10_000_000_000..10_000_000_000_000 => 4,
            10_000_000_000_000.. => 2,
        };
        let adds_up = |decimals: &u32| {
            let rounded = |dollars: Money| self.convert(dollars).rounded(*decimals);
            let nothing = |part: &Money| *part != Money::ZERO && rounded(*part) == 0;
            let read: i128 = parts.iter().map(|part| i128::from(rounded(*part))).sum();
            read == i128::from(rounded(sum)) && !parts.iter().any(nothing)
        };
        (asked..=MOST_DECIMALS).find(adds_up).unwrap_or(asked + 2)
    }

    /// Puts the currency in the dollar's place.
    fn written(self, figure: &str) -> String {
        match self {
            Self::Dollars => figure.to_owned(),
            Self::At(currency, _) if currency.code() == "CNY" => about(&figure.replace('$', "¥")),
            Self::At(currency, _) => about(&format!("{} {currency}", figure.replace('$', ""))),
        }
    }
}

/// Marked as converted; a sign and a bound stay in front, as in `≥~¥2.99`.
fn about(figure: &str) -> String {
    let amount = figure.trim_start_matches(['-', '<', '≥']);
    format!("{}~{amount}", &figure[..figure.len() - amount.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(code: &str, rate: &str) -> Denomination {
        Denomination::At(code.parse().unwrap(), rate.parse().unwrap())
    }

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    #[test]
    fn an_amount_is_converted_exactly_and_rounded_once_at_the_twelfth_decimal() {
        let rate: ExchangeRate = "7.123456".parse().unwrap();
        assert_eq!(rate.from_dollars(money("1")).to_string(), "7.123456");
        let third: ExchangeRate = "0.333333".parse().unwrap();
        let pico = |pico| third.from_dollars(Money::from_pico(pico)).pico();
        assert_eq!((pico(1), pico(2), pico(-2)), (0, 1, -1), "half away from zero");
        assert_eq!(rate.to_dollars(rate.from_dollars(money("0.42"))), money("0.42"));
    }

    #[test]
    fn what_does_not_fit_stays_at_the_end_of_the_range() {
        let rate: ExchangeRate = "26000".parse().unwrap();
        assert_eq!(rate.from_dollars(Money::from_pico(i64::MAX)).pico(), i64::MAX);
        assert_eq!(rate.from_dollars(Money::from_pico(i64::MIN)).pico(), i64::MIN);
    }

    #[test]
    fn converted_amounts_are_marked_and_dollars_are_not() {
        let cost = |exact| Cost { amount: money("0.42"), exact };
        assert_eq!(Denomination::Dollars.cost(cost(true)), "$0.42");
        assert_eq!(Denomination::Dollars.cost(cost(false)), "≥$0.42");
        assert_eq!(at("CNY", "7.12").cost(cost(true)), "~¥2.99");
        assert_eq!(at("cny", "7.12").cost(cost(false)), "≥~¥2.99");
        assert_eq!(at("CNY", "7.12").cost_short(cost(false)), "≥~¥2.99");
        assert_eq!(at("EUR", "0.92").cost(cost(false)), "≥~0.38 EUR");
        assert_eq!(at("EUR", "0.92").brief(money("0.42")), "~0.39 EUR");
        assert_eq!(at("CNY", "7.12").brief(money("0.000000001")), "<~¥0.000001");
        assert_eq!(at("CNY", "7.12").short(money("-0.5")), "-~¥3.56");
        assert_eq!(at("EUR", "0.92").short(money("-0.000000001")), "-<~0.0001 EUR");
        assert_eq!(at("EUR", "0.92").short(Money::ZERO), "~0.00 EUR");
    }

    #[test]
    fn what_is_at_least_so_much_is_not_rounded_up_in_another_currency_either() {
        let cost = |text: &str| Cost { amount: money(text), exact: false };
        let (yuan, euro) = (at("CNY", "7.12"), at("EUR", "0.9157"));
        assert_eq!(yuan.cost(cost("0.0070006")), "≥~¥0.049", "of 0.0498");
        assert_eq!(yuan.cost(cost("0.000088")), "≥~¥0.00062");
        assert_eq!(yuan.cost_fixed(cost("0.000088"), 6), "≥~¥0.000626");
        assert_eq!(euro.cost_fixed(cost("0.0070006"), 6), "≥~0.006410 EUR");
        assert_eq!(yuan.cost(cost("0.00000001")), "≥~¥0.00");
    }

    #[test]
    fn parts_of_a_sum_are_written_so_that_they_add_up_as_they_are_read() {
        let digits = |money: Denomination, parts: &[&str]| {
            let parts: Vec<Money> = parts.iter().map(|text| text.parse().unwrap()).collect();
            let sum = parts.iter().copied().sum();
            let decimals = money.decimals(sum, &parts);
            let of = |amount| money.fixed(amount, decimals);
            (parts.into_iter().map(of).collect::<Vec<_>>().join(" "), of(sum))
        };
        let dollars = |parts: &[&str]| digits(Denomination::Dollars, parts);
        // To four decimals it would be 0.0002 and 0.0001 that come to 0.0002.
        let (parts, sum) = dollars(&["0.000151", "0.00008"]);
        assert_eq!((parts.as_str(), sum.as_str()), ("$0.000151 $0.000080", "$0.000231"));
        let (parts, sum) = dollars(&["0.00004", "0.02004", "0.02004"]);
        assert_eq!((parts.as_str(), sum.as_str()), ("$0.00004 $0.02004 $0.02004", "$0.04012"));
        let (parts, sum) = dollars(&["12.5", "0.25"]);
        assert_eq!((parts.as_str(), sum.as_str()), ("$12.50 $0.25", "$12.75"));
        assert_eq!(dollars(&[]).1, "$0.00");
        let (parts, sum) = digits(at("CNY", "7.12"), &["0.000151", "0.00008"]);
        assert_eq!((parts.as_str(), sum.as_str()), ("~¥0.001075 ~¥0.000570", "~¥0.001645"));
        // A hundred parts with a third in them add up at no number of decimals.
        let (parts, sum) = dollars(&["0.010033333333"; 100]);
        assert!(parts.starts_with("$0.010033 ") && sum == "$1.003333", "{parts} {sum}");
        assert_eq!(Denomination::Dollars.fixed(money("0.0000001"), 4), "<$0.0001");
        assert_eq!(Denomination::Dollars.fixed(Money::ZERO, 6), "$0.00");
    }

    #[test]
    fn a_rate_that_is_none_is_refused_in_words() {
        for wrong in ["0", "-7", "seven", "7.1234567", "1e30"] {
            assert!(wrong.parse::<ExchangeRate>().is_err(), "{wrong}");
        }
        assert_eq!("7.120".parse::<ExchangeRate>().unwrap().to_string(), "7.12");
        for wrong in ["", "US", "USDT", "12A", "人民"] {
            assert!(wrong.parse::<Currency>().is_err(), "{wrong}");
        }
    }
}

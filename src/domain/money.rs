//! Money as integers. A [`Money`] is pico-dollars (10⁻¹² USD); a [`Price`] is dollars per million
//! tokens to six decimals, which is the same integer as pico-dollars per token, so that
//! `tokens × price` is exact and never rounds.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const PICO: i64 = 1_000_000_000_000;

/// An amount in pico-dollars. Arithmetic saturates: a sum can be wrong only past nine million USD.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

/// A price in pico-dollars per token, which is micro-dollars per million tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(i64);

/// A cost and whether every part of it is known.
///
/// Written for people, what was spent and is not exact is "at least" that much: `≥$0.42`. `~` is for
/// what was never spent or is converted: forecasts, and amounts at a rate of the user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// What is known to be owed.
    pub amount: Money,
    /// `false` when something in it is missing or estimated: the real bill is at least this.
    pub exact: bool,
}

/// Why a text is not an amount or a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseMoneyError {
    /// Not a plain decimal number.
    NotADecimal,
    /// More decimals than the unit holds (twelve for amounts, six for prices).
    TooFine,
    /// Out of range.
    TooLarge,
}

impl fmt::Display for ParseMoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotADecimal => "expected a decimal number of US dollars, such as 0.14",
            Self::TooFine => "too many decimals",
            Self::TooLarge => "too large",
        })
    }
}

impl std::error::Error for ParseMoneyError {}

pub(super) fn parse_scaled(text: &str, decimals: usize) -> Result<i64, ParseMoneyError> {
    use ParseMoneyError::{NotADecimal, TooFine, TooLarge};
    let text = text.trim();
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().map_err(|_| NotADecimal)?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty()
        || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit())
    {
        return Err(NotADecimal);
    }
    let mut value: i128 = 0;
    for digit in whole.bytes().chain(fraction.bytes()) {
        value = value.checked_mul(10).ok_or(TooLarge)? + i128::from(digit - b'0');
        if value > i128::MAX / 100 {
            return Err(TooLarge);
        }
    }
    let mut shift = i32::try_from(decimals).unwrap_or(0)
        - i32::try_from(fraction.len()).unwrap_or(i32::MAX)
        + exponent.clamp(-60, 60);
    while shift > 0 {
        value = value.checked_mul(10).ok_or(TooLarge)?;
        shift -= 1;
    }
    while shift < 0 {
        if value % 10 != 0 {
            return Err(TooFine);
        }
        value /= 10;
        shift += 1;
    }
    let value = i64::try_from(value).map_err(|_| TooLarge)?;
    Ok(if negative { -value } else { value })
}

pub(super) fn write_scaled(value: i64, decimals: usize, least: usize) -> String {
    let scale = 10u64.pow(u32::try_from(decimals).unwrap_or(0));
    let sign = if value < 0 { "-" } else { "" };
    let magnitude = value.unsigned_abs();
    let mut fraction = format!("{:0decimals$}", magnitude % scale);
    while fraction.len() > least && fraction.ends_with('0') {
        fraction.pop();
    }
    let whole = magnitude / scale;
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

impl Money {
    /// More than any limit.
    pub const MAX: Self = Self(i64::MAX);
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From pico-dollars.
    pub const fn from_pico(pico: i64) -> Self {
        Self(pico)
    }

    /// In pico-dollars.
    pub const fn pico(self) -> i64 {
        self.0
    }

    /// As a float of dollars: for scores and charts, never for sums.
    pub fn dollars(self) -> f64 {
        self.0 as f64 / PICO as f64
    }

    /// The shortest useful form, two digits that matter: cents from ten cents on, tenths of a cent
    /// from one, and so on to the millionth of a dollar, so that what cheap models cost can be told
    /// apart: `$0.42`, `$0.025`, `$0.0041`, `$0.00088`, `<$0.000001`.
    pub fn brief(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let digits = match self.0.unsigned_abs() {
            0 => 2,
            1..500_000 => return format!("{sign}<$0.000001"),
            500_000..100_000_000 => 6,
            100_000_000..1_000_000_000 => 5,
            1_000_000_000..10_000_000_000 => 4,
            10_000_000_000..100_000_000_000 => 3,
            100_000_000_000.. => 2,
        };
        let (unit, scale) = (10u64.pow(12 - digits), 10u64.pow(digits));
        let rounded = (self.0.unsigned_abs() + unit / 2) / unit;
        let mut fraction = format!("{:0width$}", rounded % scale, width = digits as usize);
        while fraction.len() > 4 && fraction.ends_with('0') {
            fraction.pop();
        }
        format!("{sign}${}.{fraction}", rounded / scale)
    }

    /// In units of the last of so many decimals, rounded half away from zero; from the thirteenth on
    /// there is nothing left to round.
    pub(super) fn rounded(self, decimals: u32) -> i64 {
        let unit = 10i64.pow(12u32.saturating_sub(decimals));
        let (whole, rest) = (self.0 / unit, self.0 % unit);
        let away = rest.unsigned_abs() >= unit.unsigned_abs().div_ceil(2) && rest != 0;
        whole + if away { rest.signum() } else { 0 }
    }

    /// To so many decimals, two at least, for figures that stand one below the other: `$0.004100`,
    /// `$0.00` for nothing, `<$0.0001` for less than the last of them.
    pub fn fixed(self, decimals: u32) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let decimals = if self.0 == 0 { 2 } else { decimals.clamp(2, 12) };
        let (rounded, scale) = (self.rounded(decimals).unsigned_abs(), 10u64.pow(decimals));
        let width = decimals as usize;
        let written = |units: u64| format!("${}.{:0width$}", units / scale, units % scale);
        match rounded {
            0 if self.0 != 0 => format!("{sign}<{}", written(1)),
            units => format!("{sign}{}", written(units)),
        }
    }

    /// In full, to the last digit: `$0.0000224`, `$1.25`, `$0.00`.
    pub fn in_full(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        format!("{sign}${}", self.to_string().trim_start_matches('-'))
    }

    /// Short form for the screen, rounded half up: `$0.0041`, `$1.25`, `$0.00` for nothing,
    /// `<$0.0001` for less than the last digit shown.
    pub fn short(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let pico = u128::from(self.0.unsigned_abs());
        let one = u128::from(PICO.unsigned_abs());
        let digits = if pico == 0 || pico >= one { 2 } else { 4 };
        let unit = one / 10u128.pow(digits);
        let rounded = (pico + unit / 2) / unit;
        if pico > 0 && rounded == 0 {
            return format!("{sign}<$0.0001");
        }
        let scale = 10u128.pow(digits);
        let width = digits as usize;
        format!("{sign}${}.{:0width$}", rounded / scale, rounded % scale)
    }
}

impl Price {
    /// Costs nothing.
    pub const FREE: Self = Self(0);

    /// From pico-dollars per token (micro-dollars per million tokens).
    pub const fn from_pico_per_token(pico: i64) -> Self {
        Self(pico)
    }

    /// Pico-dollars per token.
    pub const fn pico_per_token(self) -> i64 {
        self.0
    }

    /// Dollars per million tokens as a float: for scores, never for sums.
    pub fn dollars_per_million(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// What `tokens` cost at this price. Exact.
    pub fn times(self, tokens: u64) -> Money {
        let pico = i128::from(self.0) * i128::from(tokens);
        Money(i64::try_from(pico).unwrap_or(if pico < 0 { i64::MIN } else { i64::MAX }))
    }
}

impl FromStr for Money {
    type Err = ParseMoneyError;
    /// Reads a decimal number of dollars with up to twelve decimals, exactly.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_scaled(text, 12).map(Self)
    }
}

impl FromStr for Price {
    type Err = ParseMoneyError;
    /// Reads dollars per million tokens with up to six decimals, exactly.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_scaled(text, 6).map(Self)
    }
}

impl fmt::Display for Money {
    /// The exact decimal number of dollars, at least two decimals, no currency sign.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&write_scaled(self.0, 12, 2))
    }
}

impl fmt::Display for Price {
    /// Exact dollars per million tokens, no currency sign.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&write_scaled(self.0, 6, 0))
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&self.to_string())
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        String::deserialize(input)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&self.to_string())
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        String::deserialize(input)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::ZERO, Add::add)
    }
}

impl Add for Cost {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { amount: self.amount + other.amount, exact: self.exact && other.exact }
    }
}

impl Default for Cost {
    fn default() -> Self {
        Self::ZERO
    }
}

impl Cost {
    /// Nothing owed, and known to be so.
    pub const ZERO: Self = Self { amount: Money::ZERO, exact: true };

    /// As [`Money::short`], marked where it is not exact.
    pub fn short(self) -> String {
        self.written(Money::short)
    }

    /// As [`Money::brief`], marked where it is not exact.
    pub fn brief(self) -> String {
        self.written(Money::brief)
    }

    /// As [`Money::in_full`], marked where it is not exact.
    pub fn in_full(self) -> String {
        self.written(Money::in_full)
    }

    /// As a writer of amounts writes it, marked where it is not exact. At least less than the last digit
    /// shown is at least nothing.
    pub(super) fn written(self, write: impl Fn(Money) -> String) -> String {
        let figure = write(self.amount);
        match self.exact {
            true => figure,
            false if figure.contains('<') => format!("≥{}", write(Money::ZERO)),
            false => format!("≥{}", self.no_more(figure, write)),
        }
    }

    /// A figure in dollars that is no more than the amount: what is "at least" is never rounded up.
    fn no_more(self, figure: String, write: impl Fn(Money) -> String) -> String {
        let read = |figure: &str| figure.strip_prefix('$')?.parse::<Money>().ok();
        if read(&figure).is_none_or(|read| read <= self.amount) {
            return figure;
        }
        let decimals = figure.split_once('.').map_or(0, |(_, decimals)| decimals.len()) as u32;
        // A digit more may do where trailing zeros were left out.
        let down = [decimals + 1, decimals].into_iter().map(|decimals| {
            let unit = 10i64.pow(12u32.saturating_sub(decimals));
            write(Money(self.amount.0 - self.amount.0.rem_euclid(unit)))
        });
        let fits = |figure: &String| read(figure).is_some_and(|read| read <= self.amount);
        down.into_iter().find(fits).unwrap_or_else(|| write(Money::ZERO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_times_tokens_is_exact() {
        let price: Price = "0.14".parse().unwrap();
        assert_eq!(price.times(1_000_000), "0.14".parse().unwrap());
        assert_eq!(price.times(1).to_string(), "0.00000014");
        assert_eq!(price.to_string(), "0.14");
    }

    #[test]
    fn decimals_are_read_exactly_or_refused() {
        assert_eq!("3.45e-05".parse::<Money>().unwrap().pico(), 34_500_000);
        assert_eq!("2".parse::<Price>().unwrap().pico_per_token(), 2_000_000);
        assert_eq!("0.0000001".parse::<Price>(), Err(ParseMoneyError::TooFine));
        assert_eq!("1,5".parse::<Money>(), Err(ParseMoneyError::NotADecimal));
        assert_eq!("".parse::<Money>(), Err(ParseMoneyError::NotADecimal));
        assert_eq!("99999999999999999999".parse::<Money>(), Err(ParseMoneyError::TooLarge));
    }

    #[test]
    fn short_money_fits_a_meter() {
        let short = |text: &str| text.parse::<Money>().unwrap().short();
        assert_eq!(short("0"), "$0.00");
        assert_eq!(short("0.00412"), "$0.0041");
        assert_eq!(short("0.000001"), "<$0.0001");
        assert_eq!(short("1.255"), "$1.26");
        assert_eq!(short("12.5"), "$12.50");
    }

    #[test]
    fn money_in_full_loses_no_digit() {
        let in_full = |text: &str| text.parse::<Money>().unwrap().in_full();
        assert_eq!(in_full("0.0000224"), "$0.0000224");
        assert_eq!(in_full("-1.5"), "-$1.50");
        assert_eq!(in_full("0"), "$0.00");
        let part = Cost { amount: "0.0000224".parse().unwrap(), exact: false };
        assert_eq!(part.in_full(), "≥$0.0000224");
    }

    #[test]
    fn brief_money_has_no_more_digits_than_it_needs() {
        let brief = |text: &str| text.parse::<Money>().unwrap().brief();
        assert_eq!(brief("0.4199"), "$0.42");
        assert_eq!(brief("2"), "$2.00");
        assert_eq!(brief("0.0251"), "$0.025");
        assert_eq!(brief("0.0041"), "$0.0041");
        assert_eq!(brief("-0.5"), "-$0.50");
        assert_eq!(brief("0"), "$0.00");
    }

    #[test]
    fn brief_money_tells_apart_what_cheap_models_cost() {
        let brief = |text: &str| text.parse::<Money>().unwrap().brief();
        assert_eq!(brief("0.000063"), "$0.000063");
        assert_eq!(brief("0.00007"), "$0.00007");
        assert_eq!(brief("0.0000876"), "$0.000088");
        assert_eq!(brief("0.000876"), "$0.00088");
        assert_eq!(brief("0.0004"), "$0.0004");
        assert_eq!(brief("0.0000005"), "$0.000001");
        assert_eq!(brief("0.0000004"), "<$0.000001");
    }

    #[test]
    fn what_is_at_least_so_much_is_never_rounded_up() {
        let cost = |text: &str| Cost { amount: text.parse().unwrap(), exact: false };
        assert_eq!(cost("0.01153143").written(Money::brief), "≥$0.011");
        assert_eq!(cost("0.00208").short(), "≥$0.0020");
        assert_eq!(cost("0.000396").written(Money::brief), "≥$0.00039");
        assert_eq!(cost("0.000145").written(Money::brief), "≥$0.00014");
        assert_eq!(cost("0.00006").short(), "≥$0.00");
        assert_eq!(cost("1.999").short(), "≥$1.99");
        assert_eq!(cost("0.011").written(Money::brief), "≥$0.011", "what is so already stays");
        assert_eq!(Cost { exact: true, ..cost("0.01153143") }.written(Money::brief), "$0.012");
    }

    #[test]
    fn what_was_spent_and_is_not_exact_is_at_least_so_much() {
        let short = |text: &str, exact| Cost { amount: text.parse().unwrap(), exact }.short();
        assert_eq!(short("0.42", true), "$0.4200");
        assert_eq!(short("0.42", false), "≥$0.4200");
        assert_eq!(short("0.000001", true), "<$0.0001");
        assert_eq!(short("0.000001", false), "≥$0.00", "it may be any amount");
        assert_eq!(short("0", false), "≥$0.00");
    }

    #[test]
    fn money_survives_json() {
        let money: Money = "-0.000000000001".parse().unwrap();
        let json = serde_json::to_string(&money).unwrap();
        assert_eq!(json, "\"-0.000000000001\"");
        assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
    }
}

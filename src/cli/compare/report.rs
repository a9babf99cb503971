//! What a comparison came to: one row per model and script and one per model, as a table, CSV or JSON.
//!
//! Owns: the sums. Must not know: who asked. Invariant: a figure nobody told is missing, never zero;
//! money is exact until it is divided.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cli::table::{Align, Table};
use crate::domain::{Cost, Currency, Denomination, Money, Script};
use crate::engine::script_name;

/// One.
const DOLLAR: Money = Money::from_pico(1_000_000_000_000);

/// One answer, or none.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::struct_field_names, reason = "characters of the answer, as against the prompt's")]
pub struct Answer {
    /// The model asked.
    pub model: String,
    /// Its provider.
    pub provider: String,
    /// The prompt's name.
    pub prompt: String,
    /// Its language.
    pub lang: String,
    /// Its script.
    pub script: Script,
    /// Characters of the prompt.
    pub prompt_chars: u64,
    /// Characters of the answer.
    pub answer_chars: u64,
    /// Prompt tokens, as reported.
    pub input: Option<u64>,
    /// Answer tokens, as reported, thinking included.
    pub output: Option<u64>,
    /// What it cost.
    pub cost: Cost,
    /// Milliseconds to the first token.
    pub ttft_ms: Option<u64>,
    /// Milliseconds to the end.
    pub total_ms: u64,
    /// Why there is no whole answer.
    pub error: Option<String>,
}

/// One model with one script.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The model.
    pub model: String,
    /// Its provider.
    pub provider: String,
    /// The script; `None` for all of them together.
    pub script: Option<Script>,
    /// The languages asked in.
    pub langs: Vec<String>,
    /// Answers that are whole.
    pub answered: usize,
    /// Those that are not.
    pub failed: usize,
    /// The first reason.
    pub error: Option<String>,
    /// Prompt tokens per character of the prompt.
    pub input_per_char: Option<f64>,
    /// Answer tokens per character of the answer.
    pub output_per_char: Option<f64>,
    /// What all of it cost, failures included.
    pub cost: Cost,
    /// Dollars per 1,000 characters, prompt and answer together.
    pub per_1000: Option<f64>,
    /// Median time to the first token.
    pub ttft_ms: Option<u64>,
    /// Median time to the end.
    pub total_ms: Option<u64>,
    /// Mean characters of an answer.
    pub answer_chars: Option<u64>,
}

/// Adds answers up, in the order of models asked and scripts met.
pub fn rows(answers: &[Answer]) -> Vec<Row> {
    let mut order: Vec<(&str, Script)> = Vec::new();
    let mut groups: BTreeMap<(&str, Script), Vec<&Answer>> = BTreeMap::new();
    for answer in answers {
        let key = (answer.model.as_str(), answer.script);
        if !groups.contains_key(&key) {
            order.push(key);
        }
        groups.entry(key).or_default().push(answer);
    }
    order
        .iter()
        .filter_map(|key| Some(Row { script: Some(key.1), ..row(groups.get(key)?) }))
        .collect()
}

/// Adds up by model, in the order they were asked.
pub fn totals(answers: &[Answer]) -> Vec<Row> {
    let mut models: Vec<&str> = Vec::new();
    for answer in answers {
        if !models.contains(&answer.model.as_str()) {
            models.push(&answer.model);
        }
    }
    let of = |model: &str| answers.iter().filter(|answer| answer.model == model).collect();
    models.into_iter().map(|model| row(&Vec::from_iter::<Vec<&Answer>>(of(model)))).collect()
}

fn row(answers: &[&Answer]) -> Row {
    let whole: Vec<&&Answer> = answers.iter().filter(|answer| answer.error.is_none()).collect();
    let mut langs: Vec<String> = Vec::new();
    for answer in answers {
        if !langs.contains(&answer.lang) {
            langs.push(answer.lang.clone());
        }
    }
    let sum = |pick: &dyn Fn(&Answer) -> u64| whole.iter().map(|a| pick(a)).sum::<u64>();
    // Only answers whose tokens were told count, with their characters.
    let per_char = |tokens: &dyn Fn(&Answer) -> Option<u64>, chars: &dyn Fn(&Answer) -> u64| {
        let told = whole.iter().filter_map(|a| Some((tokens(a)?, chars(a))));
        let (tokens, chars) = told.fold((0, 0), |(t, c), (tokens, n)| (t + tokens, c + n));
        (chars > 0 && tokens > 0).then(|| tokens as f64 / chars as f64)
    };
    let cost = whole.iter().map(|answer| answer.cost).fold(Cost::ZERO, |sum, cost| sum + cost);
    let all = answers.iter().map(|answer| answer.cost).fold(Cost::ZERO, |sum, cost| sum + cost);
    let chars = sum(&|a| a.prompt_chars) + sum(&|a| a.answer_chars);
    let first = answers.first();
    Row {
        model: first.map(|a| a.model.clone()).unwrap_or_default(),
        provider: answers
            .iter()
            .map(|answer| &answer.provider)
            .find(|provider| !provider.is_empty())
            .cloned()
            .unwrap_or_default(),
        script: None,
        langs,
        answered: whole.len(),
        failed: answers.len() - whole.len(),
        error: answers.iter().find_map(|answer| answer.error.clone()),
        input_per_char: per_char(&|a| a.input, &|a| a.prompt_chars),
        output_per_char: per_char(&|a| a.output, &|a| a.answer_chars),
        cost: all,
        per_1000: (chars > 0 && (cost.exact || cost.amount.pico() > 0))
            .then(|| cost.amount.dollars() * 1_000.0 / chars as f64),
        ttft_ms: median(whole.iter().filter_map(|a| a.ttft_ms).collect()),
        total_ms: median(whole.iter().map(|a| a.total_ms).collect()),
        answer_chars: sum(&|a| a.answer_chars).checked_div(whole.len() as u64),
    }
}

fn median(mut values: Vec<u64>) -> Option<u64> {
    values.sort_unstable();
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    // Of an even number there are two in the middle.
    Some(lower.midpoint(upper))
}

/// Dollars to three figures, however few they are.
fn dollars(value: f64) -> String {
    if value <= 0.0 {
        return "0".to_owned();
    }
    let decimals = (2.0 - value.log10().floor()).clamp(2.0, 12.0) as usize;
    format!("{value:.decimals$}")
}

fn shown<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or("-".to_owned(), show)
}

/// What a row is about.
fn about(row: &Row) -> &'static str {
    row.script.map_or("all", script_name)
}

/// The decimals with which every model's rows add up to its sum.
fn decimals(rows: &[Row], totals: &[Row], money: Denomination) -> u32 {
    let of = |total: &Row| {
        let parts = rows.iter().filter(|row| row.model == total.model);
        let parts: Vec<Money> = parts.map(|row| row.cost.amount).collect();
        money.decimals(total.cost.amount, &parts)
    };
    let alone = || rows.iter().map(|row| money.decimals(row.cost.amount, &[row.cost.amount])).max();
    totals.iter().map(of).max().or_else(alone).unwrap_or_default()
}

/// Rows by model and script, then those by model, as a table for people; amounts as they want them.
/// It fits 100 columns where names are as long as they usually are.
pub fn table(rows: &[Row], totals: &[Row], money: Denomination) -> Vec<String> {
    let rate = money.convert(DOLLAR).dollars();
    let unit = match money.currency() {
        currency if currency == Currency::USD => "$".to_owned(),
        currency if currency.code() == "CNY" => "¥".to_owned(),
        currency => format!("{currency} "),
    };
    let per_1000 = format!("{unit}/1k chars");
    let mut columns = vec![
        ("model", Align::Left),
        ("script", Align::Left),
        ("lang", Align::Left),
        (per_1000.as_str(), Align::Right),
        ("in/char", Align::Right),
        ("out/char", Align::Right),
        ("TTFT", Align::Right),
        ("total", Align::Right),
        ("chars", Align::Right),
        ("cost", Align::Right),
    ];
    // Nearly always it would be empty, and then the table fits.
    if totals.iter().chain(rows).any(|row| row.failed > 0) {
        columns.push(("failed", Align::Right));
    }
    let mut table = Table::new(&columns);
    let decimals = decimals(rows, totals, money);
    let ratio = |value: f64| format!("{value:.2}");
    let seconds = |ms: u64| format!("{:.2}s", ms as f64 / 1e3);
    for row in rows.iter().chain(totals) {
        let at_least = if row.cost.exact { "" } else { "≥" };
        let langs = match row.script {
            Some(_) => row.langs.join(","),
            None => row.langs.len().to_string(),
        };
        table.row([
            row.model.clone(),
            about(row).to_owned(),
            langs,
            shown(row.per_1000, |value| format!("{at_least}{}", dollars(value * rate))),
            shown(row.input_per_char, ratio),
            shown(row.output_per_char, ratio),
            shown(row.ttft_ms, seconds),
            shown(row.total_ms, seconds),
            shown(row.answer_chars, |chars| chars.to_string()),
            money.cost_fixed(row.cost, decimals),
            if row.failed == 0 { String::new() } else { row.failed.to_string() },
        ]);
    }
    let mut lines = table.lines();
    // The sums stand apart.
    lines.insert(1 + rows.len(), String::new());
    lines
}

/// The rows as CSV, a heading first.
pub fn csv(rows: &[Row]) -> Vec<String> {
    let mut lines = vec![
        "model,provider,script,langs,answered,failed,usd_per_1000_chars,input_tokens_per_char,\
         output_tokens_per_char,ttft_ms,total_ms,answer_chars,cost_usd,cost_exact"
            .to_owned(),
    ];
    let plain = |value: Option<f64>| value.map(|value| format!("{value:.6}")).unwrap_or_default();
    let whole = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    for row in rows {
        let cells = [
            quoted(&row.model),
            quoted(&row.provider),
            about(row).to_owned(),
            quoted(&row.langs.join(" ")),
            row.answered.to_string(),
            row.failed.to_string(),
            row.per_1000.map(dollars).unwrap_or_default(),
            plain(row.input_per_char),
            plain(row.output_per_char),
            whole(row.ttft_ms),
            whole(row.total_ms),
            whole(row.answer_chars),
            row.cost.amount.to_string(),
            row.cost.exact.to_string(),
        ];
        lines.push(cells.join(","));
    }
    lines
}

fn quoted(cell: &str) -> String {
    // A spreadsheet takes these at the beginning for a formula.
    let formula = cell.starts_with(['=', '+', '-', '@']);
    let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

/// Rows, sums by model and every answer as one object; `complete` unless it was stopped.
pub fn json(answers: &[Answer], complete: bool) -> Value {
    let (rows, totals) = (rows(answers), totals(answers));
    let row = |row: &Row| {
        json!({
            "model": row.model, "provider": row.provider, "script": about(row),
            "langs": row.langs, "answered": row.answered, "failed": row.failed,
            "usd_per_1000_chars": row.per_1000.map(dollars),
            "input_tokens_per_char": row.input_per_char,
            "output_tokens_per_char": row.output_per_char,
            "ttft_ms": row.ttft_ms, "total_ms": row.total_ms, "answer_chars": row.answer_chars,
            "cost_usd": row.cost.amount.to_string(), "cost_exact": row.cost.exact,
            "error": row.error,
        })
    };
    let answer = |answer: &Answer| {
        json!({
            "model": answer.model, "provider": answer.provider, "prompt": answer.prompt,
            "lang": answer.lang, "script": script_name(answer.script),
            "prompt_chars": answer.prompt_chars, "answer_chars": answer.answer_chars,
            "input_tokens": answer.input, "output_tokens": answer.output,
            "cost_usd": answer.cost.amount.to_string(), "cost_exact": answer.cost.exact,
            "ttft_ms": answer.ttft_ms, "total_ms": answer.total_ms, "error": answer.error,
        })
    };
    json!({
        "schema": 1,
        "complete": complete,
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
        "totals": totals.iter().map(row).collect::<Vec<_>>(),
        "answers": answers.iter().map(answer).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![7]), Some(7));
        assert_eq!(median(vec![30, 10, 20]), Some(20));
        assert_eq!(median(vec![40, 10, 30, 20]), Some(25));
    }

    fn answer(lang: &str, script: Script, pico: i64) -> Answer {
        Answer {
            model: "one".to_owned(),
            provider: "lab".to_owned(),
            prompt: "sky".to_owned(),
            lang: lang.to_owned(),
            script,
            prompt_chars: 100,
            answer_chars: 300,
            input: Some(25),
            output: Some(60),
            cost: Cost { amount: Money::from_pico(pico), exact: true },
            ttft_ms: Some(400),
            total_ms: 2_000,
            error: None,
        }
    }

    #[test]
    fn a_row_adds_up_a_model_and_a_script() {
        let answers = [
            answer("en", Script::Latin, 400_000_000),
            answer("zh", Script::Han, 900_000_000),
            answer("de", Script::Latin, 400_000_000),
        ];
        let rows = rows(&answers);
        assert_eq!(rows.len(), 2);
        let latin = &rows[0];
        assert_eq!((latin.langs.join(","), latin.answered), ("en,de".to_owned(), 2));
        assert_eq!(latin.input_per_char, Some(0.25));
        assert_eq!(latin.output_per_char, Some(0.2));
        // 0.0008 dollars for 800 characters.
        assert!((latin.per_1000.unwrap() - 0.001).abs() < 1e-12);
        assert_eq!((latin.ttft_ms, latin.answer_chars), (Some(400), Some(300)));
    }

    #[test]
    fn a_model_s_sum_is_that_of_its_rows_and_the_table_fits_a_hundred_columns() {
        let answers = [
            answer("en", Script::Latin, 400_000_000),
            answer("zh", Script::Han, 900_000_000),
            answer("de", Script::Latin, 400_000_000),
        ]
        .map(|answer| Answer { model: "a-usual-model-name".to_owned(), ..answer });
        let (rows, totals) = (rows(&answers), totals(&answers));
        let [one] = &totals[..] else { panic!("{totals:?}") };
        let sum = rows.iter().fold(Cost::ZERO, |sum, row| sum + row.cost);
        assert_eq!((one.script, one.answered, one.cost), (None, 3, sum));
        let rate = "7.12".parse().unwrap();
        let yuan = Denomination::At("CNY".parse().unwrap(), rate);
        for (money, per_1000, cost) in
            [(Denomination::Dollars, "$/1k chars", "$0.001700"), (yuan, "¥/1k chars", "~¥0.0121")]
        {
            let lines = table(&rows, &totals, money);
            assert!(lines[0].contains(per_1000), "{lines:#?}");
            assert_eq!(lines[3], "", "{lines:#?}");
            assert!(lines[4].contains("all") && lines[4].contains(cost), "{lines:#?}");
            assert!(lines.iter().all(|line| crate::text::width(line) <= 100), "{lines:#?}");
        }
    }

    #[test]
    fn what_failed_costs_and_is_counted_but_shapes_no_figure() {
        let failed = Answer {
            error: Some("no connection".to_owned()),
            answer_chars: 0,
            input: None,
            output: None,
            ttft_ms: None,
            ..answer("en", Script::Latin, 100)
        };
        let rows = rows(&[failed.clone(), answer("en", Script::Latin, 400_000_000)]);
        assert_eq!((rows[0].answered, rows[0].failed), (1, 1));
        assert_eq!(rows[0].input_per_char, Some(0.25));
        assert_eq!(rows[0].cost.amount.pico(), 400_000_100);
        let none = super::rows(&[failed]);
        assert_eq!((none[0].per_1000, none[0].ttft_ms, none[0].answer_chars), (None, None, None));
        assert!(table(&none, &[], Denomination::Dollars)[1].contains(" - "));
    }

    #[test]
    fn csv_keeps_its_columns_and_gives_a_spreadsheet_no_formula() {
        let mut odd = answer("en", Script::Latin, 400_000_000);
        odd.model = "=cmd,\"x\"".to_owned();
        let lines = csv(&rows(&[odd]));
        assert_eq!(lines[1].split(",lab,").next(), Some("\"'=cmd,\"\"x\"\"\""));
        assert_eq!(lines[0].split(',').count(), 14);
    }

    #[test]
    fn a_provider_is_named_though_the_first_answer_never_came() {
        let failed = Answer {
            error: Some("stopped".to_owned()),
            provider: String::new(),
            ..answer("en", Script::Latin, 0)
        };
        assert_eq!(rows(&[failed, answer("de", Script::Latin, 1)])[0].provider, "lab");
    }
}

//! How many more or fewer tokens than the average estimate a vocabulary makes of each script.
//!
//! Owns: the shipped factors. Must not know: models, or how tokens are counted. Invariant: every
//! vocabulary has a factor for every script, between a quarter and four.

use std::sync::OnceLock;

use crate::domain::{Script, Vocabulary};
use crate::text::SCRIPTS;

/// One row per vocabulary, one column per script in the order of [`SCRIPTS`] without
/// [`Script::Common`], which goes with the letters around it.
const TABLE: &str = include_str!("../../assets/router/vocabularies.tsv");

/// Factors by vocabulary and script, in the order of their lists.
type Factors = [[f32; SCRIPTS.len()]; Vocabulary::ALL.len()];

/// Tokens by this vocabulary over the average estimate, for a text in this script.
pub fn vocabulary_factor(vocabulary: Vocabulary, script: Script) -> f32 {
    static FACTORS: OnceLock<Factors> = OnceLock::new();
    let factors = FACTORS.get_or_init(read);
    let column = SCRIPTS.iter().position(|each| *each == script);
    column.map_or(1.0, |column| factors[vocabulary.index()][column])
}

/// Reads the shipped table; what is not there is 1.
fn read() -> Factors {
    let mut factors = [[1.0; SCRIPTS.len()]; Vocabulary::ALL.len()];
    let columns = || (0..SCRIPTS.len()).filter(|column| SCRIPTS[*column] != Script::Common);
    for row in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let mut cells = row.split('\t');
        let name = cells.next();
        let Some(vocabulary) = Vocabulary::ALL.into_iter().find(|v| Some(v.name()) == name) else {
            continue;
        };
        for (column, cell) in columns().zip(cells) {
            factors[vocabulary.index()][column] = cell.trim().parse().unwrap_or(1.0);
        }
    }
    factors
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::domain::{Origin, ReaderKind, Request, RequestId};
    use crate::text::count_tokens;

    /// The shipped prompts: language, text.
    fn samples() -> Vec<(String, String)> {
        let text = include_str!("../../assets/prompts/compare.toml");
        let document: toml_edit::DocumentMut = text.parse().unwrap();
        let prompts = document["prompts"].as_array_of_tables().unwrap();
        let word = |table: &toml_edit::Table, key: &str| table[key].as_str().unwrap().to_owned();
        prompts.iter().map(|table| (word(table, "lang"), word(table, "text"))).collect()
    }

    /// Tokens counted over tokens estimated, for each script on the texts it leads.
    fn measured(vocabulary: Vocabulary, script: Script) -> Option<f64> {
        let (mut counted, mut estimated) = (0u64, 0u64);
        for (lang, text) in samples() {
            // The estimate for Latin letters is that of English; other languages are learned.
            if script == Script::Latin && lang != "en" {
                continue;
            }
            let id = RequestId(uuid::Uuid::nil());
            let request = Request::new(id, Origin::Explain, ReaderKind::Replaceable, &text);
            let features = crate::route::features(&request);
            let letters = features.scripts.iter().find(|(s, _)| *s != Script::Common);
            // Japanese is led by kana, though half of it is Han.
            if letters.map(|(script, _)| *script) == Some(script) {
                counted += count_tokens(vocabulary, &text)?;
                estimated += features.input_tokens - 4;
            }
        }
        (estimated > 0).then(|| counted as f64 / estimated as f64)
    }

    #[test]
    fn the_shipped_factors_are_what_the_vocabularies_count() {
        let mut table = String::from("vocabulary");
        for script in SCRIPTS.iter().filter(|s| **s != Script::Common) {
            table.push('\t');
            table += &format!("{script:?}").to_lowercase();
        }
        let mut wrong = Vec::new();
        for vocabulary in Vocabulary::ALL {
            let _ = write!(table, "\n{vocabulary}");
            for script in SCRIPTS.into_iter().filter(|s| *s != Script::Common) {
                let shipped = f64::from(vocabulary_factor(vocabulary, script));
                let measured = measured(vocabulary, script).unwrap_or(shipped);
                let _ = write!(table, "\t{measured:.2}");
                if (measured - shipped).abs() > 0.02 {
                    wrong.push(format!("{vocabulary} {script:?}: {measured:.2}, not {shipped:.2}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{}\nthe table as measured:\n{table}", wrong.join("\n"));
    }
}

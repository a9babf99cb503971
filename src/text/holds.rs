//! Looking for a few typed letters in a name, as people do: large or small is the same.

/// Does a text hold what was typed? Spaces around it do not matter, nor does case, in any script that
/// has it; nothing typed is held by everything.
pub fn holds(text: &str, typed: &str) -> bool {
    let typed = typed.trim();
    typed.is_empty() || text.contains(typed) || text.to_lowercase().contains(&typed.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::holds;

    #[test]
    fn case_and_the_spaces_around_do_not_matter() {
        assert!(holds("Contract Clause 7", " clause 7 ") && holds("sonnet", ""));
        assert!(holds("ÉCLAIR", "éclair") && holds("合同第七条", "第七"));
        assert!(!holds("sonnet", "opus") && !holds("", "a"));
    }
}

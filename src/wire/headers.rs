//! Response headers as plain text pairs: lower-cased names, values as they came. Knows nothing of
//! the HTTP library. Invariant: names are lower case; the first of several equal names wins `get`.

/// Response headers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// From pairs in any case.
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: AsRef<str>,
        V: Into<String>,
    {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.as_ref().to_ascii_lowercase(), value.into()))
                .collect(),
        )
    }

    /// The first value under this name, given in lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// All pairs in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case_they_were_sent() {
        let headers = Headers::from_pairs([("Retry-After", "2"), ("retry-after", "9")]);
        assert_eq!(headers.get("retry-after"), Some("2"));
        assert_eq!(headers.get("x-none"), None);
        assert_eq!(headers.iter().count(), 2);
    }
}

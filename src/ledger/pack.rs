//! Decisions packed small: the whole input and the whole decision as JSON, deflated. What both say in
//! common is stored once that way.
//!
//! Must not know: the database. Invariant: what is unpacked equals what was packed in every field,
//! and a damaged or hostile blob is an error, never more memory than the cap.

use std::io::{self, BufReader, Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::domain::{Decision, PRIVATE};
use crate::route::DecisionInput;

/// The most a blob may unpack to: far above a decision over thousands of models.
const CAP: u64 = 64 << 20;

/// Bytes that are unpacked at once where only the beginning is wanted.
const PIECE: usize = 2048;

/// Input and decision as bytes.
pub(super) fn pack(input: &DecisionInput, decision: &Decision) -> io::Result<Vec<u8>> {
    // All at once: the encoder clears its room anew for every little piece it is given.
    let json = serde_json::to_vec(&(input, decision))?;
    let mut out = DeflateEncoder::new(Vec::new(), Compression::fast());
    out.write_all(&json)?;
    out.finish()
}

/// Back from bytes.
pub(super) fn unpack(bytes: &[u8]) -> io::Result<(DecisionInput, Decision)> {
    Ok(serde_json::from_slice(&inflate(bytes)?)?)
}

/// The decision alone: the input, most of it, is passed over without being made.
pub(super) fn decision(bytes: &[u8]) -> io::Result<Decision> {
    let (IgnoredAny, decision) = serde_json::from_slice(&inflate(bytes)?)?;
    Ok(decision)
}

/// The marks a request was decided with. As little is unpacked as leads to them.
pub(super) fn tags(bytes: &[u8]) -> io::Result<Vec<String>> {
    let packed = BufReader::with_capacity(PIECE, DeflateDecoder::new(bytes).take(CAP));
    let mut found = None;
    let read = serde_json::Deserializer::from_reader(packed).deserialize_any(First(&mut found));
    // It ends with an error once it has what it looks for.
    found.ok_or_else(|| read.map_or_else(io::Error::from, |()| io::ErrorKind::InvalidData.into()))
}

/// Reads the marks in the first of a pair, the input, and no further.
struct First<'a>(&'a mut Option<Vec<String>>);

#[derive(Deserialize)]
struct Marked {
    tags: Vec<String>,
}

impl<'de> Visitor<'de> for First<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an input and its decision")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<(), A::Error> {
        pair.next_element_seed(self).map(|_| ())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<(), A::Error> {
        while let Some(field) = input.next_key::<String>()? {
            if field == "features" {
                *self.0 = Some(input.next_value::<Marked>()?.tags);
                return Err(serde::de::Error::custom("the rest is not wanted"));
            }
            input.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for First<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_map(self)
    }
}

fn inflate(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut json = Vec::new();
    DeflateDecoder::new(bytes).take(CAP + 1).read_to_end(&mut json)?;
    if json.len() as u64 > CAP {
        return Err(io::Error::other("a kept decision is too large"));
    }
    Ok(json)
}

/// Marks of a question, as they are kept.
pub(super) fn marks(tags: &[String]) -> Option<String> {
    serde_json::to_string(tags).ok()
}

/// The same, read. Marks that cannot be read may have said that the question is private. Where there are
/// none at all, not even that it has none, a program wrote it that knew of no marks, and what they were
/// is in the text.
pub(super) fn marked(kept: Option<&str>, text: &str) -> Vec<String> {
    let private = || vec![PRIVATE.to_owned()];
    match kept {
        Some(json) => serde_json::from_str(json).unwrap_or_else(|_| private()),
        None if text.to_ascii_lowercase().contains("#private") => private(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{RequestId, UnixMs};
    use crate::route;
    use uuid::Uuid;

    #[test]
    fn what_is_unpacked_is_what_was_packed_and_much_smaller_on_the_way() {
        let input = super::super::sample::input(24, RequestId(Uuid::nil()), UnixMs(0));
        let decision = route::decide(&input);
        let packed = pack(&input, &decision).unwrap();
        let (again, decided) = unpack(&packed).unwrap();
        assert_eq!((&again, &decided), (&input, &decision));
        assert_eq!(route::decide(&again), decision);
        assert_eq!(super::decision(&packed).unwrap(), decision);
        let plain = serde_json::to_vec(&(&input, &decision)).unwrap().len();
        assert!(packed.len() * 6 < plain, "{} of {plain}", packed.len());
    }

    #[test]
    fn the_marks_are_read_from_the_beginning_alone() {
        let mut input = super::super::sample::input(400, RequestId(Uuid::nil()), UnixMs(0));
        input.features.tags = vec!["eu".to_owned(), PRIVATE.to_owned()];
        let packed = pack(&input, &route::decide(&input)).unwrap();
        assert_eq!(tags(&packed).unwrap(), input.features.tags);
        // Of so many candidates most is not there any more, and nobody notices.
        assert_eq!(tags(&packed[..packed.len() / 2]).unwrap(), input.features.tags);
        assert!(tags(b"").is_err() && tags(&[0xff; 40]).is_err());
    }

    #[test]
    fn marks_that_nobody_wrote_are_read_from_the_text() {
        let none: Vec<String> = Vec::new();
        assert_eq!(marked(marks(&[]).as_deref(), "what is piped in: #private"), none);
        assert_eq!(marked(None, "a secret #Private"), [PRIVATE]);
        assert_eq!(marked(None, "hello"), none);
        assert_eq!(marked(Some("{"), "hello"), [PRIVATE]);
    }

    #[test]
    fn a_damaged_blob_is_an_error() {
        assert!(unpack(b"").is_err());
        assert!(unpack(&[0xff; 40]).is_err());
        assert!(super::decision(&[0xff; 40]).is_err());
    }
}

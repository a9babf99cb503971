//! Decisions packed small: the whole input and the whole decision as JSON, deflated. What both say in
//! common is stored once that way.
//!
//! Must not know: the database. Invariant: what is unpacked equals what was packed in every field,
//! and a damaged or hostile blob is an error, never more memory than the cap.

use std::io::{self, Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::de::IgnoredAny;

use crate::domain::{Decision, PRIVATE};
use crate::route::DecisionInput;

/// The most a blob may unpack to: far above a decision over thousands of models.
const CAP: u64 = 64 << 20;

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

fn inflate(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut json = Vec::new();
    DeflateDecoder::new(bytes).take(CAP + 1).read_to_end(&mut json)?;
    if json.len() as u64 > CAP {
        return Err(io::Error::other("a kept decision is too large"));
    }
    Ok(json)
}

/// Marks of a question, as they are kept; nothing where there are none.
pub(super) fn marks(tags: &[String]) -> Option<String> {
    (!tags.is_empty()).then(|| serde_json::to_string(tags).ok()).flatten()
}

/// The same, read. Marks that cannot be read may have said that the question is private.
pub(super) fn marked(kept: Option<&str>) -> Vec<String> {
    let unread = |_| vec![PRIVATE.to_owned()];
    kept.map(|json| serde_json::from_str(json).unwrap_or_else(unread)).unwrap_or_default()
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
    fn a_damaged_blob_is_an_error() {
        assert!(unpack(b"").is_err());
        assert!(unpack(&[0xff; 40]).is_err());
        assert!(super::decision(&[0xff; 40]).is_err());
    }
}

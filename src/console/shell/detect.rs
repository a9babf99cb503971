//! Looking for what is on this machine: keys by their variables' names, servers on loopback ports.
//!
//! Owns: the looking. Invariants: nothing leaves this machine; no key's value is read further than
//! that it is there; a port that does not answer costs a third of a second at most.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::console::app::{Detection, FoundKey, FoundProvider, FoundServer};

use super::port::Preset;

/// How long a port may take to answer in all.
const LIMIT: Duration = Duration::from_millis(300);
/// The most of an answer that is read.
const ANSWER_BYTES: u64 = 256 * 1024;

/// Looks. `env` says whether a variable holds something.
pub(super) async fn detect(
    presets: &[Preset],
    env: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Detection {
    let present = |name: &str| env(name).is_some_and(|value| !value.trim().is_empty());
    let mut providers: Vec<FoundProvider> = presets
        .iter()
        .filter(|preset| preset.addresses.is_empty() && !preset.variables.is_empty())
        .map(|preset| FoundProvider {
            name: preset.name.clone(),
            label: preset.label.clone(),
            variable: preset.variables[0].clone(),
            key: match preset.variables.iter().find(|name| present(name)) {
                Some(variable) => FoundKey::Present { variable: variable.clone() },
                None => FoundKey::Missing,
            },
        })
        .collect();
    providers.sort_by_key(|provider| provider.key == FoundKey::Missing);
    let mut asked: Vec<(&Preset, String)> = Vec::new();
    for preset in presets {
        for address in &preset.addresses {
            if !asked.iter().any(|(_, known)| known == address) {
                asked.push((preset, address.clone()));
            }
        }
    }
    if let (Some(ollama), Some(address)) = (
        presets.iter().find(|preset| preset.name == "ollama"),
        env("OLLAMA_HOST").and_then(|host| loopback(&host)),
    ) && !asked.iter().any(|(_, known)| *known == address)
    {
        asked.push((ollama, address));
    }
    let servers = join_all(asked.into_iter().map(|(preset, address)| async move {
        let models = tokio::time::timeout(LIMIT, models_at(&address)).await.ok()??;
        let (name, label) = (preset.name.clone(), preset.label.clone());
        Some(FoundServer { name, label, address, models })
    }))
    .await;
    Detection { servers: servers.into_iter().flatten().collect(), providers }
}

/// `OLLAMA_HOST` as an address, where it is one of this machine's own.
fn loopback(host: &str) -> Option<String> {
    let bare = host.trim().trim_start_matches("http://").trim_end_matches('/');
    let bare = bare.replacen("localhost", "127.0.0.1", 1).replacen("0.0.0.0", "127.0.0.1", 1);
    let with_port = if bare.contains(':') { bare } else { format!("{bare}:11434") };
    let address: SocketAddr = with_port.parse().ok()?;
    address.ip().is_loopback().then(|| address.to_string())
}

/// How many models a server lists; `None` when it is none.
async fn models_at(address: &str) -> Option<usize> {
    let address: SocketAddr = address.parse().ok().filter(|a: &SocketAddr| a.ip().is_loopback())?;
    let mut stream = TcpStream::connect(address).await.ok()?;
    let call = format!(
        "GET /v1/models HTTP/1.0\r\nHost: {address}\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(call.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES).read_to_end(&mut answer).await.ok()?;
    count_models(&answer)
}

fn count_models(answer: &[u8]) -> Option<usize> {
    let status = answer.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..5))?;
    if status != b"200" {
        return None;
    }
    let at = memchr::memmem::find(answer, b"\r\n\r\n")? + 4;
    let body = &answer[at..];
    // A server may send chunks even to HTTP/1.0: the list is what lies between the outer braces.
    let from = memchr::memchr(b'{', body)?;
    let to = memchr::memrchr(b'}', body)? + 1;
    let json: Value = serde_json::from_slice(body.get(from..to)?).ok()?;
    json.get("data")?.as_array().map(Vec::len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    fn preset(name: &str, variables: &[&str], addresses: &[&str]) -> Preset {
        Preset {
            name: name.to_owned(),
            label: name.to_owned(),
            variables: variables.iter().map(|v| (*v).to_owned()).collect(),
            addresses: addresses.iter().map(|a| (*a).to_owned()).collect(),
        }
    }

    #[tokio::test]
    async fn a_server_that_lists_models_is_found_and_a_closed_port_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut call = [0; 1024];
            let _ = stream.read(&mut call).await;
            let body = r#"{"object":"list","data":[{"id":"a"},{"id":"b"}]}"#;
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let closed =
            TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
        let presets = [preset("llamacpp", &[], &[&closed]), preset("ollama", &[], &[&address])];
        let found = detect(&presets, &|_| None).await;
        assert_eq!(found.servers.len(), 1);
        assert_eq!((found.servers[0].name.as_str(), found.servers[0].models), ("ollama", 2));
    }

    #[tokio::test]
    async fn keys_are_found_by_name_and_an_empty_one_is_none() {
        let presets = [preset("a", &["A_KEY"], &[]), preset("b", &["B_KEY", "B_TOKEN"], &[])];
        let env = |name: &str| match name {
            "A_KEY" => Some(" ".to_owned()),
            "B_TOKEN" => Some("secret".to_owned()),
            _ => None,
        };
        let found = detect(&presets, &env).await;
        assert_eq!(found.providers[0].key, FoundKey::Present { variable: "B_TOKEN".into() });
        assert_eq!(found.providers[1].key, FoundKey::Missing);
        assert!(!format!("{found:?}").contains("secret"));
    }

    #[test]
    fn only_this_machine_is_ever_asked() {
        assert_eq!(loopback("localhost:11435").as_deref(), Some("127.0.0.1:11435"));
        assert_eq!(loopback("http://127.0.0.1").as_deref(), Some("127.0.0.1:11434"));
        assert_eq!(loopback("10.0.0.7:11434"), None);
    }

    #[test]
    fn an_answer_in_chunks_is_read_too() {
        let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1f\r\n{\"data\":[{\"id\":\"a\"}]}\r\n0\r\n\r\n";
        assert_eq!(count_models(answer), Some(1));
        assert_eq!(count_models(b"HTTP/1.1 404 Not Found\r\n\r\n{\"data\":[]}"), None);
        assert_eq!(count_models(b"SSH-2.0-OpenSSH"), None);
    }
}

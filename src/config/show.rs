//! The effective configuration as text: every value, and where it was set.
//!
//! Owns: `config show`. Must not know how values are used. Invariant: what is printed is TOML that
//! could be pasted into a file, and holds references to keys, never keys or passwords.

use std::fmt::Write as _;

use crate::domain::TaskKind;

use super::load::Loaded;
use super::source::{At, join_path};
use super::tree::{Node, Table, Value};

/// Widest left part that comments are lined up behind.
const ALIGN_AT: usize = 56;

struct Line {
    path: String,
    text: String,
    from: String,
}

impl Loaded {
    /// Effective values, one per line, with the layer, file and line that set each. A filter keeps
    /// the paths that begin with it, or else those that contain it. Without one, presets that
    /// nothing but the program mentions are counted instead of listed. Empty where nothing sets what a
    /// filter names.
    pub fn show(&self, filter: Option<&str>) -> String {
        let mut lines = Vec::new();
        self.walk(&self.tree, "", &mut lines);
        self.guesses(&mut lines);
        let mut hidden = (0, 0);
        if let Some(filter) = filter {
            let filter = filter.trim().trim_end_matches('.');
            let begins = |line: &Line| {
                line.path.strip_prefix(filter).is_some_and(|rest| {
                    rest.is_empty() || rest.starts_with('.') || rest.starts_with('[')
                })
            };
            if lines.iter().any(begins) {
                lines.retain(begins);
            } else {
                lines.retain(|line| line.path.contains(filter));
            }
        } else {
            hidden = self.hide_shipped(&mut lines);
        }
        lines.sort_by(|a, b| a.path.cmp(&b.path));
        let mut out = String::new();
        for line in &lines {
            let left = format!("{} = {}", line.path, line.text);
            let _ = writeln!(out, "{left:<ALIGN_AT$}  # {}", line.from);
        }
        if hidden != (0, 0) {
            let _ = writeln!(
                out,
                "# and {} shipped providers, {} shipped models: config show providers, models",
                hidden.0, hidden.1
            );
        }
        out
    }

    fn hide_shipped(&self, lines: &mut Vec<Line>) -> (usize, usize) {
        use super::Mention;
        let providers = self.config.providers.iter().filter(|(_, p)| p.mention == Mention::Shipped);
        let models = self.config.models.iter().filter(|(_, m)| m.mention == Mention::Shipped);
        let providers: Vec<String> =
            providers.map(|(name, _)| join_path("providers", name.as_str()) + ".").collect();
        let models: Vec<String> =
            models.map(|(name, _)| join_path("models", name.as_str()) + ".").collect();
        lines.retain(|line| {
            !providers.iter().chain(&models).any(|prefix| line.path.starts_with(prefix))
        });
        (providers.len(), models.len())
    }

    fn walk(&self, table: &Table, path: &str, out: &mut Vec<Line>) {
        for (key, entry) in &table.entries {
            let path = join_path(path, key);
            match &entry.node.value {
                Value::Table(inner) if !inner.entries.is_empty() => self.walk(inner, &path, out),
                value => {
                    let mut text = String::new();
                    write_value(value, &mut text);
                    let text = masked(&path, &text);
                    out.push(Line { path, text, from: self.from(entry.node.at) });
                }
            }
        }
    }

    fn from(&self, at: At) -> String {
        let (kind, place) = (self.sources.kind(at).name(), self.sources.position(at).to_string());
        if place.starts_with(kind) { place } else { format!("{kind} {place}") }
    }

    /// What is in force though no layer says it: priors by family.
    fn guesses(&self, out: &mut Vec<Line>) {
        for (name, model) in &self.config.models {
            let path = join_path("models", name.as_str());
            let given = self.tree.table("models").and_then(|models| models.table(name.as_str()));
            let given = given.and_then(|model| model.table("quality"));
            for kind in TaskKind::ALL {
                if given.is_some_and(|g| g.get(kind.name()).or(g.get("default")).is_some()) {
                    continue;
                }
                out.push(Line {
                    path: format!("{path}.quality.{kind}"),
                    text: format!("{:.2}", model.quality.get(kind)),
                    from: "a guess, from its family".to_owned(),
                });
            }
        }
    }
}

fn write_value(value: &Value, out: &mut String) {
    let list = |items: &[Node], out: &mut String| {
        for (n, item) in items.iter().enumerate() {
            out.push_str(if n == 0 { "" } else { ", " });
            write_value(&item.value, out);
        }
    };
    match value {
        Value::Text(text) => {
            let _ = write!(out, "{}", toml_edit::Value::from(text.as_str()));
        }
        Value::Whole(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Float(_, raw) | Value::Date(raw) => out.push_str(raw),
        Value::Flag(flag) => {
            let _ = write!(out, "{flag}");
        }
        Value::List(items) => {
            out.push('[');
            list(items, out);
            out.push(']');
        }
        Value::Table(table) if table.entries.is_empty() => out.push_str("{}"),
        Value::Table(table) => {
            out.push_str("{ ");
            for (n, (key, entry)) in table.entries.iter().enumerate() {
                let comma = if n == 0 { "" } else { ", " };
                let _ = write!(out, "{comma}{} = ", super::source::quoted_key(key));
                write_value(&entry.node.value, out);
            }
            out.push_str(" }");
        }
    }
}

/// Hides what may be secret: passwords inside addresses, and values under names that sound so.
fn masked(path: &str, text: &str) -> String {
    let free = [".params.", ".headers."].iter().any(|part| path.contains(part));
    let lower = path.to_ascii_lowercase();
    let sounds = ["token", "secret", "password"].iter().any(|word| lower.ends_with(word));
    if free && sounds {
        return "\"...\"".to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://").map(|at| at + 3) {
        shown.push_str(&rest[..at]);
        let scheme = rest[..at - 3].rsplit(|c: char| !(c.is_alphanumeric() || c == '+')).next();
        let scheme = scheme.unwrap_or_default();
        rest = &rest[at..];
        let (address, after) = rest.split_at(rest.find('"').unwrap_or(rest.len()));
        match host_at(scheme, address) {
            None => shown.push_str("..."),
            Some(at) => {
                let (host, hidden) = without_pass(&address[at.saturating_sub(1)..]);
                shown.push_str(if at > 0 { "..." } else { "" });
                shown.push_str(host);
                shown.push_str(hidden);
            }
        }
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// What stands before a password given behind the `?` of a socket's address, and what is shown for the
/// rest.
fn without_pass(address: &str) -> (&str, &str) {
    let given =
        ["?pass=", "&pass="].iter().filter_map(|name| Some(address.find(name)? + name.len()));
    given.min().map_or((address, ""), |at| (&address[..at], "..."))
}

/// An address without its user, its password and what may follow a `?`, where a socket's password
/// stands; nothing of one that is none.
pub(super) fn public(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    match host_at(scheme, rest) {
        None => format!("{scheme}://..."),
        Some(at) => {
            let host = &rest[at..];
            format!("{scheme}://{}", &host[..host.find(['?', '#']).unwrap_or(host.len())])
        }
    }
}

/// Where the host begins in an address without its scheme: behind the `@` of a user and password, which
/// people write down with characters that belong escaped. `None` where what is left is no host, and may
/// be a part of a password.
fn host_at(scheme: &str, address: &str) -> Option<usize> {
    let behind = |text: &str| text.rfind('@').map_or(0, |at| at + 1);
    match scheme {
        // Nothing but a user and password has an `@` there.
        "redis" | "rediss" => {
            let at = behind(address);
            is_server(&address[at..]).then_some(at)
        }
        "unix" | "redis+unix" => Some(0),
        _ => {
            let end = address.find(['/', '?', '#']).unwrap_or(address.len());
            let (server, at) = (&address[..end], behind(&address[..end]));
            let port = server.rsplit_once(':').map(|(_, port)| port);
            let plain =
                port.is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit())) || at > 0;
            Some(if plain { at } else { behind(address) })
        }
    }
}

/// Is this a server's name, with a port or without, and what may follow?
fn is_server(address: &str) -> bool {
    let end = address.find(['/', '?', '#']).unwrap_or(address.len());
    let server = &address[..end];
    let (name, port) = match server.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, rest)) => (name, rest.strip_prefix(':').unwrap_or(rest)),
        None => server.split_once(':').unwrap_or((server, "")),
    };
    let letter = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
    let number = port.bytes().all(|byte| byte.is_ascii_digit());
    !name.is_empty() && name.chars().all(letter) && number && !server.ends_with(':')
}

#[cfg(test)]
mod tests {
    use crate::config::{Layer, environment_layer, load};

    fn shown(filter: Option<&str>) -> String {
        let user = "[routing]\npolicy = \"fastest\"\n[console]\ntheme = \"dark\"\n\
                    [providers.deepseek]\napi_key = \"env:MY_KEY\"\n\
                    [cache.redis]\nurl = \"redis://me:hunter2@127.0.0.1:6379\"\n";
        let vars = [("WHEELHOUSE__ROUTING__POLICY".to_owned(), "cheapest".to_owned())];
        let layers = [
            environment_layer(vars.into_iter()).unwrap(),
            Layer::user("config.toml", user),
            Layer::flag("--theme", "console.theme", "light"),
        ];
        load(&layers).unwrap().show(filter)
    }

    fn line(text: &str, begins: &str) -> String {
        let found = text.lines().find(|line| line.starts_with(begins));
        let words = found.unwrap_or_else(|| panic!("no {begins} in\n{text}")).split_whitespace();
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_value_names_the_layer_that_set_it() {
        let text = shown(None);
        assert_eq!(
            line(&text, "routing.policy"),
            "routing.policy = \"cheapest\" # environment WHEELHOUSE__ROUTING__POLICY"
        );
        assert_eq!(line(&text, "console.theme"), "console.theme = \"light\" # flags --theme");
        assert_eq!(
            line(&text, "providers.deepseek.api_key"),
            "providers.deepseek.api_key = \"env:MY_KEY\" # user config.toml:6"
        );
        assert!(line(&text, "providers.deepseek.base_url").contains("# shipped/deepseek.toml:"));
        assert!(line(&text, "feedback.p95_limit").contains("# shipped/defaults.toml:"));
    }

    #[test]
    fn a_password_in_an_address_is_hidden() {
        let text = shown(Some("cache"));
        assert!(line(&text, "cache.redis.url").contains("redis://...@127.0.0.1:6379"));
        assert!(!text.contains("hunter2"));
    }

    #[test]
    fn presets_nobody_mentions_are_counted_unless_asked_for() {
        let text = shown(None);
        assert!(!text.contains("models.sonnet."), "{text}");
        assert!(text.lines().last().unwrap().contains("shipped models"));
        let text = shown(Some("models.sonnet"));
        assert!(text.lines().all(|line| line.starts_with("models.sonnet.")), "{text}");
        assert!(line(&text, "models.sonnet.quality.code").ends_with("# a guess, from its family"));
        assert_eq!(shown(Some("no_such_thing")), "");
    }

    #[test]
    fn what_is_shown_can_be_loaded_again() {
        let text = shown(None).replace("redis://...@", "redis://");
        let again = load(&[Layer::user("again.toml", text)]).unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(again.config.routing.policy, "cheapest");
    }

    #[test]
    fn an_address_for_people_has_neither_user_nor_password() {
        for (url, shown) in [
            ("redis://127.0.0.1:6379", "redis://127.0.0.1:6379"),
            ("redis://me:a/b?c#d@host:6379/0", "redis://host:6379/0"),
            ("rediss://:p@ss@host:6380/#insecure", "rediss://host:6380/"),
            ("unix:///run/redis.sock?db=1&pass=hunter2", "unix:///run/redis.sock"),
            ("redis://:8/abc@host:6379", "redis://host:6379"),
            ("redis://:/abc@host", "redis://host"),
            ("redis://:12#x@host", "redis://host"),
            ("redis://me:1?2@host/0", "redis://host/0"),
            ("redis://[::1]:6379/2", "redis://[::1]:6379/2"),
            // Without a host what stands there may be the password.
            ("redis://:hunter2", "redis://..."),
            ("redis://me:hunter2@", "redis://..."),
            ("redis://me:hunter2", "redis://..."),
        ] {
            assert_eq!(super::public(url), shown);
        }
    }

    #[test]
    fn a_password_is_hidden_whatever_is_in_it() {
        for (url, shown) in [
            ("redis://me:a/b?c#d@host:6379/0", "redis://...@host:6379/0"),
            ("redis://:p@ss@host", "redis://...@host"),
            ("redis://:8/abc@host:6379", "redis://...@host:6379"),
            ("redis://:hunter2", "redis://..."),
            ("https://host/a@b", "https://host/a@b"),
            ("http://host:8080/@x", "http://host:8080/@x"),
            (
                "unix:///run/redis.sock?db=1&pass=hunter2&user=me",
                "unix:///run/redis.sock?db=1&pass=...",
            ),
        ] {
            assert_eq!(super::masked("cache.redis.url", &format!("{url:?}")), format!("{shown:?}"));
        }
        let list = "[\"http://a:b@one/x\", \"http://c:d@two\"]";
        assert_eq!(super::masked("x.y", list), "[\"http://...@one/x\", \"http://...@two\"]");
    }
}

//! Real model servers: llama.cpp's own HTTP server over small models, as `install.sh` puts them.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// The key every server here wants.
pub const KEY: &str = "sk-real-server-key";

/// Loading a model takes about a second; a busy machine gets more.
const READY: Duration = Duration::from_mins(2);

/// The interpreter to run servers with, where they are installed: `$WHEELHOUSE_LLAMA`, or
/// `target/llama`.
pub fn python() -> Option<PathBuf> {
    let dir = std::env::var_os("WHEELHOUSE_LLAMA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/llama"), PathBuf::from);
    let python = dir.join("bin/python");
    (python.exists() && dir.join("installed").exists()).then_some(python)
}

/// A running server; it ends when its standard input closes, at the latest with this process.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// `http://host:port`.
    pub address: String,
}

impl Server {
    /// Starts one, and waits until it answers. The slots share the context.
    pub fn start(python: &Path, model: &str, context: u32, slots: u32) -> Result<Self, String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/serve.py");
        let mut child = Command::new(python)
            .arg(script)
            .args(["--model", model, "--key", KEY])
            .args(["--context", &context.to_string(), "--slots", &slots.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{}: {error}", python.display()))?;
        let lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let (send, ready) = mpsc::channel();
        // The server may talk on; someone has to listen until it ends.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(address) = line.strip_prefix("READY ") {
                    let _gone = send.send(address.trim().to_owned());
                }
            }
        });
        match ready.recv_timeout(READY) {
            Ok(address) => Ok(Self { child, address }),
            Err(error) => {
                let _ended = child.kill();
                Err(format!("the server did not come up: {error}"))
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

//! The fleet: binds its sockets, hands out its configuration, ends with its last handle.
//!
//! Owns: ports and tasks. Must not know: what is said on a connection. Invariant: once dropped, no
//! task and no socket of it is left.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::control::{Control, Place};
use super::frames::Frames;
use super::habits;
use super::server::Server;

/// Which ports the servers take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// Any free ones.
    Any,
    /// This one and those after it, in the fleet's order.
    From(u16),
}

/// How a fleet is started.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FleetOptions {
    /// The same seed gives the same bytes and the same pattern of times.
    pub seed: u64,
    /// Which ports the servers take.
    pub ports: Ports,
    /// A factor on all waits: 1.0 as drawn, 0 as fast as possible. At 0 nothing is ever cold.
    pub pace: f64,
}

/// A server of the fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The provider's name: `sim-deepseek`.
    pub provider: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its models' ids.
    pub models: Vec<String>,
}

impl Endpoint {
    /// The base URL that goes into a configuration.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }
}

/// A running fleet; dropping it stops it.
#[derive(Debug)]
pub struct Fleet {
    endpoints: Vec<Endpoint>,
    control: Control,
    tasks: JoinSet<()>,
}

/// Starts the shipped fleet on loopback sockets, within the current runtime.
///
/// # Errors
/// When a port is taken or the shipped data cannot be read.
#[allow(
    clippy::unused_async,
    reason = "binding is quick today; callers must not come to rely on it"
)]
pub async fn start(options: FleetOptions) -> io::Result<Fleet> {
    let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    let pace = if options.pace.is_finite() { options.pace.max(0.0) } else { 0.0 };
    let (mut endpoints, mut places, mut tasks) = (Vec::new(), Vec::new(), JoinSet::new());
    let changes = watch::Sender::new(0);
    for (at, provider) in habits::shipped().map_err(invalid)?.into_iter().enumerate() {
        let port = match options.ports {
            Ports::Any => 0,
            Ports::From(first) => u16::try_from(at)
                .ok()
                .and_then(|at| first.checked_add(at))
                .ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))?,
        };
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| {
            io::Error::new(error.kind(), format!("{} on port {port}: {error}", provider.name))
        })?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let frames = Frames::of(&provider.frames)
            .ok_or_else(|| invalid(format!("no frames for {}", provider.name)))?;
        endpoints.push(Endpoint {
            provider: provider.name.clone(),
            address: listener.local_addr()?,
            models: provider.model.iter().map(|model| model.id.clone()).collect(),
        });
        let place = Place::new(&provider, changes.clone());
        let desk = Arc::clone(&place.desk);
        places.push(place);
        let server = Arc::new(Server::new(provider, frames, options.seed, pace, desk));
        tasks.spawn(server.run(listener));
    }
    Ok(Fleet { endpoints, control: Control::new(places, changes), tasks })
}

/// The fleet's configuration, its addresses still to be filled in.
const CONFIG: &str = include_str!("../../assets/sim/fleet.toml");

/// The configuration of a fleet that does not run, for whoever only wants its names and prices: its
/// addresses lead nowhere.
pub fn still() -> String {
    CONFIG.replace("{{", "http://").replace("}}", ".invalid")
}

impl Fleet {
    /// The configuration that leads to the fleet: providers `sim-…` and models `sim-…`, as TOML.
    pub fn config_text(&self) -> String {
        let mut text = CONFIG.to_owned();
        for endpoint in &self.endpoints {
            let slot = format!("{{{{{}}}}}", endpoint.provider);
            text = text.replace(&slot, &endpoint.base_url());
        }
        text
    }

    /// The servers, in the fleet's order.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The base URL of a provider.
    pub fn base_url(&self, provider: &str) -> Option<String> {
        self.endpoints.iter().find(|e| e.provider == provider).map(Endpoint::base_url)
    }

    /// The controls; they outlive the fleet harmlessly.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Stops it and waits until every task is gone.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

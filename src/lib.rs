//! wheelhouse: one terminal for every LLM you pay for.
//!
//! Each request goes to the cheapest model that is good enough and healthy right now; the console
//! shows why, and one key overrides it. This page is the architecture, to be read in ten minutes.
//!
//! # Rooms
//!
//! The crate is laid out in rooms, from the ground up. A room may use the rooms its row names and
//! no others; `tests/it/house.rs` holds the same table and checks every line of code against it.
//!
//! | room | owns | may use |
//! |---|---|---|
//! | [`domain`] | plain data and arithmetic: ids, money, messages, requests, decisions, outcomes | – |
//! | [`text`] | untrusted text made safe, cell widths, Markdown to styled lines, scripts of a text, its tokens by a published vocabulary, the program's words in the user's language | domain |
//! | [`config`] | layered TOML to one checked `Config`, and again when a file changes: registry, price schedules and feeds, key references, paths | domain |
//! | [`wire`] | bytes to meaning and back: SSE, the dialects, error bodies, rate-limit headers, HTTP | domain, config |
//! | [`route`] | features of a request, hard filters, score, `decide`; health, circuits and budgets as pure folds | domain, text |
//! | [`cache`] | the key of an answer, the memory tier, the Redis tier, what may be cached and why | domain |
//! | [`ledger`] | what was asked, answered, decided and spent, kept: one SQLite file, its writer, every question to it | domain, route |
//! | [`engine`] | the actor that owns router state, pinger and cache; one attempt engine for everybody | all above |
//! | [`console`] | the screen: state and `update`, keys, views, the terminal, the loop that runs effects | engine, ledger, route, text, config, domain |
//! | [`sim`] | the simulated fleet: real sockets, real dialects, seeded faults | domain, text, config, wire |
//! | [`cli`] | one file per command; the only room that composes others | everything |
//!
//! # The life of one message
//!
//! 1. A key arrives. The keymap turns it into an action; `update` pushes the user's message into
//!    the conversation, sets the phase to connecting, and returns an effect: ask the engine. `update`
//!    is synchronous and pure: state in, state and effects out.
//! 2. The shell runs the effect. The engine starts a task for the request. In that task `decide`
//!    runs on the snapshot the actor last published: features of the request are read, every model
//!    passes the hard filters or gets a reason why not, the rest are scored. Same input, same
//!    decision, so `explain`, the preview under the draft and the log all tell the truth.
//! 3. The survivors are looked up in the cache, in rank order: in memory, among calls under way for
//!    somebody who asks the same (then it reads along), in Redis. On a miss the task holds the money
//!    the attempt may cost, asks the actor for a permit (a circuit's slot, fresh health) and makes the
//!    attempt: the dialect writes the
//!    call, HTTP sends it, and the decoder turns bytes into frames however they were split.
//! 4. Text goes straight from the task to whoever asked, never through the actor. Stamps are taken
//!    where bytes leave the socket: that is where the time to first token comes from.
//! 5. When the stream ends the answer is judged: whole, or not, and why. What went wrong gets one of
//!    a closed set of classes, and the class says what is next: the same model again, the same asked
//!    in another way, another model, or the truth. A stream that broke after text was shown is gone
//!    on with by the model's own mechanism, joined by comparing text, and the seam is marked. A first
//!    token that is late may start a race with a second model.
//! 6. What is asked, decided, tried, paid and answered goes to the ledger's writer as it happens, text
//!    piece by piece. The end of an answer waits until it is on the disk, so that no reader sees an
//!    end that a crash could take back; the actor never waits for it.
//! 7. The task reports to the actor, which folds health, circuits, limits and spending, and
//!    publishes the next snapshot. Observers draw from it; nobody waits for them.
//! 8. In the console each delta marks the screen dirty; the frame scheduler draws at most thirty
//!    times a second, and a key draws at once. Idle draws nothing.
//!
//! Stopping is dropping: when the last reader of a reply goes away, the upstream call is cancelled.
//! `wheelhouse ask` and the demo walk the same way. There is one attempt engine.
//!
//! # Rules that shape the code
//!
//! State changes in one place, and side effects are returned as data. Policy is a pure function of
//! state, moment and seed. Every channel is bounded and says what happens when it is full. Money is
//! an integer. Text from outside is sanitised before it can reach a terminal. What could be data
//! (presets, prices, hints, themes, prompts) is data, in `assets/` and `themes/`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod cache;
pub mod cli;
pub mod config;
pub mod console;
pub mod domain;
pub mod engine;
pub mod ledger;
pub mod route;
pub mod sim;
pub mod text;
pub mod wire;

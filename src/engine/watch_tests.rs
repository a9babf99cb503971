//! Files that change under a running engine.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::*;
use crate::config::Layer;
use crate::domain::PinScope;
use crate::engine::{self, Command, EngineHandle, NoticeLevel, Options, Pin, Snapshot};

/// No test waits longer than this for anything.
const LIMIT: Duration = Duration::from_secs(20);

const LAB: &str = "\
[providers.lab]
base_url = \"http://127.0.0.1:1/v1\"
discover = false
[models.one]
provider = \"lab\"
context = 1000
price = { input = 1, output = 1 }
";

struct Bench {
    engine: EngineHandle,
    _dir: tempfile::TempDir,
    path: PathBuf,
}

fn write(path: &Path, text: &str) {
    // As editors do: a new file in the place of the old one.
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(&new, path).unwrap();
}

impl Bench {
    fn new(text: &str, env: engine::Env) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        write(&path, text);
        let recipe = Recipe::new(vec![Layer::user(path.display().to_string(), text)]);
        let config = recipe.load().unwrap().config;
        let engine = engine::start(Arc::new(config), Options { env, ..Options::default() });
        let files = vec![WatchedFile { kind: LayerKind::User, path: path.clone() }];
        engine.watch(Watch { recipe, files, every: Duration::from_millis(2) });
        Self { engine, _dir: dir, path }
    }

    async fn until(&self, wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let mut observer = self.engine.subscribe();
        let seen = async {
            loop {
                let snapshot = self.engine.snapshot();
                if wanted(&snapshot) {
                    return snapshot;
                }
                observer.changed().await.expect("the engine ended");
            }
        };
        tokio::time::timeout(LIMIT, seen).await.expect("it never came to that")
    }
}

fn no_env() -> engine::Env {
    Arc::new(|_| None)
}

fn says(snapshot: &Snapshot, words: &str) -> bool {
    snapshot.notices.iter().any(|notice| notice.text.contains(words))
}

#[tokio::test]
async fn a_saved_change_is_in_force_and_what_was_set_by_hand_stays() {
    let bench = Bench::new(LAB, no_env());
    bench.engine.send(Command::Policy("fastest".to_owned()));
    bench.engine.send(Command::Pin {
        model: "one".into(),
        scope: PinScope::All,
        session: None,
        until: None,
    });
    bench.until(|snapshot| snapshot.overrides.pins.len() == 1).await;
    write(&bench.path, &format!("{LAB}[models.two]\nprovider = \"lab\"\ncontext = 5\n"));
    let snapshot = bench.until(|snapshot| snapshot.config.models.contains_key("two")).await;
    assert_eq!(snapshot.policy, "fastest");
    let pins: Vec<&Pin> = snapshot.overrides.pins.iter().collect();
    assert_eq!((pins.len(), pins[0].model.as_str()), (1, "one"));
    assert!(says(&snapshot, "configuration applied: 1 model more"), "{:?}", snapshot.notices);
    // A policy the file names anew is meant.
    write(&bench.path, &format!("{LAB}[routing]\npolicy = \"cheapest\"\n"));
    bench.until(|snapshot| snapshot.policy == "cheapest").await;
}

#[tokio::test]
async fn a_broken_change_keeps_the_old_one_and_says_what_is_wrong_until_it_is_mended() {
    let bench = Bench::new(LAB, no_env());
    bench.until(|snapshot| snapshot.revision > 0).await;
    write(&bench.path, &LAB.replace("context", "contxt"));
    let words = "config.toml:6:1: models.one.contxt: unknown field; did you mean `context`?";
    let snapshot = bench.until(|snapshot| says(snapshot, words)).await;
    assert_eq!(snapshot.config.models["one"].context, 1000);
    let trouble = snapshot.notices.iter().find(|notice| notice.text.contains(words)).unwrap();
    assert_eq!(trouble.level, NoticeLevel::Error);
    write(&bench.path, &LAB.replace("1000", "2000"));
    let snapshot = bench.until(|snapshot| snapshot.config.models["one"].context == 2000).await;
    assert!(!says(&snapshot, "contxt"), "{:?}", snapshot.notices);
}

#[tokio::test]
async fn a_file_that_is_taken_away_changes_nothing() {
    let bench = Bench::new(LAB, no_env());
    bench.until(|snapshot| snapshot.revision > 0).await;
    fs::remove_file(&bench.path).unwrap();
    let snapshot = bench.until(|snapshot| says(snapshot, "config.toml is gone")).await;
    assert!(snapshot.config.models.contains_key("one"));
    write(&bench.path, &LAB.replace("1000", "3000"));
    bench.until(|snapshot| snapshot.config.models["one"].context == 3000).await;
}

#[tokio::test]
async fn saving_the_same_text_looks_for_keys_again() {
    let reads = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&reads);
    let env: engine::Env = Arc::new(move |name: &str| {
        (name == "LAB_KEY").then(|| format!("sk-{}", count.fetch_add(1, Ordering::SeqCst)))
    });
    let text = LAB.replace("discover", "api_key = \"env:LAB_KEY\"\ndiscover");
    let bench = Bench::new(&text, env);
    let text = text.replace("1000", "2000");
    write(&bench.path, &text);
    bench.until(|snapshot| snapshot.config.models["one"].context == 2000).await;
    let before = reads.load(Ordering::SeqCst);
    write(&bench.path, &text);
    bench.until(|_| reads.load(Ordering::SeqCst) > before).await;
}

#[tokio::test]
async fn a_change_between_reading_and_watching_is_not_lost() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    let recipe = Recipe::new(vec![Layer::user(path.display().to_string(), LAB)]);
    let config = recipe.load().unwrap().config;
    write(&path, &LAB.replace("1000", "4000"));
    let engine = engine::start(Arc::new(config), Options { env: no_env(), ..Options::default() });
    let files = vec![WatchedFile { kind: LayerKind::User, path: path.clone() }];
    engine.watch(Watch { recipe, files, every: Duration::from_millis(2) });
    let bench = Bench { engine, _dir: dir, path };
    bench.until(|snapshot| snapshot.config.models["one"].context == 4000).await;
}

#[tokio::test]
async fn a_file_that_says_again_what_is_in_force_takes_back_what_was_said_of_it() {
    let bench = Bench::new(LAB, no_env());
    bench.until(|snapshot| snapshot.revision > 0).await;
    write(&bench.path, &LAB.replace("context", "contxt"));
    bench.until(|snapshot| says(snapshot, "contxt")).await;
    write(&bench.path, LAB);
    bench.until(|snapshot| !says(snapshot, "contxt")).await;
    fs::remove_file(&bench.path).unwrap();
    bench.until(|snapshot| says(snapshot, "config.toml is gone")).await;
    write(&bench.path, LAB);
    bench.until(|snapshot| !says(snapshot, "config.toml is gone")).await;
}

#[tokio::test]
async fn what_a_file_changes_is_not_taken_for_a_command_somebody_waits_for() {
    let bench = Bench::new(LAB, no_env());
    bench.until(|snapshot| snapshot.revision > 0).await;
    for context in ["2000", "3000"] {
        write(&bench.path, &LAB.replace("1000", context));
        let wanted: u64 = context.parse().unwrap();
        bench.until(|snapshot| snapshot.config.models["one"].context == wanted).await;
    }
    let snapshot = bench.engine.snapshot();
    assert_eq!(snapshot.commands, 0, "a request would not wait for as many that follow");
}

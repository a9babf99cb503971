//! What deciding costs: reading a request, and choosing among many models. The bar for each is
//! 50 µs, so that a preview can be had on every keystroke.

#![allow(missing_docs, clippy::unwrap_used)]

use divan::{Bencher, black_box};
use uuid::Uuid;
use wheelhouse::domain::{Origin, Price, Rates, ReaderKind, Request, RequestId, TaskTable, UnixMs};
use wheelhouse::route::{
    CandidateInput, CircuitView, DecisionInput, Observation, RouterSettings, RouterState, decide,
    features, flips, sample,
};

fn main() {
    divan::main();
}

const PARAGRAPH: &str = "Design a bounded queue in Rust for many producers and one consumer. It must \
    not allocate after start, and `push` has to say so when the queue is full. First give the \
    invariants, then the code in `src/queue.rs`, then explain the memory ordering. ";

fn request(text: &str) -> Request {
    Request::new(RequestId(Uuid::nil()), Origin::Chat, ReaderKind::Replaceable, text)
}

fn candidate(n: usize) -> CandidateInput {
    let price = Price::from_pico_per_token(50_000 * (n as i64 + 1));
    CandidateInput {
        tags: vec!["eu".into()],
        failure_domain: format!("domain-{}", n % 8),
        rates: Some(Rates {
            input: price,
            cached_input: price,
            cache_write: price,
            cache_write_1h: None,
            output: price,
        }),
        context: 8_000 + 4_000 * n as u64,
        quality: TaskTable::flat(0.5 + 0.009 * n as f32),
        ttft_prior_ms: 300 + 20 * n as u64,
        cold_extra_ms: 500,
        circuit: match n % 10 {
            0 => CircuitView::Open { until: UnixMs(41_000) },
            _ => CircuitView::Closed,
        },
        ..sample::candidate(&format!("model-{n:02}"), &format!("provider-{}", n % 8))
    }
}

fn input() -> DecisionInput {
    DecisionInput {
        candidates: (0..50).map(candidate).collect(),
        ..sample::input(features(&request(PARAGRAPH)))
    }
}

#[divan::bench(args = [200, 2_000, 20_000, 1_000_000])]
fn features_of(bencher: Bencher<'_, '_>, bytes: usize) {
    let text: String = PARAGRAPH.chars().cycle().take(bytes).collect();
    let request = request(&text);
    bencher.bench(|| features(black_box(&request)));
}

#[divan::bench]
fn features_of_2000_bytes_of_chinese(bencher: Bencher<'_, '_>) {
    let text: String = "请用Rust设计一个有界队列，支持多个生产者。要求启动后不再分配内存。"
        .chars()
        .cycle()
        .take(667)
        .collect();
    let request = request(&text);
    bencher.bench(|| features(black_box(&request)));
}

#[divan::bench]
fn decide_among_50(bencher: Bencher<'_, '_>) {
    let input = input();
    bencher.bench(|| decide(black_box(&input)));
}

#[divan::bench]
fn flips_among_50(bencher: Bencher<'_, '_>) {
    let input = input();
    let decision = decide(&input);
    bencher.bench(|| flips(black_box(&input), black_box(&decision)));
}

/// What a snapshot reads of one model whose window is full.
#[divan::bench]
fn view_of_a_full_window(bencher: Bencher<'_, '_>) {
    let mut state = RouterState::new(RouterSettings::default());
    let (provider, model) = ("p".into(), "m".into());
    for n in 0..400u64 {
        let now = UnixMs(1_000_000 + n as i64 * 500);
        let seen = [
            Observation::Started,
            Observation::FirstToken { ttft_ms: 300 + n * 7919 % 500 },
            Observation::Ended {
                outcome: None,
                total_ms: 1_000 + n * 104_729 % 900,
                output_tokens: 200,
                streaming_ms: 700 + n % 300,
                gap_ms: Some(40 + n % 60),
                retry_after_ms: None,
                detail: String::new(),
            },
        ];
        for seen in &seen {
            state.fold(&provider, &model, seen, now);
        }
    }
    bencher.bench(|| state.view(black_box(&model), UnixMs(1_200_000)));
}

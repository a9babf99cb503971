//! The conversation of a scene, made of the same messages the engine would send.

use std::sync::Arc;

use super::{NOW, Scene, history, world};
use crate::console::app::{
    AppState, Cell, Preview, ReplyCell, ReplyPhase, RunningAttempt, Saved, UserCell,
};
use crate::console::composer::Draft;
use crate::domain::{AttemptKind, Cost, Finish, FirstToken, Outcome, UnixMs, Usage};

const ASKED: &str = "Why does this borrow fail, and what is the smallest fix?";
const ANSWER: &str = "The shared borrow `first` is still live when `push` needs a mutable one. `push` may \
move the whole buffer, so any reference into it would dangle; the compiler refuses before that can happen.

Smallest fix: end the borrow first, by cloning the element:

```rust
let first = v[0].clone();
v.push(4);
println!(\"{first}\");
```

If cloning is costly, three other shapes work:

| shape | copies | reads like | when it is wrong |
|---|---|---|---|
| index | none | `let i = 0; v[i]` | after a remove or a sort |
| split_at_mut | none | two halves | when the two ranges overlap |
| scoped block | none | `{ let f = &v[0]; }` | when f must outlive the push |
";
const ASKED_AGAIN: &str = "Which of these does the borrow checker itself suggest?";
const PARTIAL: &str = "It usually suggests cloning. A third option is to keep the index instead of the \
reference, because an integer does not borrow from the vector and so";
const DRAFT: &str = "show the index version, and say when it is wrong";

const ASKED_WIDE: &str = "请解释一下 Rust 的所有权，并给一个例子。日本語と한국어でも一行ずつ。";
const ANSWER_WIDE: &str = "## 所有权\n\n每个值只有**一个所有者**；所有者离开作用域时，值被释放。借用 `&T` 不会转移所有权。\n\n- 日本語: 値の所有者は常に一つだけです。\n- 한국어: 값의 소유자는 언제나 하나입니다.\n- emoji: 👨‍👩‍👧 family, 👍🏽 thumb, 🇨🇳 flag, ❤️ heart\n\n```rust\nlet 名字 = String::from(\"你好\"); // 所有者\nlet 引用 = &名字;\n```\n\n| 操作 | 结果 |\n|---|---|\n| 移动 | 原变量失效 |\n| 借用 | 原变量仍可用 |\n";

fn user(at: UnixMs, text: &str) -> Cell {
    Cell::User(UserCell {
        id: crate::domain::MessageId(uuid::Uuid::nil()),
        at,
        text: text.to_owned(),
        draft: Draft::default(),
        model: None,
        policy: None,
        tags: Vec::new(),
        heard: crate::domain::Heard::Sent,
    })
}

fn push(state: &mut AppState, cell: Cell) {
    state.transcript.push(cell);
}

/// A reply that ended well.
fn answered(state: &AppState, index: usize, text: &str) -> Cell {
    let entry =
        state.snapshot.as_ref().and_then(|snapshot| snapshot.log.iter().rev().nth(1).cloned());
    let at = UnixMs(NOW.0 - 126_200);
    let mut ids = state.ids.clone();
    let request = entry.as_ref().map_or_else(|| ids.request(at), |entry| entry.request);
    let mut reply = ReplyCell::new(request, index, at);
    reply.reply.decision = entry.as_ref().map(|entry| Arc::clone(&entry.decision));
    reply.reply.attempts =
        vec![history::attempt(request, 1, ("sonnet", "anthropic"), (0, 1_900), None, "")];
    if let Some(attempt) = reply.reply.attempts.first_mut() {
        attempt.stamps.first_text = Some(412);
        attempt.stamps.last = Some(412 + 1_510);
        attempt.usage.output = 118;
    }
    text.clone_into(&mut reply.reply.text);
    reply.reply.outcome = Some(Outcome {
        finish: Finish::Stop,
        model: Some("sonnet".into()),
        provider: Some("anthropic".into()),
        model_id: None,
        usage: Usage { input: 214, output: 356, ..Usage::default() },
        cost: Cost { amount: world::dollars("0.0041"), exact: true },
        wait_ms: Some(412),
        ttft_ms: Some(412),
        total_ms: 1_900,
        answer_cost: None,
        cached: None,
        cache_note: None,
        error: None,
    });
    reply.phase = ReplyPhase::Done;
    reply.first_text_at = Some(UnixMs(at.0 + 412));
    reply.last_at = UnixMs(at.0 + 1_900);
    reply.first_token = Some((FirstToken::Text, 412));
    reply.saved = Some(Saved { amount: world::dollars("0.0130"), versus: "opus".into() });
    Cell::Reply(Box::new(reply))
}

pub(super) fn fill(state: &mut AppState, scene: Scene) {
    let title = if scene == Scene::Wide {
        "请解释一下 Rust 的所有权"
    } else {
        "rust borrow question"
    };
    title.clone_into(&mut state.title);
    let wide = scene == Scene::Wide;
    push(state, user(UnixMs(NOW.0 - 126_300), if wide { ASKED_WIDE } else { ASKED }));
    let cell = answered(state, 0, if wide { ANSWER_WIDE } else { ANSWER });
    push(state, cell);
    if wide {
        type_draft(state, "再用中文说一遍 👍🏽");
        return;
    }
    push(state, user(UnixMs(NOW.0 - 6_200), ASKED_AGAIN));
    let Some(entry) = state.snapshot.as_ref().and_then(|snapshot| snapshot.log.last().cloned())
    else {
        return;
    };
    let mut reply = ReplyCell::new(entry.request, 2, entry.at);
    reply.reply.decision = Some(Arc::clone(&entry.decision));
    reply.reply.attempts = history::lost(entry.request);
    let running = RunningAttempt {
        n: 3,
        model: "mini".into(),
        provider: "openai".into(),
        kind: AttemptKind::Fallback,
        since: UnixMs(entry.at.0 + 4_010),
    };
    reply.phase = ReplyPhase::Waiting(running.clone());
    if scene == Scene::Waiting {
        state.now = UnixMs(entry.at.0 + 4_200);
    } else {
        reply.phase = ReplyPhase::Streaming(running);
        reply.first_token = Some((FirstToken::Text, 380));
        reply.first_text_at = Some(UnixMs(entry.at.0 + 4_390));
        reply.last_at = UnixMs(entry.at.0 + 6_200);
        reply.streamed_tenths = 1_280;
        PARTIAL.clone_into(&mut reply.reply.text);
    }
    push(state, Cell::Reply(Box::new(reply)));
    type_draft(state, DRAFT);
}

/// Types the draft and decides where it would go.
fn type_draft(state: &mut AppState, text: &str) {
    state.composer.insert(text);
    let request = state.ids.request(NOW);
    let decision =
        history::decision(request, NOW, "sonnet", "balanced", "code 0.79, cheapest of 3 that fit");
    state.preview =
        Some(Preview { draft: state.composer.revision(), decision: Arc::new(decision) });
}

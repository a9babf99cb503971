//! Puts the pieces of tool calls in order. Endpoints number calls from 0 or 1, or not at all, and
//! send a call in pieces or whole. Invariant: our numbers are dense from 0 in order of appearance;
//! id and name are given once.

use serde_json::Value;

use super::super::Frame;

#[derive(Debug, Clone, Default)]
struct Call {
    number: Option<u64>,
    id: Option<String>,
    named: bool,
}

/// The calls seen so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls(Vec<Call>);

impl Calls {
    /// Any calls at all?
    pub(super) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// Reads one entry of `tool_calls`.
    pub(super) fn piece(&mut self, entry: &Value, out: &mut Vec<Frame>) {
        let number = entry.get("index").and_then(Value::as_u64);
        let id = entry.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
        let function = entry.get("function");
        let field = |name: &str| function.and_then(|function| function.get(name));
        let name = field("name").and_then(Value::as_str).filter(|name| !name.is_empty());
        let arguments = match field("arguments") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(value) => value.to_string(),
        };
        if number.is_none() && id.is_none() && name.is_none() && arguments.is_empty() {
            return;
        }
        let at = self.find(number, id, name.is_some());
        let call = &mut self.0[at];
        let first_id = id.filter(|_| call.id.is_none()).map(str::to_owned);
        call.id = call.id.take().or_else(|| first_id.clone());
        let first_name = name.filter(|_| !call.named).map(str::to_owned);
        call.named |= first_name.is_some();
        if first_id.is_none() && first_name.is_none() && arguments.is_empty() {
            return;
        }
        out.push(Frame::ToolCall { index: at as u32, id: first_id, name: first_name, arguments });
    }

    /// The call a piece belongs to. A new id with a name opens a call even under a number already
    /// used: some endpoints send several whole calls, all numbered 0 or not at all.
    fn find(&mut self, number: Option<u64>, id: Option<&str>, named: bool) -> usize {
        let known = self.0.iter().rposition(|call| match (number, id) {
            (Some(_), _) => call.number == number,
            (None, Some(id)) => call.id.as_deref() == Some(id),
            (None, None) => !named,
        });
        if let Some(at) = known {
            let other = id.is_some_and(|id| self.0[at].id.as_deref().is_some_and(|own| own != id));
            if !(other && named) {
                return at;
            }
        }
        self.0.push(Call { number, id: None, named: false });
        self.0.len() - 1
    }
}

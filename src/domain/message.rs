//! Messages of a conversation, in a shape both dialects can be written from without loss.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions to the model.
    System,
    /// The person or program asking.
    User,
    /// The model.
    Assistant,
    /// A tool's result.
    Tool,
}

/// One piece of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Plain text.
    Text {
        /// The text.
        text: String,
    },
    /// An image, inline or by address.
    Image {
        /// MIME type, where known.
        media_type: Option<String>,
        /// Base64 data, or an `http(s)` URL.
        source: String,
    },
    /// The model asks for a tool.
    ToolCall {
        /// The provider's id of the call.
        id: String,
        /// The tool's name.
        name: String,
        /// The arguments as JSON text, exactly as streamed.
        arguments: String,
    },
    /// A tool's answer.
    ToolResult {
        /// The id of the call it answers.
        id: String,
        /// The result.
        content: String,
    },
    /// The model's thinking; sent back only to the provider that wrote it.
    Reasoning {
        /// The text of it.
        text: String,
        /// An opaque signature some providers want back.
        signature: Option<String>,
    },
    /// A part this program does not know: kept as it came, for the dialect it came in.
    Other {
        /// The raw JSON.
        value: Value,
    },
}

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub parts: Vec<Part>,
}

impl Message {
    /// A message of one text.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self { role, parts: vec![Part::Text { text: text.into() }] }
    }

    /// A user's message of one text.
    pub fn user(text: impl Into<String>) -> Self {
        Self::text(Role::User, text)
    }

    /// A model's message of one text.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::text(Role::Assistant, text)
    }

    /// All its plain text, parts joined by newlines.
    pub fn plain(&self) -> String {
        let mut out = String::new();
        for part in &self.parts {
            if let Part::Text { text } | Part::ToolResult { content: text, .. } = part {
                if !out.is_empty() {
                    out.push('\n');
                }
                out.push_str(text);
            }
        }
        out
    }
}

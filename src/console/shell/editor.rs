//! Handing the draft to the user's own editor and taking it back.
//!
//! Invariant: the file is private to the user and gone when the editor is.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Where the draft lies while the editor has it, and where a copy too long for a terminal goes.
pub(super) fn private_file(name: &str, text: &str) -> Result<PathBuf, String> {
    let path = std::env::temp_dir().join(format!("wheelhouse-{}-{name}", std::process::id()));
    // Made anew, so that nobody's link is followed.
    let _ = std::fs::remove_file(&path);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| format!("{}: {error}", path.display()))?;
    file.write_all(text.as_bytes()).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

/// Runs the editor on a text and returns what it left. Blocks; the terminal must be the editor's.
pub(super) fn edit(text: &str, editor: &str) -> Result<String, String> {
    let path = private_file("draft.md", text)?;
    // Through a shell, since people write `EDITOR="code --wait"`.
    let status = Command::new("sh")
        .arg("-c")
        .arg(format!("{editor} \"$1\""))
        .arg("sh")
        .arg(&path)
        .stdin(Stdio::inherit())
        .stdout(Stdio::inherit())
        .stderr(Stdio::inherit())
        .status();
    let edited = std::fs::read_to_string(&path);
    let _ = std::fs::remove_file(&path);
    match status {
        Ok(status) if status.success() => edited.map_err(|error| format!("the draft: {error}")),
        Ok(status) => Err(format!("{editor} ended with {status}; the draft is as it was")),
        Err(error) => Err(format!("could not run {editor}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_editor_leaves_comes_back_and_the_file_goes() {
        let text = edit("one\n", "printf 'two\\n' >>").unwrap();
        assert_eq!(text, "one\ntwo\n");
        let error = edit("one", "false").unwrap_err();
        assert!(error.contains("as it was"), "{error}");
    }
}

//! Where files are.
//!
//! Owns: the places of the configuration file, the data and the logs, and making a file that only
//! its owner reads. Must not know what is in them. Invariant: a flag beats a variable, a variable
//! beats the platform's custom; nothing that exists is overwritten.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

/// Where files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The configuration file; it need not exist.
    pub config_file: PathBuf,
    /// The directory of everything kept.
    pub data_dir: PathBuf,
    /// The directory of log files.
    pub log_dir: PathBuf,
}

impl Paths {
    /// Finds them: `--config` and `--data` first, then `WHEELHOUSE_CONFIG` and `WHEELHOUSE_DATA`,
    /// then where the platform keeps such files.
    pub fn find(
        config: Option<&Path>,
        data: Option<&Path>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let custom = ProjectDirs::from("", "", "wheelhouse");
        let named = |flag: Option<&Path>, variable: &str| {
            let variable = || env(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
            flag.map(Path::to_path_buf).or_else(variable)
        };
        // Without a home directory there is only the working directory.
        let here = || PathBuf::from(".wheelhouse");
        let config_file = named(config, "WHEELHOUSE_CONFIG").unwrap_or_else(|| {
            custom
                .as_ref()
                .map_or_else(here, |dirs| dirs.config_dir().to_owned())
                .join("config.toml")
        });
        let data_dir = named(data, "WHEELHOUSE_DATA").unwrap_or_else(|| {
            custom.as_ref().map_or_else(here, |dirs| dirs.data_dir().to_owned())
        });
        let log_dir = data_dir.join("logs");
        Self { config_file, data_dir, log_dir }
    }
}

/// Makes a directory, and those above it, that only its owner can enter. One that is there already
/// is left as it is.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Writes a new file that only its owner can read, making its directory where needed.
///
/// # Errors
/// `AlreadyExists` where there is one: it is never overwritten.
pub fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_private_dir(parent)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_beats_a_variable() {
        let env = |name: &str| match name {
            "WHEELHOUSE_CONFIG" => Some("from-env.toml".to_owned()),
            "WHEELHOUSE_DATA" => Some("env-data".to_owned()),
            _ => None,
        };
        let paths = Paths::find(Some(Path::new("flag.toml")), None, &env);
        assert_eq!(paths.config_file, Path::new("flag.toml"));
        assert_eq!(paths.data_dir, Path::new("env-data"));
        assert_eq!(paths.log_dir, Path::new("env-data").join("logs"));
    }

    #[test]
    fn without_either_the_platforms_place_is_used() {
        let paths = Paths::find(None, None, &|_| None);
        assert!(paths.config_file.ends_with("config.toml"));
        assert!(paths.config_file.to_string_lossy().contains("wheelhouse"));
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_is_private_and_an_old_one_is_left_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/config.toml");
        write_new(&path, "x = 1").unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        let error = write_new(&path, "x = 2").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "x = 1");
    }
}

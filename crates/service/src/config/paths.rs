use std::path::{Path, PathBuf};

use strongroom_model::text::printable;

use super::ConfigError;
use super::section::Config;
use super::value::MAX_SHOWN_CHARS;

impl Config {
    /// Makes relative paths relative to `base`, and `~/` to `home`.
    ///
    /// # Errors
    /// Paths that only a shell would expand: they would become folders named `~ann` or `$HOME`.
    pub(super) fn resolve_paths(&mut self, base: &Path, home: Option<&Path>) -> Result<(), ConfigError> {
        let needed = [("data_dir", &mut self.data_dir), ("server.documents", &mut self.server.documents)];
        let optional = [
            ("log.url_file", &mut self.log.url_file),
            ("log.path", &mut self.log.path),
            ("log.key_file", &mut self.log.key_file),
            ("broker.url_file", &mut self.broker.url_file),
            ("source.token_file", &mut self.source.token_file),
            ("source.ca_file", &mut self.source.ca_file),
            ("drive.root", &mut self.drive.root),
            ("mail.folder", &mut self.mail.folder),
            ("mail.smtp.password_file", &mut self.mail.smtp.password_file),
            ("mail.smtp.ca_file", &mut self.mail.smtp.ca_file),
            ("server.database_url_file", &mut self.server.database_url_file),
            ("server.database", &mut self.server.database),
        ];
        let optional = optional.into_iter().filter_map(|(key, path)| Some((key, path.as_mut()?)));
        for (key, path) in needed.into_iter().chain(optional) {
            *path = resolve(path, base, home).map_err(|message| ConfigError::Value {
                place: "configuration".to_owned(),
                key: key.to_owned(),
                message,
            })?;
        }
        self.resolve_job_paths(base, home)
    }

    /// A source or target with a colon names another host, a remote or a Windows drive: it stays as it is.
    fn resolve_job_paths(&mut self, base: &Path, home: Option<&Path>) -> Result<(), ConfigError> {
        for job in &mut self.job {
            let bad = |message: String| ConfigError::Value {
                place: "configuration".to_owned(),
                key: format!("job \"{}\"", job.name),
                message,
            };
            for folder in [&mut job.source, &mut job.target].into_iter().flatten() {
                if !folder.contains(':') && !folder.starts_with("\\\\") {
                    let found = resolve(Path::new(&*folder), base, home).map_err(bad)?;
                    // A plugin works in a folder of its own.
                    let whole = std::path::absolute(&found).unwrap_or(found);
                    *folder = whole.to_string_lossy().into_owned();
                }
            }
            for file in job.secret_files.values_mut() {
                *file = resolve(file, base, home).map_err(bad)?;
            }
        }
        Ok(())
    }
}

fn resolve(path: &Path, base: &Path, home: Option<&Path>) -> Result<PathBuf, String> {
    let text = path.to_string_lossy();
    let shown = printable(&text, MAX_SHOWN_CHARS);
    let first = text.split('/').next().unwrap_or_default();
    if first == "~" {
        let home = home.ok_or_else(|| format!("{shown:?}: the environment names no HOME; write the whole path"))?;
        return Ok(home.join(path.strip_prefix("~").unwrap_or(path)));
    }
    if first.starts_with('~') || text.contains("$HOME") || text.contains("${") || first.starts_with('$') {
        return Err(format!("{shown:?} is not expanded as in a shell; write the whole path, or ~/ for your home"));
    }
    Ok(if path.is_relative() { base.join(path) } else { path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_begins_at_the_file_the_root_or_the_home() {
        let resolve = |path: &str| super::resolve(Path::new(path), Path::new("/site"), Some(Path::new("/home/ann")));
        for (path, whole) in [
            ("data", "/site/data"),
            ("/srv/data", "/srv/data"),
            ("~/data", "/home/ann/data"),
            ("~", "/home/ann"),
            ("a~b", "/site/a~b"),
            ("a/~/b", "/site/a/~/b"),
            ("price$", "/site/price$"),
        ] {
            assert_eq!(resolve(path).unwrap(), Path::new(whole));
        }
        for path in ["~ben/data", "$HOME/data", "${HOME}/data", "$DATA", "/srv/$HOME/x", "/srv/${USER}"] {
            assert!(resolve(path).unwrap_err().contains("write the whole path"), "{path}");
        }
        assert!(super::resolve(Path::new("~/data"), Path::new("/site"), None).unwrap_err().contains("HOME"));
    }
}

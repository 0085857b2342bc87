//! The environment of a plugin.

use std::ffi::{OsStr, OsString};

/// The variables that a plugin inherits; all others stay with the host.
const INHERITED: [&str; 11] =
    ["PATH", "HOME", "USERPROFILE", "TEMP", "TMP", "TMPDIR", "SystemRoot", "SystemDrive", "ComSpec", "PATHEXT", "TZ"];
/// What every plugin has.
const SET: [(&str, &str); 3] = [("LANG", "C.UTF-8"), ("STRONGROOM_PLUGIN", "1"), ("PYTHONUTF8", "1")];

/// The environment of a plugin: what a program needs to run, and nothing else of the host's.
#[derive(Debug, Clone)]
pub struct Environment(Vec<(OsString, OsString)>);

impl Environment {
    /// Takes of these variables, such as the process's own, what a plugin inherits.
    pub fn of(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let inherited = variables.into_iter().filter(|(name, _)| INHERITED.iter().any(|known| name == *known));
        let set = SET.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        Self(inherited.chain(set).collect())
    }

    /// Its variables.
    pub fn variables(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// Where programs are looked for.
    #[must_use]
    pub fn path(&self) -> &OsStr {
        self.variables().find(|(name, _)| *name == "PATH").map_or(OsStr::new(""), |(_, path)| path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_program_needs_is_inherited() {
        let variables = [("PATH", "/bin"), ("RESTIC_PASSWORD", "x"), ("LANG", "de_DE"), ("HOME", "/root")];
        let environment = Environment::of(variables.map(|(name, value)| (name.into(), value.into())));
        let names: Vec<_> = environment.variables().map(|(name, _)| name.to_str().unwrap()).collect();
        assert_eq!(names, ["PATH", "HOME", "LANG", "STRONGROOM_PLUGIN", "PYTHONUTF8"]);
        assert_eq!(environment.path(), "/bin");
    }
}

use std::fmt;
use std::io;
use std::path::Path;

use strongroom_files::Handle;
use strongroom_files::within::for_each_name_in;

/// A path below a drive's root, `/`-separated, without empty, `.` or `..` parts. The empty path is the root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Relative(String);

impl Relative {
    pub(crate) const fn root() -> Self {
        Self(String::new())
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        strongroom_files::check_below(text.as_bytes()).ok().map(|()| Self(text.to_owned()))
    }

    /// `name` is one part, made by this crate.
    pub(crate) fn join(&self, name: &str) -> Self {
        debug_assert!(Self::parse(name).is_some() && !name.contains('/'), "{name:?} is one part of a path");
        if self.0.is_empty() { Self(name.to_owned()) } else { Self(format!("{}/{name}", self.0)) }
    }

    /// Parent and name; `None` for the root.
    pub(crate) fn split(&self) -> Option<(Self, &str)> {
        match self.0.rsplit_once('/') {
            Some((folder, name)) => Some((Self(folder.to_owned()), name)),
            None if self.0.is_empty() => None,
            None => Some((Self::root(), &self.0)),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Relative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "the root folder" } else { &self.0 })
    }
}

impl AsRef<Path> for Relative {
    fn as_ref(&self) -> &Path {
        Path::new(&self.0)
    }
}

/// Names that are not UTF-8 are not ours, and are left out.
pub(crate) fn text_names_in(folder: impl Handle) -> io::Result<Vec<String>> {
    text_names_where(folder, |_| true)
}

/// Of a month's many names only those that match are kept in memory.
pub(crate) fn text_names_where(folder: impl Handle, holds: impl Fn(&str) -> bool) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for_each_name_in(folder, |name| names.extend(name.to_str().filter(|name| holds(name)).map(str::to_owned)))?;
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_only_plain_parts() {
        for bad in ["", "/etc", "a//b", "a/../b", "..", "./a", "a/", "a\0b"] {
            assert!(Relative::parse(bad).is_none(), "{bad:?}");
        }
        let path = |text| Relative::parse(text).unwrap();
        assert_eq!(path("a/b/c").split(), Some((path("a/b"), "c")));
    }
}

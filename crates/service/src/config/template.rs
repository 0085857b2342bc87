//! The commented configuration file.

use std::collections::BTreeMap;
use std::fmt::Write;

use confique::Config as _;
use confique::meta::{Field, FieldKind, Meta};
use toml::Value;

use super::keys::{self, Key};
use super::section::Config;

/// A job as one would begin with it.
const JOB: &str = "

# Backup jobs of any kind: a section [[job]] for each, with the name that its events have. `strongroom
# plugin describe KIND` prints the settings of a kind. A job looks like this:
#
#     [[job]]
#     name = \"documents\"
#     kind = \"rsync\"                  # rsync, rclone, restic, robocopy, command, check, tasks, plugin
#     source = \"/srv/documents\"
#     target = \"/mnt/disk/documents\"  # in a folder that `strongroom target init` set up
#     cron = \"0 22 * * *\"             # or every = \"2h\", with between = \"22:00-05:00\" and days = [\"mon\"]
#     max_age = \"2d\"                  # how old the last whole proof may be
#     max_delete = 100                # how many files one run may delete in the copy; unset: none
#     retry = [\"5m\", \"1h\"]           # the delays before a run's further attempts; unset: as [retry] says
#     prove = \"7d\"                    # how often the copy is proven; unset: after each run
#     timeout = \"12h\"
#     stall = \"15m\"
#     secret_files = { password = \"/etc/strongroom/restic.password\" }
#     [job.settings]                  # what the kind takes besides
";

/// A commented configuration file. Keys that are not [set](Template::set) show their defaults, commented out.
#[derive(Debug, Clone, Default)]
pub struct Template {
    set: BTreeMap<String, Value>,
}

impl Template {
    /// Every key at its default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        assert!(matches!(keys::lookup(key), keys::Named::Value), "{key} is not a key of the configuration");
        self.set.insert(key.to_owned(), value.into());
        self
    }

    /// The file's text.
    pub fn render(&self) -> String {
        let mut out = String::new();
        comment(&mut out, Config::META.doc);
        out.push_str("#\n# Every key can also be set in the environment, over this file: STRONGROOM_ and its name\n");
        out.push_str("# with its section, such as STRONGROOM_SOURCE_TOKEN for `token` in [source].\n");
        self.section(&mut out, &Config::META, "");
        out.push_str(JOB);
        out
    }

    fn section(&self, out: &mut String, meta: &'static Meta, section: &str) {
        let join = |field: &Field| match section {
            "" => field.name.to_owned(),
            _ => format!("{section}.{}", field.name),
        };
        let is_shown = |field: &&Field| matches!(field.kind, FieldKind::Leaf { .. }) && join(field) != keys::JOBS;
        for field in meta.fields.iter().filter(is_shown) {
            self.key(out, &Key { path: join(field), field });
        }
        for field in meta.fields {
            if let FieldKind::Nested { meta } = &field.kind {
                let path = join(field);
                out.push_str("\n\n");
                comment(out, field.doc);
                writeln!(out, "[{path}]").expect("a string can always grow");
                self.section(out, meta, &path);
            }
        }
    }

    fn key(&self, out: &mut String, key: &Key) {
        out.push('\n');
        comment(out, key.field.doc);
        let name = key.field.name;
        let line = match (self.set.get(&key.path), key.default(), key.example()) {
            (Some(value), ..) => format!("{name} = {value}"),
            (None, Some(default), _) => {
                let value = Value::try_from(default).expect("a default is a TOML value");
                format!("#{name} = {value}")
            }
            (None, None, Some(example)) => format!("#{name} = {}", Value::from(example)),
            (None, None, None) => format!("#{name} ="),
        };
        out.push_str(&line);
        out.push('\n');
    }
}

fn comment(out: &mut String, doc: &[&str]) {
    for line in doc {
        out.push('#');
        out.push_str(line);
        out.push('\n');
    }
}

/// The commented file with every key at its default.
pub fn template() -> String {
    Template::new().render()
}

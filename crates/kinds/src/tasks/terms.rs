//! What a collection is judged by: kept beside it, so that the same tables can be made from it at any time.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use strongroom_tasks::collection::{Assumed, Collection, Entry, read_collection};
use strongroom_tasks::tables::{Agreed, Tables, tables};
use strongroom_tasks::text::CodePage;
use strongroom_tasks::watch::{DEFAULT_GRACE, Overdue, Verdict, Watch, assess};

use super::gathered::Gathered;

/// One more as soon as the same collection and terms come out as other tables.
pub(super) const TABLES_VERSION: u32 = 2;

/// What the site knows of a host and agreed on for its tasks; tasks go by their paths, without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Terms {
    /// The host, where its manifest does not say.
    pub host: Option<String>,
    /// Its zone, `Europe/Berlin`.
    pub zone: Option<String>,
    /// The code page of its consoles.
    pub code_page: Option<u16>,
    /// When the files were made, where their manifest does not say.
    pub collected_at: Option<Timestamp>,
    /// How late a task may be, in minutes; 15 if nothing is set.
    pub grace_minutes: Option<u32>,
    /// Codes besides 0 that count as success, by task.
    pub success: BTreeMap<String, Vec<u32>>,
    /// Tasks that raise no alert, and why.
    pub quiet: BTreeMap<String, String>,
    /// Tasks that must start at least once in so many hours.
    pub at_least_every_hours: BTreeMap<String, u32>,
    /// When a task was first collected, unless that was the first collection at all.
    pub first_seen: BTreeMap<String, Timestamp>,
    /// When a task's definition last changed.
    pub last_changed: BTreeMap<String, Timestamp>,
    /// What the collection lacks, and why.
    pub left_out: Vec<String>,
    /// The version of the program that wrote the tables; 0 before there was one.
    pub tables_version: u32,
}

/// A collection with a verdict on each task.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The collection.
    pub collection: Collection,
    /// One verdict for each of its entries.
    pub verdicts: Vec<Verdict>,
    /// What is agreed for each of its entries.
    pub agreed: Vec<Agreed>,
}

impl Terms {
    /// Reads a collection, and judges it as of the moment when it was made. A pure function of both.
    #[must_use]
    pub fn judge(&self, gathered: &Gathered) -> Judged {
        let zone = self.zone.as_ref().and_then(|name| Some((TimeZone::get(name).ok()?, name.clone())));
        let assumed =
            Assumed { host: self.host.clone(), zone, page: self.code_page.and_then(CodePage::new), collected_at: None };
        let mut collection = read_collection(&gathered.collected(), &assumed);
        collection.collected_at = collection.collected_at.or(self.collected_at).or(gathered.newest);
        for why in gathered.left_out.iter().chain(&self.left_out) {
            if !collection.partial.contains(why) {
                collection.partial.push(why.clone());
            }
        }
        let zone = collection.zone_or_utc();
        let agreed: Vec<_> = collection.entries.iter().map(|entry| self.agreed(entry)).collect();
        let verdicts = collection
            .entries
            .iter()
            .zip(&agreed)
            .map(|(entry, agreed)| self.assess(&collection, entry, agreed, &zone))
            .collect();
        Judged { collection, verdicts, agreed }
    }

    fn assess(&self, collection: &Collection, entry: &Entry, agreed: &Agreed, zone: &TimeZone) -> Verdict {
        // Files always have a time; without one nothing is due.
        let now = collection.collected_at.unwrap_or(Timestamp::MIN);
        let hours = of(&self.at_least_every_hours, &entry.task.path).copied();
        let grace = self.grace_minutes.map_or(DEFAULT_GRACE, |minutes| SignedDuration::from_mins(minutes.into()));
        let watch = Watch {
            zone_known: collection.zone.is_some(),
            boot: collection.boot,
            first_seen: agreed.first_seen,
            grace,
            at_least_every: hours.map(|hours| SignedDuration::from_hours(hours.into())),
            success: &agreed.success,
            logged_on: collection.logged_on.as_deref(),
            ..Watch::new(now, zone)
        };
        assess(&entry.task, &entry.run, &watch)
    }

    fn agreed(&self, entry: &Entry) -> Agreed {
        let path = &entry.task.path;
        Agreed {
            success: of(&self.success, path).cloned().unwrap_or_default(),
            quiet: of(&self.quiet, path).cloned(),
            first_seen: of(&self.first_seen, path).copied(),
            last_changed: of(&self.last_changed, path).copied(),
        }
    }
}

/// Windows compares paths without regard to case.
fn of<'a, V>(map: &'a BTreeMap<String, V>, path: &str) -> Option<&'a V> {
    map.get(path).or_else(|| map.iter().find(|(key, _)| key.to_lowercase() == path.to_lowercase()).map(|(_, v)| v))
}

impl Judged {
    /// Every table.
    #[must_use]
    pub fn tables(&self) -> Tables {
        tables(&self.collection, &self.verdicts, &self.agreed)
    }

    /// How many tasks are overdue and not quiet.
    #[must_use]
    pub fn overdue(&self) -> usize {
        self.loud().filter(|verdict| verdict.overdue == Overdue::Yes).count()
    }

    /// How many tasks need a person and are not overdue: failed, stuck.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.loud().filter(|verdict| verdict.overdue != Overdue::Yes && super::needs_a_person(verdict)).count()
    }

    fn loud(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().zip(&self.agreed).filter(|(_, agreed)| agreed.quiet.is_none()).map(|(verdict, _)| verdict)
    }

    /// The host, as sentences have it.
    #[must_use]
    pub fn host_words(&self) -> String {
        let named = |host: &str| format!("host {}", strongroom_model::text::printable(host, 200));
        self.collection.host.as_deref().map_or_else(|| "a host that the files do not name".to_owned(), named)
    }

    /// The host's name, as folders have it.
    #[must_use]
    pub fn host(&self) -> &str {
        self.collection.host.as_deref().unwrap_or("unknown")
    }
}

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Bag;
use crate::mount::{Mount, MountKey};
use crate::place::BagPlace;

/// This month's bag and last month's. A large one takes some 20 MiB.
const MAX_REMEMBERED: usize = 2;

/// The bags read of a drive, shared by a process's stages: a month's list is in memory once.
#[derive(Debug, Clone, Default)]
pub struct BagCache(Arc<Mutex<Option<OfMount>>>);

type OfMount = (MountKey, Arc<Bags>);

impl BagCache {
    /// Kept only for the last mount.
    pub(crate) fn bags_of(&self, mount: &Mount) -> Arc<Bags> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = mount.key();
        match &*held {
            Some((of, bags)) if *of == key => Arc::clone(bags),
            _ => Arc::clone(&held.insert((key, Arc::default())).1),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Bags(Mutex<HashMap<BagPlace, Arc<Bag>>>);

impl Bags {
    pub(crate) fn get(&self, place: &BagPlace) -> Arc<Bag> {
        let mut bags = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if bags.len() >= MAX_REMEMBERED && !bags.contains_key(place) {
            bags.clear();
        }
        Arc::clone(bags.entry(place.clone()).or_insert_with(|| Arc::new(Bag::new(place.clone()))))
    }
}

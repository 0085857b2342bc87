//! The document server over real HTTP, and the imports beside it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
#![expect(clippy::duplicate_mod, reason = "every test runs with both databases: this is how it is there twice")]

/// Every test; whoever includes them says by `database` where the records of a folder are.
macro_rules! whole_suite {
    () => {
        #[path = "access.rs"]
        mod access;
        #[path = "belonging.rs"]
        mod belonging;
        #[path = "changed.rs"]
        mod changed;
        #[path = "content.rs"]
        mod content;
        #[path = "crash.rs"]
        mod crash;
        #[path = "disks.rs"]
        mod disks;
        #[path = "evidence.rs"]
        mod evidence;
        #[path = "full.rs"]
        mod full;
        #[path = "import_folder.rs"]
        mod import_folder;
        #[cfg(feature = "kill-points")]
        #[path = "kill.rs"]
        mod kill;
        #[path = "life.rs"]
        mod life;
        #[path = "limits.rs"]
        mod limits;
        #[path = "list.rs"]
        mod list;
        #[path = "many.rs"]
        mod many;
        #[path = "mounted.rs"]
        mod mounted;
        #[path = "openapi.rs"]
        mod openapi;
        #[path = "purge.rs"]
        mod purge;
        #[path = "put_back.rs"]
        mod put_back;
        #[path = "quirks.rs"]
        mod quirks;
        #[path = "rig.rs"]
        mod rig;
        #[path = "upload.rs"]
        mod upload;
        #[path = "waiting.rs"]
        mod waiting;
        #[path = "whole.rs"]
        mod whole;
    };
}

mod postgres;
mod site_log;
mod sqlite;

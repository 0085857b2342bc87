//! Paths in the configuration, relative to its file.

use std::path::{Path, PathBuf};

use super::section::Config;

impl Config {
    /// Makes every relative path start at `base`, the folder of the configuration's file.
    pub(super) fn resolve_paths(&mut self, base: &Path) {
        let needed = [&mut self.data_dir, &mut self.server.documents];
        let optional = [
            &mut self.log.url_file,
            &mut self.log.path,
            &mut self.broker.url_file,
            &mut self.source.token_file,
            &mut self.source.ca_file,
            &mut self.drive.root,
            &mut self.mail.folder,
            &mut self.mail.smtp.password_file,
            &mut self.mail.smtp.ca_file,
            &mut self.server.database_url_file,
            &mut self.server.database,
        ];
        needed.into_iter().chain(optional.into_iter().flatten()).for_each(|path| resolve(path, base));
    }
}

fn resolve(path: &mut PathBuf, base: &Path) {
    if path.is_relative() {
        *path = base.join(&path);
    }
}

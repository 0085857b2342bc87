//! The id of the records' document root.

use super::{Result, Store, query};

impl Store {
    pub(crate) async fn document_root(&self) -> Result<Option<String>> {
        let row = query("SELECT id FROM document_root").fetch_optional(&mut self.reader().await?).await?;
        Ok(row.map(|(id,): (String,)| id))
    }

    /// Records the id, unless one is recorded; returns the recorded one.
    pub(crate) async fn set_document_root(&self, id: &str) -> Result<String> {
        let mut db = self.begin().await?;
        query("INSERT INTO document_root (id) VALUES ($1) ON CONFLICT DO NOTHING").bind(id).execute(&mut db).await?;
        let (recorded,): (String,) = query("SELECT id FROM document_root").fetch_one(&mut db).await?;
        db.commit().await?;
        Ok(recorded)
    }
}

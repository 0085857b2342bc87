//! Bearer tokens, by their hashes.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};

use super::{Result, Store, from_us, to_us};
use crate::token::{Scopes, Token};

impl Store {
    /// The token with that SHA-256, revoked or not.
    pub(crate) async fn token_by_hash(&self, sha256: &[u8; 32]) -> Result<Option<Token>> {
        let row = sqlx::query_as("SELECT * FROM token WHERE sha256 = ?1").bind(sha256.as_slice());
        Ok(row.fetch_optional(&mut *self.reader().await?).await?)
    }

    /// Every token, the oldest first.
    pub(crate) async fn tokens(&self) -> Result<Vec<Token>> {
        let rows = sqlx::query_as("SELECT * FROM token ORDER BY created_at_us, id");
        Ok(rows.fetch_all(&mut *self.reader().await?).await?)
    }

    /// Records a new token.
    pub(crate) async fn insert_token(&self, token: &Token, sha256: &[u8; 32]) -> Result<()> {
        let mut db = self.begin().await?;
        sqlx::query("INSERT INTO token (id, name, sha256, scopes, created_at_us) VALUES (?1, ?2, ?3, ?4, ?5)")
            .bind(&token.id)
            .bind(&token.name)
            .bind(sha256.as_slice())
            .bind(token.scopes.to_string())
            .bind(to_us(token.created_at))
            .execute(&mut *db)
            .await?;
        Ok(db.commit().await?)
    }

    /// Revokes a token; gives it as it is then, if there is one.
    pub(crate) async fn revoke_token(&self, id: &str, now: Timestamp) -> Result<Option<Token>> {
        let mut db = self.begin().await?;
        sqlx::query("UPDATE token SET revoked_at_us = coalesce(revoked_at_us, ?2) WHERE id = ?1")
            .bind(id)
            .bind(to_us(now))
            .execute(&mut *db)
            .await?;
        let token = sqlx::query_as("SELECT * FROM token WHERE id = ?1").bind(id).fetch_optional(&mut *db).await?;
        db.commit().await?;
        Ok(token)
    }
}

impl FromRow<'_, SqliteRow> for Token {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        let revoked_at: Option<i64> = row.try_get("revoked_at_us")?;
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            scopes: Scopes::known_in(row.try_get("scopes")?),
            created_at: from_us(row.try_get("created_at_us")?)?,
            revoked_at: revoked_at.map(from_us).transpose()?,
        })
    }
}

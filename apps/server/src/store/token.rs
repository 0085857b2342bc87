use jiff::Timestamp;

use super::columns::columns;
use super::{Result, Store, from_us, query, to_us};
use crate::token::{Scopes, Token};

impl Store {
    /// The token with that hash, revoked or not.
    pub(crate) async fn token_by_hash(&self, sha256: &[u8; 32]) -> Result<Option<Token>> {
        let row = query("SELECT * FROM token WHERE sha256 = $1").bind(sha256.as_slice());
        row.fetch_optional(&mut self.reader().await?).await
    }

    /// Every token, the oldest first, including revoked ones.
    pub async fn tokens(&self) -> Result<Vec<Token>> {
        query("SELECT * FROM token ORDER BY created_at_us, id").fetch_all(&mut self.reader().await?).await
    }

    pub(crate) async fn insert_token(&self, token: &Token, sha256: &[u8; 32]) -> Result<()> {
        let mut db = self.begin().await?;
        query("INSERT INTO token (id, name, sha256, scopes, created_at_us) VALUES ($1, $2, $3, $4, $5)")
            .bind(token.id.as_str())
            .bind(token.name.as_str())
            .bind(sha256.as_slice())
            .bind(token.scopes.to_string())
            .bind(to_us(token.created_at))
            .execute(&mut db)
            .await?;
        db.commit().await
    }

    /// Returns the token, if there is one.
    pub(crate) async fn revoke_token(&self, id: &str, now: Timestamp) -> Result<Option<Token>> {
        let mut db = self.begin().await?;
        query("UPDATE token SET revoked_at_us = coalesce(revoked_at_us, $2) WHERE id = $1")
            .bind(id)
            .bind(to_us(now))
            .execute(&mut db)
            .await?;
        let token = query("SELECT * FROM token WHERE id = $1").bind(id).fetch_optional(&mut db).await?;
        db.commit().await?;
        Ok(token)
    }
}

columns! {
    struct TokenColumns for Token {
        id: String,
        name: String,
        scopes: String,
        created_at_us: i64,
        revoked_at_us: Option<i64>,
    }
}

impl TryFrom<TokenColumns> for Token {
    type Error = sqlx::Error;

    fn try_from(row: TokenColumns) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.id,
            name: row.name,
            scopes: Scopes::known_in(&row.scopes),
            created_at: from_us(row.created_at_us)?,
            revoked_at: row.revoked_at_us.map(from_us).transpose()?,
        })
    }
}

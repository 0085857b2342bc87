//! One statement for both databases. Most statements are the same text, with `$1` and the same tables; where they
//! differ, [`Sql::Each`] has both.

use sqlx::postgres::{PgArguments, PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};
use sqlx::{Arguments, FromRow};

use super::connection::{Connection, Raw};
use super::{OutsideText, Result};

#[derive(Debug, Clone, Copy)]
pub(crate) enum Sql {
    Same(&'static str),
    /// The parameters are the same.
    Each {
        sqlite: &'static str,
        postgres: &'static str,
    },
}

/// Postgres gets its type even for null.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(Option<String>),
    /// See [`OutsideText`].
    OutsideText(Option<String>),
    Number(Option<i64>),
    Bytes(Option<Vec<u8>>),
    /// SQLite's `json_each($1)`, Postgres's `ANY($1)`.
    List(Vec<String>),
}

#[derive(Debug)]
pub(crate) struct Statement {
    sql: Sql,
    values: Vec<Value>,
}

/// A record that can be read from either database's row.
pub(crate) trait Record: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}

impl<T> Record for T where T: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}

pub(crate) fn query(sql: impl Into<Sql>) -> Statement {
    Statement { sql: sql.into(), values: Vec::new() }
}

impl Statement {
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    pub(crate) async fn execute(self, db: &mut Connection) -> Result<u64> {
        Ok(match db.raw() {
            Raw::Sqlite(db) => {
                let query = sqlx::query_with(self.sql.sqlite(), sqlite(self.values)?);
                query.execute(db).await?.rows_affected()
            }
            Raw::Postgres(db) => {
                let query = sqlx::query_with(self.sql.postgres(), postgres(self.values)?);
                query.execute(db).await?.rows_affected()
            }
        })
    }

    pub(crate) async fn fetch_all<T: Record>(self, db: &mut Connection) -> Result<Vec<T>> {
        Ok(match db.raw() {
            Raw::Sqlite(db) => {
                sqlx::query_as_with::<Sqlite, T, _>(self.sql.sqlite(), sqlite(self.values)?).fetch_all(db).await?
            }
            Raw::Postgres(db) => {
                sqlx::query_as_with::<Postgres, T, _>(self.sql.postgres(), postgres(self.values)?).fetch_all(db).await?
            }
        })
    }

    pub(crate) async fn fetch_optional<T: Record>(self, db: &mut Connection) -> Result<Option<T>> {
        Ok(self.fetch_all(db).await?.into_iter().next())
    }

    /// A row that always exists.
    pub(crate) async fn fetch_one<T: Record>(self, db: &mut Connection) -> Result<T> {
        Ok(self.fetch_optional(db).await?.ok_or(sqlx::Error::RowNotFound)?)
    }
}

impl Sql {
    pub(crate) fn sqlite(self) -> &'static str {
        match self {
            Self::Same(text) | Self::Each { sqlite: text, .. } => text,
        }
    }

    pub(crate) fn postgres(self) -> &'static str {
        match self {
            Self::Same(text) | Self::Each { postgres: text, .. } => text,
        }
    }
}

fn sqlite(values: Vec<Value>) -> sqlx::Result<SqliteArguments> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        match value {
            Value::Text(text) | Value::OutsideText(text) => arguments.add(text),
            Value::Number(number) => arguments.add(number),
            Value::Bytes(bytes) => arguments.add(bytes),
            Value::List(items) => arguments.add(serde_json::to_string(&items).expect("texts can be written as JSON")),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

fn postgres(values: Vec<Value>) -> sqlx::Result<PgArguments> {
    let mut arguments = PgArguments::default();
    for value in values {
        match value {
            Value::Text(text) => arguments.add(text),
            Value::OutsideText(text) => arguments.add(text.map(String::into_bytes)),
            Value::Number(number) => arguments.add(number),
            Value::Bytes(bytes) => arguments.add(bytes),
            Value::List(items) => arguments.add(items),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self::Same(text)
    }
}

macro_rules! bound {
    ($($from:ty => |$value:ident| $made:expr;)*) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $made
            }
        })*
    };
}

bound! {
    &str => |text| Self::Text(Some(text.to_owned()));
    String => |text| Self::Text(Some(text));
    Option<String> => |text| Self::Text(text);
    OutsideText => |words| Self::OutsideText(Some(words.0));
    Option<OutsideText> => |words| Self::OutsideText(words.map(|words| words.0));
    i64 => |number| Self::Number(Some(number));
    u32 => |number| Self::Number(Some(number.into()));
    Option<i64> => |number| Self::Number(number);
    &[u8] => |bytes| Self::Bytes(Some(bytes.to_owned()));
    Option<&[u8]> => |bytes| Self::Bytes(bytes.map(<[u8]>::to_vec));
    Vec<String> => |items| Self::List(items);
}

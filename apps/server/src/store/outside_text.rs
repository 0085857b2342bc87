use sqlx::error::BoxDynError;
use sqlx::postgres::{PgTypeInfo, PgValueRef, Postgres};
use sqlx::sqlite::{Sqlite, SqliteTypeInfo, SqliteValueRef};
use sqlx::{Decode, Type};

/// A text from outside with any characters. Postgres's text type holds no NUL, so there it is stored as UTF-8 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutsideText(pub(crate) String);

impl From<&str> for OutsideText {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Type<Sqlite> for OutsideText {
    fn type_info() -> SqliteTypeInfo {
        <str as Type<Sqlite>>::type_info()
    }

    fn compatible(other: &SqliteTypeInfo) -> bool {
        <str as Type<Sqlite>>::compatible(other)
    }
}

impl<'r> Decode<'r, Sqlite> for OutsideText {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(<String as Decode<'r, Sqlite>>::decode(value)?))
    }
}

impl Type<Postgres> for OutsideText {
    fn type_info() -> PgTypeInfo {
        <[u8] as Type<Postgres>>::type_info()
    }
}

impl<'r> Decode<'r, Postgres> for OutsideText {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(String::from_utf8(<Vec<u8> as Decode<'r, Postgres>>::decode(value)?)?))
    }
}

/// Declares the struct, and how it is read from a row of either database. It stands in for sqlx's derive, whose crate
/// compiles both databases' drivers a second time.
macro_rules! columns {
    (struct $name:ident { $($field:ident: $type:ty,)+ }) => {
        struct $name {
            $($field: $type,)+
        }

        impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for $name
        where
            &'static str: sqlx::ColumnIndex<R>,
            $($type: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,)+
        {
            fn from_row(row: &'r R) -> sqlx::Result<Self> {
                Ok(Self { $($field: row.try_get(stringify!($field))?,)+ })
            }
        }
    };
}

pub(crate) use columns;

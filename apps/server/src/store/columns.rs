/// Declares the struct, and how it and what it is made into are read from a row of either database. It stands in for sqlx's derive, whose crate
/// compiles both databases' drivers a second time.
macro_rules! columns {
    (struct $name:ident for $target:ty { $($field:ident: $type:ty,)+ }) => {
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

        impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for $target
        where
            $name: sqlx::FromRow<'r, R>,
        {
            fn from_row(row: &'r R) -> sqlx::Result<Self> {
                <$name as sqlx::FromRow<'r, R>>::from_row(row)?.try_into()
            }
        }
    };
}

pub(crate) use columns;

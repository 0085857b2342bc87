//! Whether the triggers and functions that guard the log are those that were installed.

use std::collections::BTreeMap;

use sqlx::postgres::PgConnection;

use super::migrate::MIGRATIONS;

/// The name of the first that is missing, was changed or switched off, or that we know
/// nothing of: one of those could do anything at all to what is appended.
pub(super) async fn changed(connection: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    let triggers: Vec<(String, String)> = sqlx::query_as(
        "SELECT t.tgname::text, t.tgenabled::text || ' ' || pg_catalog.pg_get_triggerdef(t.oid)
         FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
         WHERE c.relnamespace = 'strongroom'::regnamespace AND NOT t.tgisinternal",
    )
    .fetch_all(&mut *connection)
    .await?;
    let functions: Vec<(String, String)> = sqlx::query_as(
        "SELECT p.proname::text, p.prosrc FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'strongroom'::regnamespace",
    )
    .fetch_all(&mut *connection)
    .await?;
    Ok(difference(triggers, &expected_triggers()).or_else(|| difference(functions, &expected_functions())))
}

fn difference(found: Vec<(String, String)>, expected: &BTreeMap<String, String>) -> Option<String> {
    let missing = expected.iter().find(|(name, text)| !found.iter().any(|(n, t)| n == *name && t == *text));
    let missing = missing.map(|(name, _)| name.clone());
    missing.or_else(|| found.into_iter().map(|(name, _)| name).find(|name| !expected.contains_key(name)))
}

/// The triggers of the migrations, by name, as Postgres says them: switched on ("O"), and
/// the statement on one line.
fn expected_triggers() -> BTreeMap<String, String> {
    statements("CREATE TRIGGER ")
        .map(|statement| {
            let words = statement.split_whitespace().collect::<Vec<_>>().join(" ");
            let name = words.split(' ').nth(2).unwrap_or_default().to_owned();
            // It leaves out the schema of what the search path finds, but for the table,
            // puts the column's comparison in its own words, and so on: see the test.
            (name, format!("O {}", as_postgres_says(&words)))
        })
        .collect()
}

fn as_postgres_says(words: &str) -> String {
    words
        .replace("EXECUTE FUNCTION strongroom.", "EXECUTE FUNCTION ")
        .replace("NEW.", "new.")
        .replace("OLD.", "old.")
        .replace("WHEN (new.size < old.size OR new.site", "WHEN (((new.size < old.size) OR (new.site")
        .replace("FROM old.site)", "FROM old.site)))")
}

/// The functions of the migrations, by name, with their bodies.
fn expected_functions() -> BTreeMap<String, String> {
    statements("CREATE FUNCTION strongroom.")
        .filter_map(|statement| {
            let name = statement.split_once('(')?.0.rsplit_once('.')?.1;
            Some((name.to_owned(), statement.split("$$").nth(1)?.to_owned()))
        })
        .collect()
}

/// What begins so in the migrations, up to the semicolon outside of a function's body.
/// Of two with one name the later counts.
fn statements(beginning: &'static str) -> impl Iterator<Item = &'static str> {
    MIGRATIONS.into_iter().flat_map(move |sql| sql.match_indices(beginning).map(move |(at, _)| statement(&sql[at..])))
}

fn statement(sql: &'static str) -> &'static str {
    let mut end = 0;
    // Every other part is between two `$$`, a function's body.
    for (n, part) in sql.split("$$").enumerate() {
        if let (0, Some(semicolon)) = (n % 2, part.find(';')) {
            return &sql[..end + semicolon];
        }
        end += part.len() + "$$".len();
    }
    sql
}

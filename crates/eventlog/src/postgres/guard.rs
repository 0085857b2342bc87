//! Whether the schema's guards are as installed: every table, function, trigger and right, also unexpected ones.

use std::collections::BTreeSet;

use sqlx::postgres::PgConnection;

const CATALOGUE: &str = include_str!("catalogue.sql");

/// Written by the tests from a fresh database.
const EXPECTED: &str = include_str!("../../../../schemas/postgres/eventlog/catalogue.txt");

const SEPARATOR: &str = ": ";

/// The first that is missing, changed, switched off or unknown: an unknown one could change whatever is appended.
pub(super) async fn changed(connection: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    let found = catalogue(connection).await?;
    Ok(difference(&found))
}

pub(super) async fn catalogue(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    let rows: Vec<(String, String)> = sqlx::query_as(CATALOGUE).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|(object, property)| format!("{object}{SEPARATOR}{property}")).collect())
}

fn difference(found: &[String]) -> Option<String> {
    let expected: BTreeSet<&str> = EXPECTED.lines().collect();
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    // Missing grants (the owner may not create roles) are harmless.
    let missing = expected.difference(&found).find(|line| !is_grant(line));
    let more = found.difference(&expected).next();
    more.or(missing).map(|line| if is_grant(line) { (*line).to_owned() } else { object(line).to_owned() })
}

fn object(line: &str) -> &str {
    line.split_once(SEPARATOR).map_or(line, |(object, _)| object)
}

fn is_grant(line: &str) -> bool {
    line.split_once(SEPARATOR).is_some_and(|(_, property)| property.starts_with("grant "))
}

#[cfg(test)]
mod tests {
    use super::super::place::Place;
    use super::*;

    /// Written anew with `UPDATE_SCHEMAS` set, by `cargo xtask schemas`.
    #[tokio::test]
    async fn a_fresh_databases_catalogue_is_the_schema_in_the_repository() {
        let database = strongroom_servers::postgres().database();
        crate::migrate_postgres(&database.url).await.unwrap();
        let mut session = Place::parse(&database.url).unwrap().connect().await.unwrap();
        let mut text = catalogue(&mut session).await.unwrap().join("\n");
        text.push('\n');
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/postgres/eventlog/catalogue.txt");
            std::fs::write(path, text).unwrap();
            return;
        }
        similar(&text, EXPECTED);
    }

    #[track_caller]
    fn similar(found: &str, expected: &str) {
        for (found, expected) in found.lines().zip(expected.lines()) {
            assert_eq!(found, expected, "run `cargo xtask schemas`");
        }
        assert_eq!(found.lines().count(), expected.lines().count(), "run `cargo xtask schemas`");
    }

    fn lines() -> Vec<String> {
        EXPECTED.lines().map(str::to_owned).collect()
    }

    #[test]
    fn what_was_installed_is_no_difference_with_or_without_the_roles() {
        assert_eq!(difference(&lines()), None);
        let without: Vec<String> = lines().into_iter().filter(|line| !is_grant(line)).collect();
        assert!(without.len() < lines().len());
        assert_eq!(difference(&without), None);
    }

    #[test]
    fn each_line_that_is_missing_or_more_is_named() {
        for (n, line) in lines().iter().enumerate().filter(|(_, line)| !is_grant(line)) {
            let mut found = lines();
            found.remove(n);
            assert_eq!(difference(&found).as_deref(), Some(object(line)));
            found.push(format!("{line}, or so"));
            assert_eq!(difference(&found).as_deref(), Some(object(line)));
        }
        let grant = "table event: grant INSERT to PUBLIC";
        assert_eq!(difference(&[lines(), vec![grant.to_owned()]].concat()).as_deref(), Some(grant));
    }
}

//! A job's settings, and what is wrong with them.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use strongroom_model::text::printable;
use strongroom_plugin::protocol::{Describe, Outcome, Problem, Report, Request, Retry};

/// Of a setting's name, which a person wrote.
const MAX_NAME_CHARS: usize = 40;

/// Reads the settings; or says which is wrong, and how.
pub(crate) fn read<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    let error = match serde_json::from_value::<T>(request.config.clone()) {
        Ok(config) => return Ok(config),
        Err(error) => error.to_string(),
    };
    let culprit = request.config.as_object().and_then(|object| culprit::<T>(object, &error));
    let (message, next_step) = explained(&error, culprit.as_deref());
    Err(Problem {
        pointer: culprit.map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1"))).unwrap_or_default(),
        message,
        next_step,
    })
}

/// Which setting is wrong, and what it may be: serde's words, of which the backticks would be escaped in a terminal.
fn explained(error: &str, culprit: Option<&str>) -> (String, String) {
    let quoted = |text: &str| text.split('`').nth(1).map(|name| printable(name, MAX_NAME_CHARS));
    if let Some((name, (_, known))) =
        quoted(error).filter(|_| error.starts_with("unknown field")).zip(error.split_once(", "))
    {
        let known = known.trim_start_matches("expected ").trim_start_matches("one of ").replace('`', "");
        let culprit = culprit.map(|culprit| printable(culprit, MAX_NAME_CHARS)).filter(|culprit| *culprit != name);
        let within = culprit.map(|culprit| format!(" in {culprit}"));
        return (
            format!("unknown setting \"{name}\"{}; expected {known}", within.unwrap_or_default()),
            format!("remove \"{name}\", or write it as one of these"),
        );
    }
    if let Some(name) = quoted(error).filter(|_| error.starts_with("missing field")) {
        return (format!("the setting \"{name}\" is missing"), format!("add \"{name}\" to the job's settings"));
    }
    let step = "correct the job's settings; `strongroom plugin describe` lists them".to_owned();
    match culprit {
        Some(culprit) => {
            (format!("the setting \"{}\" cannot be read: {error}", printable(culprit, MAX_NAME_CHARS)), step)
        }
        None => (format!("the settings cannot be read: {error}"), step),
    }
}

/// The setting without which the error is another one.
fn culprit<T: DeserializeOwned>(object: &Map<String, Value>, error: &str) -> Option<String> {
    object
        .keys()
        .find(|key| {
            let rest: Map<_, _> =
                object.iter().filter(|(other, _)| other != key).map(|(k, v)| (k.clone(), v.clone())).collect();
            serde_json::from_value::<T>(Value::Object(rest)).map_or_else(|other| other.to_string() != error, |_| true)
        })
        .cloned()
}

/// The report of an operation whose settings cannot be used.
pub(crate) fn unusable(problem: &Problem) -> Report {
    let message = printable(&problem.message, 270);
    Report::new(Outcome::Failed, format!("It did not start: {message}."))
        .because("settings-wrong")
        .next_step(problem.next_step.clone())
        .retry(Retry::Never)
}

/// The settings; or the report of an operation that cannot use them.
///
/// # Errors
/// The report.
pub(crate) fn settings<T: DeserializeOwned>(request: &Request) -> Result<T, Box<Report>> {
    read(request).map_err(|problem| Box::new(unusable(&problem)))
}

/// A problem with one setting.
pub(crate) fn problem(pointer: &str, message: impl Into<String>, next_step: impl Into<String>) -> Problem {
    Problem { pointer: pointer.to_owned(), message: message.into(), next_step: next_step.into() }
}

/// What a kind is; all know all operations but `check`, which has nothing to plan or to prove.
pub(crate) fn describe<T: JsonSchema>(name: &str, secrets: &[&str], may_delete: bool, example: Value) -> Describe {
    Describe {
        name: name.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        operations: ["describe", "validate", "plan", "run", "verify"].map(str::to_owned).to_vec(),
        config: serde_json::json!(schemars::schema_for!(T)),
        secrets: secrets.iter().map(|&name| name.to_owned()).collect(),
        platforms: Vec::new(),
        may_delete,
        examples: vec![example],
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;
    use strongroom_plugin::protocol::Operation;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        #[expect(dead_code, reason = "only read")]
        source: String,
        #[serde(default)]
        #[expect(dead_code, reason = "only read")]
        parts: Option<u16>,
    }

    #[test]
    fn the_setting_that_is_wrong_is_pointed_at() {
        for (config, pointer) in [
            (json!({"source": 3}), "/source"),
            (json!({"source": "/a", "parts": "x"}), "/parts"),
            (json!({"source": "/a", "a/b": 1}), "/a~1b"),
            (json!({}), ""),
            (json!("x"), ""),
        ] {
            let request = Request { config, ..Request::new(Operation::Validate) };
            assert_eq!(read::<Settings>(&request).unwrap_err().pointer, pointer, "{:?}", request.config);
        }
    }

    #[test]
    fn the_message_says_which_setting_and_which_there_are() {
        let long = "x".repeat(500);
        for (config, message, step) in [
            (
                json!({"source": "/a", "colour": 1}),
                "unknown setting \"colour\"; expected source or parts",
                "remove \"colour\"",
            ),
            (json!({"source": "/a", "co\u{1b}l": 1}), "unknown setting \"co\\u{1b}l\"; expected", "remove"),
            (json!({"source": "/a", (long): 1}), "expected source or parts", "remove"),
            (json!({}), "the setting \"source\" is missing", "add \"source\""),
            (
                json!({"source": "/a", "parts": "x"}),
                "the setting \"parts\" cannot be read: invalid type",
                "plugin describe",
            ),
            (json!("x"), "the settings cannot be read", "plugin describe"),
        ] {
            let request = Request { config, ..Request::new(Operation::Validate) };
            let problem = read::<Settings>(&request).unwrap_err();
            assert!(problem.message.contains(message), "{}", problem.message);
            assert!(problem.next_step.contains(step), "{}", problem.next_step);
            let report = unusable(&problem);
            assert!(report.sentence.contains(message) && report.sentence.chars().count() <= 300, "{}", report.sentence);
        }
    }
}

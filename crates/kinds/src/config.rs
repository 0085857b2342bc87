//! A job's settings, and what is wrong with them.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use strongroom_plugin::protocol::{Describe, Outcome, Problem, Report, Request, Retry};

/// Reads the settings; or says which is wrong, and how.
pub(crate) fn read<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    let error = match serde_json::from_value::<T>(request.config.clone()) {
        Ok(config) => return Ok(config),
        Err(error) => error.to_string(),
    };
    let culprit = request.config.as_object().and_then(|object| culprit::<T>(object, &error));
    Err(Problem {
        pointer: culprit.map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1"))).unwrap_or_default(),
        message: format!("the settings cannot be read: {error}"),
        next_step: "correct the job's settings; `strongroom plugin describe` lists them".to_owned(),
    })
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
    let message = strongroom_model::text::printable(&problem.message, 250);
    Report::new(Outcome::Failed, format!("It did not start: {message}."))
        .because("settings-wrong")
        .next_step(problem.next_step.clone())
        .retry(Retry::Never)
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
}

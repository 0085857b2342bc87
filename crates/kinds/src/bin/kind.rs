//! `kind rsync`: serves one request for a built-in kind on standard input and output, as a plugin of its own would.

use std::process::ExitCode;

use strongroom_kinds::{Around, BuiltIn};
use strongroom_service::Clock;

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    let around = Around::new(std::env::var_os("PATH").unwrap_or_default(), Clock::system());
    match BuiltIn::named(&name, around) {
        Some(kind) => strongroom_plugin::serve_stdio(&kind).into(),
        None => ExitCode::from(64),
    }
}

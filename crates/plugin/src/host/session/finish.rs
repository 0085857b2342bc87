//! The verdict, the detail file, and what becomes of the working directory.

use strongroom_model::text::printable;
use strongroom_service::blocking;

use super::Watched;
use crate::host::detail;
use crate::host::ended::Ended;
use crate::host::launch::Launch;
use crate::host::verdict::{End, Facts, Verdict, judge};
use crate::host::workdir::Workdir;
use crate::protocol::{Operation, Outcome, Request};

/// Of the line that names the program and its arguments.
const MAX_COMMAND_CHARS: usize = 1000;

pub(super) async fn finish(
    launch: &Launch,
    request: &Request,
    watched: Watched<'_>,
    mut workdir: Workdir,
    keeps_workdir: bool,
) -> Ended {
    let mut captured = watched.captured;
    let mut verdict = judge(
        &captured.seen,
        &Facts {
            operation: Operation::named(&request.op),
            offered: &request.protocol,
            max_delete: request.limits.max_delete,
            end: watched.end,
            stop: watched.stop,
            was_killed: watched.was_killed,
            left_behind: watched.left_behind,
            last_lines: captured.last_lines.make_contiguous(),
            looks_like_utf16: captured.looks_like_utf16,
        },
    );
    let (stdout_bytes, stderr_bytes) = (captured.stdout_bytes(), captured.stderr_bytes());
    let seen = captured.seen;
    let detail = match &launch.detail {
        None => None,
        Some(path) => {
            let (path, head) = (path.clone(), head(launch, request, watched.end, &verdict));
            let (stdout, stderr) = (captured.stdout, captured.stderr);
            match blocking(move || detail::write(&path, &head, &stdout, &stderr)).await {
                Ok(detail) => Some(detail),
                Err(error) => {
                    verdict.notes.push(format!("The detail file could not be written: {error}."));
                    None
                }
            }
        }
    };
    let is_kept = keeps_workdir || verdict.report.outcome == Outcome::Failed;
    let kept = blocking(move || if is_kept { workdir.keep() } else { None }).await;
    Ended {
        verdict,
        hello: seen.hello,
        items: seen.items,
        items_total: seen.items_total,
        state: seen.state,
        detail,
        end: watched.end,
        stop: watched.stop,
        workdir: kept,
        stray_lines: seen.stray_lines,
        cut_lines: seen.cut_lines,
        malformed: seen.malformed,
        left_behind: watched.left_behind,
        stdout_bytes,
        stderr_bytes,
    }
}

/// The first lines of the detail file.
fn head(launch: &Launch, request: &Request, end: End, verdict: &Verdict) -> Vec<String> {
    let words: Vec<_> = launch.argv.iter().map(|word| word.to_string_lossy()).collect();
    let end = match end {
        End::Code(code) => format!("exit code {code}"),
        End::Signal(signal) => format!("signal {signal}"),
        End::Stuck => "did not end".to_owned(),
    };
    let mut head = vec![
        format!("job {}, run {}, operation {}", request.job, request.run, request.op),
        printable(&format!("command: {}", words.join(" ")), MAX_COMMAND_CHARS),
        format!("ended: {end}"),
        format!("verdict: {}: {}", verdict.report.outcome.name(), verdict.report.sentence),
    ];
    head.extend(verdict.notes.iter().map(|note| format!("note: {note}")));
    head
}

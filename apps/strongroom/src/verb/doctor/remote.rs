//! What is looked at elsewhere: the document server, the mail server.

use std::time::Duration;

use strongroom_model::FailureKind;
use strongroom_notify::{Post, Settings};
use strongroom_service::{Clock, Config, MAX_SKEW as WRONG};
use strongroom_source::{ServerHealth, Source, SourceError};

use super::check::Check;
use super::host::whole;
use crate::cli_error::CliError;
use crate::site;

/// By how much two clocks may differ before a person should know: signatures and schedules
/// tolerate less than this.
const MAX_SKEW: Duration = Duration::from_secs(60);

/// The document server: whether it answers, and takes our token.
pub(super) async fn server(config: &Config, clock: &Clock) -> Vec<Check> {
    let source = match site::source(config) {
        Ok(source) => source,
        Err(error) => return vec![Check::error("document server", &error)],
    };
    let health = match source.health().await {
        Ok(health) => health,
        Err(error) => return vec![failed("document server", error)],
    };
    let listed = match source.waiting(1, None).await {
        Ok(page) => Check::well("token", format!("it is taken; {} bookings wait", page.waiting)),
        Err(error) => failed("token", error),
    };
    vec![answers(&source.server().to_string(), health), listed, clocks(&source, clock).await]
}

fn answers(server: &str, health: ServerHealth) -> Check {
    let answers = format!("{server} answers");
    let disks = match health.mounts_below {
        0 => return Check::well("document server", answers),
        1 => "1 folder below its document root is a disk of its own".to_owned(),
        more => format!("{more} folders below its document root are disks of their own"),
    };
    Check::warning(
        "document server",
        format!("{answers}; {disks}, so that a file that is archived to or from it is copied, proven and then deleted"),
        "nothing, if it is meant so; such a file takes longer and, for a while, the room of both (the server's log names the folders)",
    )
}

/// What goes to other hosts without encryption, passwords and tokens among it.
pub(super) fn in_the_clear(config: &Config) -> Vec<Check> {
    let check = |(key, host): (&str, String)| {
        Check::warning(
            "encryption",
            format!("what goes to {host} can be read on the way, passwords and tokens too ({key})"),
            "use https:// and amqps://, or a tunnel that ends on this host",
        )
    };
    site::in_the_clear(config).into_iter().map(check).collect()
}

async fn clocks(source: &Source, clock: &Clock) -> Check {
    let there = match source.time().await {
        Ok(Some(there)) => there,
        Ok(None) => return Check::well("clock", "the server does not say what time it is there"),
        Err(error) => return failed("clock", error),
    };
    let skew = clock.now().duration_since(there).abs();
    if skew > jiff::SignedDuration::try_from(MAX_SKEW).unwrap_or(jiff::SignedDuration::MAX) {
        let found = format!("this host's clock and the server's differ by {}", whole(skew));
        let step = "set both by NTP (timedatectl set-ntp true): months and nights go by them";
        let is_wrong = skew > jiff::SignedDuration::try_from(WRONG).unwrap_or(jiff::SignedDuration::MAX);
        return if is_wrong { Check::bad("clock", found, step) } else { Check::warning("clock", found, step) };
    }
    Check::well("clock", "this host's and the server's agree")
}

fn failed(name: &'static str, error: SourceError) -> Check {
    let step = error.next_step();
    Check::bad(name, error.into_obstacle().message, step)
}

/// The next step for a mail server that takes no mails. The failure's own names `doctor`, which runs already.
fn mail_step(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::MailUnreachable => {
            "see that the mail server runs and that this host reaches it; mails wait in the log until it does"
        }
        other => other.step(),
    }
}

/// Whether a mail could be handed over; none is.
pub(super) async fn mail(config: &Config) -> Check {
    let settings = match Settings::from_config(config) {
        Ok(settings) => settings,
        Err(error) => return Check::error("mail", &CliError::from(error).next_step("see [mail] in strongroom.toml")),
    };
    match settings.post {
        Post::Folder(_) => Check::warning(
            "mail",
            "no mail server is set: mails are written to a folder, as .eml files",
            "set mail.smtp.host and mail.to, so that somebody hears of problems",
        ),
        Post::Smtp(smtp) => {
            let host = config.mail.smtp.host.as_deref().unwrap_or_default();
            let port = config.mail.smtp.port();
            match smtp.check(&settings.addresses).await {
                Ok(tried) if tried.refused.is_empty() && tried.put_off.is_empty() => {
                    Check::well("mail", format!("{host}:{port} answers, and takes our login and the recipients"))
                }
                Ok(tried) => {
                    let found = format!("{host}:{port} answers, but {}", tried.not_reached());
                    let step = "correct mail.to, or have the mail server take mails for that address";
                    if tried.taken.is_empty() {
                        Check::bad("mail", found, step)
                    } else {
                        Check::warning("mail", found, step)
                    }
                }
                Err(error) => Check::bad("mail", format!("{host}:{port}: {error}"), mail_step(error.failure_kind())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_below_the_document_root_are_told_with_what_follows() {
        let said = |mounts_below| answers("https://documents.example.org", ServerHealth { mounts_below }).found;
        assert_eq!(said(0), "https://documents.example.org answers");
        assert!(said(1).contains("; 1 folder below its document root is a disk of its own, so that"), "{}", said(1));
        assert!(said(2).contains("; 2 folders below its document root are disks of their own, so that"), "{}", said(2));
        assert!(said(2).contains("copied, proven and then deleted"), "{}", said(2));
    }
}

//! `strongroom log adopt`: a person decides to go on from a log that lost its newest events.

use std::io;

use strongroom_bus::Alarms;
use strongroom_eventlog::EventLog;
use strongroom_model::event::{AlarmKey, SummaryComposed, SummarySent};
use strongroom_model::{Actor, Event, Expected, NewEvent, Position, Recorded, StreamName, Version};
use strongroom_notify::last_composed;
use strongroom_proof::Head;
use strongroom_proof::merkle::Frontier;
use strongroom_service::actor::person;
use strongroom_service::{Clock, Config, blocking, kill_point};

use crate::checkpoint::{self, Rewound, places};
use crate::cli_error::{CliError, ErrorContext as _};
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

/// Three years of nights.
const MAX_SUMMARIES: u64 = 1_000;

/// Who took a summary whose sending was lost with the log's end.
const RECEIPT: &str = "mailed before the log lost its newest events";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom log adopt --reason 'the database was restored from Monday; nothing newer exists'

Every process of the site refuses a log that is shorter than a checkpoint of it, or another one, until this says
that it is to be gone on from. First look for a newer copy: what the lost events recorded is not known to this log.")]
pub(crate) struct Args {
    /// Why: it is recorded with your name and the host's
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}

pub(crate) async fn run(args: &Args, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let log = site::unchecked_log(config).await?;
    let adopted = adopt(args, config, &log).await;
    log.close().await;
    match adopted? {
        None => out.line("the log goes on from every checkpoint of it: nothing is to be decided")?,
        Some(rewound) => {
            out.line(format_args!("gone on from this log, though {}", rewound.sentence))?;
            out.line(
                "Next: strongroom log recover, which claims again what the server archived since; strongroom doctor. A drive \
                 that was away may ask once more when it is mounted",
            )?;
        }
    }
    out.flush()?;
    Ok(Exit::Well)
}

/// If we stop anywhere in it, the alarm about the log is raised and nobody appends to the log until this is done
/// again, which finds what was recorded. So the alarm's end comes last.
async fn adopt(args: &Args, config: &Config, log: &EventLog) -> Result<Option<Rewound>, CliError> {
    let Some(rewound) = checkpoint::check(config, log).await? else { return Ok(None) };
    let (clock, actor) = (Clock::system(), person());
    checkpoint::raise(log, &rewound).await?;
    // If we stop here, the decision is not recorded: all processes refuse the log, as before.
    kill_point!("adopt.alarm-raised");
    let last = newest_summary(config, log).await.max(rewound.summary);
    use_up(log, last, &clock, &actor).await?;
    let key = AlarmKey::log_rewound();
    // Before the alarm's end, or its beginning would be mailed again.
    if let Some((expected, notified)) = checkpoint::mailed(config, log).await? {
        let told = Event::AlarmNotified(notified);
        append(log, vec![(StreamName::alarm(&key), expected, told)], &clock, &actor).await?;
    }
    // If we stop here, the beginning counts as mailed in the log as well: nobody mails it again.
    kill_point!("adopt.mail-recorded");
    let (places, now) = (checkpoint::places_to_write(config, log).await, checkpoint::now(log).await?);
    let now = checkpoint::signed(now, checkpoint::key_if_any(config, log).await.as_ref());
    let write_all = move || -> io::Result<()> {
        for place in &places {
            place.write(&now)?;
            // If we stop here, some folders have forgotten the lost events: the alarm still holds, and the mailed
            // numbers are used up.
            kill_point!("adopt.checkpoint-kept");
        }
        Ok(())
    };
    blocking(write_all).await.context("the new checkpoint could not be kept")?;
    let message = format!("{actor} decided to go on from this log, though {}: {}", rewound.sentence, args.reason);
    Alarms::new(log.clone(), clock, actor).clear(&key, &message, None).await?;
    // If we stop here, all is decided. The kept mail is of an alarm that is over: nobody reads it.
    kill_point!("adopt.alarm-cleared");
    checkpoint::forget_mailed(config, log.site()).await.context("what was mailed could not be forgotten")?;
    Ok(Some(rewound))
}

async fn newest_summary(config: &Config, log: &EventLog) -> u64 {
    let (config, site) = (config.clone(), log.site().clone());
    let kept = move || {
        places(&config).iter().filter_map(|place| place.read(&site)).map(|kept| kept.checkpoint().summary).max()
    };
    blocking(kept).await.unwrap_or(0)
}

/// Each mailed number becomes an empty interval that counts as sent. So the intervals tile the log, and no number is
/// mailed twice.
async fn use_up(log: &EventLog, last: u64, clock: &Clock, actor: &Actor) -> Result<(), CliError> {
    let composed = last_composed(log).await?.map(|(composed, _)| composed);
    let known = composed.as_ref().map_or(0, |composed| composed.number);
    let to = composed.as_ref().map_or(Position(0), |composed| composed.to);
    // Over the events before `to`, as in every summary.
    let root =
        composed.map_or_else(|| Head { size: 0, root: Frontier::default().root() }.root_base64(), |one| one.root);
    for number in (1..=known).rev().take(MAX_SUMMARIES as usize) {
        let stream = StreamName::summary(number);
        let history = log.stream(&stream).await?;
        let is_sent = history.iter().any(|event| matches!(event.event, Event::SummarySent(_)));
        if number <= last
            && !is_sent
            && let Some(sent) = history.last().and_then(|tail| sent(&history, tail))
        {
            append(log, vec![(stream, Expected::After(sent.1), sent.0)], clock, actor).await?;
            // If we stop here, this one counts as sent; those before it are checked again.
            kill_point!("adopt.summary-sent");
        }
    }
    for number in known + 1..=last.min(known.saturating_add(MAX_SUMMARIES)) {
        let stream = StreamName::summary(number);
        let message_id = format!("lost-summary-{number}.{}@strongroom.internal", log.site());
        let composed = SummaryComposed {
            number,
            from: to,
            to,
            root: root.clone(),
            title: "a time whose events were lost with the log's end".to_owned(),
            message_id: message_id.clone(),
        };
        let sent = SummarySent { message_id, receipt: RECEIPT.to_owned() };
        let events = vec![
            (stream.clone(), Expected::New, Event::SummaryComposed(composed)),
            (stream, Expected::After(Version(0)), Event::SummarySent(sent)),
        ];
        // Both at once: a number without its end would be mailed.
        append(log, events, clock, actor).await?;
        // If we stop here, the next attempt continues with the next number.
        kill_point!("adopt.number-used");
    }
    Ok(())
}

fn sent(history: &[Recorded], last: &Recorded) -> Option<(Event, Version)> {
    let Event::SummaryComposed(composed) = &history.first()?.event else { return None };
    let sent = SummarySent { message_id: composed.message_id.clone(), receipt: RECEIPT.to_owned() };
    Some((Event::SummarySent(sent), last.version))
}

async fn append(
    log: &EventLog,
    events: Vec<(StreamName, Expected, Event)>,
    clock: &Clock,
    actor: &Actor,
) -> Result<(), CliError> {
    let time = clock.now();
    let new = |(stream, expected, event)| NewEvent::new(stream, expected, time, actor.clone(), event);
    log.append(events.into_iter().map(new).collect()).await?;
    Ok(())
}

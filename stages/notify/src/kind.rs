//! Kinds of alarms, in words.

use strongroom_model::AlarmKind;

/// Every kind, the worst first.
const ALL: [AlarmKind; 16] = [
    AlarmKind::CopyLost,
    AlarmKind::DriveFailing,
    AlarmKind::DriveFull,
    AlarmKind::DriveMissing,
    AlarmKind::DriveUnknown,
    AlarmKind::DriveReadOnly,
    AlarmKind::ServerUnreachable,
    AlarmKind::ServerRefuses,
    AlarmKind::ServerConfused,
    AlarmKind::BrokerUnreachable,
    AlarmKind::BrokerTopology,
    AlarmKind::NoWorker,
    AlarmKind::RunOverdue,
    AlarmKind::MessageParked,
    AlarmKind::ServerForgot,
    AlarmKind::RecordWrong,
];

/// How bad it is; the least is the worst.
pub(crate) fn severity(kind: AlarmKind) -> usize {
    ALL.into_iter().position(|known| known == kind).unwrap_or(0)
}

/// The kind of alarm whose stream has that id, such as `drive-missing.<drive>`.
pub(crate) fn of_stream(id: &str) -> Option<AlarmKind> {
    let code = id.split('.').next().unwrap_or_default();
    ALL.into_iter().find(|kind| kind.code() == code)
}

/// What it is called in the middle of a sentence.
pub(crate) fn in_a_sentence(kind: AlarmKind) -> String {
    let title = title(kind);
    let (first, rest) = title.split_at(1);
    format!("{}{rest}", first.to_lowercase())
}

/// What it is called in a heading.
pub(crate) const fn title(kind: AlarmKind) -> &'static str {
    match kind {
        AlarmKind::DriveMissing => "The drive is missing",
        AlarmKind::DriveUnknown => "The drive is not the right one",
        AlarmKind::DriveReadOnly => "The drive cannot be written to",
        AlarmKind::DriveFull => "The drive is full",
        AlarmKind::DriveFailing => "The drive reports errors",
        AlarmKind::ServerUnreachable => "The document server does not answer",
        AlarmKind::ServerRefuses => "The document server refuses our token",
        AlarmKind::ServerConfused => "The document server's answers make no sense",
        AlarmKind::RecordWrong => "A file on the server differs from its record",
        AlarmKind::ServerForgot => "The document server has forgotten backups",
        AlarmKind::RunOverdue => "A run is overdue",
        AlarmKind::CopyLost => "A proven copy is lost",
        AlarmKind::BrokerUnreachable => "The message broker cannot be used",
        AlarmKind::BrokerTopology => "A queue is missing or not ours",
        AlarmKind::MessageParked => "Messages were put aside",
        AlarmKind::NoWorker => "No worker takes the work that waits",
    }
}

/// What happens while it lasts, so that nobody has to guess whether something is lost.
pub(crate) const fn meanwhile(kind: AlarmKind) -> &'static str {
    match kind {
        AlarmKind::DriveMissing
        | AlarmKind::DriveUnknown
        | AlarmKind::DriveReadOnly
        | AlarmKind::DriveFull
        | AlarmKind::DriveFailing => {
            "Nothing is written until then. The files stay on the server, and work goes on by itself."
        }
        AlarmKind::ServerUnreachable | AlarmKind::ServerRefuses | AlarmKind::ServerConfused => {
            "It is asked again and again. The files stay where they are, and work goes on by itself."
        }
        AlarmKind::RecordWrong => "The file stays on the server. All other files go on.",
        AlarmKind::ServerForgot => "Their copies are proven and stay on the drive. Nothing is copied again.",
        AlarmKind::BrokerUnreachable | AlarmKind::BrokerTopology => {
            "What is to be done stands in the log. Nothing is lost, and work goes on by itself."
        }
        AlarmKind::MessageParked => "The log has the work they were about, and hands it out again. The rest goes on.",
        AlarmKind::NoWorker => "The files stay where they are until a worker runs.",
        AlarmKind::RunOverdue => "Nothing new is backed up until a run starts.",
        AlarmKind::CopyLost => "Nothing is deleted on the server on the strength of that copy.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_streams_id_tells_its_kind() {
        for kind in ALL {
            assert_eq!(of_stream(&format!("{}.some.subject", kind.code())), Some(kind));
        }
        assert_eq!(of_stream("of-a-later-version.x"), None);
        assert_eq!(in_a_sentence(AlarmKind::DriveFull), "the drive is full");
    }
}

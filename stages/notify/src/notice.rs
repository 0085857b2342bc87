use strongroom_model::alarm::Alarm;
use strongroom_model::summary::Summary;
use strongroom_model::{Fold, IllegalTransition, Recorded, SubjectKind};

/// The state of an alarm or a summary.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Notice {
    /// No event yet.
    #[default]
    Empty,
    /// An alarm.
    Alarm(Alarm),
    /// A summary.
    Summary(Summary),
}

impl Fold for Notice {
    fn next(self, event: &Recorded) -> Result<Self, IllegalTransition> {
        match (self, event.stream.kind()) {
            (Self::Alarm(alarm), SubjectKind::Alarm) => alarm.next(event).map(Self::Alarm),
            (Self::Summary(summary), SubjectKind::Summary) => summary.next(event).map(Self::Summary),
            (Self::Empty, SubjectKind::Alarm) => Alarm::default().next(event).map(Self::Alarm),
            (Self::Empty, SubjectKind::Summary) => Summary::default().next(event).map(Self::Summary),
            (state, _) => Err(state.refuse(&event.event)),
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Empty => "neither an alarm nor a summary".to_owned(),
            Self::Alarm(alarm) => alarm.describe(),
            Self::Summary(summary) => summary.describe(),
        }
    }

    fn attempt(&self) -> u32 {
        match self {
            Self::Empty => 1,
            Self::Alarm(alarm) => alarm.attempt(),
            Self::Summary(summary) => summary.attempt(),
        }
    }
}

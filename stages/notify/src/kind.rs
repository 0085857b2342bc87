use strongroom_model::AlarmKind;

/// The kind in a stream's id, such as `drive-missing.<drive>`.
pub(crate) fn of_stream(id: &str) -> Option<AlarmKind> {
    AlarmKind::of_code(id.split('.').next().unwrap_or_default())
}

pub(crate) fn in_a_sentence(kind: AlarmKind) -> String {
    let title = kind.title();
    let (first, rest) = title.split_at(1);
    format!("{}{rest}", first.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_streams_id_tells_its_kind() {
        for kind in AlarmKind::ALL {
            assert_eq!(of_stream(&format!("{}.some.subject", kind.code())), Some(*kind));
        }
        assert_eq!(of_stream("of-a-later-version.x"), None);
        assert_eq!(in_a_sentence(AlarmKind::DriveFull), "the drive is full");
    }
}

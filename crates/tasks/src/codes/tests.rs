use super::*;

fn meaning(code: u32) -> Meaning {
    decode(code, Surroundings::default())
}

#[test]
fn one_number_means_one_thing_on_each_side() {
    let codes = [
        0,
        1,
        2,
        5,
        255,
        259,
        3010,
        3221225786,
        267008,
        267009,
        267011,
        267014,
        0x41325,
        0x8004_131F,
        0x8004_1320,
        0x8007_0002,
        0x8007_0005,
        0x8007_010B,
        0x8007_04DD,
        0x8007_10E0,
        0x8007_052E,
        0x8007_0569,
        0x8007_FFFF,
        0xC000_0005,
        0xC000_0142,
        0xC0FF_EE00,
        0x4001_0004,
        0xE043_4352,
        0xFFFD_0000,
        0xFFFF_FFFF,
        0x8013_1500,
        0x8024_402C,
        6200,
        40000,
        0x1234_5678,
    ];
    let shown = |code: &u32| {
        let meaning = meaning(*code);
        let (hex, signed) = (meaning.hex(), meaning.signed());
        let name = meaning.name.unwrap_or("-");
        format!("{code} {hex} {signed} {name} {} {}: {}", meaning.side.name(), meaning.outcome.name(), meaning.words)
    };
    insta::assert_snapshot!(codes.iter().map(shown).collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_surroundings_decide_where_a_code_fits_two_readings() {
    let running = Surroundings { running: true, ..Surroundings::default() };
    assert_eq!(decode(259, running).outcome, Outcome::Running);
    assert_eq!(decode(267009, running).outcome, Outcome::Running);
    assert_eq!(decode(267009, Surroundings::default()).outcome, Outcome::Unclear);
    let never = Surroundings { never_ran: true, ..Surroundings::default() };
    assert_eq!(decode(1, never).outcome, Outcome::NotYetRun);
    let robocopy = Surroundings { success: &[1, 2, 3, 259], ..Surroundings::default() };
    assert_eq!(
        [1, 3, 259, 8].map(|code| decode(code, robocopy).outcome),
        [Outcome::Ok, Outcome::Ok, Outcome::Ok, Outcome::Failed]
    );
    let twisted = Surroundings { success: &[267014], ..Surroundings::default() };
    assert_eq!(
        decode(267014, twisted).outcome,
        Outcome::Terminated,
        "the scheduler's own code is not a program's success"
    );
}

#[test]
fn every_code_of_the_scheduler_is_named_once() {
    let mut codes: Vec<_> = scheduler::CODES.iter().map(|known| known.code).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), 44);
}

#[test]
fn only_success_is_ok() {
    let mut rng = fastrand::Rng::with_seed(3);
    let codes = (0..=0x1_0000).chain((0..200_000).map(|_| rng.u32(..)));
    for code in codes.filter(|code| ![0, 1641, 3010].contains(code)) {
        let meaning = meaning(code);
        assert_ne!(meaning.outcome, Outcome::Ok, "{code:#x}");
        assert!(!meaning.words.is_empty());
    }
}

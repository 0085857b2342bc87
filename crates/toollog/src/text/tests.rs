use proptest::prelude::*;

use super::*;

fn lines(bytes: &[u8], chunk: usize) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = Lines::default();
    for part in bytes.chunks(chunk) {
        lines.push(part, &mut |line| found.push(line.to_owned()));
    }
    lines.finish(&mut |line| found.push(line.to_owned()));
    found
}

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

#[test]
fn every_line_end_ends_a_line_once() {
    assert_eq!(lines(b"a\nb\r\nc\r\r\nd\re", 3), ["a", "b", "c", "d", "e"]);
}

#[test]
fn utf_16_is_read_in_either_order_with_and_without_a_mark() {
    let text = "Verzeich.: 25\r\n  Größe 😀 : 1\r\r\nEnde";
    let expected = ["Verzeich.: 25", "  Größe 😀 : 1", "Ende"];
    for unit in [u16::to_le_bytes, u16::to_be_bytes] {
        for mark in ["", "\u{feff}"] {
            for chunk in [1, 7, 4096] {
                assert_eq!(lines(&utf16(&format!("{mark}{text}"), unit), chunk), expected);
            }
        }
    }
}

#[test]
fn chinese_in_utf_16_is_recognised_by_its_line_ends() {
    let text = "\u{feff}".to_owned() + &"复制文件成功复制文件成功\r\n".repeat(2_000);
    let found = lines(&utf16(&text, u16::to_le_bytes), 4096);
    assert_eq!(found.len(), 2_000);
    assert!(found.iter().all(|line| line == "复制文件成功复制文件成功"));
}

#[test]
fn a_log_that_changes_its_encoding_is_read_on() {
    let mut bytes = utf16(&("\u{feff}".to_owned() + &"first line\r\n".repeat(2_000)), u16::to_le_bytes);
    bytes.extend("second line\n".repeat(3_000).bytes());
    bytes.extend(utf16(&"third line\r\n".repeat(2_000), u16::to_le_bytes));
    let found = lines(&bytes, 1000);
    for (line, count) in [("first line", 2_000), ("second line", 3_000), ("third line", 2_000)] {
        assert_eq!(found.iter().filter(|found| *found == line).count(), count, "{line}");
    }
}

#[test]
fn short_runs_in_other_encodings_are_read_on() {
    let wide = |text: &str, mark: &str| utf16(&format!("{mark}{text}"), u16::to_le_bytes);
    let swapped = |text: &str| utf16(&format!("\u{feff}{text}"), u16::to_be_bytes);
    for mark in ["", "\u{feff}"] {
        for bytes in [
            [wide("one line\r\n", mark), b"Killed\n".to_vec(), wide("three: 复制文件成功\r\n", mark)],
            [b"one line\n".to_vec(), wide("Killed\r\n", mark), "three: 复制文件成功\n".as_bytes().to_vec()],
            [wide("one line\r\n", mark), b"Killed\r\n".to_vec(), swapped("three: 复制文件成功\r\n")],
        ] {
            assert_eq!(lines(&bytes.concat(), 5), ["one line", "Killed", "three: 复制文件成功"], "{bytes:?}");
        }
    }
    assert_eq!(lines(&[wide("one\r\n", ""), b"end".to_vec()].concat(), 5).first().unwrap(), "one");
}

#[test]
fn a_code_page_is_lossy_and_harmless() {
    assert_eq!(lines(b"Schl\x81ssel\r\nZ\xfcrich", 5), ["Schl\u{fffd}ssel", "Z\u{fffd}rich"]);
}

#[test]
fn what_steers_a_terminal_is_left_out() {
    assert_eq!(lines(b"\r\x1b[2K{\"a\":1}\r\n\x1b[31;1mred\x1b[0m", 4), ["{\"a\":1}", "red"]);
}

#[test]
fn a_long_line_is_cut_and_counted() {
    let mut found = Vec::new();
    let mut lines = Lines::default();
    let long = vec![b'x'; MAX_LINE_BYTES * 3];
    lines.push(&long, &mut |line| found.push(line.len()));
    lines.push(b"\nnext\n", &mut |line| found.push(line.len()));
    assert_eq!(lines.finish(&mut |line| found.push(line.len())), 1);
    assert_eq!(found, [MAX_LINE_BYTES, 4]);
}

proptest! {
    #[test]
    fn any_bytes_are_read_the_same_however_they_arrive(bytes in proptest::collection::vec(any::<u8>(), 0..20_000), chunk in 1_usize..5_000) {
        prop_assert_eq!(lines(&bytes, chunk), lines(&bytes, 20_000));
    }

    #[test]
    fn text_in_utf_8_is_read_as_it_is(text in "[a-zäöü€😀 ]{1,40}") {
        prop_assert_eq!(lines(text.as_bytes(), 3).concat(), text.clone());
        let mut whole = Vec::new();
        Lines::default().push(format!("{}\n", text.repeat(500)).as_bytes(), &mut |line| whole.push(line.to_owned()));
        prop_assert!(whole.len() <= 1);
    }
}

//! Names that were made to break things: the file is kept under a harmless name beneath the
//! drive's root, its own name stays in the log, and nothing is written anywhere else.

use std::collections::BTreeSet;

use strongroom_model::{Event, Recorded};
use strongroom_tests::audit::{all_is_archived, events, files_below};
use strongroom_tests::proxy::{Fault, Response};
use strongroom_tests::site::Site;

fn hostile_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "../../etc/passwd",
        "/etc/passwd",
        "..",
        ".",
        "",
        " ",
        "a\0b.pdf",
        "bell\u{7}\u{1b}[31m.pdf",
        "two\nlines.pdf",
        "CON",
        "con.pdf",
        "a.",
        "a ",
        "FILE.pdf",
        "file.pdf",
        "\u{e9}.pdf",
        "e\u{301}.pdf",
        "invoice\u{202e}fdp.exe",
        "<script>alert(1)</script>.pdf",
        "x\r\nBcc: everyone@example.com\r\n.pdf",
        "C:\\Windows\\system32\\a.pdf",
        "a:b*c?d\"e|f.pdf",
        "manifest-sha256.txt",
        ".strongroom",
        "-rf",
        "%2e%2e%2f",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push(format!("{}.pdf", "n".repeat(300)));
    names.push("ü".repeat(150));
    names
}

/// The server's list, in which each booking has the next hostile name.
fn renamed() -> Fault {
    Fault::rewrite(|answer: &mut Response| {
        let mut list = answer.json();
        let names = hostile_names();
        for booking in list["bookings"].as_array_mut().unwrap() {
            // By the number in its own name, so that each keeps its hostile one in every list.
            let own = booking["filename"].as_str().unwrap();
            let number: usize = own.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap();
            booking["filename"] = names[number].clone().into();
        }
        answer.set_body(list.to_string());
    })
}

fn filenames(events: &[Recorded]) -> BTreeSet<String> {
    let enumerated = events.iter().filter_map(|event| match &event.event {
        Event::TimesheetEnumerated(data) => Some(data.filename.clone()),
        _ => None,
    });
    enumerated.collect()
}

#[test]
fn r9_hostile_names_are_backed_up_under_harmless_ones() {
    let names = hostile_names();
    let (site, _server) = Site::served(names.len());
    site.proxy.meddle("/v1/bookings/waiting", None, renamed());
    site.run_once().run().expect_code(0);
    let all = events(&site);
    assert_eq!(filenames(&all), names.into_iter().collect(), "the log keeps each name as it came");
    for path in files_below(site.drive()) {
        let name = path.file_name().unwrap().to_str().expect("a name on the drive is UTF-8");
        assert!(name.len() <= 255 && !name.ends_with(['.', ' ']), "{name:?}");
        assert!(!name.chars().any(|c| c.is_control() || "<>:\"\\|?*\u{202e}".contains(c)), "{name:?}");
    }
    all_is_archived(&site, all.iter().filter(|event| matches!(event.event, Event::TimesheetArchived(_))).count());
    assert_eq!(site.status()["bookings"]["archived"], hostile_names().len());
}

#[test]
fn r9_a_name_cannot_write_a_header_or_a_tag_into_a_mail() {
    let (site, _server) = Site::served(hostile_names().len());
    site.proxy.meddle("/v1/bookings/waiting", None, renamed());
    // Every file fails, so that the mail names them.
    site.proxy.meddle("/timesheet ", None, Fault::status(404));
    site.run_once().run().expect_code(2);
    let mails = site.mailbox().mails();
    assert!(!mails.is_empty());
    for mail in mails {
        assert_eq!(mail.header("Bcc"), None, "{}", mail.text);
        let html = mail.part("text/html");
        assert!(html.contains("</html>") && !html.contains("<script"), "{html}");
        for part in [html, mail.part("text/plain")] {
            assert!(!part.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{part}");
        }
    }
}

//! Filling the server from a list.

use std::fs;
use std::path::PathBuf;

use strongroom_model::wire::AnswerOutcome;
use strongroom_model::{Algorithm, Digest};
use strongroom_server::import::{ImportError, ImportReport, import_csv};

use super::rig::Rig;

async fn try_import(rig: &Rig, list: impl AsRef<[u8]>) -> Result<ImportReport, ImportError> {
    let path = path(rig);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, list).unwrap();
    import_csv(rig.documents(), &path, |_| {}).await
}

fn path(rig: &Rig) -> PathBuf {
    rig.dir.path().join("export/bookings.csv")
}

async fn import(rig: &Rig, list: &str) -> ImportReport {
    try_import(rig, list).await.unwrap()
}

fn why(report: &ImportReport) -> Vec<String> {
    report.skips.iter().map(|remark| format!("{}: {}", remark.what, remark.why)).collect()
}

#[tokio::test]
async fn a_list_gives_ids_dates_digests_and_names() {
    let rig = Rig::start().await;
    fs::write(rig.file("a.pdf"), "a").unwrap();
    fs::create_dir_all(rig.dir.path().join("export/scans")).unwrap();
    fs::write(rig.dir.path().join("export/scans/b.pdf"), "b").unwrap();
    let md5 = Digest::of(Algorithm::Md5, b"b");
    let list = format!(
        "id,path,signed_off_at,digest,filename\n\
         B-1,a.pdf,2026-11-20T14:30:00+01:00,,Week 47.pdf\n\
         B-2,scans/b.pdf,2026-11-19,{md5},\n"
    );
    let report = import(&rig, &list).await;
    assert_eq!((report.imported, report.skipped, report.warned), (2, 0, 0), "{report:?}");

    let waiting = rig.waiting("").await.bookings;
    assert_eq!((waiting[0].id.as_str(), waiting[0].filename.as_str()), ("B-2", "b.pdf"));
    assert_eq!(waiting[0].digest, md5.to_string());
    assert_eq!(waiting[0].signed_off_at.to_string(), "2026-11-19T00:00:00Z");
    assert_eq!((waiting[1].id.as_str(), waiting[1].filename.as_str()), ("B-1", "Week 47.pdf"));
    assert_eq!(waiting[1].signed_off_at.to_string(), "2026-11-20T13:30:00Z");
    assert_eq!(rig.files(), ["a.pdf", "imported/bookings/scans/b.pdf"]);

    let again = import(&rig, &list).await;
    assert_eq!((again.imported, again.already, again.skipped), (0, 2, 0), "{again:?}");
}

#[tokio::test]
async fn an_archived_bookings_line_changes_nothing() {
    let rig = Rig::start().await;
    fs::write(rig.file("a.pdf"), "a").unwrap();
    let list = "id,path,signed_off_at\nB-1,a.pdf,2026-11-20\n";
    assert_eq!(import(&rig, list).await.imported, 1);
    rig.mark_one("B-1").await;
    assert_eq!(rig.move_to_archived(&["B-1"]).await[0].outcome, AnswerOutcome::Done);
    let again = import(&rig, list).await;
    assert_eq!((again.already, again.skipped), (1, 0), "{again:?}");
}

#[tokio::test]
async fn each_bad_line_is_named_and_keeps_no_other_from_being_taken() {
    let rig = Rig::start().await;
    for name in ["a.pdf", "b.pdf"] {
        fs::write(rig.file(name), name).unwrap();
    }
    fs::create_dir_all(rig.file("folder")).unwrap();
    fs::create_dir_all(rig.file("archived/2026-10")).unwrap();
    fs::write(rig.file("archived/2026-10/z.pdf"), "z").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", rig.file("link")).unwrap();
    let report = import(
        &rig,
        "id,path,signed_off_at,digest\n\
         B-1,a.pdf,2026-11-20,\n\
         B-1,b.pdf,2026-11-20,\n\
         ../x,b.pdf,2026-11-20,\n\
         B-3,nowhere.pdf,2026-11-20,\n\
         B-4,b.pdf,20.11.2026,\n\
         B-5,b.pdf,2026-11-20,crc32:0000\n\
         B-6,../../etc/passwd,2026-11-20,\n\
         B-7,/etc/passwd,2026-11-20,\n\
         B-8,folder,2026-11-20,\n\
         B-9,link,2026-11-20,\n\
         B-10,archived/2026-10/z.pdf,2026-11-20,\n\
         B-11,a.pdf,2026-11-20,\n\
         B-12,b.pdf\n\
         B-13,b.pdf,2026-11-20,\n",
    )
    .await;
    let why = why(&report);
    assert_eq!((report.imported, report.skipped), (2, 12), "{why:#?}");
    for (part, line) in [
        "line 3 (B-1): its id is on line 2 already",
        "line 4: \"../x\" is not a booking id",
        "line 5 (B-3): there is no file nowhere.pdf",
        "line 6: \"20.11.2026\" is not a time",
        "line 7: unknown digest algorithm \"crc32\"",
        "line 8 (B-6): ../../etc/passwd: the path has a part that is empty, `.`, `..`",
        "line 9 (B-7): /etc/passwd is neither below",
        "line 10 (B-8): folder is not a regular file",
        "line 11 (B-9): link is not a regular file",
        "line 12 (B-10): archived/2026-10/z.pdf is the document server's own",
        "line 13 (B-11): its file is booking B-1's already",
        "line 14: it has 2 fields",
    ]
    .iter()
    .zip(&why)
    {
        assert!(line.contains(part), "{part} is not in {line}");
    }
}

#[tokio::test]
async fn a_wrong_digest_is_kept_and_reported_and_may_be_corrected() {
    let rig = Rig::start().await;
    fs::write(rig.file("a.pdf"), "a").unwrap();
    let wrong = Digest::of(Algorithm::Sha256, b"other");
    let report = import(&rig, &format!("id,path,signed_off_at,digest\nB-1,a.pdf,2026-11-20,{wrong}\n")).await;
    assert_eq!((report.imported, report.warned), (1, 1));
    assert!(report.warnings[0].why.contains("it is kept as it is given"), "{report:?}");
    assert_eq!(rig.info("B-1").await.timesheet.unwrap().digest, wrong.to_string());

    let wrong_too = Digest::of(Algorithm::Sha256, b"another");
    let report = import(&rig, &format!("id,path,signed_off_at,digest\nB-1,a.pdf,2026-11-20,{wrong_too}\n")).await;
    assert_eq!((report.corrected, report.skipped), (0, 1));
    let right = Digest::of(Algorithm::Sha512, b"a");
    let report = import(&rig, &format!("id,path,signed_off_at,digest\nB-1,a.pdf,2026-11-20,{right}\n")).await;
    assert_eq!((report.corrected, report.skipped), (1, 0), "{report:?}");
    assert_eq!(rig.info("B-1").await.timesheet.unwrap().digest, right.to_string());
}

#[tokio::test]
async fn a_copys_digest_is_corrected_by_the_copy_not_by_its_original() {
    let rig = Rig::start().await;
    let original = path(&rig).with_file_name("b.pdf");
    fs::create_dir_all(original.parent().unwrap()).unwrap();
    fs::write(&original, "b").unwrap();
    let list = |digest: Digest| format!("id,path,signed_off_at,digest\nB-1,b.pdf,2026-11-20,{digest}\n");
    assert_eq!(import(&rig, &list(Digest::of(Algorithm::Md5, b"wrong"))).await.warned, 1);
    fs::write(&original, "changed since").unwrap();
    let report = import(&rig, &list(Digest::of(Algorithm::Sha256, b"changed since"))).await;
    assert_eq!((report.corrected, report.skipped), (0, 1), "{report:?}");
    let report = import(&rig, &list(Digest::of(Algorithm::Sha256, b"b"))).await;
    assert_eq!((report.corrected, report.skipped), (1, 0), "{report:?}");
}

#[tokio::test]
async fn the_first_line_must_name_the_columns() {
    let rig = Rig::start().await;
    for (list, why) in [
        ("", "the list is empty"),
        ("B-1,a.pdf,2026-11-20\n", "it has the unknown column \"b-1\""),
        ("id,path\n", "it lacks the column signed_off_at"),
    ] {
        let error = try_import(&rig, list).await.unwrap_err().to_string();
        assert!(error.contains(why) && error.contains("id,path,signed_off_at,digest,filename"), "{error}");
    }
}

#[tokio::test]
async fn semicolons_quotes_and_a_byte_order_mark_are_read() {
    let rig = Rig::start().await;
    fs::write(rig.file("a;b.pdf"), "a").unwrap();
    let report = import(&rig, "\u{feff}id;path;signed_off_at\r\nB-1;\"a;b.pdf\";2026-11-20\r\n").await;
    assert_eq!((report.imported, report.skipped), (1, 0), "{report:?}");
}

#[tokio::test]
async fn a_path_that_may_mean_two_files_is_refused() {
    let rig = Rig::start().await;
    fs::create_dir_all(path(&rig).parent().unwrap()).unwrap();
    fs::write(rig.file("a.pdf"), "a").unwrap();
    fs::write(path(&rig).with_file_name("a.pdf"), "other").unwrap();
    let report = import(&rig, "id,path,signed_off_at\nB-1,a.pdf,2026-11-20\n").await;
    assert!(why(&report)[0].contains("write the whole path"), "{report:?}");
    let list = format!("id,path,signed_off_at\nB-1,{},2026-11-20\n", rig.file("a.pdf").display());
    assert_eq!(import(&rig, &list).await.imported, 1);
}

#[tokio::test]
async fn the_list_in_the_readme_is_one() {
    let rig = Rig::start().await;
    fs::create_dir(rig.file("2026")).unwrap();
    fs::write(rig.file("2026/week-47.pdf"), "47").unwrap();
    fs::write(rig.file("2026/week-48.pdf"), "abc").unwrap();
    let readme = include_str!("../../README.md");
    let list = readme.split("```csv\n").nth(1).unwrap().split("```").next().unwrap();
    let report = import(&rig, list).await;
    assert_eq!((report.imported, report.skipped, report.warned), (2, 0, 0), "{report:?}");
}

fn with_files(rig: &Rig, count: u32) {
    for number in 1..=count {
        fs::write(rig.file(&format!("w{number}.pdf")), format!("week {number}")).unwrap();
    }
}

#[tokio::test]
async fn a_quotation_mark_that_is_not_closed_takes_no_other_line_with_it() {
    let rig = Rig::start().await;
    with_files(&rig, 6);
    let list = "id,path,signed_off_at,filename\n\
                B-1,w1.pdf,2026-11-20,a\n\
                B-2,w2.pdf,2026-11-20,\"Week 48\n\
                B-3,w3.pdf,2026-11-20,c\n\
                B-4,w4.pdf,2026-11-20,d\n\
                B-5,w5.pdf,2026-11-20,\"e\"\n\
                B-6,w6.pdf,2026-11-20,e\"\n";
    let report = import(&rig, list).await;
    assert_eq!((report.imported, report.skipped), (5, 1), "{report:?}");
    assert!(why(&report)[0].starts_with("line 3: a quotation mark is opened and not closed"), "{report:?}");
    assert_eq!(rig.waiting("").await.bookings.len(), 5);
}

#[tokio::test]
async fn a_list_is_read_as_spreadsheets_write_it() {
    let name = "Mä rz.pdf";
    for list in [
        "id;path;signed_off_at\rB-1;w1.pdf;2026-11-20\rB-2;Mä rz.pdf;2026-11-20\r".to_owned(),
        "sep=;\nid;path;signed_off_at\nB-1;w1.pdf;2026-11-20\nB-2;Mä rz.pdf;2026-11-20\n".to_owned(),
        "sep=,\r\nid,path,signed_off_at\r\nB-1, w1.pdf ,2026-11-20\r\nB-2,Mä rz.pdf,2026-11-20\r\n".to_owned(),
        "id\tpath\tsigned_off_at\nB-1\tw1.pdf\t2026-11-20\nB-2\tMä rz.pdf\t2026-11-20\n".to_owned(),
        "\u{feff}ID,Path,signed_off_at,,\nB-1,w1.pdf,2026-11-20,,\n,,,,\nB-2,Mä rz.pdf,2026-11-20,,\n,,,,\n".to_owned(),
        // The list has composed characters, the folder decomposed ones.
        "id,path,signed_off_at\nB-1,w1.pdf,2026-11-20\nB-2,M\u{e4} rz.pdf,2026-11-20".to_owned(),
        "id,path,signed_off_at\nB-1,w1.pdf,2026-11-20\nB-2,Ma\u{308} rz.pdf,2026-11-20".to_owned(),
    ] {
        let rig = Rig::start().await;
        with_files(&rig, 1);
        let decomposed: String = name.replace('ä', "a\u{308}");
        fs::write(rig.file(if list.contains("a\u{308}") { name } else { &decomposed }), "m").unwrap();
        let report = import(&rig, &list).await;
        assert_eq!((report.imported, report.skipped), (2, 0), "{list:?}: {report:?}");
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_says_how_to_save_it() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let list = "id,path,signed_off_at\nB-1,w1.pdf,2026-11-20\n";
    for (bytes, part) in [
        ([vec![0xff, 0xfe], utf16(list)].concat(), "UTF-16"),
        (utf16(list), "UTF-16"),
        (b"sep=;\n".to_vec(), "empty after its first line"),
        (b"".to_vec(), "empty"),
        (b"id|path|signed_off_at\n".to_vec(), "unknown column \"id|path|signed_off_at\""),
        (b"\"id,path,signed_off_at\nB-1,w1.pdf,2026-11-20\n".to_vec(), "not closed"),
    ] {
        let rig = Rig::start().await;
        let error = try_import(&rig, &bytes).await.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    // A line in another encoding is that line's alone.
    let rig = Rig::start().await;
    with_files(&rig, 2);
    let latin1 = b"id,path,signed_off_at,filename\nB-1,w1.pdf,2026-11-20,M\xe4rz\nB-2,w2.pdf,2026-11-20,b\n";
    let report = try_import(&rig, latin1).await.unwrap();
    assert_eq!((report.imported, report.skipped), (1, 1), "{report:?}");
    assert!(why(&report)[0].contains("save the list as UTF-8"), "{report:?}");
}

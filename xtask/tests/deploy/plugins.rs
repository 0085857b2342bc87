//! The page for authors of plugins, followed as it stands.

use std::fs::{self, File};
use std::io::Write as _;

use strongroom_tests::documented;
use strongroom_tests::site::Site;

use crate::tree;

const PAGE: &str = "docs/plugins.md";

#[test]
fn the_job_of_the_page_is_planned_done_and_proven() {
    let site = Site::without_drive();
    let (source, disk) = (site.path("notes"), site.path("disk"));
    for folder in [&source, &disk] {
        fs::create_dir(folder).unwrap();
    }
    for (day, text) in [("monday", "eight hours"), ("tuesday", "nine hours")] {
        fs::write(source.join(day), text).unwrap();
    }
    let elsewhere = [
        ("/opt/plugins/copy.py", tree::root().join("docs/plugins/copy.py")),
        ("/srv/notes", source),
        ("/mnt/disk", disk.clone()),
    ];
    let elsewhere = elsewhere.map(|(page, here)| (page, here.display().to_string()));
    let elsewhere: Vec<_> = elsewhere.iter().map(|(page, here)| (*page, here.as_str())).collect();

    let page = fs::read_to_string(tree::root().join(PAGE)).unwrap();
    let (_, rest) = page.split_once("<!-- Run by the tests: the job's section. -->\n```toml\n").unwrap();
    let section = rest.split("```").next().unwrap();
    let section = elsewhere.iter().fold(section.to_owned(), |text, (page, here)| text.replace(page, here));
    let mut settings = File::options().append(true).open(site.path("strongroom.toml")).unwrap();
    write!(settings, "{section}").unwrap();

    let said = documented::run(&site, PAGE, "a plugin as a job", &elsewhere);
    for part in ["would copy 2 files, 21 B; would delete 0 in the copy (allowed: 100)", "proven"] {
        assert!(said.contains(part), "{part:?} is missing: {said}");
    }
    assert_eq!(fs::read_to_string(disk.join("notes/monday")).unwrap(), "eight hours");
}

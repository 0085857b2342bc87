//! Archived files are deleted by the commands of the manual, and only with enough proofs.

use strongroom_model::Event;
use strongroom_tests::audit::{events, files_below};
use strongroom_tests::documented;
use strongroom_tests::site::Site;

#[test]
fn r5_the_documented_purge_is_refused_with_the_reason_where_a_file_has_too_few_proofs() {
    let (site, _server) = Site::archived(1);
    let archived = events(&site).into_iter().find(|one| matches!(one.event, Event::TimesheetArchived(_))).unwrap();
    let replaced = [("http://127.0.0.1:8400", site.proxy.url()), ("B-1001", archived.stream.id().to_owned())];
    let replaced = replaced.each_ref().map(|(from, to)| (*from, to.as_str()));
    let said = documented::run(&site, "docs/operations.md", "purge", &replaced);
    assert!(said.contains("\"outcome\":\"refused\"") && said.contains("\"state\":\"approved\""), "{said}");
    assert!(said.contains("drives, and 2 are needed"), "{said}");
    assert_eq!(files_below(&site.documents().join("archived")).len(), 1, "it stays");
}

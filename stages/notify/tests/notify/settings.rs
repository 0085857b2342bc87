//! What the configuration makes of mails.

use std::path::Path;

use strongroom_notify::{Post, Settings};
use strongroom_service::Config;

fn settings(text: &str) -> Result<Settings, String> {
    let config = Config::from_text(text, Path::new("/site")).unwrap();
    Settings::from_config(&config).map_err(|error| error.to_string())
}

#[test]
fn without_any_setting_mails_go_to_a_folder() {
    let settings = settings("").unwrap();
    assert!(matches!(settings.post, Post::Folder(_)));
    assert_eq!(settings.addresses.to, std::slice::from_ref(&settings.addresses.from), "a mail needs a recipient");
}

#[tokio::test]
async fn a_mail_server_needs_a_recipient() {
    let error = settings("[mail.smtp]\nhost = \"mail.example.com\"").unwrap_err();
    assert!(error.contains("mail.to is not set"), "{error}");
    let both = "[mail]\nto = [\"a@example.com\"]\n[mail.smtp]\nhost = \"mail.example.com\"";
    assert!(matches!(settings(both).unwrap().post, Post::Smtp(_)));
}

#[test]
fn r9_an_address_that_is_none_is_named_and_smuggles_nothing_in() {
    for (text, part) in [
        ("[mail]\nfrom = \"strongroom\"", "mail.from: \"strongroom\" is not an address"),
        ("[mail]\nto = [\"a@example.com\", \"b@\"]", "mail.to: \"b@\" is not an address"),
        ("[mail]\nto = [\"a@example.com\\r\\nBcc: x@example.com\"]", "is not an address"),
        ("[mail]\nto = [\"\"]", "is not an address"),
    ] {
        let error = settings(text).unwrap_err();
        assert!(error.contains(part) && !error.contains('\n'), "{error}");
    }
}

#[test]
fn an_authority_that_cannot_be_read_or_is_none_is_named() {
    let smtp = "[mail]\nto = [\"a@example.com\"]\n[mail.smtp]\nhost = \"mail.example.com\"\nca_file = ";
    let error = settings(&format!("{smtp}\"/nowhere/ca.pem\"")).unwrap_err();
    assert!(error.contains("/nowhere/ca.pem, which mail.smtp.ca_file names"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("ca.pem");
    std::fs::write(&empty, "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n").unwrap();
    let error = settings(&format!("{smtp}\"{}\"", empty.display())).unwrap_err();
    assert!(error.contains("mail.smtp.ca_file"), "{error}");
}

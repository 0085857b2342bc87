use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::load::FILE_NAME;
use super::*;

fn load(text: &str) -> Result<Config, ConfigError> {
    Config::from_text(text, Path::new("/site"))
}

fn message(text: &str) -> String {
    load(text).unwrap_err().to_string()
}

#[test]
fn the_template_is_the_defaults() {
    let from_template = load(&template::template()).unwrap();
    let defaults = load("").unwrap();
    assert_eq!(toml::to_string(&from_template).unwrap(), toml::to_string(&defaults).unwrap());
}

#[test]
fn every_default_in_the_template_is_one_that_can_be_set() {
    let with_examples = load(&uncommented(|key| !key.ends_with('='))).unwrap();
    let examples = keys::all().into_iter().filter_map(|key| Some((key.path.clone(), key.example()?)));
    let set = examples.fold(Template::new(), |template, (path, example)| template.set(&path, example));
    assert_eq!(toml::to_string(&with_examples).unwrap(), toml::to_string(&load(&set.render()).unwrap()).unwrap());
}

/// The template without the `#` before those of its keys that `wanted` says.
fn uncommented(wanted: impl Fn(&str) -> bool) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(key) if key.starts_with(|c: char| c.is_ascii_lowercase()) && wanted(key) => format!("{key}\n"),
        _ => format!("{line}\n"),
    };
    template::template().lines().map(line).collect()
}

#[test]
fn two_lines_lead_from_one_process_to_many() {
    let alone = load(&template::template()).unwrap();
    assert_eq!((alone.log.database().unwrap(), alone.broker.address().unwrap()), (None, None));
    let two = uncommented(|key| key.starts_with("url = \"postgres:") || key.starts_with("url = \"amqp:"));
    let changed = template::template().lines().zip(two.lines()).filter(|(before, after)| before != after).count();
    assert_eq!(changed, 2);
    let together = load(&two).unwrap();
    let database = together.log.database().unwrap().unwrap();
    assert_eq!(database.to_string(), "postgres://strongroom@127.0.0.1/strongroom");
    assert_eq!(database.reveal().password(), Some("password"));
    assert_eq!(together.broker.needed_address().unwrap().to_string(), "amqp://strongroom@127.0.0.1/strongroom");
}

#[test]
fn an_address_with_a_password_comes_from_a_file_and_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("db"), "postgres://me:hunter2@db/log\n").unwrap();
    std::fs::write(folder.path().join("mq"), "amqp://me:hunter2@mq\n").unwrap();
    let text = "log.url_file = \"db\"\nserver.database_url_file = \"db\"\nbroker.url_file = \"mq\"";
    let config = Config::from_text(text, folder.path()).unwrap();
    let addresses = [config.log.database(), config.server.database_address(), config.broker.address()];
    let shown = addresses.map(|address| address.unwrap().unwrap().to_string()).join(" ");
    assert_eq!(shown, "postgres://me@db/log postgres://me@db/log amqp://me@mq");
    let inline = load("broker.url = \"amqp://me:hunter2@mq\"\nlog.url = \"postgres://me:hunter2@db/log\"").unwrap();
    let printed = format!("{config:?} {inline:?} {}", toml::to_string(&inline).unwrap());
    assert!(printed.contains("amqp://me@mq") && !printed.contains("hunter2"), "{printed}");
    let wrong =
        Config::from_text("log.url_file = \"mq\"", folder.path()).unwrap().log.database().unwrap_err().to_string();
    assert!(wrong.contains("log.url_file: it is not a postgres:// address") && !wrong.contains("hunter2"), "{wrong}");
}

#[test]
fn the_template_reads_well() {
    insta::assert_snapshot!(template::template());
}

#[test]
fn a_template_with_keys_set_is_loaded_with_them() {
    let text = Template::new()
        .set("source.url", "http://127.0.0.1:8400")
        .set("mail.to", vec!["a@example.com"])
        .set("enumerate.oldest", 7)
        .render();
    let config = load(&text).unwrap();
    assert_eq!(config.source.address().unwrap().as_str(), "http://127.0.0.1:8400/");
    assert_eq!((config.mail.to, config.enumerate.oldest), (vec!["a@example.com".to_owned()], 7));
}

/// `cargo xtask` and editors read the file; run with `UPDATE_SCHEMAS=1` to write it again.
#[test]
fn the_schema_in_the_repository_is_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/config.schema.json");
    let current = format!("{:#}\n", schema::schema());
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == current, "schemas/config.schema.json has drifted: run this test with UPDATE_SCHEMAS=1");
}

#[test]
fn bad_values_are_named_with_their_line_what_was_found_and_the_next_step() {
    let cases = [
        "site = \"Main Site\"",
        "time_zone = \"Europe/Berln\"",
        "\n[schedule]\nevrey = \"2m\"",
        "[schedule]\nevery = \"2 minutes\"",
        "[schedule]\nevery = \"0s\"",
        "[schedule]\nevery = 2",
        "[schedule]\nbetween = \"23-5\"",
        "[drive]\nreserve = \"2GB\"",
        "[drive]\nid = \"blue\"",
        "[source]\nurl = \"documents.example.com\"",
        "[source]\nurl = \"https://me:hunter2@example.com\"",
        "[source]\ntoken = 12345",
        "[source]\ntoken = \"hunter2",
        "[mail]\nto = \"office@example.com\"",
        "[mail]\nsummary = \"weekly\"",
        "[mail]\nat = \"25:00\"",
        "[mail]\nhost = \"mail.example.com\"",
        "[mail.smpt]\nhost = \"mail.example.com\"",
        "[mail.smtp]\nport = 0",
        "[mail.smtp]\ntls = true",
        "[server]\nlisten = \"8400\"",
        "[server]\ndatabase_url = \"server.sqlite\"",
        "[log]\nurl = \"mysql://me:hunter2@db/log\"",
        "[log]\nurl = \"postgres://me:hunter2@db\"",
        "[log]\nurl = \"postgres://me:hunter2/x@db/log\"",
        "[log]\nurl = 5",
        "[broker]\nurl = \"http://me:hunter2@mq:15672\"",
        "[broker]\nready_most = 0",
        "[broker]\nhold_after = \"0s\"",
        "[broker]\nheartbeat = \"100ms\"",
        "[health]\nlisten = \"9464\"",
        "[telemetry]\notlp_endpoint = \"collector:4318\"",
        "[telemetry]\notlp_endpoint = \"http://me:hunter2@collector\"",
        "[telemetry]\nlevel = \"info,=\"",
        "[enumerate]\noldest = 0",
        "mail = \"me@example.com\"",
        "colour = \"blue\"",
        "site = \"a\"\nsite = \"b\"",
        "[mail]\nto = [\"me@example.com\"]\n[mail]",
        "this is not toml",
    ];
    let messages: String =
        cases.iter().map(|text| format!("{}\n    {}\n", text.replace('\n', " | "), message(text))).collect();
    assert!(
        !messages
            .replace("token = \"hunter2", "")
            .replace("me:hunter2@", "")
            .replace("me:hunter2/", "")
            .contains("hunter2"),
        "{messages}"
    );
    insta::assert_snapshot!(messages);
}

#[test]
fn what_is_needed_but_not_set_is_named_with_the_line_to_write() {
    let config = load("[mail.smtp]\nhost = \"mail.example.com\"\nuser = \"me\"").unwrap();
    let both = load("[mail]\nfolder = \"m\"\n[mail.smtp]\nhost = \"mail.example.com\"").unwrap();
    let twice = load("[source]\ntoken = \"t\"\ntoken_file = \"/t\"").unwrap();
    let lost = load("[source]\ntoken_file = \"gone\"").unwrap();
    let addresses = "log = { url = \"postgres://db/log\", url_file = \"/db\" }\nbroker.url_file = \"gone\"";
    let addresses = load(addresses).unwrap();
    let messages = [
        config.source.address().unwrap_err(),
        config.source.secret().unwrap_err(),
        config.drive.mounted_at().unwrap_err(),
        config.mail.smtp.login().unwrap_err(),
        config.mail_transport().unwrap_err(),
        both.mail_transport().unwrap_err(),
        twice.source.secret().unwrap_err(),
        lost.source.secret().unwrap_err(),
        config.broker.needed_address().unwrap_err(),
        addresses.log.database().unwrap_err(),
        addresses.broker.address().unwrap_err(),
    ];
    insta::assert_snapshot!(messages.map(|error| error.to_string()).join("\n"));
}

#[test]
fn relative_paths_start_at_the_files_folder() {
    let config = load("[mail]\nfolder = \"mail\"\n[drive]\nroot = \"/mnt/backup\"").unwrap();
    assert_eq!(config.log_path(), Path::new("/site/data/log.sqlite"));
    assert_eq!(config.mail.folder.as_deref(), Some(Path::new("/site/mail")));
    assert_eq!(config.drive.root.as_deref(), Some(Path::new("/mnt/backup")));
}

/// A key that holds a path and is forgotten in `paths.rs` would start at the working folder.
#[test]
fn no_path_is_forgotten() {
    let named: Vec<String> = keys::all()
        .into_iter()
        .map(|key| key.path)
        .filter(|path| {
            ["path", "file", "root", "folder", "dir", "documents", "database"].iter().any(|end| path.ends_with(end))
        })
        .collect();
    assert_eq!(named.len(), 14, "{named:?}");
    let template = named.iter().fold(Template::new(), |template, key| template.set(key, "here"));
    let shown = toml::to_string(&load(&template.render()).unwrap()).unwrap();
    assert_eq!(shown.matches("\"/site/here\"").count(), named.len(), "{shown}");
}

fn sources(folder: &Path, variables: &[(&str, &str)]) -> Sources {
    Sources {
        search: vec![folder.join("strongroom.toml"), folder.join("etc.toml")],
        environment: variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        ..Sources::default()
    }
}

#[test]
fn flags_go_over_the_environment_over_the_file_over_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let file = "[schedule]\nevery = \"1m\"\ngrace = \"1m\"\n[enumerate]\noldest = 5\n[mail.smtp]\nport = 1\n";
    std::fs::write(folder.path().join("strongroom.toml"), file).unwrap();
    let sources = sources(
        folder.path(),
        &[
            ("STRONGROOM_SCHEDULE_EVERY", "2m"),
            ("STRONGROOM_ENUMERATE_OLDEST", "7"),
            ("STRONGROOM_MAIL_TO", "a@example.com, b@example.com"),
            ("STRONGROOM_MAIL_SMTP_PORT", "2525"),
            ("STRONGROOM_SOURCE_TOKEN", "hunter2"),
            ("STRONGROOM_SOURCE_URL", ""),
            ("STRONGROOM_CONFIG", "not ours"),
        ],
    );
    let config = Config::load_from(&sources.with_flag("schedule.every", "3m")).unwrap();
    assert_eq!(config.schedule.every.to_string(), "3m");
    assert_eq!(config.schedule.grace.to_string(), "1m");
    assert_eq!(config.enumerate.oldest, 7);
    assert_eq!(config.mail.to, ["a@example.com", "b@example.com"]);
    assert_eq!(config.mail.smtp.port(), 2525);
    assert_eq!(config.source.secret().unwrap().reveal(), "hunter2");
    assert_eq!(config.fetch.concurrency, 8);
    assert!(!toml::to_string(&config).unwrap().contains("hunter2"));
}

#[test]
fn a_services_variables_in_a_cluster_are_not_taken_for_ours() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE_NAME), "").unwrap();
    let links = [
        ("STRONGROOM_PORT", "tcp://10.0.0.1:8400"),
        ("STRONGROOM_SERVER_PORT", "tcp://10.0.0.1:8400"),
        ("STRONGROOM_MAIL_SMTP_PORT", "tcp://10.0.0.1:587"),
        ("STRONGROOM_SERVER_SERVICE_HOST", "10.0.0.1"),
        ("STRONGROOM_SERVICE_HOST", "10.0.0.1"),
        ("STRONGROOM_SERVER_SERVICE_PORT", "8400"),
        ("STRONGROOM_SERVER_SERVICE_PORT_HTTP", "8400"),
        ("STRONGROOM_SERVER_PORT_8400_TCP", "tcp://10.0.0.1:8400"),
        ("STRONGROOM_SERVER_PORT_8400_TCP_PROTO", "tcp"),
        ("STRONGROOM_SERVER_PORT_8400_TCP_PORT", "8400"),
        ("STRONGROOM_SERVER_PORT_53_UDP_ADDR", "10.0.0.1"),
    ];
    let config = Config::load_from(&sources(folder.path(), &links)).unwrap();
    assert_eq!(config.mail.smtp.port, None);
    let ours = sources(folder.path(), &[("STRONGROOM_MAIL_SMTP_PORT", "2525")]);
    assert_eq!(Config::load_from(&ours).unwrap().mail.smtp.port, Some(2525));
    for name in ["STRONGROOM_SERVER_PORT", "STRONGROOM_SERVER_TCP", "STRONGROOM_SERVER_PORT_X_TCP"] {
        Config::load_from(&sources(folder.path(), &[(name, "8400")])).unwrap_err();
    }
}

#[test]
fn a_secret_in_the_environment_goes_over_its_file_in_the_file_and_the_other_way_round() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "of-the-file").unwrap();
    let token = |text: &str, variable: (&str, &str)| {
        std::fs::write(folder.path().join(FILE_NAME), text).unwrap();
        let config = Config::load_from(&sources(folder.path(), &[variable])).unwrap();
        config.source.secret().unwrap().reveal().to_owned()
    };
    let in_file = "source.token_file = \"token\"";
    assert_eq!(token(in_file, ("STRONGROOM_SOURCE_TOKEN", "of-the-environment")), "of-the-environment");
    assert_eq!(token("source.token = \"inline\"", ("STRONGROOM_SOURCE_TOKEN_FILE", "token")), "of-the-file");
}

#[test]
fn a_bad_variable_or_flag_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("etc.toml"), "").unwrap();
    let error = |variables: &[(&str, &str)], flags: &[(&str, &str)]| {
        let sources = flags.iter().fold(sources(folder.path(), variables), |s, (key, value)| s.with_flag(key, *value));
        Config::load_from(&sources).unwrap_err().to_string()
    };
    insta::assert_snapshot!(
        [
            error(&[("STRONGROOM_SOURCE_TOKN", "t")], &[]),
            error(&[("STRONGROOM_ENUMERATE_OLDEST", "many")], &[]),
            error(&[("STRONGROOM_SCHEDULE_EVERY", "often")], &[]),
            error(&[], &[("schedule.evry", "2m")]),
            error(&[], &[("schedule.every", "often")]),
        ]
        .join("\n")
    );
}

#[test]
fn no_configuration_and_one_that_cannot_be_read_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let none = Config::load_from(&sources(folder.path(), &[])).unwrap_err().to_string();
    assert!(none.contains("strongroom.toml and ") && none.contains("strongroom config init"), "{none}");
    let named = Sources { file: Some(PathBuf::from("/nowhere/my.toml")), ..Sources::default() };
    let unreadable = Config::load_from(&named).unwrap_err().to_string();
    assert!(unreadable.contains("/nowhere/my.toml"), "{unreadable}");
}

fn job(keys: &str) -> String {
    format!("[[job]]\nname = \"documents\"\nkind = \"rsync\"\n{keys}")
}

#[test]
fn a_job_is_read_with_its_own_settings() {
    let text = job("source = \"documents\"\ntarget = \"nas:/backup\"\nevery = \"24h\"\nbetween = \"22:00-05:00\"\n\
        days = [\"mon\", \"fri\"]\nsecret_files = { password = \"key\" }\n[job.settings]\nexclude = [\"*.tmp\"]\n");
    let config = load(&format!("time_zone = \"Europe/Berlin\"\n{text}")).unwrap();
    let job = &config.job[0];
    assert_eq!(job.source.as_deref(), Some("/site/documents"));
    assert_eq!(job.target.as_deref(), Some("nas:/backup"), "another host's folder stays as it is");
    assert_eq!(job.secret_files["password"], Path::new("/site/key"));
    assert_eq!(job.settings["exclude"], serde_json::json!(["*.tmp"]));
    let schedule = job.schedule(&config.zone());
    assert_eq!((schedule.every_s, schedule.days), (Some(86_400), vec![1, 5]));
    assert_eq!((schedule.between.as_deref(), &*schedule.zone), (Some("22:00-05:00"), "Europe/Berlin"));
    assert_eq!(config.own_jobs().count(), 1);
    let elsewhere = load(&job_of("elsewhere")).unwrap();
    assert_eq!(elsewhere.own_jobs().count(), 0);
}

fn job_of(host: &str) -> String {
    job(&format!("host = \"{host}\""))
}

#[test]
fn a_bad_job_is_named_with_the_next_step() {
    let cases = [
        "[[job]]\nkind = \"rsync\"".to_owned(),
        "[[job]]\nname = \"My job\"\nkind = \"rsync\"".to_owned(),
        "[[job]]\nname = \"a\"\nkind = \"rsynk\"".to_owned(),
        "[[job]]\nname = \"a\"\nkind = \"plugin\"".to_owned(),
        job("program = [\"/bin/true\"]"),
        job("") + "\n" + &job(""),
        job("colour = \"blue\""),
        job("every = \"1h\"\ncron = \"0 22 * * *\""),
        job("between = \"22:00-05:00\""),
        job("every = \"0s\""),
        job("cron = \"0 22 30 2 *\""),
        job("cron = \"0 25 * * *\""),
        job("days = [\"monday\"]\nevery = \"1h\""),
        job("time_zone = \"Europe/Berln\""),
        job("timeout = \"0s\""),
        job("retry = [\"5m\", \"25h\"]"),
        job("retry = \"5m\""),
        job("source = \"/srv/a\"\ntarget = \"/srv/a/backup\""),
        job("source = \"/mnt/disk/a\"\ntarget = \"/mnt/disk\""),
        job("source = \"/srv/a\"\ntarget = \"/srv/b/../a/\""),
        "[[job]]\nname = \"a\"\nkind = \"restic\"\ntarget = \"/mnt/disk\"".to_owned(),
        "[[job]]\nname = \"a\"\nkind = \"check\"\ntarget = \"/mnt/disk\"".to_owned(),
        "[[job]]\nname = \"a\"\nkind = \"restic\"\nsettings.repository = \"repo\"".to_owned(),
        "job = 5".to_owned(),
        "[job]\nname = \"a\"".to_owned(),
    ];
    let messages: String =
        cases.iter().map(|text| format!("{}\n    {}\n", text.replace('\n', " | "), message(text))).collect();
    insta::assert_snapshot!(messages);
}

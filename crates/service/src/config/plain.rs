//! Addresses that would send passwords over a network unencrypted.

use std::net::IpAddr;

/// Whether the host is this one.
pub fn is_local(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.starts_with('/')
        || bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The remote host to which an address sends credentials unencrypted.
pub fn sends_in_the_clear(url: &url::Url) -> Option<String> {
    let is_plain = matches!(url.scheme(), "http" | "amqp");
    url.host_str().filter(|host| is_plain && !is_local(host)).map(str::to_owned)
}

/// A remote database must be verified by TLS before it gets the password, unless its address sets `sslmode`.
pub fn needs_verified_tls(url: &url::Url) -> bool {
    let mut host = url.host_str().unwrap_or_default().replace("%2F", "/").replace("%2f", "/");
    for (key, value) in url.query_pairs() {
        match &*key {
            "sslmode" | "ssl-mode" => return false,
            "host" | "hostaddr" => host = value.into_owned(),
            _ => {}
        }
    }
    !host.is_empty() && !is_local(&host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_host_is_local() {
        for local in
            ["localhost", "LocalHost", "127.0.0.1", "127.8.8.8", "[::1]", "::1", "::ffff:127.0.0.1", "/run/postgresql"]
        {
            assert!(is_local(local), "{local}");
        }
        for elsewhere in ["db", "localhost.example.com", "128.0.0.1", "::2", "0.0.0.0", "", "10.0.0.1"] {
            assert!(!is_local(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn a_database_on_another_host_must_prove_who_it_is_unless_its_address_says_otherwise() {
        let needs = |url: &str| needs_verified_tls(&url.parse().unwrap());
        for elsewhere in ["postgres://me:secret@db.example.com/x", "postgres://me@localhost/x?host=10.0.0.7"] {
            assert!(needs(elsewhere), "{elsewhere}");
        }
        for said in ["postgres://me@db/x?sslmode=disable", "postgres://me@127.0.0.1/x", "postgres://me@[::1]/x"] {
            assert!(!needs(said), "{said}");
        }
        for socket in ["postgres:///x?host=/run/postgresql", "postgres://%2Frun%2Fpostgresql/x"] {
            assert!(!needs(socket), "{socket}");
        }
    }

    #[test]
    fn what_goes_to_another_host_in_the_clear_is_named() {
        let found = |url: &str| sends_in_the_clear(&url.parse().unwrap());
        assert_eq!(found("amqp://me:secret@rabbit.example.com/v").as_deref(), Some("rabbit.example.com"));
        assert_eq!(found("http://documents.example.com:8400").as_deref(), Some("documents.example.com"));
        for good in
            ["amqps://rabbit.example.com", "https://documents.example.com", "http://127.0.0.1:8400", "amqp://localhost"]
        {
            assert_eq!(found(good), None, "{good}");
        }
    }
}

use std::net::IpAddr;

/// The name for EHLO (RFC 5321, section 4.1.4): as configured, or this host's full name; otherwise the connection's
/// address as a literal, since many servers refuse a name without a dot.
pub(super) fn name(configured: Option<&str>, from: Option<IpAddr>) -> String {
    let host = strongroom_service::actor::host_name();
    choose(configured, &host, from)
}

fn choose(configured: Option<&str>, host: &str, from: Option<IpAddr>) -> String {
    match (configured, from) {
        (Some(configured), _) => configured.to_owned(),
        (None, _) if host.contains('.') && is_host_name(host) => host.to_owned(),
        (None, Some(IpAddr::V4(address))) => format!("[{address}]"),
        (None, Some(IpAddr::V6(address))) => format!("[IPv6:{address}]"),
        (None, None) => "localhost".to_owned(),
    }
}

/// A host's name or an address literal (RFC 5321, section 4.1.3).
pub(super) fn may_greet(name: &str) -> bool {
    let literal = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match literal {
        Some(address) => address.trim_start_matches("IPv6:").parse::<IpAddr>().is_ok(),
        None => is_host_name(name),
    }
}

/// RFC 1123, section 2.1. Other alphabets are written as A-labels (`xn--…`).
pub(crate) fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_greeted_with_a_full_name_or_an_address() {
        let from = Some("192.0.2.7".parse().unwrap());
        assert_eq!(choose(None, "backup-1.example.com", from), "backup-1.example.com");
        assert_eq!(choose(None, "backup-1", from), "[192.0.2.7]");
        assert_eq!(choose(None, "my_host.example.com", from), "[192.0.2.7]");
        assert_eq!(choose(None, "büro-pc.example.com", from), "[192.0.2.7]");
        assert_eq!(choose(None, "vm", Some("2001:db8::7".parse().unwrap())), "[IPv6:2001:db8::7]");
        assert_eq!(choose(Some("mail.example.org"), "vm", from), "mail.example.org");
        assert_eq!(choose(None, "vm", None), "localhost");
    }
}

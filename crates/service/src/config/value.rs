mod clock_time;
mod period;
mod secret;
mod service_url;
mod zone;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use strongroom_model::text::printable;
use strongroom_model::{ByteCount, DriveId};
use url::Url;

pub use self::clock_time::ClockTime;
pub use self::period::Period;
pub use self::secret::Secret;
pub use self::service_url::{ParseServiceUrlError, ServiceUrl};
pub(super) use self::service_url::{ServiceKind, broker_address, database_address};
pub use self::zone::Zone;

/// How much of a bad value errors show.
pub(crate) const MAX_SHOWN_CHARS: usize = 60;

/// Read and written as the text that they are shown as.
macro_rules! as_text {
    ($($type:ty),+) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )+};
}

as_text!(ClockTime, Period, Zone, crate::schedule::Window);

/// The environment gives numbers as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Number(u64),
    Text(String),
}

/// Bytes, or text such as `2GiB`.
pub(super) fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ByteCount, D::Error> {
    match Number::deserialize(deserializer) {
        Ok(Number::Number(bytes)) => Ok(ByteCount(bytes)),
        Ok(Number::Text(text)) => text.parse().map_err(D::Error::custom),
        Err(_) => Err(D::Error::custom("it is not a size: write it in quotes, such as \"2GiB\"")),
    }
}

pub(super) fn drive_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DriveId, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

pub(super) fn port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let number = match Number::deserialize(deserializer) {
        Ok(Number::Number(number)) => u16::try_from(number).ok(),
        Ok(Number::Text(text)) => text.parse().ok(),
        Err(_) => None,
    };
    number
        .filter(|port| *port != 0)
        .ok_or_else(|| D::Error::custom("a port is a number from 1 to 65535; leave it out for the usual one"))
}

pub(super) fn web_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    http(&String::deserialize(deserializer)?, "https://documents.example.com", "use source.token_file")
        .map_err(D::Error::custom)
}

pub(super) fn collector_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    http(&String::deserialize(deserializer)?, "http://127.0.0.1:4318", "let a collector on this host add it")
        .map_err(D::Error::custom)
}

/// `instead` says where a password belongs.
fn http(text: &str, example: &str, instead: &str) -> Result<Url, String> {
    let bad = |why: &str| format!("{:?} {why}: write it such as {example:?}", printable(text, MAX_SHOWN_CHARS));
    let url = Url::parse(text).map_err(|error| bad(&format!("is not an address ({error})")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(bad("is not an http:// or https:// address"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        // Not shown: it may hold a password.
        return Err(format!("the address must not hold a user or a password: {instead}"));
    }
    Ok(url)
}

//! Bearer tokens (RFC 6750) and what they allow.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};
use strongroom_model::text::printable;
use strongroom_service::Clock;

use crate::store::{Store, StoreError};

/// Makes a leaked token recognisable in a commit or a log.
const PREFIX: &str = "strongroom_";
const SECRET_BYTES: usize = 32;
const MAX_NAME_BYTES: usize = 100;

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// List what waits, download, mark, move, run approved purges: what the pipeline needs.
    Backup,
    /// Create bookings, upload timesheets, sign them off.
    Upload,
    /// Look at bookings and download timesheets.
    Read,
    /// Propose to delete archived files.
    Purge,
    /// Approve or refuse what somebody else proposed.
    Approve,
    /// All of the above.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 6] = [Self::Backup, Self::Upload, Self::Read, Self::Purge, Self::Approve, Self::Admin];

    /// The scope's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Upload => "upload",
            Self::Read => "read",
            Self::Purge => "purge",
            Self::Approve => "approve",
            Self::Admin => "admin",
        }
    }
}

/// A text that is not a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope {0:?}; expected backup, upload, read, purge, approve or admin")]
pub struct ParseScopeError(String);

impl FromStr for Scope {
    type Err = ParseScopeError;

    fn from_str(text: &str) -> Result<Self, ParseScopeError> {
        let known = Self::ALL.into_iter().find(|scope| scope.name() == text);
        known.ok_or_else(|| ParseScopeError(printable(text, 40)))
    }
}

/// A token's scopes, in the order of [`Scope::ALL`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// These scopes, each once.
    pub fn new(scopes: &[Scope]) -> Self {
        Self(Scope::ALL.into_iter().filter(|scope| scopes.contains(scope)).collect())
    }

    /// Whether one of `wanted`, or [`Scope::Admin`], is among them.
    pub fn allow(&self, wanted: &[Scope]) -> bool {
        self.0.iter().any(|scope| *scope == Scope::Admin || wanted.contains(scope))
    }

    /// Recorded scopes. One that this version does not know allows nothing.
    pub(crate) fn known_in(text: &str) -> Self {
        Self(text.split(' ').filter_map(|name| name.parse().ok()).collect())
    }
}

/// The names, separated by spaces (RFC 6749, section 3.3).
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|scope| scope.name()).collect();
        f.write_str(&names.join(" "))
    }
}

/// A token's record, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Token {
    /// Its short id, for revoking it.
    pub id: String,
    /// Its purpose, for people.
    pub name: String,
    /// What it allows.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

/// A token's secret: shown once, to its creator.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text behind `Authorization: Bearer`.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A token that could not be made or revoked.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum TokenError {
    #[error("a token without a scope allows nothing: give it one of backup, upload, read, purge, approve and admin")]
    NoScope,
    #[error("{0:?} is not a name for a token: 1 to {MAX_NAME_BYTES} bytes without control characters")]
    BadName(String),
    #[error("there is no token {0:?}: `strongroom server token list` shows them")]
    Unknown(String),
    #[error("the operating system gave no random bytes: {0}")]
    Random(getrandom::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a token. Only its secret's SHA-256 is kept.
pub async fn create(store: &Store, name: &str, scopes: &[Scope], clock: &Clock) -> Result<(Token, Secret), TokenError> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(TokenError::Random)?;
    let secret = Secret(format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&bytes)));
    let token = keep(store, name, scopes, &secret, clock).await?;
    Ok((token, secret))
}

/// Revokes a token for good: the next request with it is refused. Repeating it changes nothing.
pub async fn revoke(store: &Store, id: &str, clock: &Clock) -> Result<Token, TokenError> {
    let revoked = store.revoke_token(id, clock.now()).await?;
    revoked.ok_or_else(|| TokenError::Unknown(printable(id, 40)))
}

/// The valid token with that secret.
pub(crate) async fn recognise(store: &Store, shown: &str) -> Result<Option<Token>, StoreError> {
    let token = store.token_by_hash(&hash(shown)).await?;
    Ok(token.filter(|token| token.revoked_at.is_none()))
}

async fn keep(
    store: &Store,
    name: &str,
    scopes: &[Scope],
    secret: &Secret,
    clock: &Clock,
) -> Result<Token, TokenError> {
    let scopes = Scopes::new(scopes);
    if scopes.0.is_empty() {
        return Err(TokenError::NoScope);
    }
    if !(1..=MAX_NAME_BYTES).contains(&name.len()) || name.chars().any(char::is_control) {
        return Err(TokenError::BadName(printable(name, 60)));
    }
    let sha256 = hash(&secret.0);
    // The id comes from the hash, so that nothing of the secret shows in it.
    let id = data_encoding::HEXLOWER.encode(&sha256[..4]);
    let token = Token { id, name: name.to_owned(), scopes, created_at: clock.now(), revoked_at: None };
    store.insert_token(&token, &sha256).await?;
    Ok(token)
}

/// With 256 random bits a plain hash is enough. The hash is looked up, not the secret, so timing reveals nothing of
/// it.
fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("server.db")).await.unwrap();
        (dir, store)
    }

    #[tokio::test]
    async fn only_the_hash_is_kept() {
        let (dir, store) = store().await;
        let (_, secret) = create(&store, "pipeline", &[Scope::Backup], &Clock::system()).await.unwrap();
        store.close().await;
        let bytes = std::fs::read(dir.path().join("server.db")).unwrap();
        let random = secret.expose().strip_prefix(PREFIX).unwrap();
        assert_eq!(random.len(), 43);
        assert!(!bytes.windows(random.len()).any(|window| window == random.as_bytes()));
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }

    #[tokio::test]
    async fn a_revoked_token_is_listed_but_not_recognised() {
        let (_dir, store) = store().await;
        let clock = Clock::manual("2026-11-20T12:00:00Z".parse().unwrap());
        let (token, secret) = create(&store, "desk", &[Scope::Read, Scope::Upload], &clock).await.unwrap();
        assert_eq!(recognise(&store, secret.expose()).await.unwrap(), Some(token.clone()));
        assert_eq!(token.scopes.to_string(), "upload read");

        let revoked = revoke(&store, &token.id, &clock).await.unwrap();
        clock.advance(std::time::Duration::from_secs(60));
        assert_eq!(revoke(&store, &token.id, &clock).await.unwrap(), revoked);
        assert_eq!(recognise(&store, secret.expose()).await.unwrap(), None);
        assert_eq!(store.tokens().await.unwrap(), [revoked]);
    }

    #[tokio::test]
    async fn a_token_needs_a_name_and_a_scope() {
        let (_dir, store) = store().await;
        let clock = Clock::system();
        assert!(matches!(create(&store, "x", &[], &clock).await, Err(TokenError::NoScope)));
        assert!(matches!(create(&store, "a\nb", &[Scope::Read], &clock).await, Err(TokenError::BadName(_))));
        assert!(matches!(create(&store, "", &[Scope::Read], &clock).await, Err(TokenError::BadName(_))));
        assert!(matches!(revoke(&store, "nope", &clock).await, Err(TokenError::Unknown(_))));
        assert!("root".parse::<Scope>().is_err());
    }

    #[test]
    fn admin_allows_everything_and_an_unknown_scope_nothing() {
        assert!(Scopes::new(&[Scope::Admin]).allow(&[Scope::Purge]));
        assert!(!Scopes::new(&[Scope::Backup]).allow(&[Scope::Purge]));
        assert!(!Scopes::known_in("everything").allow(&Scope::ALL));
        assert!(Scopes::known_in("everything read").allow(&[Scope::Read]));
    }
}

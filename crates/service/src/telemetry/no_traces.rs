use tracing_subscriber::layer::Identity;
use url::Url;

use super::ServiceIdentity;

/// Traces without the feature `otlp`.
#[derive(Debug)]
pub struct Traces(());

impl Traces {
    pub(super) const fn none() -> Self {
        Self(())
    }

    /// A configured collector is an error: its traces would never come.
    pub(super) fn to(_: &Url, _: &ServiceIdentity<'_>) -> Result<Self, String> {
        Err("this program was built without traces: build it with `--features otlp`, as the packages are, or unset the \
             key"
        .to_owned())
    }

    #[expect(clippy::unused_self, reason = "the same call as where there are traces")]
    pub(super) const fn layer(&self) -> Option<Identity> {
        None
    }

    /// Does nothing.
    #[expect(clippy::unused_async, reason = "the same call as where there are traces")]
    pub async fn flush(self) {}
}

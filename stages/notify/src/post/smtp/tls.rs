use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::SmtpSetupError;

/// TLS towards one mail server.
#[derive(Clone)]
pub(super) struct Protection {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protection").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Protection {
    /// Trusts the given authority, or else the system's.
    pub(super) fn new(host: &str, authority_pem: Option<&[u8]>) -> Result<Self, SmtpSetupError> {
        let failed = |source| SmtpSetupError::Tls { host: host.to_owned(), source };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| failed(rustls::Error::General("this is not a host's name".to_owned())))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(failed)?;
        let config = match authority_pem {
            Some(pem) => builder.with_root_certificates(roots(pem)?).with_no_client_auth(),
            None => builder.with_platform_verifier().map_err(failed)?.with_no_client_auth(),
        };
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    pub(super) async fn protect<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.connector.connect(self.name.clone(), stream).await
    }
}

fn roots(pem: &[u8]) -> Result<RootCertStore, SmtpSetupError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let added = certificate.map_err(|_| ()).and_then(|certificate| roots.add(certificate).map_err(|_| ()));
        added.map_err(|()| SmtpSetupError::Authority)?;
    }
    if roots.is_empty() { Err(SmtpSetupError::Authority) } else { Ok(roots) }
}

//! Asks a witness for its cosignature.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, StatusCode};
use strongroom_proof::merkle::Tree;
use strongroom_proof::{AddCheckpoint, Note, Signature, SignedCheckpoint, WitnessKey};
use url::Url;

const MAX_CONNECT: Duration = Duration::from_secs(3);
/// For a request as a whole. Nobody waits for a witness longer than for two.
const MAX_REQUEST: Duration = Duration::from_secs(5);
/// Some signature lines, or a size.
const MAX_ANSWER_BYTES: usize = 16 * 1024;
/// One to learn the size that the witness has seen, one with the proof, one if another process of the site was faster.
const MAX_REQUESTS: u32 = 3;

const SIZE: &str = "text/x.tlog.size";

/// Why there is no cosignature.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// No answer, or none in time.
    #[error("the witness does not answer")]
    Away(#[source] reqwest::Error),
    /// The address cannot be used.
    #[error("{0} is not the address of a witness: expected http:// or https://")]
    Address(Url),
    /// This host cannot speak TLS.
    #[error("no client for witnesses can be made")]
    Client(#[source] reqwest::Error),
    /// The witness has cosigned a longer log.
    #[error(
        "the witness has seen {seen} events of this log, which has {size}: newer events were lost, or another process was faster"
    )]
    Ahead {
        /// What the witness has seen.
        seen: u64,
        /// The checkpoint's size.
        size: u64,
    },
    /// The log does not continue what the witness has seen.
    #[error(
        "the witness REFUSES: this log does not continue the {seen} events that it has seen, so the log was rewritten"
    )]
    Rewritten {
        /// What the witness has seen.
        seen: u64,
    },
    /// The witness does not know the log's key.
    #[error("the witness does not watch this log: give it the site's public key")]
    UnknownLog,
    /// The witness has another key of the log.
    #[error("the witness knows another key of this log: give it the site's newest public key")]
    OtherKey,
    /// Something else.
    #[error("the witness answers with status {0}")]
    Status(u16),
    /// An answer that is not as the protocol says.
    #[error(
        "the witness's answer is not one of c2sp.org/tlog-witness, or its cosignature is not by the key that was given"
    )]
    Answer,
}

/// A client for any number of witnesses.
#[derive(Debug, Clone)]
pub struct WitnessClient(Client);

impl WitnessClient {
    /// A client for that address; others of the same scheme will do.
    ///
    /// # Errors
    /// The address is not HTTP, or it is `https` and the system trusts no certificates.
    pub fn new(address: &Url) -> Result<Self, WitnessError> {
        let mut builder = Client::builder()
            .user_agent(concat!("strongroom/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(MAX_CONNECT)
            .timeout(MAX_REQUEST)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy();
        match address.scheme() {
            "https" => {}
            // No certificate is needed; a slim system may have none.
            "http" => builder = builder.tls_certs_only([]),
            _ => return Err(WitnessError::Address(address.clone())),
        }
        builder.build().map(Self).map_err(WitnessError::Client)
    }

    /// The witness's cosignature of a checkpoint, whose tree is a beginning of `tree`.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub async fn cosignature(
        &self,
        address: &Url,
        key: &WitnessKey,
        signed: &SignedCheckpoint,
        tree: &Tree,
    ) -> Result<Signature, WitnessError> {
        let size = signed.checkpoint().head.size;
        let mut old = 0;
        for _ in 0..MAX_REQUESTS {
            let proof = tree.consistency(old, size).ok_or(WitnessError::Ahead { seen: old, size })?;
            let request = AddCheckpoint { old, proof, checkpoint: signed.note().clone() };
            let response = self.post(address, request.to_string()).await?;
            match response.status() {
                StatusCode::OK => return cosignature_in(&text(response).await?, key, signed.note()),
                StatusCode::CONFLICT => {
                    let seen = seen(response).await?;
                    match seen {
                        seen if seen > size => return Err(WitnessError::Ahead { seen, size }),
                        // The same size again: it has another root there.
                        seen if seen == old => return Err(WitnessError::Rewritten { seen }),
                        seen => old = seen,
                    }
                }
                StatusCode::UNPROCESSABLE_ENTITY => return Err(WitnessError::Rewritten { seen: old }),
                StatusCode::NOT_FOUND => return Err(WitnessError::UnknownLog),
                StatusCode::FORBIDDEN => return Err(WitnessError::OtherKey),
                status => return Err(WitnessError::Status(status.as_u16())),
            }
        }
        Err(WitnessError::Ahead { seen: old, size })
    }

    async fn post(&self, address: &Url, body: String) -> Result<Response, WitnessError> {
        let mut url = address.clone();
        url.path_segments_mut()
            .map_err(|()| WitnessError::Address(address.clone()))?
            .pop_if_empty()
            .push("add-checkpoint");
        self.0.post(url).body(body).send().await.map_err(WitnessError::Away)
    }
}

/// The size that the witness has seen.
async fn seen(response: Response) -> Result<u64, WitnessError> {
    let is_size = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == SIZE.as_bytes());
    let text = text(response).await?;
    let size = text.strip_suffix('\n').filter(|_| is_size).and_then(|size| size.parse().ok());
    size.ok_or(WitnessError::Answer)
}

async fn text(mut response: Response) -> Result<String, WitnessError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(WitnessError::Away)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(WitnessError::Answer);
        }
        body.extend_from_slice(&chunk);
    }
    String::from_utf8(body).map_err(|_| WitnessError::Answer)
}

/// The cosignature among the lines of an answer; others are ignored.
fn cosignature_in(answer: &str, key: &WitnessKey, note: &Note) -> Result<Signature, WitnessError> {
    let signatures = answer.lines().filter_map(|line| line.parse::<Signature>().ok());
    let ours = signatures.filter(|signature| key.is_of(signature)).find(|signature| {
        let alone = Note { text: note.text.clone(), signatures: vec![signature.clone()] };
        key.cosigned_at(&alone).is_ok()
    });
    ours.ok_or(WitnessError::Answer)
}

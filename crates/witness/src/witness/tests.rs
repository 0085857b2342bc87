use std::sync::Arc;

use strongroom_model::SiteId;
use strongroom_proof::merkle::leaf_hash;
use strongroom_proof::{Checkpoint, Head, SignedCheckpoint, SigningKey};
use strongroom_service::Clock;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::*;
use crate::{WitnessClient, WitnessError, serve};

fn site() -> SiteId {
    "harbour".parse().unwrap()
}

fn site_key() -> SigningKey {
    SigningKey::from_seed("strongroom/harbour".parse().unwrap(), [7; 32])
}

fn witness_key() -> CosigningKey {
    CosigningKey::from_seed("quay.example/witness".parse().unwrap(), [9; 32])
}

/// A witness of the site's log.
fn witness(folder: &Path) -> Witness {
    std::fs::write(folder.join("logs"), format!("# harbour\n\n{}\n", site_key().public())).unwrap();
    Witness::new(witness_key(), folder)
}

fn tree(leaves: &str) -> Tree {
    let mut tree = Tree::default();
    leaves.bytes().for_each(|leaf| tree.push(leaf_hash(&[leaf])));
    tree
}

fn signed(tree: &Tree) -> SignedCheckpoint {
    let head = Head { size: tree.size(), root: tree.root(tree.size()).unwrap() };
    Checkpoint { site: site(), head, summary: 0 }.signed(&site_key())
}

fn request(old: u64, tree: &Tree) -> AddCheckpoint {
    let proof = tree.consistency(old, tree.size()).unwrap_or_default();
    AddCheckpoint { old, proof, checkpoint: signed(tree).note().clone() }
}

fn decided(witness: &Witness, request: &AddCheckpoint) -> Decision {
    witness.decide(&request.to_string(), 1_700_000_000).unwrap()
}

fn is_cosigned(decision: &Decision) -> bool {
    matches!(decision, Decision::Cosigned(_))
}

#[test]
fn what_continues_is_cosigned_and_nothing_else_even_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (three, five, forked) = (tree("abc"), tree("abcde"), tree("abXde"));
    let first = witness(folder.path());
    let Decision::Cosigned(cosignature) = decided(&first, &request(0, &three)) else { panic!("it is the first") };
    let checkpoint = signed(&three).with(cosignature);
    assert_eq!(witness_key().public().cosigned_at(checkpoint.note()), Ok(1_700_000_000));
    drop(first);
    let again = witness(folder.path());
    assert_eq!(decided(&again, &request(0, &five)), Decision::Conflict(3), "the log learns what was seen");
    assert_eq!(decided(&again, &request(3, &forked)), Decision::Inconsistent);
    assert!(is_cosigned(&decided(&again, &request(3, &five))));
    assert!(is_cosigned(&decided(&again, &request(5, &five))), "the same again");
    assert_eq!(decided(&again, &request(3, &five)), Decision::Conflict(5), "never a smaller one's proof");
    assert_eq!(decided(&again, &request(3, &three)), Decision::Conflict(5), "never a smaller tree");
    assert_eq!(decided(&again, &request(5, &forked)), Decision::Conflict(5), "another tree of the same size");
    let kept = std::fs::read_dir(folder.path()).unwrap().filter_map(Result::ok);
    let is_kept = kept.map(|file| file.file_name().into_string().unwrap()).any(|name| name.starts_with("contradicts-"));
    assert!(is_kept, "both trees that the log signed are kept");
}

#[test]
fn r9_what_is_not_the_logs_own_is_refused_for_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (three, five) = (tree("abc"), tree("abcde"));
    let witness = witness(folder.path());
    assert!(matches!(witness.decide("rubbish", 0).unwrap(), Decision::Malformed(_)));
    let other = SigningKey::from_seed("strongroom/harbour".parse().unwrap(), [8; 32]);
    let by_other = signed(&three).checkpoint().clone().signed(&other).note().clone();
    assert_eq!(decided(&witness, &AddCheckpoint { checkpoint: by_other, ..request(0, &three) }), Decision::NotSigned);
    let head = signed(&three).checkpoint().head;
    let foreign = Checkpoint { site: "quay".parse().unwrap(), head, summary: 0 }.signed(&site_key()).note().clone();
    assert_eq!(decided(&witness, &AddCheckpoint { checkpoint: foreign, ..request(0, &three) }), Decision::UnknownLog);
    assert_eq!(decided(&witness, &AddCheckpoint { old: 4, ..request(0, &three) }), Decision::OldIsLarger);
    let padded = AddCheckpoint { proof: vec![[0; 32]], ..request(0, &three) };
    assert_eq!(decided(&witness, &padded), Decision::Inconsistent, "the first has no proof");
    assert!(is_cosigned(&decided(&witness, &request(0, &three))));
    for at in 0..request(3, &five).proof.len() {
        let mut changed = request(3, &five);
        changed.proof[at][0] ^= 1;
        assert_eq!(decided(&witness, &changed), Decision::Inconsistent, "hash {at}");
    }
}

#[test]
fn what_it_cannot_read_or_keep_is_never_taken_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let witness = witness(folder.path());
    assert!(is_cosigned(&decided(&witness, &request(0, &tree("abc")))));
    let files = std::fs::read_dir(folder.path()).unwrap().filter_map(Result::ok).map(|file| file.path());
    let state = files.into_iter().find(|path| path.to_string_lossy().contains("log-")).unwrap();
    std::fs::write(state, "").unwrap();
    let forked = request(0, &tree("Xbc")).to_string();
    assert!(matches!(witness.decide(&forked, 0), Err(WitnessFault::Memory(_))));
    std::fs::write(folder.path().join("logs"), "a key").unwrap();
    assert!(matches!(witness.decide(&forked, 0), Err(WitnessFault::LogKey { line: 1, .. })));
}

/// Requests that race are decided one after the other: the newest size never falls.
#[test]
fn of_two_requests_at_once_the_second_is_compared_with_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let witness = witness(folder.path());
    let sizes = ["abc", "abcd", "abcde", "abcdef"];
    std::thread::scope(|scope| {
        for leaves in sizes {
            let witness = &witness;
            scope.spawn(move || decided(witness, &request(0, &tree(leaves))));
        }
    });
    // Whoever was first, the others conflict with it.
    let Decision::Conflict(first) = decided(&witness, &request(0, &tree("abcdefg"))) else { panic!("one was first") };
    assert!((3..=6).contains(&first));
    assert!(is_cosigned(&decided(&witness, &request(first, &tree("abcdefg")))));
}

async fn served(folder: &Path) -> (Url, CancellationToken) {
    // As the program does at its start.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let stop = CancellationToken::new();
    tokio::spawn(serve(listener, Arc::new(witness(folder)), Clock::system(), stop.clone()));
    (address, stop)
}

async fn asked(address: &Url, tree: &Tree) -> Result<Signature, WitnessError> {
    let client = WitnessClient::new(address).unwrap();
    client.cosignature(address, &witness_key().public(), &signed(tree), tree).await
}

#[tokio::test]
async fn a_log_gets_its_cosignature_over_http_and_a_rewritten_one_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (address, stop) = served(folder.path()).await;
    for leaves in ["abc", "abc", "abcdef"] {
        let cosignature = asked(&address, &tree(leaves)).await.unwrap();
        let checkpoint = signed(&tree(leaves)).with(cosignature);
        assert!(witness_key().public().cosigned_at(checkpoint.note()).is_ok(), "{leaves}");
    }
    assert!(matches!(asked(&address, &tree("abXdefg")).await, Err(WitnessError::Rewritten { seen: 6 })));
    assert!(matches!(asked(&address, &tree("abXdef")).await, Err(WitnessError::Rewritten { seen: 6 })));
    assert!(matches!(asked(&address, &tree("abcd")).await, Err(WitnessError::Ahead { seen: 6, size: 4 })));
    stop.cancel();
}

#[tokio::test]
async fn r9_a_hostile_request_gets_a_refusal_and_the_witness_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (address, stop) = served(folder.path()).await;
    let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    let url = address.join("add-checkpoint").unwrap();
    let long = "x".repeat(strongroom_proof::MAX_ADD_CHECKPOINT_BYTES + 1);
    for body in [String::new(), "old 0\n\n".to_owned(), "\u{1b}[2J\u{0}".to_owned(), long] {
        let answer = client.post(url.clone()).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 400);
    }
    assert_eq!(client.post(url.clone()).body(vec![0xff, 0xfe]).send().await.unwrap().status(), 400);
    assert_eq!(client.get(url).send().await.unwrap().status(), 405);
    assert!(asked(&address, &tree("abc")).await.is_ok());
    let away: Url = "http://127.0.0.1:9".parse().unwrap();
    assert!(matches!(asked(&away, &tree("abc")).await, Err(WitnessError::Away(_))));
    let file: Url = "file:///etc/passwd".parse().unwrap();
    assert!(matches!(WitnessClient::new(&file), Err(WitnessError::Address(_))));
    stop.cancel();
}

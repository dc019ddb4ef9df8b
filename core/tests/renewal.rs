//! What a connection of before is good for when a worker's credentials have been renewed: a peer that does not play by the rules
//! keeps it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests: a panic is a failure"
)]

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;
use wool::{Credentials, CredentialsOptions, Peers, Pem, Runtime, Worker, WorkerOptions};
use wool_certs::{Authority, Issued, Request as Wanted};

/// No test takes this long unless it hangs.
const WATCHDOG: Duration = Duration::from_secs(60);

fn block_on(test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().unwrap();
    let watched = async { tokio::time::timeout(WATCHDOG, test).await };
    runtime.block_on(watched).expect("the test hangs");
}

fn issue(ca: &Authority, names: &[&str]) -> Issued {
    let names = names.iter().map(|&name| name.to_owned()).collect();
    let wanted = Wanted {
        names,
        ..Wanted::default()
    };
    ca.issue(&wanted).unwrap()
}

fn options(ca: &str, own: &Issued) -> CredentialsOptions {
    let text = |text: &str| Some(Pem::Text(text.as_bytes().to_vec()));
    CredentialsOptions {
        ca: text(ca),
        certificate: text(&own.certificate),
        key: text(&own.key),
        ..CredentialsOptions::default()
    }
}

/// One connection, which is never made anew.
async fn connect(address: &str, ca: &Authority, own: &Issued) -> Channel {
    let mut roots = RootCertStore::empty();
    let certificate = |text: &str| CertificateDer::from_pem_slice(text.as_bytes()).unwrap();
    roots.add(certificate(&ca.certificate)).unwrap();
    let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate(&own.certificate)], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
    let mut stream = Some(connecting.await.unwrap());
    let connector = tower::service_fn(move |_| {
        let stream = stream.take().map(TokioIo::new);
        async move { stream.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotConnected)) }
    });
    let endpoint = Endpoint::from_static("http://worker");
    endpoint.connect_with_connector(connector).await.unwrap()
}

/// Asks something that takes and gives messages, of which nothing is read.
async fn ask(channel: &Channel, path: &'static str) -> Result<(), Status> {
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let codec = ProstCodec::<(), ()>::default();
    let path = PathAndQuery::from_static(path);
    grpc.unary(Request::new(()), path, codec).await.map(drop)
}

const DESCRIBE: &str = "/wool.v1.Catalog/describe";
const STOP: &str = "/wool.v1.Control/stop";
const OPEN: &str = "/wool.v1.Session/open";

#[test]
fn who_is_not_believed_any_more_does_nothing_new_on_an_old_connection() {
    let (ca, next) = (
        Authority::new("ca").unwrap(),
        Authority::new("next").unwrap(),
    );
    let own = issue(&ca, &["127.0.0.1"]);
    let caller = issue(&ca, &["caller.example"]);
    let credentials = Credentials::new(options(&ca.certificate, &own)).unwrap();
    let runtime = Runtime::new(Default::default()).unwrap();
    let worker = WorkerOptions {
        credentials: Some(credentials.clone()),
        stoppers: Some(Peers::named(["caller.example"]).unwrap()),
        ..WorkerOptions::default()
    };
    let worker = Worker::start(&runtime, worker).unwrap();
    block_on(async {
        let channel = connect(worker.address(), &ca, &caller).await;
        ask(&channel, DESCRIBE).await.unwrap();
        // From here on callers come from another authority.
        let renewed = options(&next.certificate, &own);
        credentials.update(renewed).unwrap();
        for path in [DESCRIBE, STOP, OPEN] {
            let refused = ask(&channel, path).await.unwrap_err();
            assert_eq!(refused.code(), Code::Unavailable, "{path}: {refused}");
            assert!(refused.message().contains("renewed"), "{path}: {refused}");
        }
        let caller = issue(&next, &["caller.example"]);
        let channel = connect(worker.address(), &ca, &caller).await;
        ask(&channel, DESCRIBE).await.unwrap();
    });
    runtime.close_blocking(Some(WATCHDOG)).unwrap();
}

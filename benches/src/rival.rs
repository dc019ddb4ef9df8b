//! The rival: a unary gRPC service as one writes it by hand with tonic, with the defaults of its
//! documentation. Streams are pulled over a bidirectional call, an item for an ask.

use std::path::Path;

use bytes::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::{ReceiverStream, UnixListenerStream};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};

use crate::job::{
    AHEAD, Failure, HUGE, Job, SMALL, Sample, Shape, answer_jobs, closed_loops, tell_address,
};
use crate::place::{Place, fresh_socket};
use crate::secure::{self, Dialler};

#[allow(
    missing_docs,
    non_camel_case_types,
    clippy::all,
    reason = "generated from proto/"
)]
mod wire {
    tonic::include_proto!("rival");
}

use wire::rival_client::RivalClient;
use wire::rival_server::{Rival, RivalServer};
use wire::{Ask, Blob, Length};

struct Service;

#[tonic::async_trait]
impl Rival for Service {
    async fn echo(&self, request: Request<Blob>) -> Result<Response<Blob>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    async fn length(&self, request: Request<Blob>) -> Result<Response<Length>, Status> {
        let bytes = request.into_inner().data.len() as u64;
        Ok(Response::new(Length { bytes }))
    }

    type flowStream = ReceiverStream<Result<Blob, Status>>;

    async fn flow(&self, _request: Request<Ask>) -> Result<Response<Self::flowStream>, Status> {
        let (items, answers) = mpsc::channel(AHEAD as usize);
        tokio::spawn(async move {
            loop {
                let data = Bytes::from(vec![7; SMALL]);
                if items.send(Ok(Blob { data })).await.is_err() {
                    break;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(answers)))
    }

    type pullStream = ReceiverStream<Result<Blob, Status>>;

    async fn pull(
        &self,
        request: Request<Streaming<Ask>>,
    ) -> Result<Response<Self::pullStream>, Status> {
        let mut asks = request.into_inner();
        let (items, answers) = mpsc::channel(1);
        tokio::spawn(async move {
            while let Some(Ok(Ask {})) = asks.next().await {
                let data = Bytes::from(vec![7; SMALL]);
                if items.send(Ok(Blob { data })).await.is_err() {
                    break;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(answers)))
    }
}

pub fn worker(unix: bool, certificates: Option<&Path>) -> Result<(), Failure> {
    let executor = tokio::runtime::Runtime::new()?;
    let socket = fresh_socket("rival");
    let router = Server::builder()
        .add_service(RivalServer::new(Service).max_decoding_message_size(usize::MAX));
    let address = executor.block_on(async {
        if unix {
            let incoming = UnixListenerStream::new(UnixListener::bind(&socket)?);
            tokio::spawn(router.serve_with_incoming(incoming));
            return Ok(Place::Unix(socket.clone()));
        }
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        match certificates {
            Some(folder) => {
                tokio::spawn(router.serve_with_incoming(secure::accept(incoming, folder)?))
            }
            None => tokio::spawn(router.serve_with_incoming(incoming)),
        };
        Ok::<_, Failure>(Place::Tcp(address.to_string()))
    })?;
    let told = tell_address(&address.to_string());
    if unix {
        std::fs::remove_file(&socket)?;
    }
    told
}

pub fn caller(address: &str, certificates: Option<&Path>) -> Result<(), Failure> {
    let executor = tokio::runtime::Runtime::new()?;
    let channel = executor.block_on(connect(Place::parse(address), certificates))?;
    let client = RivalClient::new(channel);
    answer_jobs(|job| executor.block_on(run(job, &client)))
}

async fn connect(place: Place, certificates: Option<&Path>) -> Result<Channel, Failure> {
    match (place, certificates) {
        (Place::Tcp(address), None) => Ok(Endpoint::from_shared(format!("http://{address}"))?
            .connect()
            .await?),
        (Place::Tcp(address), Some(folder)) => {
            let dialler = Dialler::new(&address, folder)?;
            let connector = tower::service_fn(move |_| {
                let dialled = dialler.dial();
                async move { Ok::<_, std::io::Error>(TokioIo::new(dialled.await?)) }
            });
            Ok(Endpoint::from_static("http://rival")
                .connect_with_connector(connector)
                .await?)
        }
        (Place::Unix(path), _) => {
            let connector = tower::service_fn(move |_| {
                let path = path.clone();
                async move {
                    let stream = UnixStream::connect(path).await?;
                    Ok::<_, std::io::Error>(TokioIo::new(stream))
                }
            });
            Ok(Endpoint::from_static("http://rival")
                .connect_with_connector(connector)
                .await?)
        }
    }
}

async fn run(job: Job, client: &RivalClient<Channel>) -> Result<Sample, Failure> {
    if job.shape != Shape::Beside {
        return run_loops(job, client).await;
    }
    let data = Bytes::from(vec![7; HUGE]);
    let mut transferring = client.clone();
    let transfers = async {
        loop {
            let blob = Blob { data: data.clone() };
            transferring.length(blob).await?;
        }
    };
    tokio::select! {
        sample = run_loops(job, client) => sample,
        failed = transfers => failed,
    }
}

async fn run_loops(job: Job, client: &RivalClient<Channel>) -> Result<Sample, Failure> {
    let data = Bytes::from(vec![7; job.shape.payload()]);
    closed_loops(job, |mut laps| {
        let mut client = client.clone();
        let data = data.clone();
        async move {
            match job.shape {
                Shape::Echo | Shape::Beside => loop {
                    let blob = Blob { data: data.clone() };
                    client.echo(blob).await?;
                    if !laps.lap() {
                        break;
                    }
                },
                Shape::Length => loop {
                    let blob = Blob { data: data.clone() };
                    client.length(blob).await?;
                    if !laps.lap() {
                        break;
                    }
                },
                Shape::Flow => {
                    let mut items = client.flow(Ask {}).await?.into_inner();
                    while items.message().await?.is_some() && laps.lap() {}
                }
                Shape::Pull => {
                    let (ask, asks) = mpsc::channel(1);
                    ask.send(Ask {}).await?;
                    let mut items = client.pull(ReceiverStream::new(asks)).await?.into_inner();
                    while items.message().await?.is_some() && laps.lap() {
                        ask.send(Ask {}).await?;
                    }
                }
            }
            Ok(laps)
        }
    })
    .await
}

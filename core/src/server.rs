//! The gRPC server of a worker: one port (and one Unix socket) for sessions, the catalog, health and
//! reflection.

use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket,
};
use nix::sys::stat::{Mode, fchmod};
use tokio::net::UnixListener;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming};
use tonic_health::ServingStatus;

use crate::accept::{Visitor, accept};
use crate::error::{Error, ErrorKind, Result};
use crate::log::Level;
use crate::runtime::Runtime;
use crate::session::{self, Guest, LinkError, Outgoing, Transport};
use crate::state::hello::{Limits, Refusal};
use crate::tls::{self, Credentials};
use crate::wire::catalog_server::{Catalog, CatalogServer};
use crate::wire::control_server::{Control, ControlServer};
use crate::wire::session_server::{Session, SessionServer};
use crate::wire::{self, Batch};
use crate::worker::{Grace, WorkerShared};

/// HTTP/2 windows. Sessions have windows of their own; those of HTTP/2 must only be out of the way. (The
/// h2 library's budget for small frames hangs on the connection window: a small one ends busy sessions.)
pub(crate) const STREAM_WINDOW: u32 = 32 << 20;
pub(crate) const CONNECTION_WINDOW: u32 = 64 << 20;
/// A batch may be this much larger than the hello's limit, for its framing.
pub(crate) const BATCH_SLACK: usize = 64 * 1024;
/// How long callers may take to hang up once they have been told everything.
const CONNECTIONS_END_WITHIN: Duration = Duration::from_secs(3);
/// How long a discovery may take to tell others that the worker is gone.
pub(crate) const WITHDRAWN_WITHIN: Duration = Duration::from_secs(3);

/// What a worker listens on.
pub(crate) struct Listeners {
    tcp: tokio::net::TcpListener,
    unix: Option<UnixSocket>,
}

struct UnixSocket {
    listener: UnixListener,
    file: SocketFile,
}

/// Removes the socket's file when dropped.
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody may have tidied up already.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Listeners {
    pub(crate) fn open(
        runtime: &Runtime,
        tcp: TcpListener,
        path: Option<&Path>,
    ) -> Result<Listeners> {
        let _io = runtime.enter_io();
        let io = |error: std::io::Error| Error::new(ErrorKind::Io, error.to_string());
        tcp.set_nonblocking(true).map_err(io)?;
        Ok(Listeners {
            tcp: tokio::net::TcpListener::from_std(tcp).map_err(io)?,
            unix: path.map(UnixSocket::bind).transpose()?,
        })
    }
}

impl UnixSocket {
    fn bind(path: &Path) -> Result<UnixSocket> {
        let failed = |error: std::io::Error| {
            Error::new(
                ErrorKind::Io,
                format!(
                    "the worker cannot bind the socket {}: {error}",
                    path.display()
                ),
            )
        };
        // A socket whose owner is gone is in the way; one that is served is not touched, nor is any other file.
        let is_socket =
            std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
        if is_socket && std::os::unix::net::UnixStream::connect(path).is_err() {
            std::fs::remove_file(path).map_err(failed)?;
        }
        let listener = bind_for_this_user(path).map_err(|errno| failed(errno.into()))?;
        let file = SocketFile(path.to_owned());
        let listener = UnixListener::from_std(listener).map_err(failed)?;
        Ok(UnixSocket { listener, file })
    }
}

/// Its file has its mode from the first moment: it takes that of the socket.
fn bind_for_this_user(path: &Path) -> nix::Result<std::os::unix::net::UnixListener> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    fchmod(&socket, Mode::S_IRUSR | Mode::S_IWUSR)?;
    bind(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    listen(&socket, Backlog::MAXCONN)?;
    Ok(socket.into())
}

/// Serves until the worker is told to stop, and takes it through its end.
pub(crate) async fn serve(worker: Arc<WorkerShared>, listeners: Listeners) {
    let (health, health_service) = tonic_health::server::health_reporter();
    // The whole server, as health checkers ask, and the service by name.
    health.set_service_status("", ServingStatus::Serving).await;
    health
        .set_service_status("wool.v1.Session", ServingStatus::Serving)
        .await;
    let door = Door {
        worker: Arc::clone(&worker),
    };
    let mut routes = Routes::new(
        SessionServer::new(door.clone())
            .max_decoding_message_size(worker.limits().max_batch + BATCH_SLACK)
            .max_encoding_message_size(usize::MAX),
    )
    .add_service(CatalogServer::new(door.clone()))
    .add_service(ControlServer::new(door))
    .add_service(health_service);
    routes = match reflection(routes.clone()) {
        Ok(routes) => routes,
        Err(error) => {
            worker.log(Level::Error, || format!("no reflection: {error}"));
            routes
        }
    };
    let (closing, closed) = watch::channel(false);
    let mut servers = tokio::task::JoinSet::new();
    let until = |mut closed: watch::Receiver<bool>| async move {
        // The sender lives as long as this function.
        let _ = closed.wait_for(|closed| *closed).await;
    };
    let refusing = Arc::clone(&worker);
    let incoming = accept(
        listeners.tcp,
        worker.credentials().cloned(),
        Arc::clone(worker.peers()),
        move |why| refusing.log(Level::Warn, || why),
    );
    let server = builder().add_routes(routes.clone());
    servers.spawn(server.serve_with_incoming_shutdown(incoming, until(closed.clone())));
    let mut rotation = tokio::task::JoinSet::new();
    if let Some(credentials) = worker.credentials().cloned() {
        let worker = Arc::clone(&worker);
        rotation.spawn(async move { rotate(&worker, credentials).await });
    }
    let mut socket_file = None;
    if let Some(unix) = listeners.unix {
        socket_file = Some(unix.file);
        let incoming = UnixListenerStream::new(unix.listener);
        let until = until(closed);
        servers.spawn(async move {
            builder()
                .add_routes(routes)
                .serve_with_incoming_shutdown(incoming, until)
                .await
        });
    }

    let mut grace = worker.grace();
    tokio::select! {
        // The sender lives in the worker.
        _ = grace.wait_for(Option::is_some) => {}
        ended = servers.join_next() => {
            worker.log(Level::Error, || format!("the server ended by itself: {ended:?}"));
        }
    }
    health
        .set_service_status("", ServingStatus::NotServing)
        .await;
    health
        .set_service_status("wool.v1.Session", ServingStatus::NotServing)
        .await;
    let withdrawn = worker.withdraw();
    worker.drain();
    drop(socket_file);
    let_run(&worker, &mut grace).await;
    worker.cancel_all();
    worker.places().idle().await;
    worker.finish_sessions();
    // Nobody listens for it when the servers have ended already.
    let _ = closing.send(true);
    let ended = tokio::time::timeout(CONNECTIONS_END_WITHIN, async {
        while servers.join_next().await.is_some() {}
    });
    if ended.await.is_err() {
        servers.shutdown().await;
    }
    if tokio::time::timeout(WITHDRAWN_WITHIN, withdrawn)
        .await
        .is_err()
    {
        worker.log(Level::Warn, || {
            "discovery has not confirmed that the worker is withdrawn".to_owned()
        });
    }
    drop(rotation);
    worker.set_stopped();
}

/// Looks after the credentials: sessions of before a renewal are drained.
async fn rotate(worker: &WorkerShared, credentials: Credentials) {
    let mut generations = credentials.generations();
    let watching = tls::watch(credentials, worker.runtime().clone());
    tokio::pin!(watching);
    loop {
        tokio::select! {
            () = &mut watching => return,
            changed = generations.changed() => match changed {
                Ok(()) => worker.drain_sessions_of_before(),
                Err(_) => return,
            },
        }
    }
}

/// Waits for the running tasks as long as the grace allows; it may be shortened meanwhile.
async fn let_run(worker: &WorkerShared, grace: &mut watch::Receiver<Option<Grace>>) {
    let begun = tokio::time::Instant::now();
    loop {
        let until = match *grace.borrow_and_update() {
            None | Some(Grace::Now) => return,
            Some(Grace::For(time)) => begun.checked_add(time),
            Some(Grace::Forever) => None,
        };
        let over = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = worker.places().idle() => return,
            () = over => return,
            _ = grace.changed() => {}
        }
    }
}

fn builder() -> tonic::transport::Server {
    tonic::transport::Server::builder()
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(Limits::default().max_open_calls as u32)
}

/// Adds server reflection, also in the older version that many tools still ask for.
fn reflection(routes: Routes) -> Result<Routes, tonic_reflection::server::Error> {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(wire::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    Ok(routes
        .add_service(builder().build_v1()?)
        .add_service(builder().build_v1alpha()?))
}

#[derive(Clone)]
struct Door {
    worker: Arc<WorkerShared>,
}

impl Door {
    /// Who asks; `None` over the Unix socket.
    ///
    /// # Errors
    /// Its connection is one of before the credentials were renewed: who is not believed any more does nothing new on it.
    fn visitor<T>(&self, request: &Request<T>) -> Result<Option<Visitor>, Status> {
        let visitor = request.extensions().get::<Visitor>().cloned();
        let proved = visitor.as_ref().and_then(|visitor| visitor.proved.as_ref());
        if proved.is_some_and(|proved| self.worker.has_renewed(proved.generation)) {
            return Err(Status::unavailable(
                "the worker's credentials have been renewed since this connection was made: connect again",
            ));
        }
        Ok(visitor)
    }

    /// # Errors
    /// Its peer has as many sessions as it may.
    fn guest(&self, visitor: Option<Visitor>) -> Result<Guest, Status> {
        let Some(Visitor { proved, load }) = visitor else {
            return Ok(Guest::default());
        };
        let share = load
            .open_session(self.worker.limits().session_window)
            .map_err(|exceeded| {
                self.worker
                    .log(Level::Warn, || format!("a session was refused: {exceeded}"));
                Status::resource_exhausted(exceeded)
            })?;
        Ok(Guest {
            generation: proved.as_ref().map(|proved| proved.generation),
            names: proved.map(|proved| proved.names),
            share: Some(Arc::new(share)),
        })
    }
}

#[tonic::async_trait]
impl Session for Door {
    type openStream = Answers;

    async fn open(&self, request: Request<Streaming<Batch>>) -> Result<Response<Answers>, Status> {
        let guest = self.guest(self.visitor(&request)?)?;
        let (outgoing, answers) = session::channel();
        let incoming = Box::pin(Batches(request.into_inner()));
        tokio::spawn(session::serve(
            Transport { incoming, outgoing },
            Arc::clone(&self.worker),
            guest,
        ));
        Ok(Response::new(Answers(answers)))
    }
}

#[tonic::async_trait]
impl Catalog for Door {
    async fn describe(
        &self,
        request: Request<wire::DescribeRequest>,
    ) -> Result<Response<wire::WorkerDescription>, Status> {
        let proved = self.visitor(&request)?.and_then(|visitor| visitor.proved);
        if proved.is_some_and(|proved| !self.worker.lets_in(proved.names.all())) {
            return Err(Status::permission_denied(
                "this worker does not let in callers of these names",
            ));
        }
        Ok(Response::new(self.worker.describe()))
    }
}

#[tonic::async_trait]
impl Control for Door {
    async fn stop(
        &self,
        request: Request<wire::StopRequest>,
    ) -> Result<Response<wire::StopResponse>, Status> {
        let proved = self.visitor(&request)?.and_then(|visitor| visitor.proved);
        let names = proved.as_ref().map(|proved| &**proved.names.all());
        if !self.worker.may_stop(names) {
            return Err(Status::permission_denied(
                "this worker is not stopped over the network by callers of these names: its stoppers say who may",
            ));
        }
        self.worker.log(Level::Info, || {
            format!(
                "stopped over the network by {:?}",
                names.unwrap_or_default()
            )
        });
        self.worker.stop(match request.get_ref().grace_ms {
            0 => Grace::Now,
            time => Grace::For(Duration::from_millis(time)),
        });
        Ok(Response::new(wire::StopResponse {}))
    }
}

/// What comes in, with the session's errors.
pub(crate) struct Batches(pub(crate) Streaming<Batch>);

impl Stream for Batches {
    type Item = Result<Batch, LinkError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(cx).map_err(LinkError::from)
    }
}

/// What goes out to a caller; a refusal ends the stream with its status.
pub(crate) struct Answers(mpsc::Receiver<Outgoing>);

impl Stream for Answers {
    type Item = Result<Batch, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map_err(|refusal| match refusal {
            Refusal::Handshake(message) | Refusal::OtherWorker(message) => {
                Status::failed_precondition(message)
            }
            Refusal::PermissionDenied(message) => Status::permission_denied(message),
            Refusal::Protocol(message) => Status::invalid_argument(message),
        })
    }
}

//! A TLS listener on loopback: one task for each connection, all ended together.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::wait;

/// The running listener; ends, with its connections, when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens on this port (0: any that is free) and hands each connection to `serve`.
    pub(crate) async fn start<S, F>(port: u16, acceptor: TlsAcceptor, serve: S) -> Self
    where
        S: Fn(TlsStream<TcpStream>) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let bind = || async { TcpListener::bind(("127.0.0.1", port)).await.ok() };
        let listener = wait::found(Duration::from_secs(5), "a port to listen on", bind).await;
        let address = listener.local_addr().expect("address of the listener");
        let task = tokio::spawn(async move {
            // Dropped with this task, and all connections with it.
            let mut connections = JoinSet::new();
            let (accepted, mut handshakes) = tokio::sync::mpsc::unbounded_channel();
            loop {
                tokio::select! {
                    Ok((stream, _)) = listener.accept() => {
                        let (acceptor, accepted) = (acceptor.clone(), accepted.clone());
                        connections.spawn(async move {
                            _ = stream.set_nodelay(true);
                            if let Ok(stream) = acceptor.accept(stream).await {
                                _ = accepted.send(stream);
                            }
                        });
                    }
                    Some(stream) = handshakes.recv() => { connections.spawn(serve(stream)); }
                    Some(_) = connections.join_next() => {}
                }
            }
        });
        Self { address, task }
    }

    /// Closes the listener and its connections, and waits until they are closed.
    pub(crate) async fn stop(mut self) {
        self.task.abort();
        _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

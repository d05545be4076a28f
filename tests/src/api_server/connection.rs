//! One connection of the stand-in, in either version of HTTP.

use std::io::Result;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::server::TlsStream;

use super::answers::{Answer, answer};
use super::{Received, Reply, Shared};
use crate::http1::{Head, Lines, Wire, value};

/// Serves it until it ends.
pub(super) async fn serve(stream: TlsStream<TcpStream>, shared: Arc<Shared>) {
    shared.state().connections += 1;
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        two(stream, &shared).await;
    } else {
        _ = one(Wire::new(stream), &shared).await;
    }
}

/// HTTP/1.1.
async fn one(mut wire: Wire, shared: &Shared) -> Result<()> {
    while let Some(head) = wire.read_head().await? {
        let Some((method, target)) = head.request_line() else { return Ok(()) };
        let path = String::from_utf8_lossy(&target).into_owned();
        if value(&head.lines, "expect").is_some() {
            wire.write(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let (body, trailers) = wire.read_body(head.request_body()?).await?;
        let request =
            Received { method, path, target, headers: head.lines, trailers, body, version: "HTTP/1.1" };
        shared.state().received.push(request.clone());
        match answer(&request, shared) {
            Answer::Reply(Reply::Close) => return Ok(()),
            Answer::Reply(Reply::Hang) => std::future::pending().await,
            Answer::Reply(reply) => {
                let (status, mut lines, body) = parts(reply);
                lines.push(("Content-Length".to_owned(), body.len().to_string().into_bytes()));
                let mut bytes =
                    Head { start: format!("HTTP/1.1 {status} Told").into_bytes(), lines }.to_bytes();
                if request.method != "HEAD" {
                    bytes.extend(body);
                }
                wire.write(&bytes).await?;
            }
            Answer::Upgrade(protocol, subprotocol) => {
                let key = request.value("sec-websocket-key");
                return echo(wire, &protocol, subprotocol.as_deref(), key.as_deref()).await;
            }
            Answer::Watch(first, mut events) => {
                let lines = vec![
                    ("Content-Type".to_owned(), b"application/json".to_vec()),
                    ("Transfer-Encoding".to_owned(), b"chunked".to_vec()),
                ];
                wire.write(&Head { start: b"HTTP/1.1 200 OK".to_vec(), lines }.to_bytes()).await?;
                // An empty chunk would be the last one.
                if !first.is_empty() {
                    wire.write_chunk(&first, &Lines::new()).await?;
                }
                loop {
                    // A watcher that goes away is noticed by its end of stream, not only by the next event.
                    tokio::select! {
                        event = events.recv() => match event {
                            Ok(event) => wire.write_chunk(&event, &Lines::new()).await?,
                            Err(_) => break,
                        },
                        _ = wire.read_up_to(1) => return Ok(()),
                    }
                }
                wire.write_chunk(b"", &Lines::new()).await?;
            }
        }
    }
    Ok(())
}

/// Answers 101, then sends back every byte until the peer ends the stream.
async fn echo(mut wire: Wire, protocol: &str, subprotocol: Option<&str>, key: Option<&str>) -> Result<()> {
    let mut lines: Lines = vec![
        ("Connection".to_owned(), b"Upgrade".to_vec()),
        ("Upgrade".to_owned(), protocol.as_bytes().to_vec()),
    ];
    if let Some(key) = key {
        // RFC 6455 4.2.2
        let text = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
        lines.push(("Sec-WebSocket-Accept".to_owned(), STANDARD.encode(hash).into_bytes()));
    }
    lines.extend(subprotocol.map(|name| ("Sec-WebSocket-Protocol".to_owned(), name.as_bytes().to_vec())));
    wire.write(&Head { start: b"HTTP/1.1 101 Switching Protocols".to_vec(), lines }.to_bytes()).await?;
    loop {
        let bytes = wire.read_up_to(1 << 16).await?;
        if bytes.is_empty() {
            return wire.shutdown().await;
        }
        wire.write(&bytes).await?;
    }
}

/// HTTP/2.
async fn two(stream: TlsStream<TcpStream>, shared: &Arc<Shared>) {
    let mut builder = h2::server::Builder::new();
    builder
        .max_header_list_size(1 << 20)
        .initial_window_size(1 << 20)
        .initial_connection_window_size(1 << 24);
    let Ok(mut connection) = builder.handshake::<_, Bytes>(stream).await else { return };
    let mut streams = JoinSet::new();
    while let Some(Ok((request, respond))) = connection.accept().await {
        let shared = Arc::clone(shared);
        streams.spawn(async move { _ = exchange(request, respond, &shared).await });
    }
}

async fn exchange(
    request: http::Request<h2::RecvStream>,
    mut respond: h2::server::SendResponse<Bytes>,
    shared: &Shared,
) -> std::result::Result<(), h2::Error> {
    let (head, mut stream) = request.into_parts();
    let target = head.uri.path_and_query().map(|target| target.as_str().to_owned()).unwrap_or_default();
    let authority =
        head.uri.authority().map(|name| (":authority".to_owned(), name.as_str().as_bytes().to_vec()));
    let mut body = Vec::new();
    while let Some(piece) = stream.data().await {
        let piece = piece?;
        stream.flow_control().release_capacity(piece.len())?;
        body.extend(piece);
    }
    let trailers = stream.trailers().await?.map(|lines| lines_of(&lines)).unwrap_or_default();
    let request = Received {
        method: head.method.to_string(),
        target: target.clone().into_bytes(),
        path: target,
        headers: authority.into_iter().chain(lines_of(&head.headers)).collect(),
        trailers,
        body,
        version: "HTTP/2",
    };
    shared.state().received.push(request.clone());
    match answer(&request, shared) {
        Answer::Reply(Reply::Close) => respond.send_reset(h2::Reason::INTERNAL_ERROR),
        Answer::Reply(Reply::Hang) => {
            // Held until the caller gives up.
            std::future::poll_fn(|context| respond.poll_reset(context)).await?;
        }
        Answer::Reply(reply) => {
            let (status, lines, body) = parts(reply);
            let mut send = respond.send_response(response(status, &lines), body.is_empty())?;
            if !body.is_empty() {
                send.send_data(body.into(), true)?;
            }
        }
        // An upgrade does not exist in HTTP/2, whose requests cannot carry `connection`.
        Answer::Upgrade(..) => respond.send_reset(h2::Reason::HTTP_1_1_REQUIRED),
        Answer::Watch(first, mut events) => {
            let lines = vec![("content-type".to_owned(), b"application/json".to_vec())];
            let mut send = respond.send_response(response(200, &lines), false)?;
            send.send_data(first.into(), false)?;
            loop {
                tokio::select! {
                    event = events.recv() => match event {
                        Ok(event) => send.send_data(event.into(), false)?,
                        Err(_) => break,
                    },
                    _ = std::future::poll_fn(|context| send.poll_reset(context)) => return Ok(()),
                }
            }
            send.send_data(Bytes::new(), true)?;
        }
    }
    Ok(())
}

fn parts(reply: Reply) -> (u16, Lines, Vec<u8>) {
    match reply {
        Reply::Json(status, json) => {
            let lines = vec![("content-type".to_owned(), b"application/json".to_vec())];
            (status, lines, json.to_string().into_bytes())
        }
        Reply::Raw(status, lines, body) => (status, lines, body),
        Reply::Close | Reply::Hang => unreachable!("not written"),
    }
}

fn response(status: u16, lines: &Lines) -> http::Response<()> {
    let mut builder = http::Response::builder().status(status);
    for (name, value) in lines {
        builder = builder.header(name.as_str(), value.as_slice());
    }
    builder.body(()).expect("a response that HTTP/2 can carry")
}

fn lines_of(headers: &http::HeaderMap) -> Lines {
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

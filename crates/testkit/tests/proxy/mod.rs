//! A way to a server that counts what the server sends, and can fall silent.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// Listens on 127.0.0.1 as long as the test's process lives.
pub(crate) struct Proxy {
    port: u16,
    received: Arc<AtomicU64>,
}

impl Proxy {
    /// A way to the server behind `socket`, on which nothing moves any more once the file `silence` is there.
    pub(crate) fn start(socket: &Path, silence: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::new(AtomicU64::new(0));
        let (count, socket, silence) = (Arc::clone(&received), socket.to_owned(), silence.to_owned());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = UnixStream::connect(&socket) else {
                    continue;
                };
                pass(client, server, &count, &silence);
            }
        });
        Proxy { port, received }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Bytes that the server has sent so far.
    #[allow(dead_code, reason = "not every test that goes this way counts")]
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

fn pass(client: TcpStream, server: UnixStream, received: &Arc<AtomicU64>, silence: &Path) {
    // Or each small answer waits for the next one.
    client.set_nodelay(true).unwrap();
    let (mut from_client, mut to_client) = (client.try_clone().unwrap(), client);
    let (mut from_server, mut to_server) = (server.try_clone().unwrap(), server);
    let (count, silence, there) = (Arc::clone(received), silence.to_owned(), silence.to_owned());
    thread::spawn(move || {
        copy(&mut from_client, &mut to_server, &there, |_| {});
        let _ = to_server.shutdown(std::net::Shutdown::Both);
    });
    thread::spawn(move || {
        let add = |bytes: usize| {
            count.fetch_add(bytes as u64, Ordering::Relaxed);
        };
        copy(&mut from_server, &mut to_client, &silence, add);
        let _ = to_client.shutdown(std::net::Shutdown::Both);
    });
}

fn copy(from: &mut impl Read, to: &mut impl Write, silence: &Path, passed: impl Fn(usize)) {
    let mut piece = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        while silence.exists() {
            thread::sleep(Duration::from_millis(20));
        }
        passed(length);
        if to.write_all(&piece[..length]).is_err() {
            return;
        }
    }
}

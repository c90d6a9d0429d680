//! Every COMMIT of a load is lost once: on its way to the server, and its answer on its way back.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use testkit::{Cluster, Output};

use crate::lab::{Lab, REMAP};

const SOURCE: &str = "
CREATE TABLE kind (id integer PRIMARY KEY, name text);
INSERT INTO kind SELECT n, 'kind ' || n FROM generate_series(1, 40) AS n;
CREATE TABLE item (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind integer REFERENCES kind);
INSERT INTO item (kind) SELECT 1 + n % 40 FROM generate_series(1, 100) AS n;
CREATE MATERIALIZED VIEW per_kind AS SELECT kind, count(*) FROM item GROUP BY kind;";

/// What gets lost of a COMMIT, with the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    Request,
    Answer,
}

/// A way to a server on which one COMMIT is lost, counted from 0 over all sessions.
struct LossyWay {
    port: u16,
    commits: Arc<AtomicUsize>,
}

impl LossyWay {
    /// Listens on 127.0.0.1 as long as the test's process lives.
    fn start(server: PathBuf, lost: Lost, at: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let commits = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&commits);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = UnixStream::connect(&server).unwrap();
                pass(client, server, Arc::clone(&count), (lost, at));
            }
        });
        LossyWay { port, commits }
    }
}

fn pass(client: TcpStream, server: UnixStream, commits: Arc<AtomicUsize>, (lost, at): (Lost, usize)) {
    // Or each small answer waits for the next one.
    client.set_nodelay(true).unwrap();
    let (mut from_client, mut to_client) = (client.try_clone().unwrap(), client);
    let (mut from_server, mut to_server) = (server.try_clone().unwrap(), server);
    let is_cut = Arc::new(AtomicBool::new(false));
    let is_cut_too = Arc::clone(&is_cut);
    thread::spawn(move || {
        let mut piece = vec![0; 64 << 10];
        while let Ok(length @ 1..) = from_client.read(&mut piece) {
            // A transaction's end is a message of its own, which is sent when everything before it was answered.
            let is_commit = piece[..length].ends_with(b"COMMIT\0");
            if is_commit && commits.fetch_add(1, Ordering::SeqCst) == at {
                is_cut.store(true, Ordering::SeqCst);
                if lost == Lost::Request {
                    break;
                }
            }
            if to_server.write_all(&piece[..length]).is_err() {
                break;
            }
        }
        let _ = to_server.shutdown(Shutdown::Both);
        let _ = from_client.shutdown(Shutdown::Both);
    });
    thread::spawn(move || {
        let mut piece = vec![0; 64 << 10];
        while let Ok(length @ 1..) = from_server.read(&mut piece) {
            if is_cut_too.load(Ordering::SeqCst) || to_client.write_all(&piece[..length]).is_err() {
                break;
            }
        }
        let _ = to_client.shutdown(Shutdown::Both);
    });
}

/// Loads over such a way; how many COMMITs there were.
fn load(lab: &Lab, lost: Lost, at: usize) -> (Output, usize) {
    let way = LossyWay::start(Cluster::shared().root().join(".s.PGSQL.5432"), lost, at);
    let target = format!("{} host=127.0.0.1 port={}", lab.target.target(), way.port);
    let output = lab
        .shell("load --jobs 2 \"$LOSSY\" k.tar")
        .env("LOSSY", target)
        .run();
    (output, way.commits.load(Ordering::SeqCst))
}

#[test]
fn a_lost_commit_is_decided_by_the_journal() {
    // Fault 25.
    let source = Cluster::shared().database("commits").unwrap();
    source.execute(SOURCE).unwrap();
    let lab = Lab::with_target(&source, Cluster::shared().target().unwrap());
    let kept = {
        lab.run(&format!("dump \"$SOURCE\" | {REMAP} -o k.tar"))
            .assert_success();
        std::fs::read(lab.path("k.tar")).unwrap()
    };
    let (output, commits) = load(&lab, Lost::Answer, usize::MAX);
    output.assert_success();
    assert!(commits > 5, "{commits} COMMITs");
    // The last ones first: with them everything goes live.
    let rounds = testkit::rounds(10).min(2 * commits);
    for round in 0..rounds {
        let at = commits - 1 - round / 2 * commits / rounds.div_ceil(2);
        let lost = [Lost::Answer, Lost::Request][round % 2];
        lab.clear();
        std::fs::write(lab.path("k.tar"), &kept).unwrap();
        let (output, _) = load(&lab, lost, at);
        // Before the run is in the journal there is nothing to go on with; the last transaction is not tried again.
        let may_fail = at < 2 || round == 1;
        assert!(
            output.success() || output.code() == Some(5) && may_fail,
            "{lost:?} {at}\n{output}"
        );
        lab.check_way_on(&output, None, "k.tar");
    }
    println!("{commits} COMMITs, {rounds} of them lost, every row once");
}

//! Chromium without a window, spoken to in the `DevTools` protocol over a pipe: JSON messages, a NUL after each.
//!
//! `--remote-debugging-pipe` needs neither a port nor a WebSocket, which is why no driver's crate is here.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::error::{Error, Result};

const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Beyond this an answer never comes.
const TIME_LIMIT: Duration = Duration::from_secs(90);

/// Gives the browser its ends of the pipes as descriptors 3 and 4, where it expects them.
const SCRIPT: &str = "exec 3<&0 4>&1 </dev/null >/dev/null 2>\"$0/stderr\"; exec \"$@\"";

/// A running browser; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Chromium {
    child: Child,
    commands: Option<ChildStdin>,
    messages: Receiver<Value>,
    number: u64,
    /// Events that came while answers were waited for.
    events: Vec<Value>,
    profile: TempDir,
}

impl Chromium {
    /// The first that is on the PATH, or the one that `CHROMIUM` names.
    pub(super) fn find() -> Option<PathBuf> {
        if let Some(named) = std::env::var_os("CHROMIUM") {
            return Some(named.into());
        }
        let path = std::env::var_os("PATH")?;
        let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        NAMES
            .iter()
            .find_map(|name| folders.iter().map(|it| it.join(name)).find(|it| it.is_file()))
    }

    pub(super) fn start(program: &Path) -> Result<Self> {
        let failed = |cause| Error::Run {
            line: program.display().to_string(),
            cause,
        };
        let profile = tempfile::tempdir().map_err(failed)?;
        let owner = profile.path().metadata().map_err(failed)?.uid();
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT]).arg(profile.path()).arg(program);
        command.args([
            "--headless",
            "--remote-debugging-pipe",
            "--no-first-run",
            "--disable-gpu",
            "--disable-extensions",
            "--disable-background-networking",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--force-color-profile=srgb",
        ]);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        // Its sandbox refuses root; it opens nothing but our own pages.
        if owner == 0 {
            command.arg("--no-sandbox");
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (sender, messages) = channel();
        let stdout = child.stdout.take();
        thread::spawn(move || {
            for message in stdout.into_iter().flat_map(|it| BufReader::new(it).split(0)) {
                let Ok(message) = message else { break };
                let Ok(message) = serde_json::from_slice(&message) else {
                    break;
                };
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let commands = child.stdin.take();
        Ok(Chromium {
            child,
            commands,
            messages,
            number: 0,
            events: Vec::new(),
            profile,
        })
    }

    /// Runs a method of the protocol and waits for its answer.
    pub(super) fn call(&mut self, session: Option<&str>, method: &str, parameters: &Value) -> Result<Value> {
        self.number += 1;
        let mut message = json!({ "id": self.number, "method": method, "params": parameters });
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        let sent = self
            .commands
            .as_mut()
            .map(|it| it.write_all(&bytes).and_then(|()| it.flush()));
        if !matches!(sent, Some(Ok(()))) {
            return Err(self.broken(method));
        }
        loop {
            let message = self.receive(method)?;
            if message["id"] != self.number {
                self.events.push(message);
            } else if message["error"].is_null() {
                return Ok(message["result"].clone());
            } else {
                return Err(Error::Differs(format!("{method}: {}", message["error"])));
            }
        }
    }

    /// Waits for an event of a session, or takes it from those that have come.
    pub(super) fn wait_for(&mut self, session: &str, method: &str) -> Result<()> {
        let is_it = |it: &Value| it["sessionId"] == session && it["method"] == method;
        while !self.events.iter().any(is_it) {
            let message = self.receive(method)?;
            self.events.push(message);
        }
        Ok(())
    }

    /// All events of a session so far.
    pub(super) fn events<'e>(&'e self, session: &'e str) -> impl Iterator<Item = &'e Value> {
        self.events.iter().filter(move |it| it["sessionId"] == session)
    }

    fn receive(&self, method: &str) -> Result<Value> {
        self.messages
            .recv_timeout(TIME_LIMIT)
            .map_err(|_| self.broken(method))
    }

    fn broken(&self, method: &str) -> Error {
        let said = std::fs::read_to_string(self.profile.path().join("stderr")).unwrap_or_default();
        let last: Vec<&str> = said.lines().rev().take(5).collect();
        Error::Differs(format!(
            "the browser does not answer to {method}: {}",
            last.join(" | ")
        ))
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.call(None, "Browser.close", &json!({}));
        self.commands = None;
        let _ = self.child.wait();
    }
}

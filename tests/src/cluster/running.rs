//! A call of kubectl that goes on.

use std::process::Stdio;
use std::time::Duration;

use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// How long a line may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that one talks to line by line; killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    errors: NamedTempFile,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    name: String,
}

impl Running {
    pub(super) fn start(name: &str, mut command: Command) -> Self {
        let errors = NamedTempFile::new().expect("file for the errors");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(errors.reopen().expect("file for the errors")).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let input = child.stdin.take().expect("its standard input");
        let lines = BufReader::new(child.stdout.take().expect("its standard output")).lines();
        Self { child, errors, input, lines, name: name.to_owned() }
    }

    /// Writes a line to its standard input.
    pub async fn say(&mut self, line: &str) {
        let written = self.input.write_all(format!("{line}\n").as_bytes()).await;
        written.unwrap_or_else(|error| panic!("{}: {error}: {}", self.name, self.errors()));
    }

    /// The next line of its standard output; panics if it ends, or is silent for a minute.
    pub async fn line(&mut self) -> String {
        let line = self.line_within(PATIENCE).await;
        line.unwrap_or_else(|| panic!("{} is silent: {}", self.name, self.errors()))
    }

    /// The next line, or `None` when it is silent for so long; panics if it ends.
    pub async fn line_within(&mut self, patience: Duration) -> Option<String> {
        let line = timeout(patience, self.lines.next_line()).await.ok()?;
        let line = line.expect("a line of text");
        Some(line.unwrap_or_else(|| panic!("{} has ended: {}", self.name, self.errors())))
    }

    /// Reads until this line.
    pub async fn until(&mut self, line: &str) {
        while self.line().await != line {}
    }

    /// Ends it.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }

    fn errors(&self) -> String {
        std::fs::read_to_string(self.errors.path()).unwrap_or_default()
    }
}

//! A started program: its log, its life, and its end by its own pid.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::wait;

/// A program that runs until it ends, is ended, or is dropped (then it is killed).
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it, with standard output and standard error appended to the log file.
    #[must_use]
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Self {
        let mut append = std::fs::OpenOptions::new();
        let file = append.append(true).create(true).open(log).expect("log file of the program");
        let errors = file.try_clone().expect("log file of the program");
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::from(file))
            .stderr(Stdio::from(errors))
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        Self { name: name.to_owned(), child, log: log.to_owned() }
    }

    /// Its pid, or `None` when it has ended.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// The lines that it wrote so far. One that is being written is not among them: Envoy writes its access log in pieces
    /// that end anywhere.
    #[must_use]
    pub fn log(&self) -> String {
        let mut written = std::fs::read(&self.log).unwrap_or_default();
        written.truncate(written.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
        String::from_utf8_lossy(&written).into_owned()
    }

    /// How it ended, or `None` while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("state of the program")
    }

    /// Waits until `look` finds something. Panics, with the end of the log, at the deadline
    /// and as soon as the program has ended.
    pub async fn until<T>(
        &mut self,
        deadline: Duration,
        what: &str,
        look: impl AsyncFnMut() -> Option<T>,
    ) -> T {
        let found = self.try_until(deadline, look).await;
        found.unwrap_or_else(|why| panic!("{}: {what}: {why}\n{}", self.name, self.tail()))
    }

    /// As [`Self::until`]; says why nothing was found, instead of panicking.
    pub async fn try_until<T>(
        &mut self,
        deadline: Duration,
        look: impl AsyncFnMut() -> Option<T>,
    ) -> Result<T, String> {
        tokio::select! {
            found = wait::poll(deadline, look) => found.ok_or_else(|| format!("not after {deadline:?}")),
            status = self.child.wait() => Err(format!("it ended: {status:?}")),
        }
    }

    /// Waits for its end.
    pub async fn end(&mut self, deadline: Duration) -> ExitStatus {
        match tokio::time::timeout(deadline, self.child.wait()).await {
            Ok(status) => status.expect("state of the program"),
            Err(_) => panic!("{} still runs after {deadline:?}\n{}", self.name, self.tail()),
        }
    }

    /// Sends a signal, if it still runs.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            kill_process(pid, signal).expect("signal to the program");
        }
    }

    /// Asks it to end (SIGTERM) and waits for that.
    pub async fn terminate(&mut self, deadline: Duration) -> ExitStatus {
        self.signal(Signal::TERM);
        self.end(deadline).await
    }

    /// Ends it at once (SIGKILL).
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("kill the program");
    }

    fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

/// The top directory of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository").to_owned()
}

/// The path of a pinned program (`envoy`, `kube-apiserver`, `etcd`, `kubectl`, `dex`, `kwok`), installed if
/// need be.
/// The variable that names another (`ENVOY`, `KUBE_APISERVER`, ...) is honoured by the script.
pub async fn tool(name: &str) -> PathBuf {
    static FOUND: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let name = name.to_owned();
    let find = move || {
        let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
        let path = found.entry(name).or_insert_with_key(|name| {
            let script = repository().join("tests/tools/install");
            let output =
                std::process::Command::new(script).arg(name).output().expect("run tests/tools/install");
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "tests/tools/install {name}: {errors}");
            PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim_end())
        });
        path.clone()
    };
    tokio::task::spawn_blocking(find).await.expect("tests/tools/install")
}

/// A port of loopback that was free a moment ago, for programs that cannot say which one they took.
#[must_use]
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// Replaces `${NAME}` by its value. Panics on a name without a value, so that a template and its user
/// cannot drift apart.
#[must_use]
pub fn render(template: &str, values: &[(&str, &str)]) -> String {
    let (mut text, mut rest) = (String::new(), template);
    while let Some(start) = rest.find("${") {
        let end =
            rest[start..].find('}').map_or_else(|| panic!("${{ without }} in the template"), |at| start + at);
        let name = &rest[start + 2..end];
        let value = values.iter().find(|(known, _)| *known == name);
        let (_, value) =
            value.unwrap_or_else(|| panic!("the template asks for ${{{name}}}, which has no value"));
        text.push_str(&rest[..start]);
        text.push_str(value);
        rest = &rest[end + 1..];
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn a_program_is_logged_and_ended() {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo ready; trap 'exit 0' TERM; printf half; while :; do sleep 0.01; done"]);
        let mut process = Process::start("sh", &mut command, &directory.path().join("log"));
        let log = directory.path().join("log");
        let ready = || async { std::fs::read_to_string(&log).unwrap().contains("ready").then_some(()) };
        process.until(SOON, "ready", ready).await;
        assert_eq!(process.log(), "ready\n");
        assert!(process.ended().is_none());
        let half = || async { std::fs::read_to_string(&log).unwrap().contains("half").then_some(()) };
        process.until(SOON, "half a line", half).await;
        assert_eq!(process.log(), "ready\n");
        assert!(process.terminate(SOON).await.success());
    }

    #[tokio::test]
    #[should_panic(expected = "broken")]
    async fn the_end_of_a_program_ends_the_wait() {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo broken; exit 3"]);
        let mut process = Process::start("sh", &mut command, &directory.path().join("log"));
        process.until(Duration::from_secs(600), "ready", || async { None::<()> }).await;
    }

    #[test]
    fn a_template_is_rendered() {
        assert_eq!(render("a ${X} ${Y} $z }", &[("X", "1"), ("Y", "${X}")]), "a 1 ${X} $z }");
    }

    #[test]
    #[should_panic(expected = "${PORT}, which has no value")]
    fn a_template_has_no_hole() {
        _ = render("port: ${PORT}", &[]);
    }
}

//! The real `jwks-sync`.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::client::{Client, Response};
use crate::process::{Process, free_port, render, repository};

/// How long it may take to start, or to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A place for one `jwks-sync`: a directory of its own with its files and its socket, a free port for its health,
/// and the process, when it runs. Killed when dropped.
#[derive(Debug)]
pub struct Sidecar {
    arguments: Vec<String>,
    directory: TempDir,
    health_port: u16,
    process: Option<Process>,
    program: Option<PathBuf>,
}

impl Default for Sidecar {
    fn default() -> Self {
        Self::new()
    }
}

impl Sidecar {
    /// The place; nothing runs yet. Write the files, then [`Self::start`].
    #[must_use]
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("directory of the sidecar");
        let run = directory.path().join("run");
        std::fs::create_dir(&run).expect("directory of the socket");
        std::fs::set_permissions(&run, PermissionsExt::from_mode(0o700)).expect("private directory");
        Self { arguments: Vec::new(), directory, health_port: free_port(), process: None, program: None }
    }

    /// Runs this binary instead of [`binary`]: an older release, say.
    #[must_use]
    pub fn program(mut self, path: &Path) -> Self {
        self.program = Some(path.to_owned());
        self
    }

    /// Writes a file into the directory, at once and whole (by renaming), and returns its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        let new = self.path(&format!(".{name}.new"));
        std::fs::write(&new, content).expect("write a file for the sidecar");
        std::fs::rename(&new, &path).expect("put a file in its place");
        path
    }

    /// The path of a file in the directory.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The path of the socket, in a directory that nobody else may enter.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.path("run/sync.sock")
    }

    /// The port of its health address.
    #[must_use]
    pub fn health_port(&self) -> u16 {
        self.health_port
    }

    /// Starts it with these flags and waits until it is ready. In the flags, `${DIR}` is the directory,
    /// `${SOCKET}` the socket and `${HEALTH}` the health address, `127.0.0.1:PORT`.
    pub async fn start(&mut self, flags: &[&str]) {
        self.spawn(flags).await;
        self.until_ready().await;
    }

    /// As [`Self::start`], without waiting. Wait with [`Self::until`] for what the test is about.
    pub async fn spawn(&mut self, flags: &[&str]) {
        self.arguments = flags.iter().map(|flag| self.rendered(flag)).collect();
        self.run().await;
    }

    /// Starts it again with the flags of before, and waits until it is ready.
    pub async fn restart(&mut self) {
        self.run().await;
        self.until_ready().await;
    }

    /// Waits until `/readyz` says 200.
    pub async fn until_ready(&mut self) {
        let port = self.health_port;
        let ready = async || {
            let answer = Client::plain(port).get("/readyz").try_send().await.ok()?;
            (answer.status == 200).then_some(())
        };
        self.until(PATIENCE, "/readyz says 200", ready).await;
    }

    /// Waits until `look` finds something; panics, with the log, when the sidecar ends first.
    pub async fn until<T>(
        &mut self,
        deadline: Duration,
        what: &str,
        look: impl AsyncFnMut() -> Option<T>,
    ) -> T {
        self.process().until(deadline, what, look).await
    }

    /// Waits until the log holds this text.
    pub async fn until_logged(&mut self, text: &str) {
        let log = self.path("log");
        let logged = async || {
            let bytes = tokio::fs::read(&log).await.unwrap_or_default();
            String::from_utf8_lossy(&bytes).contains(text).then_some(())
        };
        self.until(PATIENCE, &format!("logs {text:?}"), logged).await;
    }

    /// A GET on its health address: `/livez`, `/readyz?verbose`, `/metrics`.
    pub async fn health(&self, path: &str) -> Response {
        Client::plain(self.health_port).get(path).send().await
    }

    /// One sample of its metrics, by the name with its labels as they are printed; `None` while there is none.
    pub async fn metric(&self, name: &str) -> Option<f64> {
        let text = self.health("/metrics").await.text();
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// Asks it to end (SIGTERM); panics unless it ends with code 0.
    pub async fn stop(&mut self) {
        let status = self.process().terminate(PATIENCE).await;
        assert!(status.success(), "jwks-sync: {status}\n{}", self.log());
        self.process = None;
    }

    /// Ends it at once (SIGKILL).
    pub async fn kill(&mut self) {
        self.process().kill().await;
        self.process = None;
    }

    /// Waits for an end of its own accord, and returns its exit code.
    pub async fn exit_code(&mut self) -> Option<i32> {
        let status = self.process().end(PATIENCE).await;
        self.process = None;
        status.code()
    }

    /// All that it logged, over all its lives.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.path("log")).unwrap_or_default()).into_owned()
    }

    /// Runs a subcommand to its end (`check`, `explain`), with the same placeholders.
    pub async fn command(&self, arguments: &[&str]) -> std::process::Output {
        self.command_with(arguments, &[]).await
    }

    /// As [`Self::command`], with these environment variables.
    pub async fn command_with(
        &self,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> std::process::Output {
        let arguments = arguments.iter().map(|argument| self.rendered(argument));
        let mut command = Command::new(self.binary().await);
        command.args(arguments).envs(environment.iter().copied()).kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("the subcommand ends");
        output.expect("run jwks-sync")
    }

    async fn run(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        let mut command = Command::new(self.binary().await);
        command.args(&self.arguments).env("RUST_BACKTRACE", "1");
        self.process = Some(Process::start("jwks-sync", &mut command, &self.path("log")));
    }

    async fn binary(&self) -> PathBuf {
        match &self.program {
            Some(path) => path.clone(),
            None => binary().await,
        }
    }

    fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("the sidecar runs")
    }

    fn rendered(&self, argument: &str) -> String {
        let text = |path: &Path| path.to_str().expect("a path of UTF-8").to_owned();
        let (directory, socket) = (text(self.directory.path()), text(&self.socket()));
        let health = format!("127.0.0.1:{}", self.health_port);
        render(argument, &[("DIR", &directory), ("SOCKET", &socket), ("HEALTH", &health)])
    }
}

/// The binary: what `JWKS_SYNC` names, else one built already (profile `sidecar`, `release` or `debug`, the newest).
pub async fn binary() -> PathBuf {
    static FOUND: OnceCell<PathBuf> = OnceCell::const_new();
    let find = async || {
        if let Some(path) = std::env::var_os("JWKS_SYNC") {
            let path = PathBuf::from(path);
            assert!(path.is_file(), "JWKS_SYNC={} is not a file", path.display());
            return path;
        }
        let target = target_directory();
        let built = ["sidecar", "release", "debug"].map(|profile| target.join(profile).join("jwks-sync"));
        let age = |path: &PathBuf| path.metadata().and_then(|file| file.modified()).ok();
        let newest = built.iter().filter(|path| path.is_file()).max_by_key(|path| age(path)).cloned();
        newest.unwrap_or_else(|| {
            panic!("no jwks-sync in {}: build it, or name it in JWKS_SYNC", target.display())
        })
    };
    FOUND.get_or_init(find).await.clone()
}

/// The directory that cargo builds into: this very test was built there (`TARGET/PROFILE/deps/TEST`).
#[must_use]
pub fn target_directory() -> PathBuf {
    let here = std::env::current_exe().expect("path of this test");
    let deps = here.ancestors().find(|path| path.ends_with("deps"));
    let target = deps.and_then(Path::parent).and_then(Path::parent).map(Path::to_owned);
    target.unwrap_or_else(|| repository().join("target"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_its_files_and_its_flags() {
        let sidecar = Sidecar::new();
        let path = sidecar.write("a.yaml", "x: 1");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "x: 1");
        assert_eq!(sidecar.rendered("--a=${DIR}/a.yaml"), format!("--a={}", path.display()));
        assert_eq!(sidecar.rendered("${HEALTH}"), format!("127.0.0.1:{}", sidecar.health_port()));
        assert!(sidecar.socket().parent().unwrap().metadata().unwrap().permissions().mode() & 0o077 == 0);
    }

    #[tokio::test]
    async fn a_life_ends_as_it_is_told() {
        let mut sidecar = Sidecar::new();
        let text = "trap 'echo bye; exit 0' TERM; echo \"started with $1\"; while :; do sleep 0.01; done";
        sidecar.write("script", text);
        sidecar = sidecar.program(Path::new("/bin/sh"));
        sidecar.spawn(&["${DIR}/script", "--socket=${SOCKET}"]).await;
        let started = format!("started with --socket={}\n", sidecar.socket().display());
        sidecar.until_logged(&started).await;
        sidecar.stop().await;
        sidecar.spawn(&["${DIR}/script", "two"]).await;
        sidecar.until_logged("started with two").await;
        sidecar.kill().await;
        assert_eq!(sidecar.log(), format!("{started}bye\nstarted with two\n"));
    }
}

//! What keeps a server from outliving its test: a shell between the two, which reads a
//! pipe that only the test process holds. The pipe ends with that process, even if it is
//! killed; the shell then ends the server and removes its folder.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Who a server runs as that refuses to be the superuser's ("nobody").
const NOBODY: u32 = 65534;
/// How long a server may take to start or to end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Orders come as lines: `start`, and `end SIGNAL`, which waits for the end. Each is
/// answered with a line. The server leads a process group of its own.
const SCRIPT: &str = r#"
folder=$1; last=$2; shift 2; pid=
end() {
    [ -n "$pid" ] || return
    kill -s "$1" -- "-$pid" 2>/dev/null || kill -s "$1" "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null; pid=
}
while read -r order signal; do
    case $order in
        start) setsid "$@" </dev/null >>"$folder/server.log" 2>&1 & pid=$!; echo "$pid" ;;
        end) end "$signal"; echo ended ;;
    esac
done
end "$last"
rm -rf "$folder"
"#;

/// A new folder that the server's user owns.
pub(crate) fn new_folder(prefix: &str) -> PathBuf {
    let folder = tempfile::Builder::new().prefix(prefix).tempdir().expect("a temporary folder can be made").keep();
    if is_superuser() {
        std::os::unix::fs::chown(&folder, Some(NOBODY), Some(NOBODY)).expect("the superuser may give a folder away");
    }
    folder
}

fn is_superuser() -> bool {
    rustix::process::geteuid().is_root()
}

/// A command that runs as the server's user.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    // The folder of the tests may be closed to that user.
    command.current_dir("/");
    if is_superuser() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// A server that can be started and ended any number of times.
#[derive(Debug)]
pub(crate) struct Supervisor {
    shell: Child,
    /// Its end is what the shell waits for.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    folder: PathBuf,
    server: Option<u32>,
}

impl Supervisor {
    /// For a server that runs in that folder and ends by that signal, without asking
    /// anybody, once the test process has. It is not started yet.
    pub(crate) fn new(folder: &Path, last_signal: &str, server: &Command) -> Self {
        let mut shell = command("/bin/sh");
        shell.arg("-c").arg(SCRIPT).arg("supervisor").arg(folder).arg(last_signal);
        shell.arg(server.get_program()).args(server.get_args());
        for (name, value) in server.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        // A group of its own: what is typed at the terminal is meant for the tests.
        shell.process_group(0).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = shell.spawn().expect("there is a shell");
        let orders = shell.stdin.take();
        let answers = BufReader::new(shell.stdout.take().expect("it is piped"));
        Self { shell, orders, answers, folder: folder.to_owned(), server: None }
    }

    fn order(&mut self, order: &str) -> String {
        let pipe = self.orders.as_mut().expect("it is taken at the end only");
        writeln!(pipe, "{order}").expect("the supervisor reads its orders");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the supervisor answers");
        answer.trim().to_owned()
    }

    pub(crate) fn start(&mut self) {
        assert!(self.server.is_none(), "it runs already");
        self.server = self.order("start").parse().ok();
    }

    /// Ends the server by a signal (`INT`, `KILL`…) and waits until it has ended.
    pub(crate) fn end(&mut self, signal: &str) {
        self.order(&format!("end {signal}"));
        self.server = None;
    }

    /// Whether the server's process lives; one that ended on its own is still to be ended.
    pub(crate) fn lives(&self) -> bool {
        let Some(pid) = self.server else { return false };
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The state follows the name, which is in parentheses: Z is what nobody has waited for.
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    }

    /// What the server has said, for a panic's message.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.folder.join("server.log")).unwrap_or_default()
    }

    /// Waits for the server to be ready; `false` where it ended instead.
    pub(crate) fn wait_until(&self, ready: impl Fn() -> bool) -> bool {
        let begin = Instant::now();
        while self.lives() {
            if ready() {
                return true;
            }
            assert!(begin.elapsed() < PATIENCE, "the server is not ready after two minutes:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

/// Waits for the folder to be gone as well.
impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.orders.take());
        // An error means that it has ended.
        let _ = self.shell.wait();
    }
}

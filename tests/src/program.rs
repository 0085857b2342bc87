//! The built program, run as its users run it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::wait;

/// How long a command may take that ends by itself.
const LIMIT: Duration = Duration::from_secs(180);

/// The program, built with every feature: `cargo xtask test` does so before it runs the tests.
pub fn path() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    // target/<profile>/deps/<test>
    let program = test.ancestors().nth(2).unwrap().join("strongroom");
    assert!(program.exists(), "{} is missing: `cargo xtask test` builds it before the tests", program.display());
    program
}

/// A command line of the program, about to be run.
#[derive(Debug)]
pub struct Call {
    command: Command,
    line: String,
    folder: PathBuf,
}

#[derive(Debug)]
pub struct Ended {
    line: String,
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// A call that runs in the background, and is killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    line: String,
    output: (PathBuf, PathBuf),
}

impl Call {
    /// The program with these arguments, in that folder, with nothing from our own environment
    /// that could lead it elsewhere.
    pub fn new(folder: &Path, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let mut command = Command::new(path());
        command.args(args).current_dir(folder).env_clear().stdin(Stdio::null());
        command
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder)
            .env("RUST_BACKTRACE", "1");
        let words: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect();
        Self { line: format!("strongroom {}", words.join(" ")), command, folder: folder.to_owned() }
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.line = format!("{name}={value} {}", self.line);
        self.command.env(name, value);
        self
    }

    /// Killed by its own hand when it passes that place for the n-th time.
    pub fn kill_at(self, place: &str, passing: u32) -> Self {
        self.env("STRONGROOM_KILL_AT", &format!("{place}:{passing}"))
    }

    /// Started by another program, which gets the program and its arguments after its own, and becomes it.
    pub fn through(mut self, wrapper: &[&str]) -> Self {
        let mut command = Command::new(wrapper[0]);
        command.args(&wrapper[1..]).arg(self.command.get_program()).args(self.command.get_args());
        command.current_dir(&self.folder).env_clear().stdin(Stdio::null());
        command.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        self.command = command;
        self
    }

    pub fn run(self) -> Ended {
        self.start().wait()
    }

    /// Starts it in the background. Its output goes to files, so that it never waits for us to read.
    pub fn start(mut self) -> Running {
        let outputs = self.folder.join(".rig-output");
        fs::create_dir_all(&outputs).unwrap();
        let name = format!("{:016x}", fastrand::u64(..));
        let output = (outputs.join(format!("{name}.out")), outputs.join(format!("{name}.err")));
        self.command.stdout(File::create(&output.0).unwrap()).stderr(File::create(&output.1).unwrap());
        let child = self.command.spawn().unwrap_or_else(|error| panic!("`{}` cannot be started: {error}", self.line));
        Running { child, line: self.line, output }
    }
}

impl Running {
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.output.0).unwrap()).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.output.1).unwrap()).into_owned()
    }

    /// Waits until it has said something in which `find` finds what it looks for, on either stream.
    pub fn until_said<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let line = self.line.clone();
        wait::until(&format!("`{line}` to say {what}"), || {
            let said = format!("{}\n{}", self.stdout(), self.stderr());
            let found = find(&said);
            let ended = found.is_none() && self.child.try_wait().unwrap().is_some();
            assert!(!ended, "`{line}` ended before it said {what}:\n{said}");
            found
        })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What a second Ctrl-C, or a first, sends.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// What `systemctl stop` sends.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Stops it in the middle of whatever it does, as a host does that is suspended.
    pub fn suspend(&self) {
        self.signal(Signal::STOP);
    }

    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        // It may have ended by itself meanwhile.
        let _ = kill_process(pid, signal);
    }

    /// As the power cut does: no destructor runs.
    pub fn kill(mut self) -> Ended {
        let _ = self.child.kill();
        self.wait()
    }

    /// Has it end in order, which it must not have done by itself.
    pub fn stop(self) {
        stop_all(vec![self]);
    }

    pub fn wait(mut self) -> Ended {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if started.elapsed() > LIMIT {
                panic!("`{}` does not end:\n{}\n{}", self.line, self.stdout(), self.stderr());
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        Ended { line: self.line.clone(), status, stdout: self.stdout(), stderr: self.stderr() }
    }
}

/// Has them end in order, all at once.
pub fn stop_all(mut processes: Vec<Running>) {
    for process in &mut processes {
        assert!(process.is_running(), "a process ended by itself:\n{}", process.stderr());
        process.terminate();
    }
    for process in processes {
        process.wait().expect_code(0);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// Its exit code; `None` where a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    pub fn was_killed(&self) -> bool {
        self.status.signal() == Some(Signal::KILL.as_raw())
    }

    pub fn said(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }

    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code(), Some(code), "`{}` ended with {}:\n{}", self.line, self.status, self.said());
        self
    }

    pub fn expect_killed(self) -> Self {
        assert!(self.was_killed(), "`{}` ended with {}:\n{}", self.line, self.status, self.said());
        self
    }

    pub fn expect_said(self, part: &str) -> Self {
        assert!(self.said().contains(part), "`{}` did not say {part:?}:\n{}", self.line, self.said());
        self
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("`{}` printed no JSON ({error}):\n{}", self.line, self.said()))
    }
}

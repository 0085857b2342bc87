//! Processors' time of the processes that this one has started, which other programs on the machine
//! do not change much.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::iter::Sum;
use std::ops::{Add, Sub};
use std::time::Duration;

/// The unit of times in `/proc/<pid>/stat`, the same on every Linux that we build for.
const TICK: Duration = Duration::from_millis(10);
/// Where they stand there, counted from behind the program's name: the parent, then the process's
/// own two times and those of its children that have ended.
const PARENT: usize = 1;
const TIMES: std::ops::Range<usize> = 11..15;

/// What was used, by whom.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cpu {
    /// The program, but for its document server.
    pub(crate) program: Duration,
    pub(crate) postgres: Duration,
    pub(crate) rabbitmq: Duration,
    pub(crate) document_server: Duration,
}

impl Cpu {
    /// What all processes beneath this one have used so far; those that have ended, too.
    pub(crate) fn so_far(document_server: u32) -> Self {
        let processes: HashMap<u32, Process> = fs::read_dir("/proc").unwrap().filter_map(process).collect();
        let us = std::process::id();
        let is_ours = |mut pid: u32| loop {
            match processes.get(&pid) {
                _ if pid == us => return true,
                Some(process) => pid = process.parent,
                None => return false,
            }
        };
        // A program that has ended is in our own account.
        let ours = processes.iter().filter(|(pid, _)| is_ours(**pid));
        ours.map(|(pid, process)| process.account(*pid == document_server)).sum()
    }

    /// All but the document server, which is asked the same by whoever asks.
    pub(crate) fn without_server(&self) -> Duration {
        self.program + self.postgres + self.rabbitmq
    }
}

struct Process {
    name: String,
    parent: u32,
    used: Duration,
}

impl Process {
    fn account(&self, is_document_server: bool) -> Cpu {
        let mut cpu = Cpu::default();
        let of = match self.name.as_str() {
            "postgres" => &mut cpu.postgres,
            "beam.smp" => &mut cpu.rabbitmq,
            _ if is_document_server => &mut cpu.document_server,
            _ => &mut cpu.program,
        };
        *of = self.used;
        cpu
    }
}

fn process(entry: std::io::Result<fs::DirEntry>) -> Option<(u32, Process)> {
    let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything.
    let (head, rest) = stat.rsplit_once(") ")?;
    let name = head.split_once('(')?.1.to_owned();
    let numbers: Vec<u32> = rest.split(' ').map(|word| word.parse().unwrap_or(0)).collect();
    // Our own work is the measuring; what our children used is theirs.
    let times = if pid == std::process::id() { TIMES.start + 2..TIMES.end } else { TIMES };
    let used = TICK * numbers.get(times)?.iter().sum::<u32>();
    Some((pid, Process { name, parent: *numbers.get(PARENT)?, used }))
}

impl Add for Cpu {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            program: self.program + other.program,
            postgres: self.postgres + other.postgres,
            rabbitmq: self.rabbitmq + other.rabbitmq,
            document_server: self.document_server + other.document_server,
        }
    }
}

impl Sub for Cpu {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            program: self.program.saturating_sub(other.program),
            postgres: self.postgres.saturating_sub(other.postgres),
            rabbitmq: self.rabbitmq.saturating_sub(other.rabbitmq),
            document_server: self.document_server.saturating_sub(other.document_server),
        }
    }
}

impl Sum for Cpu {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.1?} CPU in the program, {:.1?} in Postgres, {:.1?} in RabbitMQ, {:.1?} in the document server",
            self.program, self.postgres, self.rabbitmq, self.document_server
        )
    }
}

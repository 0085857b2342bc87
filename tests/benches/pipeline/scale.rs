//! One month of many small files: what each costs, and how much memory the program takes.

use std::fs;
use std::time::{Duration, Instant};

use strongroom_servers::target::{Asked, line};

use crate::cpu::Cpu;
use crate::place::{Place, Servers};
use crate::setting;

/// How many files a month has, unless the environment says how many at the most.
const SIZES: [usize; 3] = [10_000, 60_000, 200_000];
/// How large each is, in bytes.
const FILE_BYTES: usize = 2_000;
/// How much longer a file may take in the largest month than in the smallest.
const RATIO: f64 = 1.2;
/// How much the program may take, and the document server, in MiB.
const MAX_MIB: f64 = 100.0;

/// What a month took.
struct Month {
    time: Duration,
    cpu: Cpu,
    program_mib: f64,
    server_mib: f64,
}

/// `run --once` over each month. Beside the time stands the processors', which other programs on the machine change less.
pub(crate) fn months(_servers: &Servers) {
    let most = setting("STRONGROOM_BENCH_SCALE", SIZES[2]);
    let mut smallest = None;
    for files in SIZES.into_iter().filter(|files| *files <= most) {
        let month = once(files);
        let each_us = |time: Duration| time.as_secs_f64() * 1e6 / files as f64;
        let (each, cpu) = (each_us(month.time), each_us(month.cpu.program + month.cpu.document_server));
        println!("a month of {files} files: {:.1?}, {each:.0} µs a file; {}", month.time, month.cpu);
        for (who, mib) in [("the program", month.program_mib), ("the document server", month.server_mib)] {
            line(&format!("memory of {who} with a month of {files} files"), mib, "MiB", Asked::AtMost(MAX_MIB));
        }
        let (first_each, first_cpu) = *smallest.get_or_insert((each, cpu));
        if files > SIZES[0] {
            let what = format!("a file in a month of {files}, to one of {}", SIZES[0]);
            line(&what, each / first_each, "of its time", Asked::AtMost(RATIO));
            line(&what, cpu / first_cpu, "of its processors' time", Asked::AtMost(RATIO));
        }
    }
}

fn once(files: usize) -> Month {
    let mut place = Place::embedded();
    let mut random = fastrand::Rng::with_seed(7);
    place.serve(|folder| {
        for number in 0..files {
            let bytes: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(FILE_BYTES).collect();
            fs::write(folder.join(format!("timesheet-{number:06}.pdf")), bytes).unwrap();
        }
    });
    let (begin, used) = (Instant::now(), place.cpu());
    let mut run = place.site.call(["run", "--once", "--json"]).start();
    let mut program_mib: f64 = 0.0;
    while run.is_running() {
        program_mib = program_mib.max(peak_of(run.id()).unwrap_or_default());
        std::thread::sleep(Duration::from_millis(50));
    }
    let time = begin.elapsed();
    let ending = run.wait().expect_code(0).json();
    assert_eq!(ending["archived"], files, "{ending}");
    let server_mib = peak_of(place.server()).expect("the document server still runs");
    Month { time, cpu: place.cpu() - used, program_mib, server_mib }
}

fn peak_of(process: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.trim().trim_end_matches(" kB").parse::<f64>().ok()? / 1024.0)
}

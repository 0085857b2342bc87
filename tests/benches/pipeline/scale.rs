//! One month of many small files: what each costs, and how much memory the program takes.

use std::fs;
use std::time::{Duration, Instant};

use strongroom_servers::target::{Asked, line};

use crate::place::{Place, Servers};
use crate::setting;

/// How many files a month has, unless the environment says how many at the most.
const SIZES: [usize; 3] = [10_000, 60_000, 200_000];
/// How large each is, in bytes.
const FILE_BYTES: usize = 2_000;
/// How much longer a file may take in the largest month than in the smallest.
const RATIO: f64 = 1.2;
/// How much the program may take, in MiB.
const MOST_MIB: f64 = 100.0;

/// `run --once` over each month.
pub(crate) fn months(_servers: &Servers) {
    let most = setting("STRONGROOM_BENCH_SCALE", SIZES[2]);
    let mut smallest = None;
    for files in SIZES.into_iter().filter(|files| *files <= most) {
        let (time, peak_mib) = once(files);
        let each_us = time.as_secs_f64() * 1e6 / files as f64;
        println!("a month of {files} files: {time:.1?}, {each_us:.0} µs a file");
        line(&format!("memory with a month of {files} files"), peak_mib, "MiB", Asked::AtMost(MOST_MIB));
        match smallest {
            None => smallest = Some(each_us),
            Some(smallest) => {
                let what = format!("a file in a month of {files}, to one of {}", SIZES[0]);
                line(&what, each_us / smallest, "of its time", Asked::AtMost(RATIO));
            }
        }
    }
}

fn once(files: usize) -> (Duration, f64) {
    let mut place = Place::embedded();
    let mut random = fastrand::Rng::with_seed(7);
    place.serve(|folder| {
        for number in 0..files {
            let bytes: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(FILE_BYTES).collect();
            fs::write(folder.join(format!("timesheet-{number:06}.pdf")), bytes).unwrap();
        }
    });
    let begin = Instant::now();
    let mut run = place.site.call(["run", "--once", "--json"]).start();
    let mut peak_mib: f64 = 0.0;
    while run.is_running() {
        peak_mib = peak_mib.max(peak_of(run.id()).unwrap_or_default());
        std::thread::sleep(Duration::from_millis(50));
    }
    let time = begin.elapsed();
    let ending = run.wait().expect_code(0).json();
    assert_eq!(ending["archived"], files, "{ending}");
    (time, peak_mib)
}

fn peak_of(process: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.trim().trim_end_matches(" kB").parse::<f64>().ok()? / 1024.0)
}

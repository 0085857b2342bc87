//! A timesheet as a PDF file that any reader opens.
//!
//! One A4 page: a heading, a week's hours, and a grey "scan" below, whose size makes the
//! file as large as wanted. The same number always gives the same bytes.

use fastrand::Rng;
use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, Str};

/// The smallest and the largest file that the demo makes. Real timesheets are a page of
/// text at the least and a photographed sheet at the most.
pub(crate) const SIZES_BYTES: std::ops::RangeInclusive<usize> = 8 * 1024..=4 * 1024 * 1024;
/// What a page takes beside its scan, roughly.
const PAGE_BYTES: usize = 2 * 1024;
/// How wide the scan is, in pixels of one byte each. With this the smallest file's scan
/// is a strip and the largest one's a sheet.
const SCAN_WIDTH: usize = 1024;

const STAFF: [&str; 8] =
    ["A. Ferreira", "B. Okafor", "C. Lindqvist", "D. Novak", "E. Tanaka", "F. Moreau", "G. Haddad", "H. Silva"];
const PLACES: [&str; 6] =
    ["Harbour depot", "North ward", "Main kitchen", "Site office 4", "DemoBooking 2, late shift", "Reading room"];

pub(crate) struct Timesheet {
    pub(crate) filename: String,
    pub(crate) bytes: Vec<u8>,
}

/// The timesheet with that number, counted from 1.
pub(crate) fn timesheet(number: u32) -> Timesheet {
    let bytes = size(&mut Rng::with_seed(u64::from(number)));
    timesheet_of(number, bytes)
}

/// The same, of about that size.
pub(crate) fn timesheet_of(number: u32, bytes: usize) -> Timesheet {
    let mut rng = Rng::with_seed(!u64::from(number));
    let staff = STAFF[rng.usize(..STAFF.len())];
    let week = 1 + number % 52;
    let scan = bytes.saturating_sub(PAGE_BYTES).div_ceil(SCAN_WIDTH).max(1);
    let pixels = scan_pixels(&mut rng, scan);
    Timesheet {
        filename: format!("timesheet {number:04} - {staff} - week {week:02}.pdf"),
        bytes: page(&lines(&mut rng, number, staff, week), &pixels),
    }
}

/// Sizes spread evenly over their orders of magnitude: many small, a few large.
fn size(rng: &mut Rng) -> usize {
    let (least, most) = (*SIZES_BYTES.start() as f64, *SIZES_BYTES.end() as f64);
    (least * (most / least).powf(rng.f64())) as usize
}

/// Paper: light grey with grain, so that no disk or network can compress it away.
fn scan_pixels(rng: &mut Rng, rows: usize) -> Vec<u8> {
    let mut pixels = vec![0; SCAN_WIDTH * rows];
    rng.fill(&mut pixels);
    for pixel in &mut pixels {
        *pixel = 200 + *pixel % 56;
    }
    pixels
}

fn lines(rng: &mut Rng, number: u32, staff: &str, week: u32) -> Vec<String> {
    let mut lines = vec![format!("Timesheet {number:04}"), format!("{staff}, week {week:02}"), String::new()];
    let mut total = 0;
    for day in ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"] {
        let hours = rng.u32(4..=10);
        total += hours;
        lines.push(format!("{day}: {hours} h, {}", PLACES[rng.usize(..PLACES.len())]));
    }
    lines.extend([String::new(), format!("Total: {total} h"), "Signed off by the client's staff.".to_owned()]);
    lines
}

fn page(lines: &[String], pixels: &[u8]) -> Vec<u8> {
    let [catalog, pages, page_id, font, contents, image_id] = [1, 2, 3, 4, 5, 6].map(Ref::new);
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(pages);
    pdf.pages(pages).kids([page_id]).count(1);
    let mut page = pdf.page(page_id);
    page.media_box(Rect::new(0.0, 0.0, 595.0, 842.0));
    page.parent(pages).contents(contents);
    let mut resources = page.resources();
    resources.fonts().pair(Name(b"F1"), font);
    resources.x_objects().pair(Name(b"Scan"), image_id);
    resources.finish();
    page.finish();
    pdf.type1_font(font).base_font(Name(b"Helvetica"));
    pdf.stream(contents, &drawing(lines));
    let rows = pixels.len() / SCAN_WIDTH;
    let mut image = pdf.image_xobject(image_id, pixels);
    image.width(SCAN_WIDTH as i32).height(i32::try_from(rows).expect("a scan has a few thousand rows"));
    image.color_space().device_gray();
    image.bits_per_component(8);
    image.finish();
    pdf.finish()
}

fn drawing(lines: &[String]) -> Vec<u8> {
    let mut content = Content::new();
    content.save_state();
    content.transform([475.0, 0.0, 0.0, 360.0, 60.0, 60.0]).x_object(Name(b"Scan"));
    content.restore_state();
    content.begin_text().set_font(Name(b"F1"), 13.0).set_leading(20.0).next_line(60.0, 770.0);
    for line in lines {
        content.show(Str(line.as_bytes()));
        content.next_line_using_leading();
    }
    content.end_text();
    content.finish().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_gives_the_same_file() {
        assert_eq!(timesheet(7).bytes, timesheet(7).bytes);
        assert_ne!(timesheet(7).bytes, timesheet(8).bytes);
    }

    #[test]
    fn sizes_are_spread_between_their_bounds() {
        let sizes: Vec<usize> = (1..=60).map(|number| timesheet(number).bytes.len()).collect();
        let (least, most) = (*SIZES_BYTES.start() / 2, *SIZES_BYTES.end() + PAGE_BYTES);
        assert!(sizes.iter().all(|size| (least..=most).contains(size)), "{sizes:?}");
        assert!(sizes.iter().any(|size| *size < 64 * 1024), "{sizes:?}");
        assert!(sizes.iter().any(|size| *size > 1024 * 1024), "{sizes:?}");
    }

    #[test]
    fn the_cross_reference_table_points_at_every_object() {
        let bytes = timesheet(3).bytes;
        assert!(bytes.starts_with(b"%PDF-") && bytes.trim_ascii_end().ends_with(b"%%EOF"));
        let find = |needle: &[u8]| bytes.windows(needle.len()).rposition(|window| window == needle).unwrap();
        let table = std::str::from_utf8(&bytes[find(b"xref\n0 7")..find(b"trailer")]).unwrap();
        for (number, entry) in table.lines().skip(3).enumerate() {
            let offset: usize = entry[..10].parse().unwrap();
            assert!(bytes[offset..].starts_with(format!("{} 0 obj", number + 1).as_bytes()), "{entry}");
        }
    }
}

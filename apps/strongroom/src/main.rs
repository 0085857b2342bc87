//! The one program: `strongroom <verb>`.

fn main() {}

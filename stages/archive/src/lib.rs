//! strongroom-archive.

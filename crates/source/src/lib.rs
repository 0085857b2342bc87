//! strongroom-source.

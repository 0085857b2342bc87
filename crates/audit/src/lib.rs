//! strongroom-audit.

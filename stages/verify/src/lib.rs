//! strongroom-verify.

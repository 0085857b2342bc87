//! strongroom-tests.

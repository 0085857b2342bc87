//! strongroom-eventlog.

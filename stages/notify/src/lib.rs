//! strongroom-notify.

//! strongroom-drive.

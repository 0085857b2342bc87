//! strongroom-fetch.

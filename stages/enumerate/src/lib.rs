//! strongroom-enumerate.

//! The plugin's side of the protocol, for plugins in Rust: implement [`Plugin`], call [`serve_stdio`].

mod cancelled;
mod plugin;
mod serve;
mod speech;

#[cfg(test)]
mod tests;

pub use self::cancelled::Cancelled;
pub use self::plugin::Plugin;
pub use self::serve::{serve, serve_stdio};
pub use self::speech::Speaker;

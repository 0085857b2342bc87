//! Settling tasks.
use std::marker::PhantomData;
/// Settles tasks of one stage.
#[derive(Debug)]
pub struct Settle<S>(PhantomData<S>);

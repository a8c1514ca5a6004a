//! What runs the server's end of a WebSocket connection: a handler that the user gives.

use std::future::Future;

use futures_util::future::{FutureExt, Map};

use super::socket::ServerSocket;
use crate::error::{BoxError, Error, ErrorKind};
use crate::mode::{AcceptTask, Mode};

/// Has the server's end of connections: what the closures given to
/// [`accept_with`](crate::When::accept_with) are wrapped in.
pub trait SocketHandler<M: Mode> {
    #[doc(hidden)]
    fn accept(&self, socket: ServerSocket<M>) -> M::Task;
}

/// A closure that gives the future of one connection.
#[doc(hidden)]
#[derive(Debug)]
pub struct Accepting<F>(pub(crate) F);

/// What the future of a handler may give: nothing, or a result of nothing.
#[derive(Debug)]
pub struct Handled(Result<(), Error>);

/// The future of an [`Accepting`], with its output made a result.
pub(crate) type HandlerTask<A> = Map<A, fn(<A as Future>::Output) -> Result<(), Error>>;

impl<M, F, A> SocketHandler<M> for Accepting<F>
where
    M: AcceptTask<HandlerTask<A>>,
    F: Fn(ServerSocket<M>) -> A,
    A: Future<Output: Into<Handled>>,
{
    fn accept(&self, socket: ServerSocket<M>) -> M::Task {
        let result: fn(A::Output) -> Result<(), Error> = |output| output.into().0;
        M::erase_task((self.0)(socket).map(result))
    }
}

impl From<()> for Handled {
    fn from((): ()) -> Self {
        Self(Ok(()))
    }
}

/// So that a handler can use `?`.
impl<E: Into<BoxError>> From<Result<(), E>> for Handled {
    fn from(result: Result<(), E>) -> Self {
        let rule = String::new();
        let failed = |error| Error::with_source(ErrorKind::HandlerFailed { rule }, error);
        Self(result.map_err(failed))
    }
}

//! Floors, peers and mockwire, measured in one interleaved run.
//!
//! * [`harness`]: rounds, slices, medians and spread; quick mode.
//! * [`alloc`]: an allocator that counts exactly what this thread asks for.
//! * [`fixtures`]: the request and the reply everyone exchanges.
//! * [`floor`]: the mock one would write by hand on tower.
//! * [`duplex`]: hyper at both ends of a pipe, the floor beneath a real client.
//! * [`real_client`]: hyper-util's client, which the peers and the pipe are asked by.
//! * [`peers`]: wiremock, httpmock and mockito behind one small interface.
//! * [`subject`]: mockwire; the only file that calls its transport.
//! * [`goals`]: one module per group of goals, each returning rows.
//! * [`report`]: the rows, the table and the JSON file.

#![allow(async_fn_in_trait, reason = "every call is static and on one thread")]

pub mod alloc;
pub mod duplex;
pub mod fixtures;
pub mod floor;
pub mod goals;
pub mod harness;
pub mod peers;
pub mod real_client;
pub mod report;
pub mod subject;
